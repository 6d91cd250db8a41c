"""Keyed pseudonyms, and the masking of what must not be shown.

A platform's numeric user id can be guessed by counting, so a plain hash of it hides nothing. Every id is
therefore hashed with a secret key that lives in a file of its own, outside the corpus.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from discourse.errors import MissingData, PrivacyError

__all__ = [
    "KEY_BYTES",
    "Key",
    "default_key_path",
    "handle_pseudonym",
    "mask_text",
    "post_name",
    "pseudonym",
    "tombstone",
]

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """The secret of a project's pseudonyms: 32 bytes that no `repr`, error or log shows.

    Raises `PrivacyError` when `secret` is not 32 bytes.

    >>> key = Key.made_up("a corpus that nobody wrote")
    >>> key == Key.made_up("a corpus that nobody wrote"), key == Key.made_up("another")
    (True, False)
    >>> repr(key) == f"Key({key.fingerprint})"
    True
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != KEY_BYTES:
            raise PrivacyError(f"a key is {KEY_BYTES} random bytes; read one with Key.from_file(path, create=True)")

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell two keys apart and give nothing of either away.

        >>> len(Key.made_up("demo").fingerprint)
        8
        """
        return hashlib.blake2b(b"fingerprint", digest_size=4, key=self.secret, person=b"discourse-key").hexdigest()

    @classmethod
    def made_up(cls, phrase: str) -> Key:
        """A key derived from a phrase, for corpora that no person wrote: it protects nobody.

        Raises `PrivacyError` when the phrase is empty.

        >>> Key.made_up("demo").fingerprint == Key.made_up("demo").fingerprint
        True
        """
        if not phrase:
            raise PrivacyError("a made-up key needs a phrase, got an empty one; type Key.made_up('demo')")
        digest = hashlib.blake2b(phrase.encode(), digest_size=KEY_BYTES, person=b"discourse-made")
        return cls(digest.digest())

    @classmethod
    def from_file(cls, path: str | Path, create: bool = False) -> Key:
        """The key that a file holds; with `create`, a new random one if there is no such file yet.

        A new file can be read by its owner only (mode 0600). Raises `MissingData` when there is no file and
        `create` is false, `PrivacyError` when the file has another length, is no plain file, or can be read
        by others than its owner.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = Key.from_file(Path(folder) / "study.key", create=True)
        ...     made == Key.from_file(Path(folder) / "study.key")
        True
        """
        place = Path(path).expanduser()
        if create and not place.exists():
            _create(place)
        return cls(_read(place))


def default_key_path() -> Path:
    """Where the key is when nobody says: `DISCOURSE_KEY_FILE`, else a file below the home directory.

    >>> default_key_path().suffix != ".jsonl"
    True
    """
    named = os.environ.get("DISCOURSE_KEY_FILE", "")
    return Path(named).expanduser() if named else Path.home() / ".local" / "share" / "discourse" / "default.key"


def _shown(path: Path) -> str:
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise PrivacyError(
            f"no key file could be made at {_shown(path)!r} ({error.strerror}); "
            "name another place in DISCOURSE_KEY_FILE"
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    name = _shown(path)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise MissingData(
            f"there is no key file {name!r}; type Key.from_file({name!r}, create=True) to make one"
        ) from None
    except OSError as error:
        raise PrivacyError(
            f"the key file {name!r} cannot be opened ({error.strerror}); it must be readable by you"
        ) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise PrivacyError(f"the key file {name!r} is not a plain file; name a file of {KEY_BYTES} random bytes")
        if os.name == "posix" and status.st_mode & 0o077:
            raise PrivacyError(f"the key file {name!r} can be read by others than you; type chmod 600 {name}")
        secret = os.read(handle, KEY_BYTES + 1)
    finally:
        os.close(handle)
    if len(secret) != KEY_BYTES:
        raise PrivacyError(
            f"the key file {name!r} holds {status.st_size} bytes, a key has {KEY_BYTES}; "
            "restore it from your copy, or remove it to start anew with other pseudonyms"
        )
    return secret


def pseudonym(key: Key, platform: str, native_id: str) -> str:
    """The platform's name, a colon and 26 letters that stand for one of its ids under this key.

    Keyed BLAKE2b of 16 bytes over `platform`, the unit separator and `native_id`, written in lower-case
    base32 without padding. Raises `PrivacyError` for an empty id, which would make strangers one person.

    >>> one = pseudonym(Key.made_up("demo"), "x", "9000000000000000001")
    >>> one[:2], len(one)
    ('x:', 28)
    >>> one == pseudonym(Key.made_up("other"), "x", "9000000000000000001")
    False
    """
    if not native_id:
        raise PrivacyError("an empty id cannot have a pseudonym; set the row aside instead")
    digest = hashlib.blake2b(
        f"{platform}\x1f{native_id}".encode(), digest_size=16, key=key.secret, person=b"discourse-user"
    ).digest()
    return f"{platform}:{_letters(digest)}"


def _letters(digest: bytes) -> str:
    """16 bytes in lower-case base32 without padding, two letters at a time: three times as fast as `base64`."""
    number = int.from_bytes(digest) << 2
    return "".join([_PAIRS[number >> place & 1023] for place in range(120, -1, -10)])


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]


def handle_pseudonym(key: Key, platform: str, handle: str) -> str:
    """The pseudonym of a handle, in whatever case and with or without its @: never that of a user id.

    Raises `PrivacyError` for an empty handle.

    >>> key = Key.made_up("demo")
    >>> handle_pseudonym(key, "x", "@Demo_One") == handle_pseudonym(key, "x", "demo_one")
    True
    """
    bare = handle.removeprefix("@").casefold()
    return pseudonym(key, platform, bare and f"@{bare}")


def post_name(key: Key, platform: str, native_id: str) -> str:
    """The `post_id` of a platform's post: its name, a colon and its id.

    An account within an id (the `did:` of Bluesky's addresses) becomes its pseudonym: who wrote a post must not be
    read from its id.

    >>> post_name(Key.made_up("demo"), "x", "9001")
    'x:9001'
    >>> post_name(Key.made_up("demo"), "bluesky", "at://did:plc:demo/app.bsky.feed.post/3k").count("demo")
    0
    """
    if "did:" in native_id:
        native_id = _DID.sub(lambda found: pseudonym(key, platform, found[0]).partition(":")[2], native_id)
    return f"{platform}:{native_id}"


_DID = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:%\-]+")


def tombstone(key: Key, post_id: str) -> str:
    """What stands for a deleted post: a keyed hash of its `post_id`, 26 letters. The id itself is not kept.

    >>> tombstone(Key.made_up("demo"), "x:9001") == tombstone(Key.made_up("other"), "x:9001")
    False
    """
    digest = hashlib.blake2b(post_id.encode(), digest_size=16, key=key.secret, person=b"discourse-grave").digest()
    return _letters(digest)


def _digit(value: int) -> str:
    """The character class of one digit as ASCII, Arabic-Indic, Persian/Urdu and full-width type it."""
    return f"[{value}{chr(0x660 + value)}{chr(0x6F0 + value)}{chr(0xFF10 + value)}]"


_GAP = r"[\s().\-‐‑–]{0,2}"
_ZERO, _THREE, _SEVEN, _NINE = _digit(0), _digit(3), _digit(7), _digit(9)
_COUNTRY = f"{_NINE}{_GAP}[{_digit(2)[1:-1]}{_THREE[1:-1]}]"
_INVISIBLE = "[\u200b-\u200f\u202a-\u202e\u2066-\u2069]*"
_PHONE = "|".join(
    (
        rf"(?:[+＋]|{_ZERO}{_ZERO}){_GAP}{_COUNTRY}(?:{_GAP}\d){{9,11}}",  # +92…, 0093…
        rf"[+＋]{_GAP}\d(?:{_GAP}\d){{7,14}}",  # any other country
        rf"{_COUNTRY}{_GAP}[{_THREE[1:-1]}{_SEVEN[1:-1]}](?:{_GAP}\d){{8,9}}",  # 92300…, 9370… as in chat links
        rf"{_ZERO}{_GAP}{_THREE}(?:{_GAP}\d){{9}}",  # 03xx-xxxxxxx
        rf"{_ZERO}{_GAP}{_SEVEN}(?:{_GAP}\d){{8}}",  # 07x-xxx-xxxx
    )
)
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:https?://|(?<!\w)www\.)\S+", re.IGNORECASE), "[url]"),
    (re.compile(r"(?<![\w.+\-@＠])[\w.+\-]+[@＠]\w[\w\-]*(?:\.[\w\-]+)+"), "[email]"),
    (re.compile(rf"[@＠]{_INVISIBLE}\w+(?:[.\-]\w+)*(?:@\w+(?:[.\-]\w+)*)?|(?<![\w/])/?u/[\w\-]+"), "[user]"),
    (
        re.compile(
            r"(?<![\w.\-])(?:[a-z0-9\-]{1,63}\.){1,6}"
            r"(?:(?:com|org|net|info|pk|af|news)(?![\w.]*\w)(?:/\S*)?|[a-z]{2,12}/\S+)",
            re.IGNORECASE,
        ),
        "[url]",
    ),
    (re.compile(r"(?<!\d)(?:\d{5}[\s\-‐‑–]?\d{7}[\s\-‐‑–]?\d|\d{13,})(?!\d)"), "[number]"),
    (re.compile(rf"(?<!\d)(?:{_PHONE})(?!\d)"), "[phone]"),
)


def mask_text(text: str) -> str:
    """The text with links, e-mail addresses, handles, identity-card and telephone numbers replaced.

    Made for Pakistan and Afghanistan (+92, +93, 03xx, 07x, CNIC) in Western, Arabic and Urdu digits. It
    misses names and numbers written in words: masked text is less dangerous, not anonymous.

    >>> mask_text("@demo_one call 0300-1234567 or write demo@example.org https://example.org/a")
    '[user] call [phone] or write [email] [url]'
    >>> mask_text("CNIC 12345-1234567-1, +93 70 123 4567, 50-60 people")
    'CNIC [number], [phone], 50-60 people'
    """
    for pattern, label in _MASKS:
        text = pattern.sub(label, text)
    return text
