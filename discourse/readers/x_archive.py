"""The archive that X gives to the owner of an account: a zip with their posts, and much that is not read.

Only the members of an allow-list are ever opened. Direct messages, likes, deleted posts, contacts and
devices lie in the same zip and stay closed. A record that was taken out of it is a JSON line of its own,
`{"x_archive": {"account": …, "tweet": …}}`, and can be read again.
"""

from __future__ import annotations

import json
import re
import stat
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import ijson

from discourse.errors import BadInput
from discourse.readers.containers import ChunkFile, json_reads
from discourse.readers.files import first_bytes
from discourse.readers.formats import Options, Read
from discourse.readers.records import Draft
from discourse.readers.values import Reason, parse_time, unescape

__all__ = ["drafts", "looks_like", "looks_like_file", "looks_like_zip", "reads"]

_ZIP = b"PK\x03\x04"
_WRAPPED = re.compile(rb'\s*\{\s*"x_archive"\s*:')
_FIRST_NAMES = (b"data/", b"assets/", b"Your archive.html")
_ACCOUNT = "data/account.js"
_MEMBER = re.compile(r"data/(tweets?|community-tweet|note-tweet)(?:-part(\d{1,4}))?\.js", re.ASCII)
_PREFIX = re.compile(rb"(?:\xef\xbb\xbf)?\s*window\.YTD\.([a-z_]+)\.part\d+\s*=\s*(?=\[)")
_SECTIONS = {  # the name of a member, and the section it must hold
    "account": {"account"},
    "tweet": {"tweet", "tweets"},
    "tweets": {"tweet", "tweets"},
    "community-tweet": {"community_tweet", "community_tweets"},
    "note-tweet": {"note_tweet", "note_tweets"},
}
_MAX_MEMBERS, _MAX_DIRECTORY = 100_000, 64 << 20
_TAIL = 22 + 65535 + 20  # where a zip ends: its end record, the longest comment, and a pointer before it
_RATIO, _RATIO_FROM, _CHUNK, _HEAD = 200, 64 << 20, 1 << 16, 512
_RETWEET = re.compile(r"RT @\w{1,20}: ?", re.ASCII)
_LINK = re.compile(r"https://t\.co/\w{1,20}$", re.ASCII)
_MAX_LINKS = 4
_CUT_FROM = 100  # a post that was cut is no shorter: 280, or 140 of signs that count twice
_NOTHING: Mapping[str, Any] = {}


class _Owner(NamedTuple):
    account: Any
    username: Any


def looks_like_file(head: bytes) -> bool:
    """Whether a file begins as X's zip does, or is a record that was taken out of one.

    Only the name of the first member is seen here; `looks_like_zip` sees all.

    >>> looks_like_file(b'{"x_archive": {"account": "42"}}'), looks_like_file(b"PK")
    (True, False)
    """
    if not head.startswith(_ZIP):
        return _WRAPPED.match(head) is not None
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].startswith(_FIRST_NAMES)


def looks_like_zip(names: Collection[str]) -> bool:
    """Whether the members of a zip are those of X's archive.

    >>> looks_like_zip(["data/account.js", "data/tweets.js"]), looks_like_zip(["xl/workbook.xml"])
    (True, False)
    """
    return _ACCOUNT in names and any(_MEMBER.fullmatch(name) for name in names)


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a record that was taken out of an archive.

    >>> looks_like({"x_archive": {"account": "42", "tweet": {}}}), looks_like({"tweet": {}})
    (True, False)
    """
    held = record.get("x_archive")
    return len(record) == 1 and isinstance(held, dict) and {"account", "tweet"} <= held.keys()


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The post of a record that was taken out of an archive.

    A retweet is told by its text alone; what is left of the original's text is kept, its counts and id are
    not there.

    >>> tweet = {"id_str": "9001", "full_text": "RT @demo_two: a &lt; b", "retweet_count": "3"}
    >>> [(draft.kind, draft.text, draft.reposts) for draft in drafts({"x_archive": {"account": "42", "tweet": tweet}})]
    [('repost', 'a < b', None)]
    """
    held = _mapping(record.get("x_archive"))
    tweet = held.get("tweet")
    yield _draft(tweet, held) if isinstance(tweet, dict) else Reason.NOT_AN_OBJECT


