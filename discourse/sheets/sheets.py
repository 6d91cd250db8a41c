"""Coding sheets: a page for each coder that works without a network, and the files that come back from it.

A coder sees posts and the codebook. What the study knows of a post (its id, stratum, role, probability) is not in the
page; the key beside the sheets, which stays with the study, says which item of a sheet is which post.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from discourse.errors import BadInput, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.labels import ADJUDICATED, Labels
from discourse.schema import LANGUAGES
from discourse.sheets.answers import Answer, as_labels, posts_to_code
from discourse.sheets.files import as_json, read_file
from discourse.sheets.sheet_page import book_in, digest_of, render_sheet
from discourse.whole import write_whole

__all__ = ["KEY_FILE", "read_notes", "read_sheets", "write_sheets"]

KEY_FILE = "key.csv"
_KEY = ("sheet", "coder", "item", "post_id")
_CODER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_SPOKEN = tuple(lang for lang in LANGUAGES if lang not in {"mixed", "other", "und"})
_NOTES = {"post_id": pl.String, "coder": pl.String, "cannot_decide": pl.Boolean, "note": pl.String}


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    item: str
    values: dict[str, str]
    cannot_decide: bool
    note: str


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal["discourse-sheet@1"]
    sheet: str
    codebook: str
    coder: str
    answers: list[_Item]


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
    coders. `language` is that of the page's words: "en", "ur", "ps" or "fa". The same arguments give the same
    bytes. Raises `SchemaError` for a sample that cannot be handed out, and `UsageError` for names that are no file
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
    if not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")
    book, posts = book_in(codebook, language), posts_to_code(sample)
    pages: dict[str, str] = {}
    key: list[tuple[str, ...]] = [_KEY]
    for coder in names:
        named = sorted(zip(_items(posts, coder, seed), posts.rows(), strict=True))
        items = [
            {"item": item, "text": text, "lang": lang if lang in _SPOKEN else ""} for item, (_, text, lang) in named
        ]
        digest = digest_of(coder, book, items, language)
        key += [(digest, coder, item, post_id) for item, (post_id, _, _) in named]
        pages[coder] = render_sheet(coder, book, items, language)
    place, written = Path(folder), _csv(key)
    _refuse_other_key(place / KEY_FILE, written)
    write_whole(place / KEY_FILE, written, private=True)
    return [write_whole(place / f"{coder}.html", page.encode("utf-8")) for coder, page in pages.items()]


def read_sheets(
    paths: str | Path | Iterable[str | Path], key_path: str | Path, codebook: Codebook, sample: pl.DataFrame
) -> Labels:
    """The labels in the files that coders saved from their sheets; `sample` is what the sheets were written from.

    A post that a coder left open, or could not decide, has no label of that coder and stays in the sample. Notes
    are read by `read_notes`. Several files of one coder are joined.
    Raises `MissingData`, `BadInput` for what is no saved sheet, and `SchemaError` for a file of another codebook
    or other sheets, an item or value that is not known, and files of one coder that contradict each other.

    >>> read_sheets("no-such.json", "key.csv", Codebook("framing", 1, ()), pl.DataFrame({"post_id": ["x:1"]}))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    answers, open_items = [], {}
    for name, saved, item, post_id in _read(paths, key_path, codebook):
        place = f"item {item.item!r} of {name!r}"
        if item.cannot_decide:
            open_items[post_id, saved.coder] = place
        answers += [Answer(post_id, saved.coder, variable, value, place) for variable, value in item.values.items()]
    for answer in answers:
        if (answer.post_id, answer.coder) in open_items:
            raise SchemaError(
                f"coder {answer.coder!r} chose {answer.variable} {answer.value!r} in {answer.place} and could not "
                f"decide in {open_items[answer.post_id, answer.coder]}; keep one of them"
            )
    return as_labels(answers, codebook, sample)


def read_notes(paths: str | Path | Iterable[str | Path], key_path: str | Path, codebook: Codebook) -> pl.DataFrame:
    """What coders noted and where they could not decide: post_id, coder, cannot_decide, note (may be null).

    Notes may say something about a person: keep them as you keep the posts. Raises as `read_sheets` does.

    >>> read_notes("no-such.json", "key.csv", Codebook("framing", 1, ()))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    rows: dict[tuple[str, str], tuple[bool, str]] = {}
    for name, saved, item, post_id in _read(paths, key_path, codebook):
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


def _items(posts: pl.DataFrame, coder: str, seed: int) -> list[str]:
    """A name for each post that tells nothing of it: to try an id, one would need all ids of the sample.

    In the order of these names the posts are shuffled, for each coder in another way.
    """
    secret = blake2b(digest_size=32, key=seed.to_bytes(8, "little"), person=b"discourse-items")
    for part in (coder, *posts["post_id"].sort()):
        secret.update(len(part.encode()).to_bytes(8, "little") + part.encode())
    digests = (blake2b(post.encode(), digest_size=10, key=secret.digest()).digest() for post in posts["post_id"])
    return [base64.b32encode(digest).decode("ascii").lower() for digest in digests]


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\n").writerows(rows)
    return held.getvalue().encode("utf-8")


def _refuse_other_key(path: Path, written: bytes) -> None:
    if path.exists() and path.read_bytes() != written:
        raise UsageError(
            f"the folder {path.parent.name!r} holds the key of other sheets, without which they cannot be read; choose "
            "another folder"
        )


def _key(path: str | Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Of each sheet its coder and its items, each with its post."""
    content = read_file(path, "key of the sheets")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or tuple(rows[0]) != _KEY or any(len(row) != len(_KEY) for row in rows):
        raise BadInput(f"{Path(path).name!r} is no key of sheets; give the {KEY_FILE} that lies beside the sheets")
    sheets: dict[str, tuple[str, dict[str, str]]] = {}
    for sheet, coder, item, post_id in rows[1:]:
        sheets.setdefault(sheet, (coder, {}))[1][item] = post_id
    return sheets


def _read(
    paths: str | Path | Iterable[str | Path], key_path: str | Path, codebook: Codebook
) -> Iterator[tuple[str, _Saved, _Item, str]]:
    """Each item of each file with its post, checked against the key and the codebook."""
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    given = [(path.name, read_file(path, "saved sheet")) for path in files]
    sheets = _key(key_path)
    for name, content in given:
        saved = as_json(content, _Saved, name, "saved sheet")
        if saved.codebook != codebook.identity:
            raise SchemaError(
                f"{name!r} was coded by the codebook {saved.codebook!r} and {codebook.identity!r} was given; give the "
                "codebook it was coded by"
            )
        if saved.sheet not in sheets or sheets[saved.sheet][0] != saved.coder:
            raise SchemaError(
                f"{name!r} comes from a sheet that is not in the key; give the {KEY_FILE} from beside its sheet"
            )
        posts = sheets[saved.sheet][1]
        for item in saved.answers:
            if item.item not in posts:
                raise SchemaError(f"{name!r} answers an item {item.item!r} that its sheet does not have; save it again")
            yield name, saved, item, posts[item.item]
