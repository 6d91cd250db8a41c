"""Public corpora by name: what each holds, where it comes from, and whether a copy of it is whole.

A card is a TOML file in `data/catalogue`. It holds facts and checksums, never a post: the files themselves are
fetched from where their authors put them, or from a folder that has them.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from discourse.errors import BadInput, MissingData, UsageError
from discourse.settings import only_keys, read_toml, table_list, word, word_list

__all__ = ["FORMATS_BESIDE_READERS", "Card", "File", "Problem", "Rows", "card", "catalogue", "fetch", "verify"]

FORMATS_BESIDE_READERS = ("mapping", "told", "none")
"""What `format` of a card may be when it names no reader: a mapping, each file by its content, no posts at all."""

_FOLDER = Path(str(files("discourse"))) / "data" / "catalogue"
_MAPPING = ".mapping.toml"
_WORDS = ("title", "source", "licence", "period", "format", "description", "citation")
_LISTS = ("countries", "languages", "pitfalls")
_KEYS = ("name", *_WORDS, *_LISTS, "rows", "files")
_COUNTS = ("accepted", "duplicates", "quarantined")
_FILE = ("path", "sha256", "bytes", "url")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class File:
    """One file of a corpus: its place in the corpus, its checksum and size, and where it is loaded from.

    `url` is None where only the page of the original is known, or where the file was made from the original.

    >>> File("posts.csv", "0" * 64, 12).url is None
    True
    """

    path: str
    sha256: str
    bytes: int
    url: str | None = None


@dataclass(frozen=True)
class Rows:
    """How many records the files of a corpus hold, and what becomes of them when they are read.

    `accepted`, `duplicates`, `quarantined` (with its `reasons`) add up to `records`; all three are None for a corpus
    that cannot be read as posts, and may be where each file has a format of its own.

    >>> Rows(3, 2, 0, 1, {"missing_author": 1}).accepted
    2
    """

    records: int
    accepted: int | None = None
    duplicates: int | None = None
    quarantined: int | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """What is known of a corpus. `format` names a reader, or is one of `FORMATS_BESIDE_READERS`.

    `mapping` is the file to import it with when `format` is "mapping". `licence` is that of the original.

    >>> card("get-out-2021").format, card("get-out-2021").rows.records
    ('rtweet', 17360)
    """

    name: str
    title: str
    source: str
    licence: str
    countries: tuple[str, ...]
    period: str
    languages: tuple[str, ...]
    format: str
    rows: Rows
    description: str
    pitfalls: tuple[str, ...]
    citation: str
    files: tuple[File, ...]
    mapping: Path | None = None


@dataclass(frozen=True)
class Problem:
    """One file of a corpus that is not as its card says: which, what is wrong, what to do.

    >>> Problem("posts.csv", "is missing", "fetch it").file
    'posts.csv'
    """

    file: str
    what: str
    todo: str


def catalogue() -> list[Card]:
    """All cards, by name. Raises `UsageError` for a card that is not written as it must be.

    >>> "ruw_russia_ukraine_stance" in [one.name for one in catalogue()]
    True
    """
    places = sorted(path for path in _FOLDER.glob("*.toml") if not path.name.endswith(_MAPPING))
    return [_read(path) for path in places]


def card(name: str) -> Card:
    """The card of one corpus. Raises `MissingData` when there is none of that name.

    >>> card("get-out-2012")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus 'get-out-2012' in the catalogue; it has export_fixtures,
    get-out-2021, indopak_pulwama_2019, pk_politics_na404_2022, pk_twitter_2022_twitteR, roman_urdu_ruhsold,
    ruw_russia_ukraine_stance, rwc_retweet_networks, urdu_script_labelled, us_poliblog2008. Did you mean 'get-out-2021'?
    """
    cards = {one.name: one for one in catalogue()}
    if name not in cards:
        begun = [one for one in cards if one.lower().startswith(name.lower())]
        close = begun if len(begun) == 1 else get_close_matches(name, cards, n=1)
        hint = f". Did you mean {close[0]!r}?" if close else ""
        raise MissingData(f"there is no corpus {name!r} in the catalogue; it has {', '.join(cards)}{hint}")
    return cards[name]


def fetch(name: str, folder: str | Path, *, source: str | Path | None = None) -> list[Path]:
    """The files of a corpus in `folder/<name>`, in the order of the card; those that are missing are loaded.

    With `source`, a folder that holds the corpus as `source/<name>`, they are copied from there instead of loaded over
    the network. A file that is in place with the right checksum is left alone, one with another is replaced. What
    comes is written beside its place and checked before it stands there: no part of a file is ever left.

    Raises `MissingData` for an unknown name, a file that has no address or is not where it should be, `BadInput` for a
    file that is cut or is not the one of the card.

    >>> fetch("get-out-2021", "no-such-folder")
    Traceback (most recent call last):
    discourse.errors.MissingData: 'rtweet.ndjson.zst' of get-out-2021 has no address to load it from; get it from
    https://github.com/Fahim-Ahmad/rtweet-collecting-tweets-with-a-get_out_of_Afghanistan-hashtag, and type
    discourse corpora fetch get-out-2021 --to DIR --from FOLDER, where FOLDER holds get-out-2021/rtweet.ndjson.zst
    """
    one = card(name)
    place = Path(folder).expanduser() / name
    stock = None if source is None else Path(source).expanduser() / name
    if stock is None:
        _require_addresses(one, place)
    elif not stock.is_dir():
        raise MissingData(f"there is no folder {name!r} in the folder to copy from; name the folder that holds {name}/")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)  # the files hold what people wrote
    return [_fetch_one(one, file, place / file.path, stock) for file in one.files]


def verify(name: str, folder: str | Path) -> list[Problem]:
    """What is wrong with the corpus in `folder/<name>`: files that are missing, cut or changed. Empty when nothing is.

    Files that the card does not name are no concern of it. Raises `MissingData` for an unknown name or folder.

    >>> verify("get-out-2021", "no-such-folder")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no folder 'no-such-folder'; name the one that holds get-out-2021/
    """
    one = card(name)
    home = Path(folder).expanduser()
    if not home.is_dir():
        raise MissingData(f"there is no folder {home.name!r}; name the one that holds {name}/")
    found = ((file, _wrong(home / name / file.path, file)) for file in one.files)
    todo = f"type discourse corpora fetch {name} --to the same folder"
    return [Problem(file.path, what, todo) for file, what in found if what is not None]


def _wrong(path: Path, file: File) -> str | None:
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if size < file.bytes:
        return f"is cut: it has {size:,} of {file.bytes:,} bytes"
    with path.open("rb") as content:
        same = size == file.bytes and hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    return None if same else "is changed: its checksum is not that of the card"


def _require_addresses(one: Card, place: Path) -> None:
    """Refuse before anything is loaded when a file that is needed cannot be."""
    lost = next((file for file in one.files if file.url is None and _wrong(place / file.path, file)), None)
    if lost is not None:
        raise MissingData(
            f"{lost.path!r} of {one.name} has no address to load it from; get it from {one.source}, and type discourse "
            f"corpora fetch {one.name} --to DIR --from FOLDER, where FOLDER holds {one.name}/{lost.path}"
        )


def _fetch_one(one: Card, file: File, path: Path, stock: Path | None) -> Path:
    if _wrong(path, file) is None:
        return path
    if path.exists() and not path.is_file():
        raise BadInput(f"{file.path!r} of {one.name} is no file where it should stand; remove it and fetch again")
    if stock is not None and not (stock / file.path).is_file():
        raise MissingData(f"{file.path!r} of {one.name} is not in the folder to copy from; name one that has it")
    # pooch is loaded only when something is to be loaded: it takes half a second.
    import pooch
    import requests

    what = f"{file.path!r} of {one.name}"
    downloader = None if stock is None else partial(_copy, stock / file.path)
    try:
        with _silent(pooch.get_logger()):
            pooch.retrieve(
                file.url or file.path, f"sha256:{file.sha256}", path.name, path.parent, downloader=downloader
            )
    except requests.HTTPError as error:
        status = "" if error.response is None else f" ({error.response.status_code})"
        raise MissingData(f"the server does not give {what}{status}; get it from {one.source} and use --from") from None
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
        raise BadInput(f"the download of {what} broke off, nothing of it was kept; type the same again") from None
    except requests.RequestException:
        raise MissingData(f"the server of {what} cannot be reached; check the network, or use --from") from None
    except ValueError:
        raise BadInput(
            f"{what} that was fetched is not the file of the card (another checksum), nothing of it was kept; "
            f"fetch it again, or see whether {one.source} has changed"
        ) from None
    return path


def _copy(origin: Path, _: str, target: str, __: Any) -> None:
    """A downloader for pooch that copies a local file: it is checked and moved into place like a loaded one."""
    with origin.open("rb") as content, open(target, "wb") as made:
        shutil.copyfileobj(content, made, _BLOCK)


@contextmanager
def _silent(log: logging.Logger) -> Iterator[None]:
    """Nothing of pooch's own talk, which names folders of the machine."""
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _read(path: Path) -> Card:
    where = f"the card {path.name!r}"
    table = only_keys(read_toml(path, "card"), _KEYS, where)
    name = word(table, "name", where)
    if name != path.stem or not _NAME.fullmatch(name):
        raise UsageError(f"{where} has the name {name!r}; it must be that of its file, in letters, digits, _ and -")
    for key in _LISTS:
        if not table.get(key):
            raise UsageError(f'{where} has no {key!r}; write {key} = ["..."]')
    mapping = path.with_name(f"{name}{_MAPPING}")
    texts = {key: word(table, key, where) for key in _WORDS}
    form = texts["format"]
    if (form == "mapping") != mapping.is_file():
        raise UsageError(f"{where} has format {form!r}; {mapping.name!r} must stand beside it for 'mapping' only")
    held = tuple(_file(one, where) for one in table_list(table, "files", where))
    if len({one.path for one in held}) < len(held):
        raise UsageError(f"{where} names a file twice; leave one of the two out")
    rows = _rows(table.get("rows"), where)
    if form != "told" and (rows.accepted is None) != (form == "none"):
        raise UsageError(f"{where} has format {form!r}; [rows] must say what is accepted, for 'none' it must not")
    return Card(
        **texts,
        name=name,
        countries=word_list(table, "countries", where),
        languages=word_list(table, "languages", where),
        pitfalls=word_list(table, "pitfalls", where),
        rows=rows,
        files=held,
        mapping=mapping if mapping.is_file() else None,
    )


