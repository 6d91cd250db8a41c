"""The stage `effects` of a study: every table there, nothing silent, the truth inside, no small cell published."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import ROOT, TinyDemo
from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.indices.polarization import NetTone, Polarization
from discourse.labels.labels import Labels
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import observe, over_time
from discourse.schema import FRAMES
from discourse.simulate.conflict import SHOCKS, SIDES, daily_truth
from discourse.store.saved import save_corpus, write_table
from discourse.study.config import Study
from discourse.study.draw import figures_of
from discourse.study.draw_effects import draw_effects, effect_tables, publish_effects
from discourse.study.effects import TABLES, effect_stage, effects
from discourse.study.event_rows import CONVERSION, EFFECTS, PATHS, PLACEBOS
from discourse.study.stages import Desk, plan_of

EVENTS = '[events]\nfile = "../events.csv"\n'
GAP = "Polarization('net-tone-gap')"
SHARE = "Prevalence('nationalist')"
pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning")


@pytest.fixture(scope="module")
def made(
    tiny: TinyDemo, tiny_measured: Corpus, tiny_labels: Labels, tiny_model: FramingClassifier,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:  # fmt: skip
    """The small corpus measured by week, and the stage run on it once."""
    place = tmp_path_factory.mktemp("effects")
    shutil.copytree(tiny.folder, place / "demo")
    for name in ("codebook.toml", "events.csv"):
        shutil.copy(ROOT / "corpora" / name, place / name)
    desk = desk_of(place, tiny, "work")
    rest = tiny_measured.keep(~pl.col("post_id").is_in(tiny_labels.training.frame["post_id"].implode()), "a", "b")
    framings = tiny_model.predict(rest).table
    save_corpus(rest, desk.path("scored"))
    write_table(framings, desk.path("framings.parquet"))
    write_table(tiny_labels.table, desk.path("labels.parquet"))
    tiny_labels.sample.write_parquet(desk.path("sample.parquet"))
    observed = observe(rest.posts, framings, tiny_labels.gold.frame)
    measures = (Prevalence("nationalist"), Prevalence("conciliatory"), NetTone(), Polarization("net-tone-gap"))
    write_series(desk, observed, measures)
    effects(desk)
    return desk


def write_series(desk: Desk, observed: pl.DataFrame, measures: Any) -> None:
    from dataclasses import replace

    from discourse.corpus.sides import Sides

    plan = plan_of(desk.study, Sides.from_toml(desk.study.sides))
    parts = [over_time(measures, observed, plan=replace(plan, method=method), seed=7) for method in ("poststrat", "cc")]
    pl.concat(parts).write_csv(desk.path("series.csv"), datetime_format="%+")


def desk_of(place: Path, tiny: TinyDemo, name: str, **changes: str) -> Desk:
    """A desk of the small study; `changes` replace or add sections of its file."""
    text = (ROOT / "corpora/demo/study.toml").read_text("utf-8")
    text = text.replace("replicates = 400", "replicates = 60").replace("shuffles = 200", "shuffles = 2")
    text = text.replace('gold_within = "window"', f'gold_within = "{changes.pop("gold", "window")}"')
    head, _, rest = text.partition("[effects]")
    effects_, _, truth = rest.partition("[truth]")
    head = head.replace(EVENTS, changes.pop("events", EVENTS))
    body = changes.pop("effects", effects_.partition("[[hypotheses]]")[0])
    (place / "demo" / f"{name}.toml").write_text(f"{head}[effects]\n{body}\n[truth]{truth}", "utf-8")
    (place / name).mkdir(exist_ok=True)
    return Desk(Study.from_toml(place / "demo" / f"{name}.toml"), tiny.key, place / name, lambda *_: None)


def again(made: Desk, tiny: TinyDemo, name: str, **changes: str) -> Desk:
    """The same study with other settings, run on the same measured posts."""
    desk = desk_of(made.work.parent, tiny, name, **changes)
    for one in ("scored", "framings.parquet", "labels.parquet", "sample.parquet", "series.csv"):
        target = desk.path(one)
        if not target.exists():
            target.symlink_to(made.path(one))
    effects(desk)
    return desk


def table(desk: Desk, name: str) -> pl.DataFrame:
    return pl.read_csv(desk.path(name), infer_schema_length=None, try_parse_dates=True)


def true_change(event: Any, side: str) -> np.ndarray:
    """What an event did to the shares of a side on its first day, against the same day without it."""
    truth = daily_truth().filter(pl.col("day") == event.start, pl.col("side") == side)
    share = np.array([truth.filter(pl.col("frame") == frame)["share"][0] for frame in FRAMES])
    s = SIDES.index(side)
    without = share.copy()
    without[FRAMES.index("nationalist")] *= np.exp(-event.nationalist[s])
    without[FRAMES.index("conciliatory")] *= np.exp(-event.conciliatory[s])
    made: np.ndarray = share - without / without.sum()
    return made


def truth_of(row: dict[str, Any]) -> float:
    event = next(one for one in SHOCKS if one.event_id == row["event"])
    if row["measure"] == SHARE:
        return float(true_change(event, row["side"])[0])
    one, two = (true_change(event, side) for side in SIDES)
    return float((one[0] - one[1]) - (two[0] - two[1]))


def test_every_event_measure_and_side_has_its_row(made: Desk) -> None:
    found = table(made, "effects.csv")
    assert found.columns == list(EFFECTS)
    pairs = [(SHARE, "pakistan"), (SHARE, "afghanistan"), (GAP, "pakistan|afghanistan")]
    assert set(found.select("event", "measure", "side").rows()) == {
        (event.event_id, *pair) for event in SHOCKS for pair in pairs
    }
    assert found.height == 15
    assert found["said"].null_count() == 0


def test_paths_and_dates_belong_to_the_effects_beside_them(made: Desk) -> None:
    found, paths, placebos = (table(made, name) for name in ("effects.csv", "paths.csv", "placebos.csv"))
    assert (paths.columns, placebos.columns) == (list(PATHS), list(PLACEBOS))
    key = ["event", "measure", "side"]
    estimated = found.filter(pl.col("estimate").is_not_null())
    assert set(paths.select(key).rows()) == set(estimated.select(key).rows())
    compared = found.filter(pl.col("p_placebo").is_not_null())
    assert set(placebos.select(key).rows()) == set(compared.select(key).rows())


def test_intervals_hold_what_the_events_did(made: Desk) -> None:
    found = table(made, "effects.csv").filter(pl.col("estimate").is_not_null())
    rows = found.to_dicts()
    held = [row["change_low"] <= truth_of(row) <= row["change_high"] for row in rows]
    assert len(rows) >= 9
    assert sum(held) >= len(rows) - 2
    for row in rows:
        if row["p_holm"] < 0.05:
            assert row["estimate"] * truth_of(row) > 0


def test_published_effects_hold_what_the_events_did() -> None:
    found = pl.read_csv(ROOT / "figures/demo/effects.csv", infer_schema_length=None)
    rows = found.filter(pl.col("estimate").is_not_null()).to_dicts()
    assert len(rows) == 15
    held = [row["change_low"] <= truth_of(row) <= row["change_high"] for row in rows]
    assert sum(held) >= 13
    claimed = [row for row in rows if "No effect can be told" not in row["said"]]
    assert claimed
    for row in claimed:
        assert row["change_low"] <= truth_of(row) <= row["change_high"]
        assert row["change"] * truth_of(row) > 0


def test_changes_are_taken_apart_exactly(made: Desk) -> None:
    found = table(made, "conversion.csv").filter(pl.col("part").is_not_null())
    assert found.columns == list(CONVERSION)
    seen = 0
    for _, part in found.group_by("event", "measure", "side"):
        value = dict(part.select("part", "estimate").iter_rows())
        if value["conversion"] is not None:
            whole = value["conversion"] + value["loudness"] + value["arriving"] + value["leaving"]
            assert value["total"] == pytest.approx(whole, abs=1e-12)
            seen += 1
    assert seen >= 6


def test_the_stage_names_what_it_reads_and_writes(made: Desk) -> None:
    stage, run = effect_stage(made)
    assert stage.name == "effects"
    assert [path.name for path in stage.outputs] == list(TABLES)
    assert {path.name for path in stage.inputs} >= {"scored", "framings.parquet", "series.csv", "events.csv"}
    assert {"impact", "measure", "estimators", "study"} <= set(stage.rooms)
    assert run is effects
    other = effect_stage(
        desk_of(made.work.parent, TinyDemo(made.study.folder, {}, made.key), "after", effects="after = 9")
    )
    assert other[0].settings != stage.settings


def test_no_row_of_few_authors_is_published(made: Desk, tmp_path: Path) -> None:
    paths = publish_effects(made, tmp_path)
    assert sorted(path.name for path in paths.values()) == sorted(TABLES)
    for name in ("effects.csv", "changes.csv", "conversion.csv", "paths.csv", "placebos.csv"):
        private, published = table(made, name), pl.read_csv(tmp_path / name, infer_schema_length=None)
        assert published.height == private.height
        small = private["n_authors"].is_between(1, 9).fill_null(value=False)
        hidden = published.filter(small)
        assert hidden.height == 0 or hidden["n_authors"].null_count() == hidden.height
        column = {"changes.csv": "level_before", "placebos.csv": "ratio"}.get(name, "estimate")
        assert hidden[column].null_count() == hidden.height
    counts = pl.read_csv(tmp_path / "conversion.csv", infer_schema_length=None).select("stayers", "arrivers", "leavers")
    assert not any(0 < value < 10 for row in counts.iter_rows() for value in row if value is not None)


def test_gold_pooled_over_an_event_takes_every_claim_away(made: Desk, tiny: TinyDemo) -> None:
    found = table(again(made, tiny, "pooled", gold="side"), "effects.csv").filter(pl.col("estimate").is_not_null())
    assert found.height >= 9
    flagged = found.filter(pl.col("flags").str.contains("gold_pooled_over_event"))
    assert flagged.height >= 6
    assert flagged["said"].str.contains("No effect can be told from these data").all()


def effect_figures(desk: Desk) -> list[str]:
    return [spec.name for spec in figures_of(desk) if spec.name == "effects" or spec.name.startswith("smooth-")]


def test_a_study_without_events_says_so_and_compares_its_windows(made: Desk, tiny: TinyDemo) -> None:
    desk = again(made, tiny, "quiet", events="")
    found = table(desk, "effects.csv")
    assert found["said"].unique().to_list() == [
        "The study names no event in its period, so there is no effect to look for."
    ]
    parts = pl.read_csv(desk.path("conversion.csv"), infer_schema_length=None)
    weeks = parts.filter(pl.col("part") == "total", pl.col("side") == "pakistan").select("before", "after").rows()
    assert weeks[0] == ("2024-11-25", "2024-12-02")  # the week of 1 December, a Sunday, comes first
    assert all(one < other for one, other in weeks)
    assert effect_figures(desk) == ["smooth-nationalist"]


def test_other_measures_sides_and_switches(made: Desk, tiny: TinyDemo) -> None:
    settings = ('measures = ["conciliatory", "net-tone"]\nsides = ["unknown"]\nevents = ["2025-02-21-torkham-closed"]\n'
                "every = \"1w\"\nchange_points = false\nsmooth = false\nplacebo = false\nbots = []")  # fmt: skip
    desk = again(made, tiny, "other", effects=settings)
    found = table(desk, "effects.csv")
    assert found.select("event", "measure", "side").rows() == [
        ("2025-02-21-torkham-closed", "Prevalence('conciliatory')", "unknown"),
        ("2025-02-21-torkham-closed", "NetTone()", "unknown"),
    ]
    assert found["p_placebo"].null_count() == 2
    for name in ("changes.csv", "smooth.csv"):
        assert table(desk, name).is_empty()
    assert effect_figures(desk) == ["effects"]
    tables = effect_tables(desk)
    assert tables.changes.is_empty()
    assert tables.effects["start"].to_list() == [date(2025, 2, 21)] * 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"effects": 'events = ["talks"]'}, "an event in [effects] is 'talks'; it must be '2024-12-24-barmal', "),
        ({"effects": 'sides = ["kabul"]'}, "a side in [effects] is 'kabul'; it must be 'pakistan', 'afghanistan' or "),
        ({"effects": 'events = ["talks"]', "events": ""},
         "[effects] names events and the study has no events file; add [events] with its file"),
    ],
)  # fmt: skip
def test_what_a_study_names_must_be_there(made: Desk, tiny: TinyDemo, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        again(made, tiny, "wrong", **changes)
    assert str(caught.value).startswith(sentence)


def test_events_outside_the_period_are_no_events(made: Desk, tiny: TinyDemo) -> None:
    late = made.work.parent / "late.csv"
    late.write_text("event_id,start,end,type,place,title,source\nlate,2025-10-09,,escalation,K,Late,s\n", "utf-8")
    desk = again(made, tiny, "late", events='[events]\nfile = "../late.csv"\n')
    assert table(desk, "effects.csv")["flags"].unique().to_list() == ["no_event"]
    assert draw_effects(desk).caption == "No event of the study falls into its period."


def test_the_same_seed_gives_the_same_bytes(made: Desk) -> None:
    before = {name: made.path(name).read_bytes() for name in TABLES}
    effects(made)
    assert {name: made.path(name).read_bytes() for name in TABLES} == before
