"""Two windows of classified posts side by side: what drift is looked for in, and which groups may be named.

Letters of shapes: n posts, a authors of both windows together, k classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.classifier import Framed, FramingClassifier
from discourse.framing.features import texts_of
from discourse.judging.tables import MIN_AUTHORS
from discourse.judging.wald import AuthorWeights
from discourse.schema import UNKNOWN, WEIGHTS, as_polars, one_of

__all__ = ["OTHERS", "Pair", "Window", "nameable", "script_of"]

OTHERS: Final = "others"
"""What groups of fewer than 10 authors go by, together."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Window:
    """n posts of one window, in an order that does not depend on how they came.

    `posts` has author_id, post_id, lang, platform, script, text (masked normal form) and predicted; a column that
    was not given is null. `place` (n) says where each author stands among those of both windows, `weight` (n) what
    each post counts, `shares` (n, k) holds the probabilities, k = 0 where there are none.
    """

    posts: pl.DataFrame
    place: Codes
    weight: Floats
    shares: Floats

    def weight_of(self, part: Codes, mode: str) -> Floats:
        """What each of the posts or words at `part` counts: 1, or with author weight 1 divided among an author's."""
        place = self.place[part]
        return 1.0 / np.bincount(place)[place] if mode == "author" else np.ones(len(part))


@dataclass(frozen=True, eq=False)
class Pair:
    """The reference and the current window, their authors' bootstrap weights, and the k classes of the model.

    >>> posts = pl.DataFrame({"author_id": [*"jihgfedcba"], "predicted": "both", "lang": ["en"] * 9 + ["ps"]})
    >>> pair = Pair.of(posts, posts, model=None, weight="author", seed=7, replicates=2)
    >>> pair.current.posts["lang"][0], pair.current.place[:3].tolist(), pair.draws.drawn.shape
    ('ps', [0, 1, 2], (10, 2))
    """

    reference: Window
    current: Window
    draws: AuthorWeights
    authors: tuple[str, ...]
    classes: tuple[str, ...]
    weight: str

    @classmethod
    def of(
        cls, reference: Any, current: Any, *, model: FramingClassifier | None, weight: str, seed: int, replicates: int
    ) -> Pair:
        """Read two windows: framed corpora, corpora (which `model` classifies) or tables; raises as `drift` does."""
        one_of(weight, WEIGHTS, "weight")
        if replicates < 2:
            raise UsageError(f"replicates is {replicates}; a covariance needs at least 2 (400 is the default)")
        tables = [_table(given, model, name) for given, name in ((reference, "reference"), (current, "current"))]
        _check_models([*tables, *([pl.DataFrame({"model": [model.model_id]})] if model is not None else [])])
        if all("post_id" in table.columns for table in tables):
            twice = tables[0].join(tables[1], on="post_id", how="semi").height
            if twice:
                raise MeaningError(f"{twice} posts are in both windows; give two periods that do not overlap")
        classes = _classes(tables)
        authors = sorted(set(tables[0]["author_id"]) | set(tables[1]["author_id"]))
        made = [_window(table, authors, classes, weight) for table in tables]
        draws = AuthorWeights.of(authors, replicates, seed)
        return cls(made[0], made[1], draws, tuple(authors), classes, weight)

    @property
    def windows(self) -> tuple[Window, Window]:
        """Reference first."""
        return self.reference, self.current


def nameable(windows: Sequence[pl.DataFrame], column: str) -> tuple[dict[str, str], list[str]]:
    """How the values of a column may be named, as a map to themselves or `others`, and the names in order.

    A value is named when in each window none or 10 or more authors have it; the rest is `others`. If fewer than 10
    authors of a window would be left in there, the rarest of the named values joins them, until nobody can be told by
    subtraction. Null counts as `unknown`.

    >>> rows = {"author_id": [f"{i}" for i in range(25)], "lang": ["en"] * 12 + ["ur"] * 10 + ["ps"] * 3}
    >>> nameable([pl.DataFrame(rows)], "lang")[0] == {"en": "en", "ur": "others", "ps": "others"}
    True
    """
    each = [
        posts.select("author_id", pl.col(column).fill_null(UNKNOWN).alias("value"), window=pl.lit(at)).unique()
        for at, posts in enumerate(windows)
    ]
    every = pl.concat(each)
    counts = every.group_by("value", "window").len("authors")
    fewest = counts.group_by("value").agg(pl.col("authors").min().alias("least"), pl.col("authors").sum().alias("all"))
    shown = fewest.filter(pl.col("least") >= MIN_AUTHORS).sort("all", "value", descending=[True, False])
    named: list[str] = shown["value"].to_list()
    while named:
        rest = every.filter(~pl.col("value").is_in(named))
        left = rest.group_by("window").agg(pl.col("author_id").n_unique())["author_id"]
        if (left >= MIN_AUTHORS).all():
            break
        named.pop()
    values = fewest["value"].to_list()
    names = [*named, *([OTHERS] if len(named) < len(values) else [])]
    return {value: value if value in named else OTHERS for value in values}, names


