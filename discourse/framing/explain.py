"""What carries a frame in the model: exact contributions of words to the scores of the linear classifier.

This says what the model adds up (`framing.contributions`), not why people write as they do, nor what a word means.

Letters of shapes: n texts, k classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.bank import shipped_bank
from discourse.framing.classifier import FramingClassifier
from discourse.framing.contributions import MASKS, Bearing, Tokens, Units, in_order
from discourse.framing.features import Counted, count, texts_of
from discourse.framing.linear import Linear
from discourse.schema import FRAMES, LANGUAGES, as_polars

__all__ = ["LEAST_AUTHORS", "POST_PARTS", "WORD_LIST", "explain_corpus", "explain_post"]

LEAST_AUTHORS: Final = 10
POST_PARTS: Final[dict[str, Any]] = {
    "place": pl.Int64, "kind": pl.String, "part": pl.String, "frame": pl.String, "contribution": pl.Float64,
}  # fmt: skip
WORD_LIST: Final[dict[str, Any]] = {
    "frame": pl.String, "lang": pl.String, "kind": pl.String, "word": pl.String, "contribution": pl.Float64,
    "when_used": pl.Float64, "n_posts": pl.Int64, "n_authors": pl.Int64, "lang_posts": pl.Int64,
    "lang_authors": pl.Int64, "model": pl.String,
}  # fmt: skip
_DIGITS: Final = 6  # of a mean contribution that is shown
_BATCH: Final = 4_000
_BANK: Final = "bank:"

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Part = tuple[int | None, str, str, Floats]


def explain_post(model: FramingClassifier, text: str, *, through_bank: bool = False) -> pl.DataFrame:
    """What each part of a post adds to the score of each class: columns place, kind, part, frame, contribution.

    Kinds: `word` (each word or sign at its place, counted from 0, with its letter groups), `pair` (two in a row, at
    the place of the first), `masked` (a link or a mention, which the model sees as `<url>` and `<user>`), `column`
    (what stands beside the words, by its name in `model.dense_names`) and `intercept`. The contributions of a class add
    up to its score, `model.linear_.scores`. With `through_bank`, words and pairs bear what they add to the scores of
    the constructed bank too, and its columns keep the constant that is left. For one's own eyes: the table holds the
    post. Raises `MeaningError` for a model that is not linear or not trained.

    >>> texts = ["we want peace talks", "let us talk, no more war", "defend our soil", "our soil, our honour"]
    >>> model = FramingClassifier(seed=7, least=1).fit(texts, ["conciliatory"] * 2 + ["nationalist"] * 2)
    >>> made = explain_post(model, "peace for our soil").filter(kind="word", frame="nationalist")
    >>> made.sort("contribution")["part"].to_list()[0]
    'peace'
    """
    linear, texts = _linear(model), texts_of([text])
    counted, cut, bearings = count(texts), Tokens.of(texts), _bearings(model, through_bank=through_bank)
    pairs = [(cut.folded[cut.form[at]], cut.folded[cut.form[at + 1]]) for at in cut.pairs()]
    alone = _borne(bearings, counted, Units.of_words(cut.folded), (np.zeros_like(cut.form), cut.form))
    places = np.arange(len(pairs))
    together = _borne(bearings, counted, Units.of_pairs(pairs), (np.zeros_like(places), places))
    beside = model.dense(texts)
    rows: list[Part] = [
        *_rows_of_words(cut, alone, together),
        *((None, "column", name, value) for name, value in zip(
            model.dense_names, _columns(model, beside[0], through_bank=through_bank), strict=True
        )),
        (None, "intercept", "intercept", linear.intercept),
    ]  # fmt: skip
    total = np.sum([values for *_, values in rows], axis=0)
    if not np.allclose(total, linear.scores(counted, beside)[0], rtol=0, atol=1e-9):
        raise MeaningError("the parts do not add up to the score: this model reads posts otherwise than this package")
    return pl.DataFrame(
        [(place, kind, part, frame, float(value)) for place, kind, part, values in rows
         for frame, value in zip(linear.classes, values, strict=True)],
        schema=POST_PARTS, orient="row",
    )  # fmt: skip


def explain_corpus(
    model: FramingClassifier,
    corpus: Corpus | pl.DataFrame,
    *,
    top: int = 20,
    min_authors: int = LEAST_AUTHORS,
    through_bank: bool = True,
) -> pl.DataFrame:
    """The words and pairs of words that carry each class in each language, greatest first; at most `top` each.

    `contribution` is what a word adds to the score of the class in the mean over all posts of the language (of an
    author), `when_used` in the mean over the posts that hold it; n_posts and n_authors count those, lang_posts and
    lang_authors the whole language. A word of fewer than `min_authors` authors, one that a single author brings more
    than half of the posts of, parts of names and addresses, and what speaks against the class are left out. Posts
    without an author do not count. Spellings that the model takes for one are one word, shown as most authors write
    it. `through_bank`: what a word adds to the scores of the constructed bank is counted as its own; no other column
    beside the words is. Columns of the table: those of `WORD_LIST`.

    Raises `UsageError` for `min_authors` below 10 and `top` below 1, `SchemaError` for posts without author_id or
    text_norm, `MeaningError` for a model that is not linear or not trained.

    >>> texts = ["we want peace talks", "let us talk, no more war", "defend our soil", "our soil, our honour"]
    >>> model = FramingClassifier(seed=7, least=1).fit(texts, ["conciliatory"] * 2 + ["nationalist"] * 2)
    >>> posts = pl.DataFrame({"author_id": [f"{i}" for i in range(20)], "text_norm": ["peace"] * 12 + ["soil"] * 8,
    ...                       "lang": "en"})
    >>> explain_corpus(model, posts).select("frame", "word", "n_authors").rows()
    [('conciliatory', 'peace', 12)]
    """
    if min_authors < LEAST_AUTHORS:
        raise UsageError(
            f"min_authors is {min_authors}; words of fewer than {LEAST_AUTHORS} authors are never shown, so give "
            f"{LEAST_AUTHORS} or more"
        )
    if top < 1:
        raise UsageError(f"top is {top}; it must be 1 or more, like 20")
    linear, read = _linear(model), _Read.of(corpus)
    shown = read.shown(min_authors)
    means = _means(read, linear.classes, shown, _sums(read, _bearings(model, through_bank=through_bank), shown))
    order = [name for name in FRAMES if name in linear.classes] + sorted(set(linear.classes) - set(FRAMES))
    of_frame, of_lang = ({name: at for at, name in enumerate(names)} for names in (order, LANGUAGES))
    ranked = means.with_columns(model=pl.lit(model.model_id)).filter(pl.col("contribution") > 0).sort(
        pl.col("frame").replace_strict(of_frame, default=0, return_dtype=pl.Int64),
        pl.col("lang").replace_strict(of_lang, default=len(of_lang), return_dtype=pl.Int64),
        "lang", -pl.col("contribution"), "word", "kind",
    )  # fmt: skip
    return (
        ranked.group_by("frame", "lang", maintain_order=True)
        .head(top)
        .select(pl.col(name).cast(dtype) for name, dtype in WORD_LIST.items())
    )


@dataclass(frozen=True, eq=False)
class _Read:
    """The distinct texts of posts with an author, their tokens, and who posted which text in which language.

    `posts` has text and author (numbers), lang and n, how many posts. A unit is a word or a pair of words; its `key`
    numbers what the model takes it for, its `form` how it is written: the number of a word, or size + size * that of
    the first + that of the second, size being the number of forms.
    """

    texts: Sequence[str]
    cut: Tokens
    posts: pl.DataFrame

    @classmethod
    def of(cls, corpus: Corpus | pl.DataFrame) -> _Read:
        given = corpus.posts if isinstance(corpus, Corpus) else as_polars(corpus)
        if "author_id" not in given.columns:
            raise SchemaError("the posts have no author_id; words are counted by authors, so give it")
        told = given.filter(pl.col("author_id").is_not_null() & (pl.col("author_id") != ""))
        read = texts_of(told) if told.height else []
        texts = sorted({str(text) for text in read})
        number = {text: at for at, text in enumerate(texts)}
        posts = told.select(
            pl.Series("text", [number[text] for text in read], dtype=pl.Int64),
            pl.Series("lang", [text.lang for text in read], dtype=pl.String),
            pl.col("author_id").rank("dense").cast(pl.Int64).alias("author"),
        )
        return cls(
            texts, Tokens.of(texts), posts.group_by("text", "lang", "author").len("n").sort("text", "lang", "author")
        )

    def occurrences(self) -> pl.DataFrame:
        """Where units stand that are no part of a name: text, key, form, one row a time."""
        cut, keys, size = self.cut, self._keys(), len(self.cut.forms)
        single, at = np.flatnonzero(cut.plain), cut.pairs()
        at = at[cut.plain[at] & cut.plain[at + 1]]
        first, second = cut.form[at], cut.form[at + 1]
        return pl.DataFrame({
            "text": np.concatenate([cut.text[single], cut.text[at]]),
            "key": np.concatenate([keys[cut.form[single]], size + keys[first] * size + keys[second]]),
            "form": np.concatenate([cut.form[single], size + first * size + second]),
        })  # fmt: skip

    def shown(self, least: int) -> pl.DataFrame:
        """The units of enough authors in a language: key, lang, word, n_posts, n_authors.

        No author has more than half of the posts, and enough authors write it as it is shown.
        """
        held = self.occurrences().unique()
        by_author = held.select("text", "key").unique().join(self.posts, on="text").group_by("key", "lang", "author")
        counts = by_author.agg(pl.col("n").sum()).group_by("key", "lang").agg(
            n_posts=pl.col("n").sum(), n_authors=pl.len(), most=pl.col("n").max()
        )  # fmt: skip
        counts = counts.filter(pl.col("n_authors") >= least, 2 * pl.col("most") <= pl.col("n_posts")).drop("most")
        written = held.join(counts.select("key").unique(), on="key", how="semi").join(self.posts, on="text")
        writers = written.group_by("key", "lang", "form").agg(writers=pl.col("author").n_unique())
        forms = writers.filter(pl.col("writers") >= least)
        named = forms.with_columns(pl.Series("word", [self._name(form) for form in forms["form"]], dtype=pl.String))
        ordered = named.sort(-pl.col("writers").cast(pl.Int64), "word")
        best = ordered.group_by("key", "lang", maintain_order=True).agg(pl.col("word").first())
        return counts.join(best, on=["key", "lang"]).sort("key", "lang")

    def units(self, keys: Sequence[int]) -> Units:
        """The buckets of units by their keys, which are in ascending order: words before pairs."""
        size, names = len(self.cut.forms), dict(zip(self._keys().tolist(), self.cut.folded, strict=True))
        pairs = [divmod(key - size, size) for key in keys if key >= size]
        return Units.of_words([names[key] for key in keys if key < size]).and_then(
            Units.of_pairs([(names[first], names[second]) for first, second in pairs])
        )

    def _keys(self) -> Codes:
        """The number of what the model takes each form for."""
        number = {word: at for at, word in enumerate(dict.fromkeys(self.cut.folded))}
        return np.array([number[word] for word in self.cut.folded], np.int64)

    def _name(self, form: int) -> str:
        forms, size = self.cut.forms, len(self.cut.forms)
        return forms[form] if form < size else " ".join(forms[one] for one in divmod(form - size, size))


def _means(read: _Read, classes: Sequence[str], shown: pl.DataFrame, sums: Floats) -> pl.DataFrame:
    """The shown units with their mean contributions to each class, one row a unit, language and class."""
    totals = read.posts.group_by("lang").agg(lang_posts=pl.col("n").sum(), lang_authors=pl.col("author").n_unique())
    joined = shown.with_columns(
        pl.Series(f"{at}", sums[:, at], dtype=pl.Float64) for at in range(len(classes))
    ).join(totals, on="lang", how="left", maintain_order="left")  # fmt: skip
    kind = pl.when(pl.col("key") < len(read.cut.forms)).then(pl.lit("word")).otherwise(pl.lit("pair"))
    return pl.concat(
        joined.select(
            "lang", "word", "n_posts", "n_authors", "lang_posts", "lang_authors", kind.alias("kind"),
            (pl.col(f"{at}") / pl.col("lang_posts")).round(_DIGITS).alias("contribution"),
            (pl.col(f"{at}") / pl.col("n_posts")).round(_DIGITS).alias("when_used"),
            frame=pl.lit(name),
        )
        for at, name in enumerate(classes)
    )  # fmt: skip


def _sums(read: _Read, bearings: Sequence[Bearing], shown: pl.DataFrame) -> Floats:
    """The sums of contributions over posts of each shown unit and language, s x k; some thousand texts at a time."""
    keys = shown["key"].unique().sort()
    units, number = read.units(keys.to_list()), pl.DataFrame({"key": keys}).with_row_index("unit")
    held = read.occurrences().join(number, on="key").group_by("text", "key", "unit").len("times").sort("text", "key")
    places = shown.select("key", "lang").with_row_index("row")
    by_lang = read.posts.group_by("text", "lang").agg(pl.col("n").sum()).sort("text", "lang")
    total = np.zeros((shown.height, bearings[0].tables[0].shape[1]))
    for start in range(0, len(read.texts), _BATCH):
        part = held.filter(pl.col("text").is_between(start, start + _BATCH, closed="left"))
        if part.is_empty():
            continue
        counted = count(read.texts[start : start + _BATCH])
        one = _borne(bearings, counted, units, (part["text"].to_numpy() - start, part["unit"].to_numpy()))
        spread = part.with_row_index("at").join(by_lang, on="text", maintain_order="left_right").join(
            places, on=["key", "lang"], maintain_order="left_right"
        )  # fmt: skip
        value = one[spread["at"].to_numpy()] * (spread["times"] * spread["n"]).to_numpy()[:, None]
        for at in range(total.shape[1]):
            total[:, at] += np.bincount(spread["row"].to_numpy(), value[:, at], len(total))
    return total


def _rows_of_words(cut: Tokens, alone: Floats, together: Floats) -> Iterator[Part]:
    """The words, masks and pairs of one post by place; the tokens of a mask and the pairs inside it are one part."""
    pairs = cut.pairs()
    at = 0
    while at < len(cut.form):
        size = 3 if cut.masked[at] else 1
        inside = np.isin(pairs, np.arange(at, at + size - 1))
        value = alone[at : at + size].sum(axis=0) + together[inside].sum(axis=0)
        yield at, "masked" if size == 3 else "word", _written(cut, at), value
        last = at + size - 1
        if last < len(cut.form) - 1:
            yield (
                at,
                "pair",
                f"{_written(cut, at)} {_written(cut, last + 1)}",
                together[np.flatnonzero(pairs == last)[0]],
            )
        at += size


def _written(cut: Tokens, at: int) -> str:
    """A token as written; that of a mask as the whole mask."""
    word = cut.forms[cut.form[at]]
    return next(mask for mask in MASKS if mask[1:-1] == cut.forms[cut.form[at + 1]]) if cut.masked[at] else word


def _linear(model: FramingClassifier) -> Linear:
    linear = getattr(model, "linear_", None)
    if not isinstance(linear, Linear):
        raise MeaningError(
            f"{type(model).__name__} is no trained linear model; explain a FramingClassifier(seed=...) after its fit"
        )
    return linear


def _bearings(model: FramingClassifier, *, through_bank: bool) -> list[Bearing]:
    """What the buckets bear: of the model itself, and of the bank as the model's columns weigh it."""
    linear, at = _linear(model), _bank_columns(model)
    made = [Bearing.of(linear)]
    if through_bank and at:
        bank = shipped_bank()
        own = bank.weights[[bank.classes.index(model.dense_names[one].removeprefix(_BANK)) for one in at]]
        weights = (linear.dense[:, at] / model.beside_.spread[at]) @ own
        made.append(Bearing.of(replace(bank, classes=linear.classes, weights=weights)))
    return made


def _borne(bearings: Sequence[Bearing], counted: Counted, units: Units, where: tuple[Codes, Codes]) -> Floats:
    """The sum of what all bearings say of one time of a unit in a text, o x k; `where` is texts and units."""
    counted = in_order(counted)
    made: Floats = np.sum([bearing.contributions(counted, units, *where) for bearing in bearings], axis=0)
    return made


def _columns(model: FramingClassifier, values: Floats, *, through_bank: bool) -> list[Floats]:
    """What each column beside the words adds to the classes; of the bank's the constant, if words bear the rest."""
    left = values.copy()
    bank = shipped_bank()
    for at in _bank_columns(model) if through_bank else ():
        constant = bank.intercept[bank.classes.index(model.dense_names[at].removeprefix(_BANK))]
        left[at] = (constant - model.beside_.center[at]) / model.beside_.spread[at]
    return [value * own for value, own in zip(left, _linear(model).dense.T, strict=True)]


def _bank_columns(model: FramingClassifier) -> list[int]:
    return [at for at, name in enumerate(model.dense_names) if name.startswith(_BANK)]
