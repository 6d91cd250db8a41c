"""Bytes of rows that were set aside lose what a tombstone keeps out, though it knows ids by their keyed hashes only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import polars as pl

from discourse.corpus.privacy import Key, handle_pseudonym, post_name, pseudonym, tombstone
from discourse.corpus.settle import Tombstones

__all__ = ["holds_one_of", "scrubbed", "without_raw"]

_PLATFORMS = (
    "x", "bluesky", "facebook", "instagram", "mastodon", "reddit", "telegram", "threads", "tiktok", "truthsocial",
    "whatsapp", "youtube",
)  # fmt: skip
_OF_X = frozenset({"x_api", "rtweet", "twitter_v1", "twitter_r", "twarc_csv", "x_archive"})
_WORDS = re.compile(rb"[A-Za-z0-9_\-]{1,128}")
_LONGER = re.compile(rb"[A-Za-z0-9_\-][A-Za-z0-9_\-.:/]{0,255}[A-Za-z0-9_\-]")
_DIGITS = re.compile(rb"\d{1,32}")


def scrubbed(aside: pl.DataFrame, graves: Tombstones, key: Key) -> pl.DataFrame:
    """What was set aside, without the bytes in which the id or handle of a tombstone's subject stands.

    `aside` has the columns of `account.ASIDE`.

    >>> from discourse.readers.account import ASIDE
    >>> row = {"source_file": "a", "source_line": 1, "reason": "bad_value", "how": '{"format": "x_api"}'}
    >>> key = Key.made_up("demo")
    >>> aside = pl.DataFrame([{**row, "raw": b'{"id": "9001"}'}], schema=ASIDE)
    >>> scrubbed(aside, Tombstones(frozenset({tombstone(key, "x:9001")})), key)["raw"].to_list()
    [None]
    """
    if not graves.subjects and not graves.seen:
        return aside
    known: dict[tuple[str, str], bool] = {}
    held = [
        raw is not None and any(_is_gone(one, graves, key, known) for one in _names(how, raw))
        for how, raw in aside.select("how", "raw").iter_rows()
    ]
    return without_raw(aside, held)


def without_raw(aside: pl.DataFrame, held: list[bool]) -> pl.DataFrame:
    """The rows with no bytes where `held` says so."""
    empty = pl.lit(None, dtype=pl.Binary)
    mask = pl.Series(held, dtype=pl.Boolean)
    return aside.with_columns(pl.when(mask).then(empty).otherwise("raw").alias("raw"))


def _names(how: str | None, raw: bytes) -> Iterator[tuple[str, str]]:
    said = json.loads(how or "{}")
    named = (said.get("mapping") or {}).get("platform")
    platforms = (named,) if named else ("x",) if said.get("format") in _OF_X else _PLATFORMS
    found = {*_WORDS.findall(raw), *_LONGER.findall(raw), *_DIGITS.findall(raw)}
    for word in found:
        for platform in platforms:
            yield platform, word.decode("ascii")


def _is_gone(name: tuple[str, str], graves: Tombstones, key: Key, known: dict[tuple[str, str], bool]) -> bool:
    if name not in known:
        platform, word = name
        post = tombstone(key, post_name(key, platform, word))
        people = {pseudonym(key, platform, word), handle_pseudonym(key, platform, word)}
        known[name] = post in graves.seen or not graves.subjects.isdisjoint({post, *people})
    return known[name]


def holds_one_of(raw: bytes, natives: list[str]) -> bool:
    """Whether bytes hold one of some ids or handles, in either case and also as JSON escapes them.

    A number counts only where it is whole: the id 42 is no part of 9042.

    >>> holds_one_of(b'{"id": "9042"}', ["42"]), holds_one_of(b'{"name": "Demo_One"}', ["demo_one"])
    (False, True)
    """
    lower = raw.lower()
    for native in natives:
        escaped = json.dumps(native)[1:-1].lower().encode()
        plain = native.lower().encode()
        if native.isascii() and native.isdigit():
            if re.search(rb"(?<!\d)" + plain + rb"(?!\d)", raw):
                return True
        elif plain in lower or escaped in lower or native.encode() in raw:
            return True
    return False