def script_of(text: pl.Expr) -> pl.Expr:
    """The script that most letters of a text are of: arabic, latin, or none; null for a null text.

    >>> pl.DataFrame({"text": ["peace امن now", "امن", "!"]}).select(script_of(pl.col("text")))["text"].to_list()
    ['latin', 'arabic', 'none']
    """
    arabic, latin = (text.str.count_matches(rf"\p{{{script}}}") for script in ("Arabic", "Latin"))
    named = pl.when(arabic + latin == 0).then(pl.lit("none")).when(arabic > latin).then(pl.lit("arabic"))
    return pl.when(text.is_not_null()).then(named.otherwise(pl.lit("latin"))).alias("text")


def _table(given: Any, model: FramingClassifier | None, name: str) -> pl.DataFrame:
    """Posts and their framings as one table."""
    if isinstance(given, Corpus):
        if model is None:
            raise UsageError(
                f"the {name} window is a corpus without framings; give model=, or model.predict(corpus) in its place"
            )
        given = model.predict(given)
    if isinstance(given, Framed):
        given = given.posts.join(given.table, on="post_id", how="inner", validate="1:1")
    table = as_polars(given)
    for column in ("author_id", "predicted"):
        if column not in table.columns:
            raise SchemaError(f"the {name} window has no column {column!r}; give classified posts with their authors")
        if table[column].null_count():
            raise SchemaError(
                f"{table[column].null_count()} posts of the {name} window have no {column}; every one needs it"
            )
    if table["author_id"].n_unique() < MIN_AUTHORS:
        raise MeaningError(
            f"the {name} window has {table['author_id'].n_unique()} authors; fewer than {MIN_AUTHORS} are not compared"
        )
    return table


def _check_models(tables: Sequence[pl.DataFrame]) -> None:
    names = sorted(
        {str(name) for table in tables if "model" in table.columns for name in table["model"].drop_nulls().unique()}
    )
    if len(names) > 1:
        raise MeaningError(f"the windows were classified by {', '.join(names)}; classify both with one model")


def _classes(tables: Sequence[pl.DataFrame]) -> tuple[str, ...]:
    """Classes with a probability above 0 in some post of a window; none when a window has no probabilities."""
    columns = [{name for name in table.columns if name.startswith("p_")} for table in tables]
    if columns[0] != columns[1]:
        raise SchemaError("the windows have probabilities of different classes; classify both with one model")
    order = [name for name in tables[0].columns if name in columns[0]]
    for name in order:
        for table in tables:
            if not table[name].is_between(0, 1).fill_null(False).all():
                raise SchemaError(f"{name} holds values outside 0 to 1 or none; give a probability for every post")
    return tuple(name[2:] for name in order if any(table[name].max() for table in tables))


def _window(table: pl.DataFrame, authors: Sequence[str], classes: Sequence[str], weight: str) -> Window:
    given = [pl.col(name) if name in table.columns else pl.lit(None, pl.String).alias(name)
             for name in ("author_id", "post_id", "lang", "platform", "predicted")]  # fmt: skip
    has_text = "text_norm" in table.columns and table["text_norm"].null_count() < table.height
    text = pl.Series("text", texts_of(table) if has_text else [None] * table.height, dtype=pl.String)
    shares = [f"p_{name}" for name in classes]
    posts = table.select(*given, *shares).with_columns(text).with_columns(script_of(pl.col("text")).alias("script"))
    posts = posts.sort("author_id", "post_id", "text", "predicted", *shares)
    place = posts["author_id"].replace_strict(authors, np.arange(len(authors)), return_dtype=pl.Int64).to_numpy()
    of_author = np.bincount(place)[place].astype(np.float64)
    return Window(
        posts.drop(shares), place, 1.0 / of_author if weight == "author" else np.ones(len(place)),
        posts.select(shares).to_numpy().astype(np.float64).reshape(len(place), len(shares)),
    )  # fmt: skip
