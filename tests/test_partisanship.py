"""Language partisanship: the estimator against its definition, its null, its guards, and the words it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import linregress

from conftest import shared_file
from discourse.errors import MeaningError, PrivacyError, SchemaError, UsageError
from discourse.indices.partisanship import (
    leave_out_partisanship,
    partisan_words,
    partisanship,
    plug_in_partisanship,
)
from discourse.indices.penalised import penalised_partisanship

Array = np.ndarray


def by_definition(counts: Array, is_first: Array) -> float:
    """Leave-out partisanship with loops, one author at a time."""
    counts = counts[:, (counts > 0).sum(axis=0) >= 2]
    kept = counts.sum(axis=1) > 0
    counts, is_first = counts[kept], is_first[kept]
    total = 0.0
    for own in (True, False):
        members = np.flatnonzero(is_first == own)
        q_other = counts[is_first != own].sum(axis=0) / counts[is_first != own].sum()
        for i in members:
            others = counts[[j for j in members if j != i]].sum(axis=0)
            q_own = others / others.sum()
            said = counts[i] > 0
            rho = q_own[said] / (q_own[said] + q_other[said])
            total += float(counts[i, said] @ rho) / counts[i].sum() / len(members)
    return total / 2


def spoken(
    rng: np.random.Generator, sizes: tuple[int, int], tilt: float, tokens: int = 200
) -> tuple[Array, Array, float]:
    """Counts of authors with their own habits, whether each is of the first side, and the true partisanship."""
    base, lean = 1 / np.arange(1, tokens + 1), np.random.default_rng(1).normal(size=tokens) * tilt
    rates = [base * np.exp(sign * lean) for sign in (-1, 1)]
    rates = [q / q.sum() for q in rates]
    rho = rates[1] / (rates[0] + rates[1])
    true = float(rates[1] @ rho + rates[0] @ (1 - rho)) / 2
    counts = [
        rng.multinomial(1 + rng.poisson(20), rng.dirichlet(q * 200)) for q, n in zip(rates, sizes, strict=True)
        for _ in range(n)
    ]  # fmt: skip
    return np.array(counts), np.arange(sum(sizes)) < sizes[0], true


def table(counts: Array, is_first: Array, window: str | None = None) -> pl.DataFrame:
    who, token = np.nonzero(counts)
    made = pl.DataFrame({
        "author_id": [f"x:{i:05d}" for i in who], "side": np.where(is_first[who], "ours", "theirs"),
        "token": [f"w{j:04d}" for j in token], "n": counts[who, token],
    })  # fmt: skip
    return made if window is None else made.with_columns(window=pl.lit(window))


SIDES = ("ours", "theirs")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_two_passes_give_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.7, (int(rng.integers(6, 14)), int(rng.integers(3, 9)))) * rng.integers(1, 5)
    is_first = np.arange(len(counts)) % 2 == 0
    shared = counts[:, (counts > 0).sum(axis=0) >= 2]
    alive = shared.sum(axis=1) > 0
    if min(alive[is_first].sum(), alive[~is_first].sum()) < 2:
        with pytest.raises(UsageError, match=r"the estimator needs 2 a side$"):
            leave_out_partisanship(counts, is_first)
        return
    made = leave_out_partisanship(counts, is_first)
    assert made == pytest.approx(by_definition(counts, is_first), abs=1e-12)
    # Neither the names of the sides, nor the order of authors or tokens, nor an author's verbosity counts.
    assert leave_out_partisanship(counts, ~is_first) == pytest.approx(made, abs=1e-12)
    mixed, columns = rng.permutation(len(counts)), rng.permutation(counts.shape[1])
    assert leave_out_partisanship(counts[mixed][:, columns], is_first[mixed]) == pytest.approx(made, abs=1e-12)
    assert leave_out_partisanship(sparse.csr_array(counts), is_first) == pytest.approx(made, abs=1e-12)


def test_rows_of_one_author_are_added_up_and_inputs_stay_as_they_are() -> None:
    rng = np.random.default_rng(3)
    posts = rng.poisson(0.8, (40, 12))
    author = np.array([f"x:{i}" for i in rng.integers(0, 12, 40)])
    group = np.array(["a" if int(name[2:]) % 2 else "b" for name in author])
    names = np.unique(author)
    summed = np.array([posts[author == name].sum(axis=0) for name in names])
    labels = [group[author == name][0] for name in names]
    given_posts = sparse.csr_array(posts)
    before = given_posts.copy()
    made = leave_out_partisanship(given_posts, group, author)
    assert made == pytest.approx(leave_out_partisanship(summed, labels), abs=1e-12)
    assert (given_posts != before).nnz == 0
    # A pair given twice is the sum of both.
    twice = sparse.coo_array((np.r_[posts[posts > 0], posts[posts > 0]], [np.r_[x, x] for x in np.nonzero(posts)]))
    assert leave_out_partisanship(twice, group, author) == pytest.approx(made, abs=1e-12)
    assert plug_in_partisanship(posts, group, author) == pytest.approx(plug_in_partisanship(summed, labels), abs=1e-12)


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_leaving_out_takes_the_bias_away_and_the_plug_in_keeps_it(tilt: float) -> None:
    rng = np.random.default_rng(4)
    draws = [spoken(rng, (100, 100), tilt) for _ in range(40)]
    true = draws[0][2]
    leave_out = np.array([leave_out_partisanship(counts, first) for counts, first, _ in draws])
    plug_in = np.array([plug_in_partisanship(counts, first) for counts, first, _ in draws])
    error = leave_out.std() / np.sqrt(len(draws))
    assert abs(leave_out.mean() - true) < 4 * error + 0.001
    assert plug_in.mean() - true > 0.02
    assert (true > 0.52) == (tilt > 0)


def test_the_penalised_estimate_lies_between() -> None:
    rng = np.random.default_rng(5)
    draws = [spoken(rng, (100, 100), 0.3) for _ in range(10)]
    true = draws[0][2]
    penalised = np.array([penalised_partisanship(counts, first).value for counts, first, _ in draws])
    plug_in = np.array([plug_in_partisanship(counts, first) for counts, first, _ in draws])
    assert abs(penalised.mean() - true) < 0.01 < plug_in.mean() - true


# ---- the study's function


def test_the_null_is_where_shuffled_sides_lie() -> None:
    rng = np.random.default_rng(6)
    p = []
    for seed in range(60):
        counts, is_first, _ = spoken(rng, (32, 40), 0.0, 60)
        made = partisanship(table(counts, is_first), sides=SIDES, seed=seed, permutations=39, rarefactions=2)
        p.append(made["p"][0])
    assert float((np.array(p) <= 0.05).mean()) <= 0.14
    assert 0.3 <= float((np.array(p) <= 0.5).mean()) <= 0.7


def test_a_difference_is_found_and_its_row_says_what_it_rests_on() -> None:
    counts, is_first, true = spoken(np.random.default_rng(7), (60, 90), 0.4)
    made = partisanship(table(counts, is_first), sides=SIDES, seed=1, permutations=99, rarefactions=4)
    row = made.row(0, named=True)
    assert row["p"] == 0.01
    assert row["value"] == pytest.approx(true, abs=0.04)
    assert row["null_low"] < row["null_mean"] < row["null_high"] < row["value"]
    assert row["null_mean"] == pytest.approx(0.5, abs=0.01)
    assert row["excess"] == pytest.approx(row["value"] - row["null_mean"], abs=1e-12)
    assert (row["authors_a_side"], row["n_first"], row["n_second"], row["flags"]) == (60, 60, 90, "")
    assert row["n_tokens"] == int(((counts > 0).sum(axis=0) >= 2).sum())


def test_equal_sides_need_no_draws_and_give_the_plain_estimate() -> None:
    counts, is_first, _ = spoken(np.random.default_rng(8), (40, 40), 0.2)
    made = partisanship(table(counts, is_first), sides=SIDES, seed=1, permutations=2)
    assert made["value"][0] == pytest.approx(leave_out_partisanship(counts, is_first), abs=1e-12)


def test_windows_rest_on_as_many_authors_each() -> None:
    rng = np.random.default_rng(9)
    big, first, _ = spoken(rng, (120, 100), 0.0, 80)
    small, few, _ = spoken(rng, (35, 50), 0.0, 80)
    tiny, least, _ = spoken(rng, (29, 50), 0.0, 80)
    counts = pl.concat([table(big, first, "2025-02"), table(small, few, "2025-01"), table(tiny, least, "2025-03")])
    made = partisanship(counts, sides=SIDES, seed=2, permutations=9, rarefactions=2)
    assert made["window"].to_list() == ["2025-01", "2025-02", "2025-03"]
    assert made["authors_a_side"].to_list() == [35, 35, None]
    assert made["flags"].to_list() == ["", "", "withheld"]
    assert made.row(2, named=True)["value"] is None
    assert made["n_first"].to_list() == [35, 120, 29]
    # The order of rows is nothing, the seed is everything.
    mixed = counts.sample(fraction=1.0, shuffle=True, seed=1)
    assert partisanship(mixed, sides=SIDES, seed=2, permutations=9, rarefactions=2).equals(made)
    other = partisanship(counts, sides=SIDES, seed=3, permutations=9, rarefactions=2)
    assert not other.select("value", "null_mean").equals(made.select("value", "null_mean"))
    # A window's numbers do not hang on which others stand beside it.
    alone = partisanship(counts.filter(window="2025-01"), sides=SIDES, seed=2, permutations=9, rarefactions=2)
    assert alone.equals(made.filter(window="2025-01"))
    forced = partisanship(counts, sides=SIDES, seed=2, permutations=9, rarefactions=2, force=True)
    assert forced["flags"].to_list() == ["", "", "forced"]
    assert forced["authors_a_side"].to_list() == [29] * 3
    fewer = partisanship(counts, sides=SIDES, seed=2, permutations=9, rarefactions=2, authors=31)
    assert fewer["authors_a_side"].to_list() == [31, 31, None]
    with pytest.raises(UsageError) as caught:
        partisanship(counts, sides=SIDES, seed=2, authors=36)
    assert str(caught.value) == ("authors is 36; every window shown has between 2 and 35 authors on its thinner side")


def test_the_mean_of_few_authors_does_not_fall_with_the_number_of_others() -> None:
    # Plain leave-out of 40 and of 400 authors differ in bias; rarefied to 40 they do not.
    rng = np.random.default_rng(10)
    small = [spoken(rng, (40, 40), 0.0, 60) for _ in range(30)]
    large = [spoken(rng, (400, 400), 0.0, 60) for _ in range(6)]

    def values(draws: list[tuple[Array, Array, float]]) -> Array:
        made = [
            partisanship(table(c, f), sides=SIDES, seed=1, permutations=1, rarefactions=5, authors=40)
            for c, f, _ in draws
        ]
        return np.array([one["value"][0] for one in made])

    few, many = values(small), values(large)
    assert abs(few.mean() - many.mean()) < 4 * np.hypot(few.std() / 30**0.5, many.std() / 6**0.5)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda t: t.drop("n"), SchemaError,
         "the token counts have no column 'n'; they need author_id, side, token and n"),
        (lambda t: t.with_columns(n=-pl.col("n")), SchemaError,
         "column 'n' of the token counts holds nulls or numbers below 0; it must count uses"),
        (lambda t: t.with_columns(lang=pl.when(pl.col("token") < "w0010").then(pl.lit("ur")).otherwise(pl.lit("en"))),
         MeaningError, "the tokens are in 2 languages (en, ur), whose words tell any two groups apart; "
         "keep one language"),
        (lambda t: pl.concat([t, t.filter(pl.col("author_id") < "x:00002").with_columns(side=pl.lit("theirs"))]),
         MeaningError, "2 authors stand on both sides in one window; give every author one side"),
        (lambda t: pl.concat([t, t.head(1).with_columns(side=pl.lit("theirs"))]), MeaningError,
         "1 author stands on both sides in one window; give every author one side"),
        (lambda t: t.with_columns(side=pl.lit("elsewhere")), MeaningError,
         "there are no tokens of ours and theirs; check the names of the sides"),
    ],
)  # fmt: skip
def test_what_would_be_wrong_is_refused(
    change: Callable[[pl.DataFrame], pl.DataFrame], error: type[Exception], message: str
) -> None:
    counts, is_first, _ = spoken(np.random.default_rng(11), (31, 31), 0.0, 40)
    broken = change(table(counts, is_first))
    calls: list[Callable[[], object]] = [
        lambda: partisanship(broken, sides=SIDES, seed=1),
        lambda: partisan_words(broken, sides=SIDES),
    ]
    for call in calls:
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value) == message


def test_one_language_said_is_one_language() -> None:
    counts, is_first, _ = spoken(np.random.default_rng(11), (31, 31), 0.0, 40)
    said = table(counts, is_first).with_columns(lang=pl.lit("ps"))
    made = partisanship(said, sides=SIDES, seed=1, permutations=3)
    assert made.equals(partisanship(said.drop("lang"), sides=SIDES, seed=1, permutations=3))


@pytest.mark.parametrize(
    ("group", "author", "error"),
    [(["a"] * 4, None, UsageError), (["a", "b", "c", "c"], None, UsageError), (["a", "b"], None, UsageError),
     (["a", "a", "b", "b"], ["x", "y", "x", "z"], MeaningError), (["a", "a", "b", "b"], ["x"], UsageError)],
)  # fmt: skip
def test_groups_and_authors_must_fit(group: list[str], author: list[str] | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        leave_out_partisanship(np.ones((4, 3)), group, author)
    with pytest.raises(UsageError, match=r"below 0"):
        leave_out_partisanship(-np.ones((4, 3)), ["a", "a", "b", "b"])


# ---- the words


def test_counts_may_be_lists_tuples_or_sparse_and_must_be_rows() -> None:
    rows = [[2, 1, 0, 3], [0, 4, 1, 1], [0, 1, 5, 1], [1, 0, 2, 2]]
    made = {leave_out_partisanship(given, list("aabb"))
            for given in (rows, tuple(map(tuple, rows)), np.array(rows), sparse.csr_array(rows))}  # fmt: skip
    assert len(made) == 1
    with pytest.raises(UsageError, match=r"^counts have the shape \(4,\); give a row of token counts an author$"):
        leave_out_partisanship([1, 2, 3, 4], list("aabb"))


def test_the_words_add_up_to_the_value_and_none_is_named_for_few() -> None:
    counts, is_first, _ = spoken(np.random.default_rng(12), (60, 45), 0.5)
    counts[:9, 150] += 30  # nine loud authors and a word of theirs
    counts[9:, 150] = 0
    made = partisan_words(table(counts, is_first), sides=SIDES)
    whole = leave_out_partisanship(counts, is_first) - 0.5
    assert made["contribution"].sum() == pytest.approx(whole, abs=1e-12)
    named, rest = made.head(-1), made.tail(1).row(0, named=True)
    assert (rest["token"], rest["leans"], rest["n_authors"]) == (None, None, None)
    assert rest["contribution"] > 0.005
    users = {f"w{j:04d}": int(n) for j, n in enumerate((counts > 0).sum(axis=0))}
    assert named["token"].to_list() != []
    assert dict(named.select("token", "n_authors").rows()) == {t: n for t, n in users.items() if n >= 10}
    assert "w0150" not in named["token"].to_list()
    assert named["contribution"].is_sorted(descending=True)
    rates = [counts[side].sum(axis=0) / counts[side].sum() for side in (is_first, ~is_first)]
    for token, leans in named.select("token", "leans").rows():
        j = int(token[1:])
        assert leans == ("ours" if rates[0][j] >= rates[1][j] else "theirs")
    top = partisan_words(table(counts, is_first), sides=SIDES, top=3)
    assert top.head(3).equals(made.head(3))
    assert top["contribution"].sum() == pytest.approx(whole, abs=1e-12)
    # Windows are taken together.
    half = pl.concat([table(counts, is_first).with_columns(window=pl.lit(w)) for w in ("a", "b")])
    assert partisan_words(half, sides=SIDES)["token"].equals(made["token"])


def test_the_words_ask_for_enough_authors() -> None:
    counts, is_first, _ = spoken(np.random.default_rng(13), (29, 60), 0.5)
    with pytest.raises(PrivacyError, match=r"^min_authors is 9; a word is shown only when 10 authors or more used it$"):
        partisan_words(table(counts, is_first), sides=SIDES, min_authors=9)
    with pytest.raises(MeaningError, match=r"^there are 29 and 60 authors; words need 30 on each side"):
        partisan_words(table(counts, is_first), sides=SIDES)
    forced = partisan_words(table(counts, is_first), sides=SIDES, force=True, min_authors=20)
    assert all(n >= 20 for n in forced["n_authors"].drop_nulls())
    assert forced.height > 1


# ---- real blogs


@pytest.fixture(scope="module")
def blogs() -> pl.DataFrame:
    """Posts of 2008 as speakers, by month."""
    meta = pl.read_csv(shared_file("us_poliblog2008", "meta.csv"), columns=["doc", "rating", "day"])
    counts = pl.read_csv(shared_file("us_poliblog2008", "counts.csv"))
    month = (pl.date(2008, 1, 1) + pl.duration(days=pl.col("day") - 1)).dt.strftime("%Y-%m")
    return counts.join(meta.with_columns(window=month), on="doc", validate="m:1").select(
        "window", author_id=pl.format("d:{}", "doc"), side="rating", token="term", n="count"
    )


def test_the_words_of_political_blogs_are_as_partisan_as_their_card_says(blogs: pl.DataFrame) -> None:
    speakers = blogs.select("author_id", "side").unique().sort("author_id").with_row_index("a")
    placed = blogs.join(speakers, on=["author_id", "side"])
    at = (placed["a"].to_numpy(), placed["token"].cast(pl.Categorical).to_physical().to_numpy())
    matrix = sparse.csr_array((placed["n"].to_numpy().astype(float), at))
    assert leave_out_partisanship(matrix, speakers["side"]) == pytest.approx(0.5187, abs=5e-4)
    shuffled = np.random.default_rng(1).permutation(speakers["side"].to_numpy())
    assert leave_out_partisanship(matrix, shuffled) == pytest.approx(0.5001, abs=0.0015)


def test_a_flat_year_raises_no_alarm_of_a_trend(blogs: pl.DataFrame) -> None:
    made = partisanship(blogs, sides=("Conservative", "Liberal"), seed=1, permutations=19, rarefactions=1)
    assert made.height == 12
    assert made["authors_a_side"].n_unique() == 1
    assert made["value"].is_between(0.51, 0.54).all()
    assert made["null_mean"].is_between(0.497, 0.503).all()
    assert (made["p"] == 0.05).all()  # the camps do speak differently, in every month
    trend: Any = linregress(range(12), made["excess"].to_numpy())
    assert trend.pvalue > 0.05
