"""Draws `docs/house.svg`: the rooms, their tiers and the way data goes. Run it by hand after a room was added.

    python docs/_ext/house.py

Tiers are read from `tests/test_imports_flow_one_way.py`, which holds the package to them; where a box stands is written
here. A room without a box, or a box without a room, is an error. Boxes bring their own ground, so the picture can be
read on a light page and on a dark one.
"""

from __future__ import annotations

import ast
from html import escape
from pathlib import Path

__all__ = ["drawn", "rooms"]

ROOT = Path(__file__).resolve().parents[2]
WIDTH, BOX, HIGH = 800, 206, 46
COLUMNS = (20, 297, 574)
# Room: column, row, colour of its column, what it does.
PLACES = {
    "readers": (0, 1, "exports to rows, all counted"),
    "store": (0, 2, "a corpus on disk"),
    "corpus": (0, 3, "posts, sides, copies, population"),
    "text": (0, 4, "normal form, words, language"),
    "simulate": (0, 5, "made-up exports, known truth"),
    "kernels": (0, 6, "compiled loops over bytes"),
    "engine": (0, 7, "partition by partition, clusters"),
    "sampling": (1, 1, "posts for coders, chances known"),
    "sheets": (1, 2, "coding pages, other tools"),
    "labels": (1, 3, "codebook, codes, agreement"),
    "framing": (1, 4, "the classifier"),
    "judging": (1, 5, "scores out of fold, drift"),
    "registry": (1, 6, "versions kept and replaced"),
    "networks": (1, 7, "who answers whom"),
    "notebook": (1, 8, "tables and progress, shown"),
    "estimators": (2, 1, "shares under classifier error"),
    "indices": (2, 2, "polarization, on arrays"),
    "measure": (2, 3, "tallies, bootstrap, series"),
    "impact": (2, 4, "events, sensitivity"),
    "report": (2, 5, "what may be shown, in words"),
    "plots": (2, 6, "figures"),
    "page": (2, 7, "one file, charts and tables"),
}
HEADS = ("posts", "labels and classifier", "numbers")
BASE = ("errors", "schema", "settings", "events", "poisson", "whole")
TOP = ("study", "commands", "cli")
# From, to, and what goes over: data only, never an import.
ARROWS = (
    ("readers", "store", ""), ("store", "corpus", ""), ("text", "corpus", ""),
    ("corpus", "sampling", "posts"), ("corpus", "framing", "posts"),
    ("sampling", "sheets", ""), ("sheets", "labels", "codes"), ("labels", "framing", "training labels"),
    ("framing", "judging", ""), ("judging", "registry", ""),
    ("labels", "measure", "gold"), ("framing", "measure", "frames"),
    ("estimators", "indices", ""), ("indices", "measure", ""), ("measure", "impact", ""), ("impact", "report", ""),
    ("report", "plots", ""), ("plots", "page", ""),
)  # fmt: skip
INK, LINE, TINTS = "#1b1f24", "#7d8590", ("#cfe8ff", "#ffe3b8", "#d5f0d0")


def rooms(test: Path = ROOT / "tests" / "test_imports_flow_one_way.py") -> dict[str, float]:
    """The tier of every room, as the test has it."""
    for node in ast.parse(test.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TIERS":
            return {name: tier for name, tier in ast.literal_eval(node.value).items() if "." not in name}
    raise ValueError(f"{test} has no TIERS")


def _at(room: str) -> tuple[float, float]:
    column, row, _ = PLACES[room]
    return COLUMNS[column], 90 + (row - 1) * 66


def _box(room: str, tier: float) -> str:
    x, y = _at(room)
    return (
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{HIGH}" rx="6" fill="{TINTS[PLACES[room][0]]}" stroke="{LINE}"/>'
        f'<text x="{x + 10}" y="{y + 19}" class="n">{room}</text>'
        f'<text x="{x + BOX - 10}" y="{y + 19}" class="t" text-anchor="end">tier {tier:g}</text>'
        f'<text x="{x + 10}" y="{y + 36}" class="s">{escape(PLACES[room][2])}</text>'
    )


def _arrow(one: str, other: str, said: str) -> str:
    (x1, y1), (x2, y2) = _at(one), _at(other)
    if x1 == x2:
        middle = x1 + BOX / 2
        start, end = (y1 + HIGH, y2 - 3) if y2 > y1 else (y1, y2 + HIGH + 3)
        path, label = f"M{middle} {start}V{end}", (middle + 8, (start + end) / 2 + 4, "start")
    else:
        high = y1 + HIGH / 2
        low = high if y1 == y2 else y2 + (HIGH - 10 if y2 < y1 else 10)
        turn = x1 + BOX + (24 if y2 < y1 else 44)
        path = f"M{x1 + BOX} {high}H{turn}V{low}H{x2 - 3}"
        label = ((x1 + BOX + x2) / 2, high - 5 if y1 == y2 else low + 15, "middle")
        if y2 < y1:
            label = (turn + 6, (high + low) / 2, "start")
    text = f'<text x="{label[0]}" y="{label[1]}" class="l" text-anchor="{label[2]}">{said}</text>' if said else ""
    return f'<path d="{path}" class="a" marker-end="url(#h)"/>{text}'


def _bar(y: float, names: tuple[str, ...], tiers: dict[str, float], said: str) -> str:
    text = "   ".join(f"{name} {tiers[name]:g}" for name in names)
    return (
        f'<rect x="20" y="{y}" width="{WIDTH - 40}" height="38" rx="6" fill="#e6e8eb" stroke="{LINE}"/>'
        f'<text x="30" y="{y + 24}" class="s">{said}</text>'
        f'<text x="{WIDTH - 30}" y="{y + 24}" class="n" text-anchor="end" xml:space="preserve">{text}</text>'
    )


def drawn(tiers: dict[str, float]) -> str:
    """The picture. Raises `ValueError` where rooms and boxes are not the same."""
    known = {*PLACES, *BASE, *TOP}
    if known != set(tiers):
        raise ValueError(f"rooms without a box: {sorted(set(tiers) - known)}; gone: {sorted(known - set(tiers))}")
    heads = "".join(
        f'<rect x="{x}" y="54" width="{BOX}" height="24" rx="12" fill="#2f3742"/>'
        f'<text x="{x + BOX / 2}" y="70" class="c" text-anchor="middle">{head}</text>'
        for x, head in zip(COLUMNS, HEADS, strict=True)
    )
    font = "font-family:system-ui,'DejaVu Sans',sans-serif"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 668" width="{WIDTH}" height="668" role="img">'
        "<title>Rooms of the house, their tiers, and the way data goes</title>"
        "<desc>Three columns: posts, labels and classifier, numbers. Posts go from readers over store and corpus to "
        "coders and classifier; gold labels and framings meet in measure; figures and page come last.</desc>"
        f"<style>text{{{font};fill:{INK};font-size:12px}}.n{{font-weight:600;font-size:14px}}.t{{font-size:11px}}"
        f".c{{fill:#fff;font-weight:600}}.a{{fill:none;stroke:{LINE};stroke-width:2}}"
        f".l{{font-size:11px;fill:{LINE}}}</style>"
        f'<defs><marker id="h" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>'
        + _bar(6, TOP, tiers, "knows the order of the stages; nothing below knows it")
        + heads
        + "".join(_arrow(*one) for one in ARROWS)
        + "".join(_box(room, tiers[room]) for room in PLACES)
        + _bar(620, BASE, tiers, "what every room stands on")
        + "</svg>\n"
    )


if __name__ == "__main__":
    (ROOT / "docs" / "house.svg").write_text(drawn(rooms()), encoding="utf-8")
