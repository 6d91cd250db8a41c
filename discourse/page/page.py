"""The report: one HTML file that needs nothing else, loads nothing and holds nothing about a person.

What a reader needs first comes first: the answer in words, then the charts, then what was read, dropped and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from discourse.corpus.posts import Step
from discourse.page.answer import Sentence
from discourse.page.assets import as_json, policy, script, style
from discourse.page.chart_data import REPLACED, chart_data, charts_of
from discourse.page.chart_svg import chart_svg, side_class, sides_at_first
from discourse.page.chart_table import MOST, chart_grid, coverage_grid
from discourse.page.effects import EffectTables, effect_sentences, effect_tables
from discourse.page.grid import few, files_grid, grid, history_grid, printed, thin
from discourse.page.methods import GLOSSARY, LIMITS, READING
from discourse.page.pictures import ROOM, ReportFigure, pictures
from discourse.report.guard import visible
from discourse.report.rows import day_name, measure_name
from discourse.schema import EVENTS, SERIES
from discourse.whole import write_whole

__all__ = ["ReportContent", "ReportFigure", "render_report", "write_report"]

_WEB = re.compile(r"https?://[^\s<>\"']+")
_TYPES = {"escalation": "escalation", "closure": "border closed", "deescalation": "de-escalation",
          "breakdown": "talks broke down"}  # fmt: skip


_CARRIED = 110_000  # style, script and font
_SWITCHES = ("weights", "methods")
_SECTIONS = {"effects": ("effects", "event-", "smooth-"), "rows": ("composition", "coverage", "waves"),
             "labels": ("agreement",), "scores": ("confusion", "calibration", "learning-curve", "words-")}  # fmt: skip


@dataclass(frozen=True)
class ReportContent:
    """Everything the page says. Tables without rows are left out, except the account of rows.

    `answer` are sentences, those of `answered` with what they are about; `facts` pairs of a number and what it counts.
    `files` has the columns of `corpus.posts.FILES`; `history` the steps of the corpus; `quarantine` reason and rows
    (any further count columns are shown too); `sides` that of `Sides.evidence`; `languages` that of
    `text.sentiment.coverage`; `labels` pairs of what and value; `agreement`, `scores` and `series` the tables of those
    names, `slices` that of `over_groups`, `truth` known shares (window, side, frame, share), `effects` those of the
    stage `effects` with small cells withheld. `cautions` are sentences of guards, `decided` those of what was frozen,
    with the table `decisions`, and `hypotheses` the answers to those named beforehand. `methods` are heads and texts
    for readers without statistics, `cite` lines on how to cite, `manifest` the record of `manifest`. `made_up` marks
    a corpus that no person wrote.
    """

    title: str
    made_up: bool
    answer: Sequence[Sentence | str]
    files: pl.DataFrame
    history: Sequence[Step]
    quarantine: pl.DataFrame = field(default_factory=pl.DataFrame)
    sides: pl.DataFrame = field(default_factory=pl.DataFrame)
    languages: pl.DataFrame = field(default_factory=pl.DataFrame)
    labels: Sequence[tuple[str, str | int | float]] = ()
    agreement: pl.DataFrame = field(default_factory=pl.DataFrame)
    scores: pl.DataFrame = field(default_factory=pl.DataFrame)
    series: pl.DataFrame = field(default_factory=SERIES.empty)
    slices: pl.DataFrame = field(default_factory=pl.DataFrame)
    events: pl.DataFrame = field(default_factory=EVENTS.empty)
    truth: pl.DataFrame | None = None
    effects: EffectTables | None = None
    cautions: Sequence[str] = ()
    decided: Sequence[str] = ()
    decisions: pl.DataFrame = field(default_factory=pl.DataFrame)
    hypotheses: pl.DataFrame = field(default_factory=pl.DataFrame)
    figures: Sequence[ReportFigure] = ()
    methods: Sequence[tuple[str, str]] = ()
    cite: Sequence[str] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    facts: Sequence[tuple[str, str]] = ()


def write_report(path: str | Path, content: ReportContent) -> Path:
    """Write the page; returns its path. The same content gives the same bytes. Raises as `render_report`.

    >>> import tempfile
    >>> from discourse.corpus.posts import FILES
    >>> content = ReportContent("Demo", True, ("Nothing was measured.",), FILES.empty(), ())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(Path(folder) / "report.html", content).read_text(encoding="utf-8")[:15]
    '<!doctype html>'
    """
    return write_whole(path, render_report(content).encode("utf-8"))


def render_report(content: ReportContent) -> str:
    """The page as text. Cells with fewer than 10 authors are printed as "<10" and what they show is withheld.

    Raises `PrivacyError` when a table has a column about single persons, `SchemaError` when the account of
    rows does not add up, `UsageError` for a figure that is no SVG or a CSV name that is not a plain file name.

    >>> from discourse.corpus.posts import FILES
    >>> content = ReportContent("<b>", False, (), FILES.empty(), ())
    >>> "&lt;b&gt;</bdi></h1>" in render_report(content)
    True
    """
    data = chart_data(content.series, content.slices, events=content.events, truth=content.truth)
    tables, told = _tables(content), as_json(data) if data else Markup()
    given = dict(
        content=content,
        **tables,
        data=data,
        charts=_charts(data, [one.text for one in content.answer if isinstance(one, Sentence) and one.warns]),
        answer=_answer(content.answer, data),
        options={name: [(i, one[-1]) for i, one in enumerate(data.get(name, []))] for name in _SWITCHES},
        events=(events := _events(content.events, data)),
        others=content.events.height - len(events),
        reading=READING, limits=LIMITS, glossary=GLOSSARY,
        manifest=_manifest_rows(content.manifest),
    )  # fmt: skip
    template = _template("report.html.j2")
    bare = template.render(given, placed=_placed(content, data, tables, room=0))
    room = ROOM - len(bare.encode()) - len(told.encode()) - _CARRIED
    body = template.render(given, placed=_placed(content, data, tables, room=room))
    css, code = style(body), script() if data else Markup()
    head = {"title": content.title, "style": css, "policy": policy(css, code), "body": Markup(body), "script": code}  # noqa: S704
    return _template("page.html.j2").render(head, data=told)


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(resources.files("discourse.page").joinpath(name).read_text(encoding="utf-8"))


def _tables(content: ReportContent) -> dict[str, Any]:
    """The tables of the page by the names the template has for them."""
    labels = [(what, printed(value, "value")) for what, value in content.labels]
    effects = content.effects
    return {
        "files": files_grid(content.files),
        "history": history_grid(content.history),
        "quarantine": grid("Why rows were set aside", content.quarantine),
        "sides": grid("Evidence for the side of a post", few(content.sides)),
        "languages": grid("Posts by language, and how many have a sentiment score", few(content.languages)),
        "labels": grid("Labels", pl.DataFrame(labels, schema=["what", "value"], orient="row")),
        "agreement": grid("Agreement of the coders", thin(content.agreement, "n_units", ("percent", "alpha"))),
        "scores": grid("Scores on posts the classifier was not trained on",
                       thin(content.scores, "n", ("estimate",))),
        "effects": () if effects is None else effect_sentences(effects),
        "effect_tables": [] if effects is None else [grid(title, table) for title, table in effect_tables(effects)],
        "decisions": grid("What was decided, and when", content.decisions),
        "hypotheses": grid("What was expected, and what the data say", content.hypotheses),
    }  # fmt: skip


def _placed(
    content: ReportContent, data: dict[str, Any], tables: Mapping[str, Any], *, room: int
) -> dict[str, list[Any]]:
    """The pictures, as far as there is room, by the section they belong to; without such a section, with the charts."""
    there = {"effects": bool(tables["effects"]), "rows": True, "labels": bool(tables["labels"].rows),
             "scores": bool(tables["scores"].rows)}  # fmt: skip
    wanted = [one for one in content.figures if not data or one.csv.removesuffix(".csv") not in REPLACED]
    made: dict[str, list[Any]] = {name: [] for name in ("figures", *_SECTIONS)}
    for one in pictures(wanted, room):
        fits = [name for name, starts in _SECTIONS.items() if one.name.startswith(starts) and there[name]]
        made[fits[0] if fits else "figures"].append(one)
    return made


def _charts(data: dict[str, Any], warnings: Sequence[str]) -> list[dict[str, Any]]:
    """The charts of the page with their drawing, table, words and switches."""
    made = []
    for one in charts_of(data):
        measure, truth = one["measure"], one["truth"]
        between = data["measures"][measure]["between"]
        view = data["views"][f"{measure}.0.0.0"]
        first = sides_at_first(data, measure)
        own = [i for i, other in enumerate(data["measures"]) if other["between"] == between]
        grouped = {int(key.split(".")[3]) for key in data["views"] if int(key.split(".")[0]) in own}
        made.append({
            **one,
            "deck": data["measures"][measure]["title"],
            "caption": view["caption"],
            "warnings": warnings if between else (),
            "svg": chart_svg(data, measure, name=f"chart-{one['id']}", truth=truth),
            "grid": chart_grid(data, measure, f"Numbers behind the chart: {one['title']}", truth=truth),
            "more": len(view["rows"]) - len(view["rows"][:MOST]),
            "coverage": data["coverage"][f"{measure}.0"]["said"] if truth else "",
            "held": coverage_grid(data) if truth else None,
            "sides": [(i, name, side_class(side, i), i in first)
                      for i, (side, name) in enumerate(data["sides"]) if ("|" in side) == between],
            "measures": [(i, other["heading"]) for i, other in enumerate(data["measures"])
                         if other["between"] == between and (not truth or str(i) in data["truth"])],
            "known": bool(data["truth"]) and not between,
            "groups": [(i, group[2]) for i, group in enumerate(data["groups"]) if i == 0 or i in grouped],
            "baseline": data["measures"][measure]["baseline"],
        })  # fmt: skip
    return made


def _answer(answer: Sequence[Sentence | str], data: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Sentences by what they are about: the id of the chart and its title ("" without one), and the sentences."""
    charts = {data["measures"][one["measure"]]["name"]: one for one in reversed(charts_of(data)) if not one["truth"]}
    made: list[tuple[str, str, list[str]]] = []
    for one in answer:
        said = one if isinstance(one, Sentence) else Sentence(one)
        chart = charts.get(measure_name(said.measure), {"id": "", "title": ""})
        if not made or made[-1][0] != chart["id"]:
            made.append((chart["id"], chart["title"], []))
        made[-1][2].append(said.text)
    return made


def _events(events: pl.DataFrame, data: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of the charts with their dates in words and their sources, links only where they are some."""
    drawn = {(one["day"], one["title"]) for one in data.get("events", [])}
    made = []
    for row in events.sort("start", "event_id").iter_rows(named=True):
        days = day_name(row["start"])
        if row["end"] not in (None, row["start"]):
            days += f" to {day_name(row['end'])}"
        source = row["source"] or ""
        if data and (day_name(row["start"]), row["title"] or "") not in drawn:
            continue
        made.append({"days": days, "title": row["title"] or "", "place": row["place"] or "", "source": source,
                     "type": _TYPES.get(row["type"], row["type"] or ""), "link": bool(_WEB.fullmatch(source)),
                     "site": re.sub(r"^https?://(www\.)?([^/]+).*", r"\2", source)})  # fmt: skip
    return made


def _manifest_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The record as pairs, nested names joined by a dot, in the order of the names."""
    made = []
    for key in sorted(record):
        value = record[key]
        if isinstance(value, Mapping):
            made += [(f"{key}.{name}", text) for name, text in _manifest_rows(value)] or [(key, "none")]
        else:
            made.append((key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    return made


def _finalize(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
