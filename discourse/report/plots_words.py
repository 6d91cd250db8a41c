"""The words that carry a frame in the model, as bars: a table of `explain_corpus` in, axes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch

from discourse.errors import MeaningError, SchemaError
from discourse.report.guard import MIN_AUTHORS, plain, require_no_person
from discourse.report.marks import font_of, heading, look, palette
from discourse.report.rows import language_name
from discourse.schema import as_polars, one_of

__all__ = ["describe_words", "plot_words"]

_NASKH = Path(__file__).with_name("fonts") / "naskh.ttf"
_NEEDED = (
    "frame", "lang", "kind", "word", "contribution", "n_posts", "n_authors", "lang_posts", "lang_authors", "model",
)  # fmt: skip
_HATCH = {"word": "", "pair": "////"}
_NAMES = {"word": "a word, with its letter groups", "pair": "two words in a row"}


def plot_words(table: Any, *, frame: str, lang: str) -> Axes:
    """The words and pairs of words that add most to the score of a frame in one language, greatest first.

    `table` is that of `explain_corpus`; a bar is the mean over all posts of the language, the number beside it how many
    authors use the word. Pairs are hatched. Words of fewer than 10 authors are left out, whatever the table holds.
    Raises `SchemaError` for a column, frame or language that is not in the table, `MeaningError` if no word is left.

    >>> rows = {"frame": "conciliatory", "lang": "ur", "kind": ["word", "pair"], "word": ["امن", "امن چاہیے"],
    ...         "contribution": [0.2, 0.1], "n_posts": [80, 30], "n_authors": [60, 25], "lang_posts": 900,
    ...         "lang_authors": 300, "model": "linear@1"}
    >>> ax = plot_words(pl.DataFrame(rows), frame="conciliatory", lang="ur")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['امن', 'امن چاہیے']
    """
    rows = _rows(table, frame, lang)
    colours = palette()
    with look():
        figure = Figure(figsize=(7.0, 1.5 + 0.27 * rows.height), layout="constrained")
        ax = figure.add_subplot()
        for at, row in enumerate(rows.iter_rows(named=True)):
            pair = row["kind"] == "pair"
            ax.barh(at, row["contribution"], 0.72, color=colours[2 if pair else 0], hatch=_HATCH[row["kind"]],
                    edgecolor="white", linewidth=0.3)  # fmt: skip
            ax.annotate(f"{row['n_authors']:,}", (row["contribution"], at), xytext=(3, 0), textcoords="offset points",
                        va="center", fontsize=7.5, color="#333333")  # fmt: skip
        ax.set_yticks(range(rows.height), [plain(word) for word in rows["word"]])
        for label, word in zip(ax.get_yticklabels(), rows["word"], strict=True):
            label.set(verticalalignment="center", **_font(word))
        ax.set_ylim(rows.height - 0.4, -0.6)
        ax.set_xlim(0.0, 1.12 * float(rows["contribution"].to_numpy().max()))
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("added to the score of the frame, mean over posts (beside the bars: authors who use it)")
        heading(figure, f"What carries “{frame}” in the model: {language_name(lang)}")
        kinds = [kind for kind in _NAMES if kind in set(rows["kind"])]
        if len(kinds) > 1:
            patches = [Patch(facecolor=colours[2 if kind == "pair" else 0], hatch=_HATCH[kind], edgecolor="white",
                             label=_NAMES[kind]) for kind in kinds]  # fmt: skip
            ax.legend(handles=patches, loc="lower right")
    return ax


def describe_words(table: Any, *, frame: str, lang: str) -> tuple[str, str]:
    """Caption and alternative text of `plot_words`, from the same table.

    >>> rows = {"frame": "both", "lang": "en", "kind": "word", "word": "but", "contribution": 0.2, "n_posts": 80,
    ...         "n_authors": 60, "lang_posts": 900, "lang_authors": 300, "model": "linear@1"}
    >>> describe_words(pl.DataFrame(rows), frame="both", lang="en")[1]
    'Bar chart. What carries “both” in the model, English: but 0.200 (60 authors).'
    """
    rows = _rows(table, frame, lang)
    first = rows.row(0, named=True)
    listed = _count(rows.height, "word or pair of words", "words and pairs of words")
    caption = (
        f"The {listed} that add most to the score of “{frame}” in the model {first['model']}, in the mean over "
        f"{_count(first['lang_posts'], 'post')} in {language_name(lang)} by {_count(first['lang_authors'], 'author')}. "
        f"Words of fewer than {MIN_AUTHORS} authors, and those of which one author wrote more than half, are left out. "
        "Bars say what the model adds up, not why people write as they do. They assume nothing about its errors, and "
        "hold for this model and these posts alone."
    )
    said = "; ".join(
        f"{row['word']} {row['contribution']:.3f} ({_count(row['n_authors'], 'author')})"
        for row in rows.head(5).iter_rows(named=True)
    )
    more = f"; and {rows.height - 5} more" if rows.height > 5 else ""
    return caption, f"Bar chart. What carries “{frame}” in the model, {language_name(lang)}: {said}{more}."


def _rows(table: Any, frame: str, lang: str) -> pl.DataFrame:
    """The rows of one frame and language that may be shown, greatest first."""
    given = require_no_person(as_polars(table), "the table of words")
    for name in _NEEDED:
        if name not in given.columns:
            raise SchemaError(f"the table of words has no column {name!r}; give that of explain_corpus")
    if given.is_empty():
        raise MeaningError("the table of words is empty; no word has 10 authors, or none adds to any frame")
    one_of(frame, given["frame"].unique(maintain_order=True), "frame")
    one_of(lang, given["lang"].unique(maintain_order=True), "lang")
    rows = given.filter(
        pl.col("frame") == frame, pl.col("lang") == lang, pl.col("n_authors") >= MIN_AUTHORS, pl.col("contribution") > 0
    )
    if rows.is_empty():
        raise MeaningError(f"no word of {MIN_AUTHORS} or more authors carries {frame} in {language_name(lang)}")
    if rows["model"].n_unique() > 1:
        raise MeaningError("the table of words is of several models; give that of one")
    return rows.sort(-pl.col("contribution"), "word", "kind")


def _font(word: str) -> dict[str, Any]:
    """How a word is set: in Arabic script with the font that comes along, which holds all letters of the languages.

    That font has no Latin letters: a pair of words of both scripts is set with what the machine has.
    """
    if not font_of(word):
        return {}
    if any(c.isalpha() and c < "\u0600" for c in word):
        return {**font_of(word), "fontsize": 10.5}
    return {"fontproperties": FontProperties(fname=str(_NASKH), size=10.5)}


def _count(n: int, noun: str, plural: str = "") -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"
