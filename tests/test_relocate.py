"""Labels follow copies to the measured post of the same text."""

from __future__ import annotations

import polars as pl
import pytest

from discourse.errors import MeaningError
from discourse.labels.labels import SAMPLE, Labels
from discourse.labels.relocate import to_representatives
from discourse.schema import LABELS


def labels(*rows: tuple[str, str], p: float = 0.5) -> Labels:
    table = [{"post_id": post, "coder": "a", "variable": "frame", "value": value} for post, value in rows]
    sample = [{"post_id": post, "inclusion_p": p, "role": "gold"} for post, _ in rows]
    return Labels(LABELS.frame(table), SAMPLE.frame(sample))


def posts(**copies: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"post_id": [f"x:{name}" for name in copies], "copy_id": list(copies.values())},
        schema={"post_id": pl.String, "copy_id": pl.String},
    )


EVERYTHING = posts(a="t", b="t", c="s", d=None)
MEASURED = posts(a="t", c="s", d=None)


def decided(made: Labels) -> dict[str, str]:
    return dict(made.decided().iter_rows())


def test_of_two_measured_posts_of_one_text_the_first_by_id_gets_the_label() -> None:
    every = posts(e="t", c="t", d="t", a="s")
    for measured in (posts(e="t", c="t", a="s"), posts(c="t", a="s", e="t")):
        made, _ = to_representatives(labels(("x:d", "both")), every, measured)
        assert decided(made) == {"x:c": "both"}


def test_a_label_moves_to_the_post_that_stands_for_its_text() -> None:
    made, said = to_representatives(labels(("x:b", "both"), ("x:d", "neither")), EVERYTHING, MEASURED)
    assert decided(made) == {"x:a": "both", "x:d": "neither"}
    assert said == "1 labels moved to the earliest copy of their text, 0 left aside as second labels of one text"
    assert made.sample["inclusion_p"].to_list() == [0.5, 0.5]
    assert made.sample["role"].to_list() == ["gold", "gold"]


def test_a_label_of_a_measured_post_stays() -> None:
    made, said = to_representatives(labels(("x:a", "both"), ("x:c", "neither")), EVERYTHING, MEASURED)
    assert decided(made) == {"x:a": "both", "x:c": "neither"}
    assert said.startswith("0 labels moved")


def test_the_measured_posts_own_label_wins_else_the_first_id() -> None:
    made, said = to_representatives(labels(("x:b", "both"), ("x:a", "neither")), EVERYTHING, MEASURED)
    assert decided(made) == {"x:a": "neither"}
    assert said == "0 labels moved to the earliest copy of their text, 1 left aside as second labels of one text"
    both = posts(a="t", b="t", c="t")
    made, _ = to_representatives(labels(("x:c", "both"), ("x:b", "neither")), both, posts(a="t"))
    assert decided(made) == {"x:a": "neither"}


def test_every_coder_of_a_post_moves_with_it() -> None:
    table = [{"post_id": "x:b", "coder": coder, "variable": "frame", "value": "both"} for coder in "ab"]
    given = Labels(LABELS.frame(table), SAMPLE.frame([{"post_id": "x:b"}]))
    made, _ = to_representatives(given, EVERYTHING, MEASURED)
    assert made.table.select("post_id", "coder").rows() == [("x:a", "a"), ("x:a", "b")]


def test_the_order_of_posts_does_not_matter() -> None:
    given = labels(("x:b", "both"), ("x:c", "neither"))
    one, _ = to_representatives(given, EVERYTHING, MEASURED)
    other, _ = to_representatives(given, EVERYTHING.reverse(), MEASURED.reverse())
    assert one.table.equals(other.table)
    assert one.sample.equals(other.sample)


def test_strangers_and_texts_outside_are_counted() -> None:
    with pytest.raises(MeaningError) as caught:
        to_representatives(labels(("x:a", "both"), ("x:z", "both")), EVERYTHING, MEASURED)
    assert str(caught.value) == ("1 of 2 labelled posts are not in the corpus; read the corpus they were drawn from")
    with pytest.raises(MeaningError) as caught:
        to_representatives(labels(("x:a", "both"), ("x:c", "both"), ("x:d", "both")), EVERYTHING, posts(a="t"))
    assert str(caught.value) == (
        "2 of 3 labelled posts are outside the measured population; "
        "widen [population] in the study file to what the labels were drawn from"
    )