def _rows(given: Any, where: str) -> Rows:
    table = only_keys(given, ("records", *_COUNTS, "reasons"), f"[rows] of {where}")
    reasons = table.get("reasons", {})
    if not isinstance(reasons, Mapping):
        raise UsageError(f"reasons of {where} must be a table, like reasons = {{ missing_author = 3 }}")
    told = {key: value for key, value in table.items() if key != "reasons"}
    for key, value in (*told.items(), *reasons.items()):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UsageError(f"{key} of {where} is {value!r}; it must be a whole number")
    if "records" not in told or len(told) not in {1, 4}:
        raise UsageError(f"[rows] of {where} needs records, and {', '.join(_COUNTS)} all three or none")
    if len(told) == 4 and told["records"] != sum(told[key] for key in _COUNTS):
        raise UsageError(f"[rows] of {where} does not add up: {' + '.join(_COUNTS)} must be records")
    if sum(reasons.values()) != told.get("quarantined", 0):
        raise UsageError(f"[rows.reasons] of {where} do not add up to quarantined")
    return Rows(**told, reasons=dict(reasons))


def _file(given: Mapping[str, Any], where: str) -> File:
    table = only_keys(given, _FILE, f"[[files]] of {where}")
    path = word(table, "path", f"[[files]] of {where}")
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\\" in path or PurePosixPath(*parts).as_posix() != path:
        raise UsageError(f"a path of {where} is {path!r}; it must lie inside the corpus, like 'posts.csv'")
    size, url = table.get("bytes"), table.get("url")
    if not _SHA256.fullmatch(word(table, "sha256", f"{path!r} in {where}")):
        raise UsageError(f"sha256 of {path!r} in {where} must be 64 hex digits in small letters; type sha256sum {path}")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise UsageError(f"bytes of {path!r} in {where} is {size!r}; it must be the size of the file")
    if url is not None and not (isinstance(url, str) and _URL.fullmatch(url)):
        raise UsageError(f"url of {path!r} in {where} is {url!r}; it must begin with https://, or be left out")
    return File(path, table["sha256"], size, url)
