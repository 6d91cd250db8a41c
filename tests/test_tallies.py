from __future__ import annotations

from collections import Counter, defaultdict
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, MeaningError, MissingData, SchemaError, UsageError
from discourse.estimators.simplex import simplex_points
from discourse.measure.tallies import PREDICTED, SCALE, SCORES, STEPS, Design, Tallies, tally, tally_parts, total
from discourse.poisson import poisson_weights
from discourse.schema import FRAMES, WEIGHTS

WINDOWS, SIDES = ("w1", "w2"), ("pakistan", "afghanistan", "unknown")
COLUMNS = {
    "author_id": pl.String,
    "window": pl.String,
    "side": pl.String,
    "predicted": pl.String,
    "value": pl.String,
    "inclusion_p": pl.Float64,
}
MORE = {"copy_id": pl.String, **{f"p_{frame}": pl.Float64 for frame in FRAMES}}
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
GRID = simplex_points(4, STEPS)
Row = tuple[str, str, str, str, str | None, float | None]
SCORED = st.sampled_from(
    [(1.0, 0.0, 0.0, 0.0), (0.07, 0.23, 0.3, 0.4), (0.22, 0.26, 0.19, 0.33), (0.0, 0.34, 0.33, 0.33)]
)
FULL_ROWS = st.lists(st.tuples(ROW, st.sampled_from([None, "c1", "c2"]), SCORED), max_size=30)
FullRow = tuple[Row, str | None, tuple[float, ...]]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def full_frame(rows: list[FullRow]) -> pl.DataFrame:
    """With copies, probabilities, ids and times; a later row is a later post."""
    wide = [(*row, copy, *scores) for row, copy, scores in rows]
    at = pl.int_range(pl.len())
    return pl.DataFrame(wide, schema=COLUMNS | MORE, orient="row").with_columns(
        post_id=pl.format("x:{}", at), created_at=pl.from_epoch(at)
    )


def design(weight: str, replicates: int = 5, scores: str = "none") -> Design:
    return Design(WINDOWS, SIDES, weight=weight, replicates=replicates, seed=3, scores=scores)


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
    parts = parts_of(rows, True, part)
    a, b, c = (tally(each, made) for each in parts)
    assert tally_parts(parts, made) == whole
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


def slow(rows: list[FullRow], made: Design) -> dict[str, np.ndarray]:
    """The same by loops over posts and replicates."""
    cells, b = made.cells, 1 + made.replicates
    out = {
        "counts": np.zeros((cells, 5, b), np.int64), "gold": np.zeros((cells, 5, 4, b), np.int64),
        "soft": np.zeros((cells, 4, b), np.int64), "soft_square": np.zeros((cells, 4, b), np.int64),
        "soft_gold": np.zeros((cells, 4, 4, b), np.int64), "grid": np.zeros((cells, len(GRID), b), np.int64),
        "grid_soft": np.zeros((cells, len(GRID), 4), np.int64),
        "n_gold": np.zeros((cells, 5), np.int64),
    }  # fmt: skip
    cell_of = [WINDOWS.index(row[1]) * 3 + SIDES.index(row[2]) for row, *_ in rows]
    text_of = [copy or f"x:{at}" for at, (_, copy, _) in enumerate(rows)]
    units: dict[int, Counter[str]] = defaultdict(Counter)
    for at, ((author, _, _, predicted, value, p), _, scores) in enumerate(rows):
        cell, j = cell_of[at], PREDICTED.index(predicted)
        shared = {
            "post": [at],
            "author": [i for i in range(len(rows)) if cell_of[i] == cell and rows[i][0][0] == author],
            "unique_text": [i for i in range(len(rows)) if cell_of[i] == cell and text_of[i] == text_of[at]],
        }[made.weight]
        unit = rows[shared[0]][0][0]
        units[cell][unit] += shared[0] == at
        w = round(2**32 / len(shared))
        w_gold = round(2**32 / len(shared) / p) if value is not None and p is not None else 0
        near = int(np.abs(GRID - np.array(scores)).sum(axis=1).argmin())
        out["grid_soft"][cell, near] += [round(w * p) for p in scores]
        for i, draw in enumerate([1, *poisson_weights([unit], made.replicates, made.seed)[0].tolist()]):
            out["counts"][cell, j, i] += draw * w
            out["grid"][cell, near, i] += draw * w
            for k in range(4):
                out["soft"][cell, k, i] += draw * round(w * scores[k])
                out["soft_square"][cell, k, i] += draw * round(w * scores[k] ** 2)
            if value is not None and p is not None:
                true = FRAMES.index(value)
                out["gold"][cell, j, true, i] += draw * w_gold
                for k in range(4):
                    out["soft_gold"][cell, k, true, i] += draw * round(w_gold * scores[k])
        out["n_gold"][cell, j] += value is not None
    every = range(cells)
    out["n_posts"] = np.array([cell_of.count(c) for c in every])
    out["n_authors"] = np.array([len({row[0] for at, (row, *_) in enumerate(rows) if cell_of[at] == c}) for c in every])
    out["sum_sizes"] = np.array([sum(units[c].values()) for c in every])
    out["sum_squares"] = np.array([sum(n * n for n in units[c].values()) for c in every])
    return out


ALL_WEIGHTS = st.sampled_from(WEIGHTS)


