"""The error book: the classifier's worst mistakes with their texts, for those who may read them, and nobody else.

Letters of shapes: n tested posts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, PrivacyError, UsageError
from discourse.judging.evaluate import Evaluation
from discourse.judging.values import MIN_AUTHORS
from discourse.schema import ABSTAIN, FRAMES, UNKNOWN
from discourse.whole import write_whole

__all__ = ["PUBLISHED", "ErrorBook", "error_book"]

PUBLISHED: Final = ("figures", "docs", "notebooks")
"""Folders whose content is meant for others; no error book is written into one (of docs and notebooks: unless into an
`out` folder below it)."""
_FILE: Final = "error-book.md"
_JOINERS: Final = "\u200c\u200d"
_COUNTS: Final[dict[str, Any]] = {
    "lang": pl.String, "true": pl.String, "predicted": pl.String, "n": pl.Int64, "n_authors": pl.Int64,
}  # fmt: skip
_HEAD: Final = """# Error book: private

Posts of real people and what a classifier made of them, the surest mistakes first. Not for publishing, quoting or
passing on; delete it with the corpus.
"""


@dataclass(frozen=True, repr=False)
class ErrorBook:
    """Where the error book lies, and how many mistakes there were.

    `counts` has one row a language, true and predicted frame: n (mistakes) and n_authors, null where fewer than 10
    authors made them. `path` is the private file; it alone holds texts.

    >>> ErrorBook(Path("out/error-book.md"), pl.DataFrame(schema=_COUNTS), mistakes=3, tested=20)
    ErrorBook(3 mistakes in 20 tested posts; texts in the private file error-book.md)
    """

    path: Path
    counts: pl.DataFrame
    mistakes: int
    tested: int

    def __repr__(self) -> str:
        return (
            f"ErrorBook({self.mistakes} mistake{'' if self.mistakes == 1 else 's'} in {self.tested} tested posts; "
            f"texts in the private file {self.path.name})"
        )


def error_book(evaluation: Evaluation, corpus: Corpus, folder: str | Path, *, most: int = 20) -> ErrorBook:
    """Write the worst mistakes of an evaluated classifier, by language and true frame, into a private folder.

    Of each language and true frame at most `most` posts, those of which the classifier was surest first, with the
    probabilities of the true and the predicted frame, the text and the post's id; an abstention is no mistake. The
    file error-book.md can be read by its owner alone. Keep it beside the local corpus.

    Raises `PrivacyError` for a folder that is published (named figures, docs or notebooks, or inside one) or that lies
    in a git work tree outside its `out` folders, `UsageError` for `most` below 1, and `MeaningError` when tested posts
    are not in the corpus.

    >>> error_book(Evaluation(pl.DataFrame(), pl.DataFrame(), pl.DataFrame()), None, "figures/demo")
    Traceback (most recent call last):
    discourse.errors.PrivacyError: the error book holds posts of real people and 'figures' is published; write it
    beside the local corpus, like 'out/demo'
    """
    place = _private(Path(folder))
    if most < 1:
        raise UsageError(f"most is {most}; it must be 1 or more, like 20")
    tested = evaluation.predictions
    posts = tested.join(corpus.posts.select("post_id", "text"), on="post_id", how="inner", validate="1:1")
    if posts.height < tested.height:
        raise MeaningError(f"{tested.height - posts.height} of {tested.height} tested posts are not in this corpus")
    wrong = posts.filter(pl.col("classifier") != pl.col("value"), pl.col("classifier") != ABSTAIN).with_columns(
        pl.col("lang").fill_null(UNKNOWN), p_true=_probability("value"), p_said=_probability("classifier")
    )
    ordered = wrong.sort("lang", "value", "p_said", "post_id", descending=[False, False, True, False])
    path = write_whole(place / _FILE, "\n".join(_lines(ordered, most)).encode("utf-8", "replace"), private=True)
    return ErrorBook(path, _counts(wrong), wrong.height, tested.height)


def _private(folder: Path) -> Path:
    """The folder, if what is written there stays private."""
    place = folder.resolve()
    parts = [part.casefold() for part in place.parts]
    inside = parts[len(parts) - parts[::-1].index("out") :] if "out" in parts else parts
    published = [name for name in PUBLISHED if name in (parts if name == "figures" else inside)]
    if published:
        raise PrivacyError(
            f"the error book holds posts of real people and {published[0]!r} is published; write it beside the local "
            "corpus, like 'out/demo'"
        )
    for above in (place, *place.parents):
        if (above / ".git").exists() and "out" not in place.relative_to(above).parts:
            raise PrivacyError(
                f"the error book holds posts of real people and {place.name!r} lies in a git repository outside its "
                "'out' folder; write it beside the local corpus, like 'out/demo'"
            )
    return place


def _probability(column: str) -> pl.Expr:
    """The classifier's probability of the frame that a column names."""
    chosen: pl.Expr = pl.lit(None, pl.Float64)
    for frame in FRAMES:
        chosen = pl.when(pl.col(column) == frame).then(pl.col(f"p_{frame}")).otherwise(chosen)
    return chosen


def _counts(wrong: pl.DataFrame) -> pl.DataFrame:
    counts = wrong.group_by("lang", pl.col("value").alias("true"), pl.col("classifier").alias("predicted")).agg(
        n=pl.len().cast(pl.Int64), n_authors=pl.col("author_id").n_unique().cast(pl.Int64)
    )
    few = pl.col("n_authors") < MIN_AUTHORS
    kept = counts.with_columns(pl.when(~few).then(pl.col(name)).alias(name) for name in ("n", "n_authors"))
    return kept.select(*_COUNTS).sort("lang", "true", "predicted")


def _lines(wrong: pl.DataFrame, most: int) -> Iterator[str]:
    yield _HEAD
    for (lang, true), part in wrong.group_by("lang", "value", maintain_order=True):
        yield f"## {lang}, coded {true}: {part.height} wrong\n"
        for row in part.head(most).iter_rows(named=True):
            yield (
                f"- said {row['classifier']} ({row['p_said']:.2f}), {true} ({row['p_true']:.2f}), {row['post_id']}:\n"
                f"  > {_plain(row['text'])}\n"
            )


def _plain(text: str) -> str:
    """A text on one line, without control characters; joiners stay."""
    kept = (sign if sign.isprintable() or sign.isspace() or sign in _JOINERS else "\ufffd" for sign in text)
    return " ".join("".join(kept).split())