def reads(path: Path, options: Options) -> Iterator[Read]:
    """The posts of an archive, or of a file of records that were taken out of one.

    `line` counts the posts of all parts, in the order of the parts. Raises `BadInput` when the zip is damaged,
    not X's, or made to do harm: names twice, absolute or upward, links, over 100,000 members, members that
    unpack to more than 200 times their size beyond 64 MiB.

    >>> import tempfile, zipfile
    >>> tweet = '{"tweet": {"id_str": "9001", "created_at": "Wed Oct 10 20:19:24 +0000 2018", "full_text": "peace"}}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(Path(folder) / "a.zip", "w") as archive:
    ...         archive.writestr("data/account.js", 'window.YTD.account.part0 = [{"account": {"accountId": "42"}}]')
    ...         archive.writestr("data/tweets.js", f"window.YTD.tweets.part0 = [{tweet}]")
    ...     [(read.line, read.item.text, read.item.author) for read in reads(Path(folder) / "a.zip", Options())]
    [(1, 'peace', '42')]
    """
    if first_bytes(path, len(_ZIP)) != _ZIP:
        yield from json_reads(path, drafts)
        return
    damaged = f"{path.name!r} is a zip that is damaged or cut short; fetch it again"
    try:
        if _directory_size(path) > _MAX_DIRECTORY:
            raise zipfile.BadZipFile
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error):
        raise BadInput(damaged) from None
    with archive:
        yield from _posts(archive, path.name)


def _directory_size(path: Path) -> int:
    """The bytes of the zip's list of members, which `zipfile` reads whole before anything can be checked."""
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(max(0, length - _TAIL))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0:
            raise zipfile.BadZipFile
        size: int = struct.unpack_from("<L", tail, end + 12)[0]
        if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":  # over 4 GiB: the numbers are elsewhere
            file.seek(struct.unpack_from("<Q", tail, end - 12)[0])
            size = struct.unpack_from("<Q", file.read(56), 40)[0]
    return size


def _posts(archive: zipfile.ZipFile, name: str) -> Iterator[Read]:
    members = _checked(archive, name)
    parts = sorted(
        (match[1] == "community-tweet", int(match[2] or 0), match.string)
        for match in map(_MEMBER.fullmatch, members)
        if match is not None and match[1] != "note-tweet"
    )
    if _ACCOUNT not in members or not parts:
        raise BadInput(f"{name!r} lacks {_ACCOUNT!r} or 'data/tweets.js'; give the zip as X made it")
    owner = _owner(_elements(archive, members[_ACCOUNT], "account"), name)
    notes = _notes(archive, members)
    number = 0
    for _, _, part in parts:
        match = _MEMBER.fullmatch(part)
        for element in _elements(archive, members[part], match[1] if match else ""):
            number += 1
            tweet = element.get("tweet", element) if isinstance(element, dict) else element
            held = {"account": owner.account, "username": owner.username, "tweet": tweet}
            if (note := _note_of(tweet, notes)) is not None:
                held["note"] = note
            record = {"x_archive": held}
            raw = _line(record)
            if isinstance(raw, Reason):
                yield Read(number, raw)
                continue
            for item in drafts(record):
                yield Read(number, item, (raw,))


def _checked(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The members by name, after all that a zip can lie about was looked at."""
    listed = archive.infolist()
    if len(listed) > _MAX_MEMBERS:
        raise BadInput(f"{name!r} has over {_MAX_MEMBERS} members, as no archive of X does; ask X for it again")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in listed:
        parts = info.filename.replace("\\", "/").split("/")
        if info.filename in members:
            wrong = "names a member twice"
        elif parts[0] == "" or ".." in parts or parts[0].endswith(":"):
            wrong = "names a member outside of itself"
        elif stat.S_ISLNK(info.external_attr >> 16):
            wrong = "holds a link"
        elif info.file_size > _RATIO_FROM and info.file_size > _RATIO * info.compress_size:
            wrong = f"holds a member that unpacks to more than {_RATIO} times its size"
        else:
            members[info.filename] = info
            continue
        raise BadInput(f"{name!r} {wrong}, as no archive of X does; ask X for it again")
    return members


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member in pieces. Its check sum is verified at the end, so it must be read to there."""
    where = f"{info.filename!r} in {Path(archive.filename or '').name!r}"
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput(f"{where} is encrypted or packed in an unusual way; give the zip as X made it")
    made = 0
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):
                made += len(chunk)
                if made > _RATIO_FROM and made > _RATIO * info.compress_size:
                    raise BadInput(f"{where} unpacks to more than {_RATIO} times its size; ask X for it again")
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, NotImplementedError):
        raise BadInput(f"{where} is damaged; fetch the zip again") from None