@settings(deadline=None, max_examples=40)
@given(FULL_ROWS, ALL_WEIGHTS)
def test_equals_a_slow_loop(rows: list[FullRow], weight: str) -> None:
    asked = design(weight, scores="grid")
    made, expected = tally(full_frame(rows), asked).arrays(), slow(rows, asked)
    assert made.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(made[name], array), name


@settings(deadline=None, max_examples=40)
@given(FULL_ROWS, ALL_WEIGHTS, st.sampled_from(SCORES), PARTS)
def test_whole_cells_in_any_partition_add_up_to_the_bit(
    rows: list[FullRow], weight: str, scores: str, part: list[int]
) -> None:
    asked, everything = design(weight, scores=scores), full_frame(rows)
    home = [part[(WINDOWS.index(row[1]) * 3 + SIDES.index(row[2])) % len(part)] for row, *_ in rows]
    at = pl.Series(home, dtype=pl.Int64)
    parts = [everything.filter(at == one) for one in range(3)]
    a, b, c = (tally(one, asked) for one in parts)
    assert (
        tally_parts(parts, asked) == total([a, b, c], asked) == (c + a) + b == a + (b + c) == tally(everything, asked)
    )


def test_what_is_not_asked_for_is_not_counted() -> None:
    rows: list[FullRow] = [(POST, None, (0.25,) * 4)]
    none, sums = (tally(full_frame(rows), design("post", scores=scores)) for scores in ("none", "sums"))
    assert (
        none.soft.size
        == none.soft_gold.size
        == none.soft_square.size
        == none.grid.size
        == sums.grid.size
        == sums.grid_soft.size
        == 0
    )
    assert sums.soft.sum() > 0


def test_a_text_posted_by_many_counts_once_and_for_its_first_author() -> None:
    """Two accounts post one text five times, a third another: two texts, whatever the campaign does."""
    row = lambda author, predicted: (author, "w1", "pakistan", predicted, None, None)  # noqa: E731
    campaign: list[FullRow] = [(row("x:b" if at % 2 else "x:a", "both"), "c1", (1.0, 0.0, 0.0, 0.0)) for at in range(5)]
    made = tally(full_frame([*campaign, (row("x:c", "neither"), None, (0.0, 0.0, 0.0, 1.0))]), design("unique_text"))
    assert (made.counts[0, :, 0] / SCALE).round(6).tolist() == [0.0, 0.0, 1.0, 1.0, 0.0]
    draws = poisson_weights(["x:a", "x:c"], 5, 3)
    assert (made.counts[0, 2, 1:] / SCALE).round(6).tolist() == draws[0].tolist()
    assert (int(made.n_posts[0]), int(made.n_authors[0]), float(made.n_eff()[0])) == (6, 3, 2.0)


def test_scores_need_probabilities_and_unique_texts_need_copies() -> None:
    with pytest.raises(SchemaError, match=r"^the posts have no p_nationalist; this method needs the probability"):
        tally(frame([POST]), design("post", scores="sums"))
    with pytest.raises(SchemaError, match=r"^unique texts need a column 'post_id'; make the table with observe"):
        tally(frame([POST]), design("unique_text"))


def test_a_sum_that_does_not_fit_is_refused() -> None:
    post = frame([("x:a", "w1", "pakistan", "neither", "both", 1e-7)])
    big = tally(post, design("post"))
    assert tally_parts([post] * 5, design("post")) == total([big] * 5, design("post"))
    with pytest.raises(UsageError, match=r"^the sum of these tallies does not fit into 64 bits \(gold\)"):
        tally_parts([post] * 6, design("post"))
    with pytest.raises(UsageError, match=r"^the sum of these tallies does not fit into 64 bits \(gold\)"):
        reduce(lambda total, _: total + total, range(12), big)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_file_gives_back_the_tallies(tmp_path: Path, weight: str) -> None:
    rows: list[FullRow] = [
        (("x:a", "w2", "unknown", "neither", "both", 0.3), "c1", (0.1, 0.2, 0.3, 0.4)),
        (POST, None, (0.25,) * 4),
    ]
    made = tally(full_frame(rows), design(weight, scores="grid"))
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    made.to_parquet(first)
    made.to_parquet(second)
    assert Tallies.from_parquet(first) == made
    assert first.read_bytes() == second.read_bytes()
    nothing = tally(full_frame([]), design(weight))
    nothing.to_parquet(first)
    assert Tallies.from_parquet(first) == nothing


def test_a_file_that_holds_no_tallies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"^there are no tallies at"):
        Tallies.from_parquet(tmp_path / "none.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(BadInput, match=r"^other.parquet holds no tallies of this package"):
        Tallies.from_parquet(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(BadInput, match=r"^text.parquet holds no tallies of this package"):
        Tallies.from_parquet(tmp_path / "text.parquet")


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
        first + Tallies(other, **first.arrays())
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


def test_a_design_knows_three_weights() -> None:
    with pytest.raises(SchemaError) as caught:
        Design(WINDOWS, SIDES, weight="posts")
    assert str(caught.value) == "weight is 'posts'; it must be 'author', 'post' or 'unique_text'. Did you mean 'post'?"


def test_an_author_on_two_sides_is_weighted_within_each() -> None:
    made = tally(
        frame(
            [POST, POST, ("x:a", "w1", "unknown", "neither", None, None), ("x:a", "w2", "pakistan", "both", None, None)]
        ),
        design("author"),
    )
    assert (made.counts[..., 0].sum(axis=1) / SCALE).tolist() == [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]
