"""Profile locations that were read and judged one by one, by a single coder, before the gazetteer was asked.

The coder is a language model, not a person; it knew the lists, and did not ask them.

`fixtures/locations.csv` holds names of places only, in lower case and without how often or by whom they were
written: strings with a handle, a link, a number, a village, two homes or words of somebody's own were left out.
Rows of which the note begins with "made up" are written for this test.

Sides are judged by where somebody is: "afghanistan", "pakistan", "neither" (a third country, a joke, a wish),
"ambiguous" (both countries, a name that both share, a home in two countries).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from discourse.corpus.gazetteer import Gazetteer

PLACES = Path(__file__).parent / "fixtures" / "locations.csv"
KNOWN = re.compile(r"known disagreement: gives (afghanistan|pakistan|nobody); .+")
NOBODY = ("neither", "ambiguous")


def judged() -> list[tuple[str, str, str]]:
    with PLACES.open(encoding="utf-8", newline="") as file:
        return [(row["location"], row["side"], row["note"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("place", "side", "note"),
    [pytest.param(*row, id=f"row{number}") for number, row in enumerate(judged(), start=2)],
)
def test_each_place_comes_out_as_judged(place: str, side: str, note: str) -> None:
    known = KNOWN.fullmatch(note)
    expected = known[1] if known else side
    if known:
        # A disagreement that was mended must lose its note.
        assert expected != ("nobody" if side in NOBODY else side)
    assert Gazetteer.builtin().side_of(place) == (None if expected in (*NOBODY, "nobody") else expected)


def test_the_list_is_long_enough_and_says_how_it_was_judged() -> None:
    rows = judged()
    found = Counter(side for _, side, note in rows if not note)
    assert set(found) == {"afghanistan", "pakistan", *NOBODY}
    assert found.total() >= 300
    assert min(found["afghanistan"], found["pakistan"], found["neither"]) >= 80
    assert len({place for place, _, _ in rows}) == len(rows)
    for _, _, note in rows:
        assert note in ("", "made up") or (KNOWN.fullmatch(note) and "made up: " in note), note


def test_the_list_holds_no_handle_link_or_number() -> None:
    for place, _, _ in judged():
        assert not re.search(r"[@\d#]|https?:|www\.|\.com", place), place
