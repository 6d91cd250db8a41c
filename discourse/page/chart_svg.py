"""A chart of the page as SVG: what is there before the script runs, and where none may. `chart_draw.js` draws the same.

The drawing has no colours of its own: classes name what a mark is, and the page's style sheet gives light, dark and
print their colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from discourse.page.chart_scales import spaced, time_ticks, value_text, value_ticks
from discourse.report.guard import visible
from discourse.schema import UNKNOWN

__all__ = ["chart_svg", "key_of", "side_class", "sides_at_first"]

WIDTH: Final = 720
LEFT, RIGHT, PLOT, GAP, VOLUME, BOTTOM, BADGE = 48, 14, 250, 40, 48, 24, 20
Row = Sequence[Any]


@dataclass(frozen=True)
class Frame:
    """Where things stand: the width, the times at both ends, ticks of the values, the most posts, the top."""

    width: float
    begin: int
    end: int
    ticks: list[float]
    most: float
    top: float

    def x(self, at: float) -> float:
        """A time in pixels."""
        return LEFT + (at - self.begin) / (self.end - self.begin) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """A value in pixels."""
        return self.top + PLOT - (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0]) * PLOT


def key_of(measure: int, method: int = 0, weight: int = 0, group: int = 0) -> str:
    """The key of a view of `chart_data`.

    >>> key_of(2, weight=1)
    '2.0.1.0'
    """
    return f"{measure}.{method}.{weight}.{group}"


def side_class(side: str, place: int) -> str:
    """The class of a side's marks: s0, s1 and on, su for the unknown side, sp between two sides.

    >>> side_class("pakistan", 0), side_class("unknown", 2), side_class("pakistan|afghanistan", 3)
    ('s0', 'su', 'sp')
    """
    return "sp" if "|" in side else "su" if side == UNKNOWN else f"s{place % 4}"


def sides_at_first(data: dict[str, Any], measure: int) -> list[int]:
    """The sides that a chart shows at first: those that are known, or the only ones there are."""
    between = data["measures"][measure]["between"]
    own = [i for i, (side, _) in enumerate(data["sides"]) if ("|" in side) == between]
    return [i for i in own if data["sides"][i][0] != UNKNOWN] or own


def chart_svg(data: dict[str, Any], measure: int, *, name: str, truth: bool = False) -> Markup:
    """The chart of a measure over the whole period by the first method and weight, as markup for the page.

    `data` is that of `chart_data`, `measure` a place in its measures, `name` the chart's own name; with `truth` the
    known truth is drawn too.
    """
    view = data["views"][key_of(measure)]
    sides = sides_at_first(data, measure)
    known = data["truth"].get(str(measure), {}) if truth else {}
    rows = [row for row in view["rows"] if row[1] in sides]
    frame = _frame(data, rows, [value for side in sides for value in known.get(str(side), {}).values()])
    inside = [
        *_events_under(data, frame),
        *_axes(data, frame, share=data["measures"][measure]["share"]),
        f'<g clip-path="url(#clip-{escape(name)})">',
        *(_baseline(data, frame, [row for row in rows if row[1] == side]) for side in sides),
        *(_curve(data, frame, [row for row in rows if row[1] == side], side) for side in sides),
        *(_truth(data, frame, known.get(str(side), {}), side) for side in sides),
        *_volume(data, frame, rows, sides),
        "</g>",
        *_events_over(data, frame),
    ]
    height = frame.top + PLOT + GAP + VOLUME + BOTTOM
    clip = f'<clipPath id="clip-{escape(name)}"><rect x="{LEFT}" y="0" width="{WIDTH - LEFT - RIGHT}" ' \
           f'height="{height:g}"/></clipPath>'  # fmt: skip
    alt = escape(visible(view["alt"]))
    return Markup(  # noqa: S704 every word in it is escaped
        f'<svg class="drawing" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{alt}">'
        f"<defs>{clip}</defs>{''.join(inside)}</svg>"
    )


def _frame(data: dict[str, Any], rows: Sequence[Row], known: Sequence[float]) -> Frame:
    begin, end = data["windows"][0][2], max(one[3] for one in data["windows"])
    values = [value for row in rows for value in row[2:8] if value is not None]
    values += [0.0, *known]
    places = [LEFT + (one["t0"] - begin) / (end - begin) * (WIDTH - LEFT - RIGHT) for one in data["events"]]
    badges = max(spaced(places, BADGE), default=-1) + 1
    ticks = value_ticks(min(values), max(values) if len(values) > 1 else 1.0)
    most = value_ticks(0, max((row[8] for row in rows if row[8]), default=1))[-1]
    return Frame(WIDTH, begin, end, ticks, most, 10.0 + BADGE * badges)


def _n(value: float) -> str:
    return f"{value:.1f}"


def _axes(data: dict[str, Any], f: Frame, *, share: bool) -> list[str]:
    step = f.ticks[1] - f.ticks[0]
    right, bottom = f.width - RIGHT, f.top + PLOT + GAP + VOLUME
    made = []
    for tick in f.ticks:
        kind = "zero" if tick == 0 else "grid"
        made.append(f'<path class="{kind}" d="M{LEFT},{_n(f.y(tick))}H{_n(right)}"/>'
                    f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{_n(f.y(tick) + 4)}">'
                    f"{value_text(tick, step, share=share)}</text>")  # fmt: skip
    for at, label in time_ticks(f.begin, f.end, f.width - LEFT - RIGHT):
        x = _n(f.x(at))
        made.append(
            f'<path class="mark" d="M{x},{_n(f.top + PLOT)}v5"/><path class="mark" d="M{x},{_n(bottom)}v5"/>'
            f'<text class="tick" text-anchor="middle" x="{x}" y="{_n(bottom + 18)}">{label}</text>'
        )
    for label, up in ((f"{f.most:,.0f}", VOLUME), ("0", 0)):
        made.append(f'<text class="tick" text-anchor="end" x="{LEFT - 6}" y="{_n(bottom - up + 4)}">{label}</text>')
    made.append(
        f'<path class="mark" d="M{LEFT},{_n(bottom)}H{_n(right)}"/>'
        f'<text class="tick" x="{LEFT}" y="{_n(f.top + PLOT + GAP - 10)}">Posts per {data["step"]}</text>'
    )
    return made


def _middle(data: dict[str, Any], f: Frame, row: Row) -> float:
    _, _, begin, end = data["windows"][row[0]]
    return f.x((begin + end) / 2)


def _runs(rows: Sequence[Row], place: int) -> list[list[Row]]:
    """Rows in a row: a window without a value, or one that is missing, begins another run."""
    made: list[list[Row]] = []
    before = None
    for row in rows:
        if row[place] is None:
            continue
        if before is None or row[0] != before + 1:
            made.append([])
        made[-1].append(row)
        before = row[0]
    return made


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _band(data: dict[str, Any], f: Frame, run: Sequence[Row], low: int, kind: str) -> str:
    """The area between two columns of a run; of a single window a stroke."""
    if any(row[low] is None or row[low + 1] is None for row in run):
        return ""
    below = [(_middle(data, f, row), f.y(row[low])) for row in run]
    above = [(_middle(data, f, row), f.y(row[low + 1])) for row in run]
    if len(run) == 1:
        return f'<path class="whisker {kind}" d="{_line([below[0], above[0]])}"/>'
    return f'<path class="band {kind}" d="{_line([*below, *above[::-1]])}Z"/>'


def _baseline(data: dict[str, Any], f: Frame, rows: Sequence[Row]) -> str:
    made = []
    for run in _runs(rows, 5):
        made.append(_band(data, f, run, 6, "base"))
        made.append(f'<path class="line base" d="{_line([(_middle(data, f, row), f.y(row[5])) for row in run])}"/>')
    return "".join(made)


def _curve(data: dict[str, Any], f: Frame, rows: Sequence[Row], side: int) -> str:
    kind = side_class(data["sides"][side][0], side)
    bands, lines, dots = [], [], []
    for run in _runs(rows, 2):
        bands.append(_band(data, f, run, 3, kind))
        points = [(_middle(data, f, row), f.y(row[2])) for row in run]
        lines.append(f'<path class="line {kind}" d="{_line(points)}"/>' if len(run) > 1 else "")
        for row, (x, y) in zip(run, points, strict=True):
            hollow = " hollow" if "covered in part" in data["flags"][row[11]] else ""
            dots.append(f'<path class="dot {kind}{hollow}" d="{_shape(kind, x, y)}"/>')
    return "".join([*bands, *lines, *dots])


def _shape(kind: str, x: float, y: float) -> str:
    if kind == "s0":
        return f"M{_n(x - 4)},{_n(y)}a4,4,0,1,0,8,0a4,4,0,1,0,-8,0Z"
    if kind == "s1":
        return f"M{_n(x - 3.6)},{_n(y - 3.6)}h7.2v7.2h-7.2Z"
    if kind == "su":
        return f"M{_n(x)},{_n(y - 4.6)}l4.4,8h-8.8Z"
    return f"M{_n(x)},{_n(y - 5)}l4.6,5l-4.6,5l-4.6,-5Z"


def _truth(data: dict[str, Any], f: Frame, known: dict[str, float], side: int) -> str:
    rows = sorted([int(window), side, value] for window, value in known.items())
    kind = side_class(data["sides"][side][0], side)
    made = []
    for run in _runs(rows, 2):
        points = [(_middle(data, f, row), f.y(row[2])) for row in run]
        made.append(f'<path class="truth {kind}" d="{_line(points)}"/>')
        made += [f'<path class="cross {kind}" d="M{_n(x - 3.5)},{_n(y - 3.5)}l7,7m0,-7l-7,7"/>' for x, y in points]
    return "".join(made)


def _volume(data: dict[str, Any], f: Frame, rows: Sequence[Row], sides: Sequence[int]) -> list[str]:
    bottom = f.top + PLOT + GAP + VOLUME
    made = []
    for row in rows:
        _, _, begin, end = data["windows"][row[0]]
        if row[8]:
            left, room = f.x(begin), (f.x(end) - f.x(begin)) * 0.8
            wide, high = room / len(sides), row[8] / f.most * VOLUME
            x = left + room / 8 + wide * sides.index(row[1])
            kind = side_class(data["sides"][row[1]][0], row[1])
            made.append(f'<path class="bar {kind}" d="M{_n(x)},{_n(bottom)}v{_n(-high)}h{_n(wide)}v{_n(high)}Z"/>')
    return made


def _events_under(data: dict[str, Any], f: Frame) -> list[str]:
    return [
        f'<rect class="lasting" x="{_n(f.x(one["t0"]))}" y="{_n(f.top)}" height="{PLOT}" '
        f'width="{_n(f.x(one["t1"]) - f.x(one["t0"]))}"/>'
        for one in data["events"]
        if one["long"]
    ]


def _events_over(data: dict[str, Any], f: Frame) -> list[str]:
    places = [f.x(one["t0"]) for one in data["events"]]
    made = []
    for one, x, row in zip(data["events"], places, spaced(places, BADGE), strict=True):
        y = f.top - BADGE / 2 - BADGE * row
        made.append(
            f'<path class="event" d="M{_n(x)},{_n(y)}V{_n(f.top + PLOT)}"/>'
            f'<circle class="badge" cx="{_n(x)}" cy="{_n(y)}" r="8.5"/>'
            f'<text class="number" text-anchor="middle" x="{_n(x)}" y="{_n(y + 4)}">{one["n"]}</text>'
        )
    return made
