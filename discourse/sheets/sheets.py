"""Coding sheets: a page for each coder that works without a network, and the files that come back from it.

A coder sees posts and the codebook. What the study knows of a post (its id, stratum, role, probability) is not in the
page; the key beside the sheets, which stays with the study, says which item of a sheet is which post.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from discourse.errors import SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.labels import ADJUDICATED, Labels
from discourse.sheets.answers import as_labels, posts_to_code
from discourse.sheets.saved import (
    DECISIONS,
    KEY_FILE,
    SHEET,
    Paths,
    answers_of,
    item_names,
    key_bytes,
    read_saved,
    refuse_other_key,
)
from discourse.sheets.sheet_page import Page, book_in, shown_language
from discourse.whole import write_whole

__all__ = ["KEY_FILE", "read_notes", "read_sheets", "write_sheets"]

_CODER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_NOTES = {"post_id": pl.String, "coder": pl.String, "cannot_decide": pl.Boolean, "note": pl.String}


def write_sheets(
    sample: pl.DataFrame,
    codebook: Codebook,
    folder: str | Path,
    *,
    coders: Sequence[str],
    seed: int,
    language: str = "en",
) -> list[Path]:
    """Write a page for each coder and the key to all of them; returns the paths of the pages, in the coders' order.

    `sample` has post_id, text and, if known, lang; every other column stays out of the pages. Each coder has the
    posts in another order and under other item names. `key.csv` can be read by its owner only and is not for
    coders. `language` is that of the page and of the codebook in it: "en", "ur", "ps" or "fa"; what the codebook does
    not say in it is in English. Pseudonyms of people stand in a page as they are and are shown as "@user". The same
    arguments give the same bytes.
    Raises `SchemaError` for a sample that cannot be handed out, and `UsageError` for names that are no file
    names, a codebook with nothing to code, or a folder that holds the key of other sheets.

    >>> import tempfile
    >>> from discourse.labels.codebook import Value, Variable
    >>> book = Codebook("b", 1, (Variable("frame", "nominal", (Value("a", "one"), Value("b", "other"))),))
    >>> posts = pl.DataFrame({"post_id": ["x:1", "x:2"], "text": ["Talk, please.", "امن"], "lang": ["en", "ur"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pages = write_sheets(posts, book, folder, coders=["anna", "bilal"], seed=7)
    ...     [page.name for page in pages], "x:1" in pages[0].read_text(encoding="utf-8")
    (['anna.html', 'bilal.html'], False)
    """
    names = _coders(coders)
    book, posts = book_in(codebook, language), posts_to_code(sample)
    pages: dict[str, str] = {}
    key: list[tuple[str, ...]] = []
    for coder in names:
        named = sorted(zip(item_names(posts, coder, seed), posts.rows(), strict=True))
        items = [{"item": item, "text": text, "lang": shown_language(lang)} for item, (_, text, lang) in named]
        page = Page(SHEET, coder, book, items, language)
        key += [(page.digest, coder, item, post_id) for item, (post_id, _, _) in named]
        pages[coder] = page.render()
    place, written = Path(folder), key_bytes(key)
    refuse_other_key(place / KEY_FILE, written)
    write_whole(place / KEY_FILE, written, private=True)
    return [write_whole(place / f"{coder}.html", page.encode("utf-8"), private=True) for coder, page in pages.items()]


def read_sheets(paths: Paths, key_path: str | Path, codebook: Codebook, sample: pl.DataFrame) -> Labels:
    """The labels in the files that coders saved from their sheets; `sample` is what the sheets were written from.

    A post that a coder left open, or could not decide, has no label of that coder and stays in the sample. Notes
    are read by `read_notes`. Several files of one coder are joined.
    Raises `MissingData`, `BadInput` for what is no saved sheet, and `SchemaError` for a file of another codebook
    or other sheets, an item or value that is not known, and files of one coder that contradict each other.

    >>> read_sheets("no-such.json", "key.csv", Codebook("framing", 1, ()), pl.DataFrame({"post_id": ["x:1"]}))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    return as_labels(answers_of(paths, key_path, codebook, SHEET), codebook, sample)


def read_notes(paths: Paths, key_path: str | Path, codebook: Codebook) -> pl.DataFrame:
    """What was noted and what could not be decided: post_id, coder, cannot_decide, note (may be null).

    Files of coders and of `write_decision_sheet` are read alike. Notes may say something about a person: keep them as
    you keep the posts. Raises as `read_sheets` does.

    >>> read_notes("no-such.json", "key.csv", Codebook("framing", 1, ()))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    rows: dict[tuple[str, str], tuple[bool, str]] = {}
    for name, saved, item, post_id in read_saved(paths, key_path, codebook, SHEET, DECISIONS):
        cannot, note = rows.get((post_id, saved.coder), (False, ""))
        if note and item.note and note != item.note:
            raise SchemaError(f"coder {saved.coder!r} has two notes on item {item.item!r} of {name!r}; keep one")
        rows[post_id, saved.coder] = (cannot or item.cannot_decide, note or item.note)
    noted = [(*key, cannot, note or None) for key, (cannot, note) in rows.items() if cannot or note]
    return pl.DataFrame(noted, schema=_NOTES, orient="row").sort("post_id", "coder")


def _coders(coders: Sequence[str]) -> tuple[str, ...]:
    """The names, if each can be the name of a file and of one coder only."""
    names = (coders,) if isinstance(coders, str) else tuple(coders)
    if not names:
        raise UsageError('there are no coders; name them, as in coders=["anna", "bilal"]')
    for name in names:
        if not _CODER.fullmatch(name) or name in ADJUDICATED:
            raise UsageError(
                f"the coder {name!r} cannot name a sheet; use up to 40 letters a to z, digits, - and _, not "
                "'agreed' or 'adjudicated'"
            )
    if len({name.lower() for name in names}) < len(names):
        raise UsageError(f"the coders {', '.join(names)} are not all different; give each a name of its own")
    return names