def _elements(archive: zipfile.ZipFile, info: zipfile.ZipInfo, kind: str) -> Iterator[Any]:
    """The elements of the array that a member assigns, one at a time; nothing in it is ever run."""
    where = f"{info.filename!r} in {Path(archive.filename or '').name!r}"
    chunks = _chunks(archive, info)
    head = b""
    while len(head) < _HEAD and (chunk := next(chunks, b"")):
        head += chunk
    prefix = _PREFIX.match(head)
    if prefix is None or prefix[1].decode() not in _SECTIONS[kind]:
        raise BadInput(f"{where} does not begin as X writes it; give the zip as X made it")
    try:
        yield from ijson.items(ChunkFile(chain([head[prefix.end() :]], chunks)), "item", use_float=True)
    except BadInput:
        raise
    except (ijson.JSONError, ValueError):
        raise BadInput(f"{where} is not the JSON it should be; fetch the zip again") from None


def _owner(elements: Iterator[Any], name: str) -> _Owner:
    accounts = [_mapping(_mapping(element).get("account")) for element in elements]
    if not accounts or not accounts[0].get("accountId"):
        raise BadInput(f"{_ACCOUNT!r} in {name!r} names no account; give the zip as X made it")
    return _Owner(accounts[0]["accountId"], accounts[0].get("username"))


def _notes(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> Mapping[int, list[str]]:
    """The whole texts of long posts by the second in which they were written: their ids are not the posts'."""
    notes: defaultdict[int, list[str]] = defaultdict(list)
    for name in sorted(members):
        match = _MEMBER.fullmatch(name)
        for element in _elements(archive, members[name], match[1]) if match and match[1] == "note-tweet" else []:
            note = _mapping(_mapping(element).get("noteTweet"))
            text, when = _mapping(note.get("core")).get("text"), parse_time(note.get("createdAt"))
            if isinstance(text, str) and isinstance(when, datetime):
                notes[int(when.timestamp())].append(text)
    return notes


def _note_of(tweet: Any, notes: Mapping[int, list[str]]) -> str | None:
    """The longest note of a cut post's second that begins with it; X's escapes undone in both."""
    text, when = unescape(_text(_mapping(tweet))), parse_time(_mapping(tweet).get("created_at"))
    if not isinstance(text, str) or not isinstance(when, datetime):
        return None
    begun = _begun(text)
    same = notes.get(int(when.timestamp()), []) if len(begun) >= _CUT_FROM else []
    fitting = [
        next((whole for whole in (unescape(note), note) if len(whole) > len(begun) and whole.startswith(begun)), "")
        for note in same
    ]
    return max(fitting, key=len, default="") or None


def _begun(text: str) -> str:
    """A cut text without what X put at its end: links and three dots."""
    begun = text.rstrip()
    for _ in range(_MAX_LINKS):
        if (link := _LINK.search(begun)) is None:
            break
        begun = begun[: link.start()].rstrip()
    return begun.removesuffix("…").removesuffix("...").rstrip()


def _line(record: Mapping[str, Any]) -> bytes | Reason:
    try:
        return json.dumps(record, allow_nan=False).encode() + b"\n"
    except RecursionError:
        return Reason.NESTING_TOO_DEEP
    except ValueError:
        return Reason.BAD_VALUE


def _draft(tweet: Mapping[str, Any], held: Mapping[str, Any]) -> Draft:
    text, note = _text(tweet), held.get("note")
    retweet = _RETWEET.match(text) if isinstance(text, str) else None
    answered = tweet.get("in_reply_to_status_id_str") or tweet.get("in_reply_to_status_id") or None
    kind = "repost" if retweet else "original" if answered is None else "reply"
    counts = tweet if retweet is None else _NOTHING
    return Draft(
        platform="x",
        id=tweet.get("id_str") or tweet.get("id"),
        author=held.get("account"),
        created_at=tweet.get("created_at"),
        text=note if isinstance(note, str) else unescape(text[retweet.end() :] if retweet else text),
        kind=kind,
        handle=held.get("username"),
        parent=None if retweet else answered,
        lang=tweet.get("lang"),
        country=_mapping(tweet.get("place")).get("country_code"),
        likes=_count(counts.get("favorite_count")),
        reposts=_count(counts.get("retweet_count")),
        version_of=_first_version(_mapping(tweet.get("edit_info"))),
    )


def _text(tweet: Mapping[str, Any]) -> Any:
    text = tweet.get("full_text")
    return tweet.get("text") if text is None else text


def _count(value: Any) -> Any:
    """A count, which the archive writes as a string of digits."""
    if value == "":
        return None
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value


def _first_version(info: Mapping[str, Any]) -> Any:
    edit = _mapping(info.get("edit"))
    initial = edit.get("editControlInitial") if edit else info.get("initial")
    ids = _mapping(initial).get("editTweetIds")
    first = ids[0] if isinstance(ids, list) and len(ids) > 1 else None
    return edit.get("initialTweetId") or first


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
