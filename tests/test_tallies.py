from __future__ import annotations

from collections import Counter, defaultdict
from functools import reduce
from operator import add

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.measure.tallies import PREDICTED, SCALE, Design, Tallies, tally
from discourse.poisson import poisson_weights
from discourse.schema import FRAMES

WINDOWS, SIDES = ("w1", "w2"), ("pakistan", "afghanistan", "unknown")
COLUMNS = {
    "author_id": pl.String,
    "window": pl.String,
    "side": pl.String,
    "predicted": pl.String,
    "value": pl.String,
    "inclusion_p": pl.Float64,
}
GOLD = st.one_of(
    st.just((None, None)), st.tuples(st.sampled_from(FRAMES), st.sampled_from([1.0, 0.5, 0.3, 1 / 7, 0.01]))
)
ROW = st.tuples(
    st.sampled_from(["x:a", "x:b", "x:c", "x:d"]),
    st.sampled_from(WINDOWS),
    st.sampled_from(SIDES),
    st.sampled_from(PREDICTED),
    GOLD,
).map(lambda row: (*row[:4], *row[4]))
ROWS = st.lists(ROW, max_size=40)
Row = tuple[str, str, str, str, str | None, float | None]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def design(weight: str, replicates: int = 5) -> Design:
    return Design(WINDOWS, SIDES, weight=weight, replicates=replicates, seed=3)


def parts_of(rows: list[Row], keep_authors_whole: bool, part: list[int]) -> list[pl.DataFrame]:
    """Three disjoint parts; on request the posts an author has in a cell stay together."""
    bins: list[list[Row]] = [[], [], []]
    for i, row in enumerate(rows):
        home = sum(map(ord, "".join(row[:3]))) if keep_authors_whole else i
        bins[part[home % len(part)]].append(row)
    return [frame(rows_of) for rows_of in bins]


PARTS = st.lists(st.integers(0, 2), min_size=7, max_size=7)
WEIGHT = st.sampled_from(["author", "post"])


@settings(deadline=None, max_examples=60)
@given(ROWS, WEIGHT, PARTS)
def test_whole_authors_in_any_partition_and_order_add_up_to_the_bit(
    rows: list[Row], weight: str, part: list[int]
) -> None:
    made = design(weight)
    whole = tally(frame(rows), made)
    a, b, c = (tally(each, made) for each in parts_of(rows, True, part))
    assert (a + b) + c == whole
    assert a + (b + c) == whole
    assert c + a + b == whole


@settings(deadline=None, max_examples=60)
@given(ROWS, PARTS)
def test_post_weights_add_up_to_the_bit_even_when_authors_are_split(rows: list[Row], part: list[int]) -> None:
    made = design("post")
    whole, parts = tally(frame(rows), made), [tally(each, made) for each in parts_of(rows, False, part)]
    for name in ("counts", "gold", "n_posts", "n_gold"):
        assert np.array_equal(getattr(reduce(add, parts), name), getattr(whole, name)), name


