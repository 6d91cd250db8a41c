"""Language partisanship: how well one word tells the side of the person who wrote it.

Someone draws a side by lot and then a word of a member of that side, and tells it to an observer who knows how often
each side uses each word. The partisanship is the chance the observer gives to the true side on average: 1/2 when both
sides speak alike. Plug-in estimates are too high, because few authors make any two samples differ; the leave-out
estimator judges each author by the words of the others. It is a little below 1/2 when there is no difference and few
authors, so read it against the mean of shuffled sides, never against 1/2, and over time only with equal numbers of
authors. The author is the unit: every author weighs the same, however much they write.

Sources: Gentzkow, Shapiro and Taddy (2019), *Measuring Group Differences in High-Dimensional Choices*, Econometrica 87;
Demszky et al. (2019), *Analyzing Polarization in Social Media*, NAACL, section 3.1.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from discourse.errors import MeaningError, PrivacyError, SchemaError, UsageError
from discourse.schema import as_polars

__all__ = [
    "MIN_AUTHORS", "MIN_CARRIERS", "Use", "author_counts", "leave_out_partisanship", "partisan_words", "partisanship",
    "plug_in_partisanship",
]  # fmt: skip

MIN_AUTHORS = 30
MIN_CARRIERS = 10
_SERIES = {
    "window": pl.String, "value": pl.Float64, "null_mean": pl.Float64, "null_low": pl.Float64, "null_high": pl.Float64,
    "excess": pl.Float64, "p": pl.Float64, "authors_a_side": pl.Int64, "n_first": pl.Int64, "n_second": pl.Int64,
    "n_tokens": pl.Int64, "permutations": pl.Int64, "rarefactions": pl.Int64, "flags": pl.String,
}  # fmt: skip

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Use:
    """Who used which token how often: pairs of author and token, and the total of every author.

    Tokens of one author alone are gone, and authors without a token left. `authors` are the rows of the matrix it was
    made of; `of` renumbers them.
    """

    author: Ints
    token: Ints
    count: Floats
    total: Floats
    authors: Ints
    tokens: int

    @classmethod
    def of(cls, matrix: sparse.csr_array) -> Use:
        """From counts of authors x tokens.

        >>> Use.of(sparse.csr_array([[2, 1, 0], [1, 0, 1], [0, 0, 0]])).total.tolist()
        [2.0, 1.0]
        """
        pairs = matrix.tocoo()
        given = pairs.data > 0
        author, token = pairs.row[given].astype(np.int64), pairs.col[given].astype(np.int64)
        return cls._without_singles(author, token, pairs.data[given].astype(np.float64), matrix.shape)

    def subset(self, chosen: Bools) -> Use:
        """The use of some of its authors (a,), made anew: who is left may leave tokens to a single author."""
        kept = chosen[self.author]
        shape = (len(chosen), self.tokens)
        return Use._without_singles(self.author[kept], self.token[kept], self.count[kept], shape)

    @classmethod
    def _without_singles(cls, author: Ints, token: Ints, count: Floats, shape: tuple[int, int]) -> Use:
        shared = np.bincount(token, minlength=shape[1]) >= 2
        kept = shared[token]
        author, token, count = author[kept], token[kept], count[kept]
        total = np.bincount(author, weights=count, minlength=shape[0]).astype(np.float64)
        authors = np.flatnonzero(total > 0)
        place = np.full(shape[0], -1)
        place[authors] = np.arange(len(authors))
        return cls(place[author], token, count, total[authors], authors, shape[1])


def leave_out_partisanship(counts: Any, group: npt.ArrayLike, author: npt.ArrayLike | None = None) -> float:
    """Leave-out partisanship of counts (rows x tokens, dense or sparse), near 1/2 without a difference, at most 1.

    `group` gives each row one of two labels; `author` says who wrote a row, and rows of one author are added up
    (without it each row is an author). Tokens used by fewer than two authors are dropped. For author i of side G with
    own shares q_i: pi = 1/2 sum over sides of the mean over i of q_i . rho_i, where rho_i is the share of G in each
    token when i is left out. Two passes over the pairs of author and token.

    It always computes; `partisanship` is the one that asks for enough authors and adds the null. Raises `UsageError`
    for other than two groups or fewer than two authors a side, `MeaningError` for an author of both groups.

    >>> one, two = [[2, 1, 0, 3], [0, 4, 1, 1], [1, 1, 1, 0]], [[0, 1, 5, 1], [1, 0, 2, 2], [0, 0, 3, 1]]
    >>> round(leave_out_partisanship([*one, *two], ["D"] * 3 + ["R"] * 3), 6)
    0.602705
    """
    matrix, is_first = author_counts(counts, group, author)
    use = Use.of(matrix)
    return _value(use, is_first[use.authors])


def plug_in_partisanship(
    counts: Any, group: npt.ArrayLike, author: npt.ArrayLike | None = None, *, pooled: bool = True
) -> float:
    """The plug-in estimate, too high whenever authors are few: to be shown beside the others, never alone.

    The observer knows each side's rates over all its words. The word is drawn from those too (`pooled`), or from a
    member of the side as in the leave-out estimator, who is not left out here. Input, dropped tokens and errors as
    there; two samples of 10 authors who speak alike may give 0.6.

    >>> alike = [[1, 1, 1], [2, 1, 0], [0, 2, 2]]
    >>> round(plug_in_partisanship([*alike, *alike], ["D"] * 3 + ["R"] * 3), 6)
    0.5
    """
    matrix, is_first = author_counts(counts, group, author)
    use = Use.of(matrix)
    mine = is_first[use.authors][use.author]
    by_word = np.stack([
        np.bincount(use.token[part], weights=use.count[part], minlength=use.tokens) for part in (mine, ~mine)
    ])  # fmt: skip
    if by_word.sum(axis=1).min() == 0:
        raise UsageError("one side has no author with a token that another author uses; give more text")
    rates = by_word / by_word.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        rho = np.nan_to_num(rates / rates.sum(axis=0))
    if pooled:
        return float((rates * rho).sum()) / 2.0
    own = np.where(mine, rho[0, use.token], rho[1, use.token])
    weight = use.count / use.total[use.author]
    return sum(float((own * weight)[part].sum()) / len(np.unique(use.author[part])) for part in (mine, ~mine)) / 2.0


def partisanship(
    counts: Any,
    *,
    sides: tuple[str, str],
    seed: int,
    permutations: int = 200,
    rarefactions: int = 5,
    authors: int | None = None,
    level: float = 0.95,
    force: bool = False,
) -> pl.DataFrame:
    """Leave-out partisanship of each window, beside its value when the sides are shuffled among authors.

    `counts` has one row an author and token: author_id, side, token, n, and if wanted window and lang. Every value is
    the mean of `rarefactions` draws of `authors` authors of each side; without `authors` as many as the thinnest side
    of the thinnest window has (of those that are shown), so that all windows rest on the same number. The null goes
    the same way after the authors were dealt to the sides anew: mean, interval at `level`, `excess` over its mean,
    p = (1 + #{null >= value}) / (1 + permutations).

    Windows with fewer than 30 authors on a side keep their row without numbers (flag `withheld`) unless `force`
    (flag `forced`). Rows of other sides stay out. Raises `MeaningError` for tokens of several languages, which tell
    any two groups apart, and for an author on both sides of a window.

    >>> rows = [(f"x:{side}{i}", side, word, 3) for side, own in (("a", "war"), ("b", "peace")) for i in range(30)
    ...         for word in (own, "today")]
    >>> table = pl.DataFrame(rows, schema=["author_id", "side", "token", "n"], orient="row")
    >>> made = partisanship(table, sides=("a", "b"), seed=1, permutations=99)
    >>> made.select(pl.col("value").round(6), "p", "authors_a_side").row(0)
    (0.75, 0.01, 30)
    """
    if permutations < 1 or rarefactions < 1:
        raise UsageError(f"permutations is {permutations} and rarefactions {rarefactions}; both must be at least 1")
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    table = _checked(counts, sides)
    windows = {str(name): _of_table(part, sides) for (name,), part in table.group_by("window")}
    sizes = {name: (int(first.sum()), int((~first).sum())) for name, (_, first, _) in windows.items()}
    shown = [name for name, size in sizes.items() if min(size) >= (2 if force else MIN_AUTHORS)]
    least = min((min(sizes[name]) for name in shown), default=0)
    drawn = least if authors is None else authors
    if shown and not 2 <= drawn <= least:
        raise UsageError(
            f"authors is {authors}; every window shown has between 2 and {least} authors on its thinner side"
        )
    rows = []
    for name in sorted(windows):
        use, is_first, _ = windows[name]
        row: dict[str, Any] = {"window": name, "n_first": sizes[name][0], "n_second": sizes[name][1],
                               "n_tokens": len(np.unique(use.token)), "permutations": permutations,
                               "rarefactions": rarefactions, "flags": "withheld"}  # fmt: skip
        if name in shown:
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            row |= _against_null(use, is_first, drawn, rng, (permutations, rarefactions, level))
            row["flags"] = "" if min(sizes[name]) >= MIN_AUTHORS else "forced"
        rows.append(row)
    return pl.DataFrame(rows, schema=_SERIES)


def partisan_words(
    counts: Any, *, sides: tuple[str, str], min_authors: int = MIN_CARRIERS, top: int | None = None, force: bool = False
) -> pl.DataFrame:
    """The words that carry the partisanship of a table: columns token, leans, contribution, n_authors.

    `counts` as in `partisanship`, its windows taken together. The contributions of all tokens add up to the leave-out
    value of all authors minus 1/2. A token is named only when at least `min_authors` authors, never fewer than 10,
    used it; the last row, without a token, holds the sum of all others. `leans` is the side that uses the token at the
    higher rate. `top` names that many at most. Fewer than 30 authors on a side need `force`.

    >>> rows = [(f"x:{side}{i}", side, word, 3) for side, own in (("a", "war"), ("b", "peace")) for i in range(30)
    ...         for word in (own, "today")]
    >>> table = pl.DataFrame(rows, schema=["author_id", "side", "token", "n"], orient="row")
    >>> partisan_words(table, sides=("a", "b"), top=2).with_columns(pl.col("contribution").round(6)).rows()
    [('peace', 'b', 0.125, 30), ('war', 'a', 0.125, 30), (None, None, 0.0, None)]
    """
    if min_authors < MIN_CARRIERS:
        raise PrivacyError(
            f"min_authors is {min_authors}; a word is shown only when {MIN_CARRIERS} authors or more used it"
        )
    table = _checked(as_polars(counts).drop("window", strict=False), sides)
    use, is_first, tokens = _of_table(table, sides)
    if min(is_first.sum(), (~is_first).sum()) < (2 if force else MIN_AUTHORS):
        raise MeaningError(
            f"there are {int(is_first.sum())} and {int((~is_first).sum())} authors; words need {MIN_AUTHORS} on each "
            "side (force=True overrides)"
        )
    parts, rates = _contributions(use, is_first)
    users = np.bincount(use.token, minlength=use.tokens)
    named = pl.DataFrame(
        {
            "token": tokens,
            "leans": np.where(rates[0] >= rates[1], *sides),
            "contribution": parts,
            "n_authors": users,
        }
    ).cast({"n_authors": pl.Int64})
    named = named.sort(pl.col("contribution").round(12), "token", descending=[True, False])
    shown = named.filter(pl.col("n_authors") >= min_authors).head(named.height if top is None else top)
    rest = float(parts.sum() - shown["contribution"].sum())
    other = pl.DataFrame({"token": [None], "leans": [None], "contribution": [rest], "n_authors": [None]}, named.schema)
    return pl.concat([shown, other.with_columns(pl.col("contribution").round(15))])


def author_counts(
    counts: Any, group: npt.ArrayLike, author: npt.ArrayLike | None = None
) -> tuple[sparse.csr_array, Bools]:
    """Counts of authors x tokens and whether each author stands in the first group (in sorted order of labels).

    >>> matrix, is_first = author_counts([[1, 0], [0, 2], [1, 1]], ["b", "b", "a"], ["x", "x", "y"])
    >>> matrix.toarray().tolist(), is_first.tolist()
    ([[1.0, 2.0], [1.0, 1.0]], [False, True])
    """
    rows_of = counts if sparse.issparse(counts) else np.asarray(counts, dtype=np.float64)
    if rows_of.ndim != 2:
        raise UsageError(f"counts have the shape {rows_of.shape}; give a row of token counts an author")
    matrix = sparse.csr_array(rows_of, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    if (matrix.data < 0).any():
        raise UsageError("counts of tokens are below 0; give how often each was used")
    labels, side = np.unique(np.asarray(group), return_inverse=True)
    if len(labels) != 2 or len(side) != matrix.shape[0]:
        raise UsageError(
            f"there are {matrix.shape[0]} rows of counts and {len(side)} labels of {len(labels)} groups; "
            "give each row one of two labels"
        )
    if author is None:
        return matrix, side == 0
    names, who = np.unique(np.asarray(author), return_inverse=True)
    if len(who) != matrix.shape[0]:
        raise UsageError(f"there are {matrix.shape[0]} rows of counts and {len(who)} authors; give one a row")
    in_first = np.bincount(who, weights=side == 0)
    rows = np.bincount(who)
    both = int(((in_first > 0) & (in_first < rows)).sum())
    if both:
        raise MeaningError(f"{_authors(both)} in both groups; give every author one")
    adds = sparse.csr_array((np.ones(len(who)), (who, np.arange(len(who)))), shape=(len(names), len(who)))
    return sparse.csr_array(adds @ matrix), in_first > 0


def _parts(use: Use, is_first: Bools) -> tuple[Floats, Floats, Floats]:
    """Share of its side in each pair's token without its author, weight of the pair, and token rates (2, tokens)."""
    sizes = np.array([is_first.sum(), (~is_first).sum()])
    if sizes.min() < 2:
        raise UsageError(
            f"there are {sizes[0]} and {sizes[1]} authors with shared tokens; the estimator needs 2 a side"
        )
    mine = is_first[use.author]
    by_side = np.stack([
        np.bincount(use.token[mine], weights=use.count[mine], minlength=use.tokens),
        np.bincount(use.token[~mine], weights=use.count[~mine], minlength=use.tokens),
    ])  # fmt: skip
    mass = np.array([use.total[is_first].sum(), use.total[~is_first].sum()])
    side = np.where(mine, 0, 1)
    total = use.total[use.author]
    own = (by_side[side, use.token] - use.count) / (mass[side] - total)
    other = by_side[1 - side, use.token] / mass[1 - side]
    return own / (own + other), use.count / total / sizes[side] / 2.0, by_side / mass[:, None]


def _value(use: Use, is_first: Bools) -> float:
    rho, weight, _ = _parts(use, is_first)
    return float(rho @ weight)


def _contributions(use: Use, is_first: Bools) -> tuple[Floats, Floats]:
    rho, weight, rates = _parts(use, is_first)
    parts = np.bincount(use.token, weights=(rho - 0.5) * weight, minlength=use.tokens).astype(np.float64)
    return parts, rates


def _rarefied(use: Use, is_first: Bools, size: int, rng: np.random.Generator, rarefactions: int) -> float:
    """Mean value of draws of `size` authors of each side; all of them at once where there are no more."""
    places = [np.flatnonzero(is_first), np.flatnonzero(~is_first)]
    if all(len(place) == size for place in places):
        return _value(use, is_first)
    values = []
    for _ in range(rarefactions):
        chosen = np.zeros(len(is_first), dtype=bool)
        for place in places:
            chosen[rng.choice(place, size=size, replace=False)] = True
        part = use.subset(chosen)
        values.append(_value(part, is_first[part.authors]))
    return float(np.mean(values))


def _against_null(
    use: Use, is_first: Bools, size: int, rng: np.random.Generator, how: tuple[int, int, float]
) -> Mapping[str, Any]:
    permutations, rarefactions, level = how
    value = _rarefied(use, is_first, size, rng, rarefactions)
    null = np.array([
        _rarefied(use, rng.permutation(is_first), size, rng, rarefactions) for _ in range(permutations)
    ])  # fmt: skip
    low, high = np.quantile(null, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return {
        "value": value, "null_mean": float(null.mean()), "null_low": float(low), "null_high": float(high),
        "excess": value - float(null.mean()), "p": (1 + int((null >= value - 1e-12).sum())) / (1 + permutations),
        "authors_a_side": size,
    }  # fmt: skip


def _authors(n: int) -> str:
    return "1 author stands" if n == 1 else f"{n} authors stand"


def _checked(counts: Any, sides: tuple[str, str]) -> pl.DataFrame:
    given = as_polars(counts)
    for name in ("author_id", "side", "token", "n"):
        if name not in given.columns:
            raise SchemaError(f"the token counts have no column {name!r}; they need author_id, side, token and n")
    if len(set(sides)) != 2:
        raise UsageError(f"sides is {sides}; name two different ones")
    if "window" not in given.columns:
        given = given.with_columns(window=pl.lit("all"))
    table = given.filter(pl.col("side").is_in(sides))
    if table.select(pl.col("n").is_null() | (pl.col("n") < 0)).to_series().any():
        raise SchemaError("column 'n' of the token counts holds nulls or numbers below 0; it must count uses")
    if "lang" in table.columns:
        langs = sorted(str(lang) for lang in table["lang"].unique())
        if len(langs) > 1:
            raise MeaningError(
                f"the tokens are in {len(langs)} languages ({', '.join(langs)}), whose words tell any two groups "
                "apart; keep one language"
            )
    sum_up = table.group_by("window", "author_id", "side", "token").agg(pl.col("n").sum())
    both = sum_up.group_by("window", "author_id").agg(pl.col("side").n_unique()).filter(pl.col("side") > 1).height
    if both:
        raise MeaningError(f"{_authors(both)} on both sides in one window; give every author one side")
    if table.is_empty():
        raise MeaningError(f"there are no tokens of {sides[0]} and {sides[1]}; check the names of the sides")
    return sum_up


def _of_table(table: pl.DataFrame, sides: tuple[str, str]) -> tuple[Use, Bools, list[str]]:
    """Use, whether an author is of the first side, and the names of the tokens; rows in sorted order."""
    authors = table.select("author_id", "side").unique().sort("author_id", "side").with_row_index("a")
    tokens = table.select("token").unique().sort("token").with_row_index("j")
    placed = table.join(authors, on=["author_id", "side"], validate="m:1").join(tokens, on="token", validate="m:1")
    shape = (authors.height, tokens.height)
    use = Use.of(
        sparse.csr_array((placed["n"].to_numpy(), (placed["a"].to_numpy(), placed["j"].to_numpy())), shape=shape)
    )
    is_first = (authors["side"] == sides[0]).to_numpy()
    return use, is_first[use.authors], tokens["token"].to_list()
