"""What goes out with a page and comes back from it: names for its items, the key to them, the file that it saves.

A page names posts by items that tell nothing of them; the key beside the pages, which stays with the study, says which
item of a page is which post.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from discourse.errors import BadInput, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.sheets.answers import Answer
from discourse.sheets.files import as_json, read_file

__all__ = [
    "DECISIONS",
    "KEY_FILE",
    "KEY_HEADER",
    "SHEET",
    "Item",
    "Paths",
    "Saved",
    "answers_of",
    "item_names",
    "key_bytes",
    "read_saved",
    "refuse_other_key",
]

KEY_FILE = "key.csv"
KEY_HEADER = ("sheet", "coder", "item", "post_id")
SHEET, DECISIONS = "discourse-sheet@1", "discourse-decisions@1"
Paths = str | Path | Iterable[str | Path]
_READ_BY = {SHEET: "read_sheets (discourse collect)", DECISIONS: "read_decisions (discourse settle)"}


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """One item with its answers, as a page saves it."""

    item: str
    values: dict[str, str]
    cannot_decide: bool
    note: str


class Saved(msgspec.Struct, forbid_unknown_fields=True):
    """A file as a page saves it."""

    format: Literal["discourse-sheet@1", "discourse-decisions@1"]
    sheet: str
    codebook: str
    coder: str
    answers: list[Item]


def item_names(posts: pl.DataFrame, coder: str, seed: int) -> list[str]:
    """A name for each post that tells nothing of it: to try an id, one would need all ids of the sample.

    In the order of these names the posts are shuffled, for each coder in another way. Raises `UsageError` for a seed
    that is no whole number from 0 to 2**64 - 1.

    >>> (name,) = item_names(pl.DataFrame({"post_id": ["x:1"]}), "anna", 7)
    >>> len(name), "1" in name, [name] == item_names(pl.DataFrame({"post_id": ["x:1"]}), "anna", 8)
    (16, False, False)
    """
    if isinstance(seed, bool) or not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")
    secret = blake2b(digest_size=32, key=seed.to_bytes(8, "little"), person=b"discourse-items")
    for part in (coder, *posts["post_id"].sort()):
        secret.update(len(part.encode()).to_bytes(8, "little") + part.encode())
    digests = (blake2b(post.encode(), digest_size=10, key=secret.digest()).digest() for post in posts["post_id"])
    return [base64.b32encode(digest).decode("ascii").lower() for digest in digests]


def key_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """The key as a file: rows of sheet, coder, item and post_id.

    >>> key_bytes([("d1", "anna", "k3", "x:1")])
    b'sheet,coder,item,post_id\\nd1,anna,k3,x:1\\n'
    """
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\n").writerows([KEY_HEADER, *rows])
    return held.getvalue().encode("utf-8")


def refuse_other_key(path: Path, written: bytes) -> None:
    """Nothing, unless the key of other pages is there, without which they could not be read: then `UsageError`.

    >>> refuse_other_key(Path("no-such-folder/key.csv"), b"")
    """
    if path.exists() and path.read_bytes() != written:
        raise UsageError(
            f"the folder {path.parent.name!r} holds the key of other sheets, without which they cannot be read; choose "
            "another folder"
        )


def read_saved(
    paths: Paths, key_path: str | Path, codebook: Codebook, *kinds: str
) -> Iterator[tuple[str, Saved, Item, str]]:
    """Each item of each file, with the file's name and the item's post, checked against the key and the codebook.

    `kinds` are the formats that are expected, `SHEET` or `DECISIONS`. Raises `MissingData`, `BadInput` for what no
    page has saved, and `SchemaError` for a file of another kind, codebook or page, or an item that is not known.

    >>> next(read_saved("no-such.json", "key.csv", Codebook("framing", 1, ()), SHEET))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    given = [(path.name, read_file(path, "saved sheet")) for path in files]
    sheets = _read_key(key_path)
    for name, content in given:
        saved = as_json(content, Saved, name, "saved sheet")
        if saved.format not in kinds:
            raise SchemaError(f"{name!r} was saved from a page of another kind; read it with {_READ_BY[saved.format]}")
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


def answers_of(paths: Paths, key_path: str | Path, codebook: Codebook, kind: str) -> list[Answer]:
    """The answers in the files that pages of one kind have saved, each with its place for errors.

    Raises as `read_saved` does, and `SchemaError` when one coder chose a value for a post and could not decide on it.

    >>> answers_of("no-such.json", "key.csv", Codebook("framing", 1, ()), DECISIONS)
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no saved sheet 'no-such.json'; give the path of the file that came back
    """
    answers, open_items = [], {}
    for name, saved, item, post_id in read_saved(paths, key_path, codebook, kind):
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
    return answers


def _read_key(path: str | Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Of each sheet its coder and its items, each with its post."""
    content = read_file(path, "key of the sheets")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or tuple(rows[0]) != KEY_HEADER or any(len(row) != len(KEY_HEADER) for row in rows):
        raise BadInput(f"{Path(path).name!r} is no key of sheets; give the {KEY_FILE} that lies beside the sheets")
    sheets: dict[str, tuple[str, dict[str, str]]] = {}
    for sheet, coder, item, post_id in rows[1:]:
        sheets.setdefault(sheet, (coder, {}))[1][item] = post_id
    return sheets
