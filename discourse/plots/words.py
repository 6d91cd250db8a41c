"""The words that carry a frame in the model, as bars: a table of `explain_corpus` in, axes out."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from discourse.errors import MeaningError, SchemaError
from discourse.plots.marks import font_of, heading, look, palette
from discourse.plots.panels import legend_below
from discourse.plots.style import figure_of_size, size, thick
from discourse.report.guard import MIN_AUTHORS, plain, require_no_person
from discourse.report.rows import language_name
from discourse.schema import LANGUAGES, as_polars, one_of

__all__ = ["describe_words", "describe_words_grid", "plot_words", "plot_words_grid"]

_NEEDED = (
    "frame", "lang", "kind", "word", "contribution", "n_posts", "n_authors", "lang_posts", "lang_authors", "model",
)  # fmt: skip
_HATCH = {"word": "", "pair": "////"}
_NO_LANGUAGE = {"mixed", "other", "und"}
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
    with look():
        figure = figure_of_size(7.0, 1.5 + 0.27 * rows.height)
        ax = figure.add_subplot()
        _draw_words(ax, rows)
        ax.set_xlim(0.0, 1.12 * float(rows["contribution"].to_numpy().max()))
        ax.set_xlabel("added to the score of the frame, mean over posts\n(beside the bars: authors who use it)")
        heading(figure, f"What carries “{frame}” in the model: {language_name(lang)}")
        if rows["kind"].n_unique() > 1:
            ax.legend(handles=_kinds(rows), loc="lower right")
    return ax


def plot_words_grid(table: Any, *, frame: str, most: int = 8) -> Axes:
    """`plot_words` for each of the languages in which a word may be shown, a panel each, all on one scale.

    `most` words and pairs a language are drawn; languages without one are named in the caption. Returns the first
    panel. Raises as `plot_words`.

    >>> rows = {"frame": "conciliatory", "lang": ["ur", "en"], "kind": "word", "word": ["امن", "peace"],
    ...         "contribution": [0.2, 0.1], "n_posts": [80, 30], "n_authors": [60, 25], "lang_posts": 900,
    ...         "lang_authors": 300, "model": "linear@1"}
    >>> figure = plot_words_grid(pl.DataFrame(rows), frame="conciliatory").figure
    >>> [[label.get_text() for label in ax.get_yticklabels()] for ax in figure.axes]
    [['peace'], ['امن']]
    """
    parts, _ = _by_language(table, frame, most)
    columns = min(2, len(parts))
    lines = -(-len(parts) // columns)
    tall = max(rows.height for rows in parts.values())
    with look():
        figure = figure_of_size(4.1 * columns, 1.1 + lines * (0.55 + 0.25 * tall))
        grid = list(figure.subplots(lines, columns, sharex=True, squeeze=False).flat)
        for spare in grid[len(parts) :]:
            spare.remove()
        for place, (ax, (lang, rows)) in enumerate(zip(grid, parts.items(), strict=False)):
            _draw_words(ax, rows)
            ax.set_ylim(tall - 0.4, -0.6)
            ax.set_title(language_name(lang), loc="left", fontsize=size(9.0), fontweight="bold")
            if place + columns >= len(parts):
                ax.xaxis.set_tick_params(labelbottom=True)
                ax.set_xlabel("mean addition to the score\n(beside the bars: authors)", fontsize=size(8.0))
        every = pl.concat(parts.values())
        grid[0].xaxis.set_major_locator(MaxNLocator(5))
        grid[0].set_xlim(0.0, 1.2 * float(every["contribution"].to_numpy().max()))
        heading(figure, f"What carries “{frame}” in the model, by language")
        if every["kind"].n_unique() > 1:
            legend_below(figure, _kinds(every))
    first: Axes = grid[0]
    return first


def describe_words_grid(table: Any, *, frame: str, most: int = 8) -> tuple[str, str]:
    """Caption and alternative text of `plot_words_grid`, from the same table; errors as there.

    >>> rows = {"frame": "both", "lang": "en", "kind": "word", "word": "but", "contribution": 0.2, "n_posts": 80,
    ...         "n_authors": 60, "lang_posts": 900, "lang_authors": 300, "model": "linear@1"}
    >>> describe_words_grid(pl.DataFrame(rows), frame="both")[1]
    'Bar charts. What carries “both” in the model: English: but 0.200.'
    """
    parts, without = _by_language(table, frame, most)
    first = next(iter(parts.values())).row(0, named=True)
    rest = [
        f"{language_name(lang)} {_count(rows['lang_posts'][0], 'post')} by {_count(rows['lang_authors'][0], 'author')}"
        for lang, rows in parts.items()
    ]
    caption = (
        f"The words and pairs of words, at most {most} a language, that add most to the score of “{frame}” in the "
        f"model {first['model']}, in the mean over the posts of the language: {'; '.join(rest)}. Words of fewer than "
        f"{MIN_AUTHORS} authors, and those of which one author wrote more than half, are left out. Bars say what the "
        "model adds up, not why people write as they do. They assume nothing about its errors. Posts in two "
        "languages, in others or in an unknown one are left out."
    )
    if without:
        caption += f" No word can be shown for: {', '.join(map(language_name, without))}."
    said = "; ".join(
        f"{language_name(lang)}: " + ", ".join(f"{row['word']} {row['contribution']:.3f}"
                                               for row in rows.head(3).iter_rows(named=True))
        for lang, rows in parts.items()
    )  # fmt: skip
    return caption, f"Bar charts. What carries “{frame}” in the model: {said}."


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


def _draw_words(ax: Axes, rows: pl.DataFrame) -> None:
    """Bars from the top, the number of authors beside each, words at the left."""
    colours = palette()
    for at, row in enumerate(rows.iter_rows(named=True)):
        pair = row["kind"] == "pair"
        ax.barh(at, row["contribution"], 0.72, color=colours[2 if pair else 0], hatch=_HATCH[row["kind"]],
                edgecolor="white", linewidth=thick(0.3))  # fmt: skip
        ax.annotate(f"{row['n_authors']:,}", (row["contribution"], at), xytext=(3, 0), textcoords="offset points",
                    va="center", fontsize=size(7.5), color="#333333")  # fmt: skip
    ax.set_yticks(range(rows.height), [plain(word) for word in rows["word"]])
    for label, word in zip(ax.get_yticklabels(), rows["word"], strict=True):
        label.set(verticalalignment="center", **_font(word))
    ax.set_ylim(rows.height - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")


def _kinds(rows: pl.DataFrame) -> list[Patch]:
    there = set(rows["kind"])
    return [Patch(facecolor=palette()[2 if kind == "pair" else 0], hatch=_HATCH[kind], edgecolor="white",
                  label=name) for kind, name in _NAMES.items() if kind in there]  # fmt: skip


def _by_language(table: Any, frame: str, most: int) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The first `most` rows of each language, in the usual order, and the languages without one."""
    given = as_polars(table)
    langs = set(given["lang"]) - _NO_LANGUAGE if "lang" in given.columns else set()
    order = sorted(langs, key=lambda lang: (LANGUAGES.index(lang) if lang in LANGUAGES else len(LANGUAGES), lang))
    if "frame" in given.columns and given.height:
        one_of(frame, given["frame"].unique(maintain_order=True), "frame")
    parts, without = {}, []
    for lang in order:
        try:
            parts[lang] = _rows(table, frame, lang).head(most)
        except MeaningError:
            without.append(lang)
    if not parts:
        raise MeaningError(f"no word of {MIN_AUTHORS} or more authors carries {frame} in any language")
    return parts, without


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
    """How a word is set: letters of the Arabic script are small for their size."""
    fonts = font_of(word)
    return {**fonts, "fontsize": size(10.5)} if fonts else {}


def _count(n: int, noun: str, plural: str = "") -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"