@settings(deadline=None, max_examples=40)
@given(ROWS, WEIGHT, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(rows: list[Row], weight: str, random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tally(frame(shuffled), design(weight)) == tally(frame(rows), design(weight))


def slow(rows: list[Row], made: Design) -> Tallies:
    """The same by loops over posts and replicates."""
    cells, b = made.cells, 1 + made.replicates
    counts = np.zeros((cells, 5, b), np.int64)
    gold = np.zeros((cells, 5, 4, b), np.int64)
    n_gold = np.zeros((cells, 5), np.int64)
    posts_of = Counter((author, window, side) for author, window, side, *_ in rows)
    by_cell: dict[int, list[int]] = defaultdict(list)
    for (_, window, side), m in posts_of.items():
        by_cell[WINDOWS.index(window) * 3 + SIDES.index(side)].append(m)
    for author, window, side, predicted, value, p in rows:
        cell, j = WINDOWS.index(window) * 3 + SIDES.index(side), PREDICTED.index(predicted)
        unit = 2**32 / posts_of[author, window, side] if made.weight == "author" else float(2**32)
        weights = [1, *poisson_weights([author], made.replicates, made.seed)[0].tolist()]
        for i, w in enumerate(weights):
            counts[cell, j, i] += w * round(unit)
            if value is not None and p is not None:
                gold[cell, j, FRAMES.index(value), i] += w * round(unit / p)
        n_gold[cell, j] += value is not None
    return Tallies(
        made,
        counts,
        gold,
        n_posts=np.array([sum(by_cell[c]) for c in range(cells)]),
        n_authors=np.array([len(by_cell[c]) for c in range(cells)]),
        sum_squares=np.array([sum(m * m for m in by_cell[c]) for c in range(cells)]),
        n_gold=n_gold,
    )


@settings(deadline=None, max_examples=60)
@given(ROWS, WEIGHT)
def test_equals_a_slow_loop(rows: list[Row], weight: str) -> None:
    made, expected = tally(frame(rows), design(weight)), slow(rows, design(weight))
    for name in ("counts", "gold", "n_posts", "n_authors", "sum_squares", "n_gold"):
        assert np.array_equal(getattr(made, name), getattr(expected, name)), name


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_every_post_and_author_is_counted_once(rows: list[Row]) -> None:
    by_post, by_author = tally(frame(rows), design("post")), tally(frame(rows), design("author"))
    assert by_post.counts[..., 0].sum() == len(rows) * 2**32
    assert by_post.n_posts.sum() == len(rows)
    assert by_post.n_gold.sum() == sum(row[4] is not None for row in rows)
    authors = len({row[:3] for row in rows})
    assert by_author.counts[..., 0].sum() / SCALE == pytest.approx(authors, abs=1e-6)
    assert by_author.n_authors.sum() == authors
    assert by_author.n_eff().tolist() == by_author.n_authors.tolist()
    squares = Counter(row[:3] for row in rows)
    for cell, n_eff in enumerate(by_post.n_eff()):
        key = (WINDOWS[cell // 3], SIDES[cell % 3])
        m = [count for (_, *at), count in squares.items() if tuple(at) == key]
        assert n_eff == pytest.approx(sum(m) ** 2 / sum(x * x for x in m) if m else 0.0)


POST = ("x:a", "w1", "pakistan", "neither", None, None)


def test_the_frame_handed_in_stays_as_it_was() -> None:
    given_frame = frame([POST, ("x:b", "w2", "unknown", "abstain", "both", 0.5)])
    copy = given_frame.clone()
    tally(given_frame, design("author"))
    assert given_frame.equals(copy)
    assert given_frame.columns == copy.columns


def test_no_posts_tally_to_zero_and_zero_is_neutral() -> None:
    nothing, something = tally(frame([]), design("post")), tally(frame([POST]), design("post"))
    assert not nothing.counts.any()
    assert nothing.n_eff().tolist() == [0.0] * 6
    assert nothing + something == something == reduce(add, [something, nothing, nothing])


def test_a_partition_without_gold_may_have_untyped_columns() -> None:
    untyped = frame([POST]).with_columns(value=pl.lit(None), inclusion_p=pl.lit(None))
    assert tally(untyped, design("post")) == tally(frame([POST]), design("post"))


@pytest.mark.parametrize(
    "other",
    [
        Design(WINDOWS, SIDES, "post", 5, 4),
        Design(WINDOWS, SIDES, "post", 6, 3),
        Design(WINDOWS, SIDES, "author", 5, 3),
        Design(("w1", "w3"), SIDES, "post", 5, 3),
        Design(WINDOWS, ("afghanistan", "pakistan", "unknown"), "post", 5, 3),
    ],
)
def test_different_designs_refuse_to_merge(other: Design) -> None:
    first, second = tally(frame([POST]), design("post")), tally(frame([]), Design(("w",), ("s",)))
    assert first != second
    with pytest.raises(MeaningError) as caught:
        first + Tallies(other, *(getattr(first, n) for n in list(vars(first))[1:]))
    assert str(caught.value) == "these tallies were made under different designs; tally both with the same one"


def test_a_tally_adds_to_tallies_only() -> None:
    with pytest.raises(TypeError):
        tally(frame([POST]), design("post")) + 1  # type: ignore[operator]
    assert tally(frame([POST]), design("post")) != "tally"
    with pytest.raises(TypeError):
        hash(tally(frame([POST]), design("post")))


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("window", "w9", "1 posts have a window outside the design's 2"),
        ("side", "iran", "1 posts have a side outside the design's 3"),
        ("side", None, "1 posts have a side outside the design's 3"),
        ("predicted", "hostile", "1 posts have a predicted outside the design's 5"),
        ("predicted", None, "1 posts have a predicted outside the design's 5"),
    ],
)
def test_what_the_design_does_not_know_is_refused(column: str, value: str | None, text: str) -> None:
    strange = pl.concat([frame([POST]), frame([POST]).with_columns(pl.lit(value, pl.String).alias(column))])
    with pytest.raises(SchemaError) as caught:
        tally(strange, design("post"))
    assert str(caught.value) == text


def test_a_gold_label_must_be_a_frame() -> None:
    with pytest.raises(
        SchemaError, match=r"^a gold label is 'nationalst'; it must be .* Did you mean 'nationalist'\?$"
    ):
        tally(frame([("x:a", "w1", "pakistan", "neither", "nationalst", 0.5)]), design("post"))
    with pytest.raises(SchemaError, match=r"^a gold label is 'abstain'"):
        tally(frame([("x:a", "w1", "pakistan", "neither", "abstain", 0.5)]), design("post"))


@pytest.mark.parametrize("p", [None, 0.0, -0.5, 1.0001, float("nan"), float("inf"), 1e-12])
def test_gold_needs_a_known_chance(p: float | None) -> None:
    good = ("x:a", "w1", "pakistan", "neither", "both", 1.0)
    with pytest.raises(MeaningError) as caught:
        tally(frame([good, ("x:b", "w1", "pakistan", "neither", "both", p)]), design("post"))
    assert str(caught.value) == "every gold label needs its inclusion probability, above 1e-09 and at most 1"


def test_a_post_without_gold_may_carry_any_chance() -> None:
    with_chance = frame([("x:a", "w1", "pakistan", "neither", None, 0.0)])
    assert tally(with_chance, design("post")) == tally(frame([POST]), design("post"))


def test_what_does_not_fit_into_whole_numbers_is_refused() -> None:
    huge = frame([("x:a", "w1", "pakistan", "neither", "both", 1.1e-9)] * 3)
    with pytest.raises(UsageError, match=r"^this partition is too large to tally in whole numbers; split it"):
        tally(huge, design("post"))


@pytest.mark.parametrize(("windows", "sides"), [((), SIDES), (WINDOWS, ()), (("w", "w"), SIDES), (WINDOWS, ("a", "a"))])
def test_a_design_names_each_once(windows: tuple[str, ...], sides: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"it must name at least one, each once$"):
        Design(windows, sides)


def test_a_design_knows_two_weights() -> None:
    with pytest.raises(SchemaError) as caught:
        Design(WINDOWS, SIDES, weight="posts")
    assert str(caught.value) == "weight is 'posts'; it must be 'author' or 'post'. Did you mean 'post'?"


def test_an_author_on_two_sides_is_weighted_within_each() -> None:
    made = tally(
        frame(
            [POST, POST, ("x:a", "w1", "unknown", "neither", None, None), ("x:a", "w2", "pakistan", "both", None, None)]
        ),
        design("author"),
    )
    assert (made.counts[..., 0].sum(axis=1) / SCALE).tolist() == [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]
