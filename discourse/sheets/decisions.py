"""Adjudication: a page with the posts on which coders differ and what each of them said, and its decisions.

Who decides sees letters, never names, and letters are dealt anew for every post: a value is judged, not a colleague.
Decisions come back as rows of the coder "adjudicated", beside what the coders said; agreement leaves them out.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from string import ascii_uppercase

import polars as pl

from discourse.errors import SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.disagreement import DECIDED, adjudicate, disagreements
from discourse.labels.labels import Labels
from discourse.labels.ratings import coded_by_two
from discourse.schema import as_polars
from discourse.sheets.answers import as_labels, posts_to_code
from discourse.sheets.saved import DECISIONS, KEY_FILE, Paths, answers_of, item_names, key_bytes, refuse_other_key
from discourse.sheets.sheet_page import Page, book_in, shown_language
from discourse.whole import write_whole

__all__ = ["DECISION_PAGE", "read_decisions", "write_decision_sheet"]

DECISION_PAGE = "decisions.html"
_VALUE = "value_"
_LETTERS = "letters of a post"  # no coder can be called so
_Said = dict[str, dict[str, dict[str, str]]]  # post, variable, coder: value


def write_decision_sheet(
    labels: Labels, sample: pl.DataFrame, folder: str | Path, *, seed: int, language: str = "en"
) -> Path:
    """Write a page with every post on which coders differ and nobody has decided, and its key; returns its path.

    Each post asks for the variables on which its coders differ and shows what they said as A, B, ...; neither names
    nor what the study knows of a post is in the page. `labels` need their codebook, `sample` has post_id, text and, if
    known, lang of each such post. Page and key are readable by their owner only.
    Raises `UsageError` for labels without a codebook, where nothing is to be decided, and for a folder that holds the
    key of other pages, `SchemaError` for a sample without one of the posts.

    >>> import tempfile
    >>> from discourse.labels.codebook import Value, Variable
    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> book = Codebook("b", 1, (Variable("frame", "nominal", (Value("N", "one"), Value("C", "other"))),))
    >>> said = {"anna": "N", "bilal": "C"}
    >>> rows = [{"post_id": "x:1", "coder": c, "variable": "frame", "value": v} for c, v in said.items()]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}]), book)
    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["Talk, please."]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_decision_sheet(labels, posts, folder, seed=7)
    ...     page.name, "anna" in page.read_text(encoding="utf-8")
    ('decisions.html', False)
    """
    codebook = _codebook(labels)
    said = _said(labels)
    if not said:
        raise UsageError("the coders differ on no post that is still open; there is nothing to decide")
    given = as_polars(sample)
    if "post_id" not in given.columns:
        raise SchemaError("the sample has no column 'post_id'; give the sample that was handed to the coders")
    wanted = given.filter(pl.col("post_id").is_in(list(said)))
    lost = len(said) - wanted["post_id"].n_unique()
    if lost:
        raise SchemaError(f"{lost} posts to decide on are not in the sample; give the sample that coders were handed")
    posts, book = posts_to_code(wanted), book_in(codebook, language)
    names, secrets = item_names(posts, DECIDED, seed), item_names(posts, _LETTERS, seed)
    named = sorted(zip(names, secrets, posts.rows(), strict=True))
    items = [
        {"item": item, "text": text, "lang": shown_language(lang), "said": _lettered(said[post_id], secret)}
        for item, secret, (post_id, text, lang) in named
    ]
    page = Page(DECISIONS, DECIDED, book, items, language)
    key = key_bytes([(page.digest, DECIDED, item, post_id) for item, _, (post_id, _, _) in named])
    place = Path(folder)
    refuse_other_key(place / KEY_FILE, key)
    write_whole(place / KEY_FILE, key, private=True)
    return write_whole(place / DECISION_PAGE, page.render().encode("utf-8"), private=True)


def read_decisions(paths: Paths, key_path: str | Path, labels: Labels) -> Labels:
    """The labels with the decisions in the files that the page saved, as rows of the coder "adjudicated".

    What the coders said stays. A post that was left open, or could not be decided, stays undecided. Raises
    `MissingData`, `BadInput` for what is no saved page, `SchemaError` for a file of another page or codebook and for
    files that contradict each other, `UsageError` for labels without a codebook, and `MeaningError` for posts that
    were decided before.

    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> read_decisions("no-such.json", "key.csv", Labels(LABELS.empty(), SAMPLE.empty(), Codebook("b", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    codebook = _codebook(labels)
    decided = as_labels(answers_of(paths, key_path, codebook, DECISIONS), codebook, labels.sample).table
    for variable in decided["variable"].unique().sort():
        labels = adjudicate(labels, decided.filter(variable=variable).select("post_id", "value"), variable)
    return labels


def _codebook(labels: Labels) -> Codebook:
    if labels.codebook is None:
        raise UsageError("the labels have no codebook; read them with one, as in read_labels(path, codebook)")
    return labels.codebook


def _said(labels: Labels) -> _Said:
    """For each post that is open the variables on which coders differ, and what each of them said."""
    found: _Said = {}
    for variable in coded_by_two(labels):
        for row in disagreements(labels, variable).iter_rows(named=True):
            values = {name.removeprefix(_VALUE): value for name, value in row.items()
                      if name.startswith(_VALUE) and value is not None}  # fmt: skip
            found.setdefault(row["post_id"], {})[variable] = values
    return found


def _lettered(said: dict[str, dict[str, str]], secret: str) -> dict[str, list[list[str]]]:
    """What was said under letters; whose letter is whose hangs on a name of the post that the page does not hold."""
    coders = {coder for values in said.values() for coder in values}
    dealt = sorted(coders, key=lambda coder: blake2b(coder.encode(), key=secret.encode(), digest_size=8).digest())
    letter = {coder: ascii_uppercase[at] if at < 26 else str(at + 1) for at, coder in enumerate(dealt)}
    return {
        variable: sorted([letter[coder], value] for coder, value in values.items()) for variable, values in said.items()
    }
