"""WhatsApp chats as the app exports them: one text file with a line for each message and lines that go on.

A chat is private unless the user says that those who wrote in it agreed. Times are those of the phone's clock; whether
the day or the month comes first is told from all dates of the file, or must be said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from discourse.errors import BadInput, UsageError
from discourse.readers.files import MAX_LINE, open_chunks, physical_lines
from discourse.readers.formats import Options, Read
from discourse.readers.mapped import REQUIRED, Mapping
from discourse.readers.records import Draft, Item
from discourse.readers.values import Reason

__all__ = ["looks_like_file", "reads"]

_LRM = "\u200e"
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_M, _S = f"{_MARKS.pattern}*", "[ \u00a0\u2009\u202f]"
_AM = rf"[Aa]\.?{_S}?[Mm]\.?|ق\.?ظ\.?|قبل از ظهر|قبل دوپہر|صبح|غ\.م\.?|ص|पूर्वाह्न"
_PM = rf"[Pp]\.?{_S}?[Mm]\.?|ب\.?ظ\.?|بعد از ظهر|بعد دوپہر|سہ پہر|شام|غ\.و\.?|م|अपराह्न"
_HEAD = re.compile(
    rf"{_M}(?P<open>\[)?{_M}(\d{{4}}|\d\d?){_M}(?P<sep>[./-]){_S}?{_M}(\d\d?){_M}(?P=sep){_S}?{_M}(\d{{4}}|\d\d?)\.?{_M}"
    rf"[,،]?{_M}{_S}{{1,2}}{_M}(\d\d?){_M}[:.٫]{_M}(\d\d)(?:[:.٫]{_M}(\d\d))?{_M}"
    rf"(?:{_S}?{_M}(?:(?P<am>{_AM})|(?P<pm>{_PM})))?{_M}(?(open)\]|{_S}[-–](?={_S})){_S}?"
)
# Where year, month and day stand.
_ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
_FIRST_YEAR, _END_YEAR = 2009, 2100  # WhatsApp began in 2009
_SOLAR = range(1388, 1480)

_NOTICE = re.compile(
    r"Messages (?:and calls|you send to this (?:group|chat)|to this (?:group|chat)).{0,40} (?:are|is) (?:now )?"
    r"(?:end-to-end encrypted|secured with end-to-end encryption).*",
    re.DOTALL,
)
# The app itself speaks: on iPhones in the name of the group or of who did it, after U+200E.
_SERVICE = re.compile(
    r".{0,200}\b(?:created (?:this )?group|added|removed|left|joined|changed|turned (?:on|off)|pinned|deleted this|"
    r"security code|blocked|is a contact|requested to|missed (?:voice|video|group)|(?:voice|video) call)\b.*",
    re.DOTALL | re.IGNORECASE,
)
_SERVICE_NAME = re.compile(r"created (?:this )?group|changed (?:the|this) (?:group|subject|settings)|changed to ")
_DELETED = re.compile(
    r"(?:This message was deleted(?: by admin.{0,200})?|You deleted this message(?: as admin)?|"
    r"یہ پیغام حذف کر دیا گیا(?: ہے| تھا)?|آپ نے یہ پیغام حذف کر دیا(?: ہے| تھا)?|"
    r"این پیام حذف شد(?:ه است)?|شما این پیام را حذف کردید|تم حذف هذه الرسالة|لقد حذفت هذه الرسالة)[.۔]?"
)
_OMITTED = re.compile(
    r"(?:Media|image|photo|video|audio|sticker|GIF|document|video note|voice message|contact card) omitted",
    re.IGNORECASE,
)
_NO_WORDS = re.compile(
    r"|null|<[^<>\n]{2,200}>|(?:live )?location: https?://\S+|live location shared|"
    r"waiting for this message\. this may take a while\.|this message can't be displayed here.*",
    re.IGNORECASE,
)
_TAIL = re.compile(r"<(?:attached: [^<>\n]{1,200}|This message was edited)>")
_FILE = re.compile(r"\S[^\n]{0,200}\.\w{2,5} \((?P<how>[^()\n]{3,40})\)")
_POLL = "POLL:\n"
_MENTION = re.compile("@\u2068([^\u2068\u2069\n]{1,100})\u2069")
_UNDECODED = re.compile("[\udc80-\udcff]")
_KEPT_TIMES, _MOST_MARKS = 1000, 9


def looks_like_file(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a chat: its first line has a date, a time and the app's marks.

    >>> looks_like_file(b"12/07/2022, 11:14 pm - demo_one: peace"), looks_like_file(b"[05.03.25, 10:14:33] demo: a")
    (True, True)
    >>> looks_like_file(b"12/07/2022, 11:14"), looks_like_file(b"2022-07-12 11:14:00 peace")
    (False, False)
    """
    lines = head.decode("utf-8", "ignore").splitlines()
    return _head(next((line for line in lines if _MARKS.sub("", line).strip()), "")) is not None


def reads(path: Path, options: Options) -> Iterator[Read]:
    """The messages of a chat, each at the line where it begins; what the app itself says is no record.

    Without `allow_private` each message is set aside as private and nothing of it is kept. The id is made of
    the local time and the words, so that a chat that is exported twice gives the same ids: it does not hold the
    author, who could be found again in it by trying all telephone numbers.
    Raises `UsageError` when the time zone or the order of day and month must be said, `BadInput` when there is no
    message, and as `files.open_chunks` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "chat.txt").write_text("13/05/2025, 10:14 pm - demo_one: peace\\nand bread\\n")
    ...     said = Options(timezone="Asia/Karachi", allow_private=True)
    ...     (read,) = reads(Path(folder, "chat.txt"), said)
    ...     (private,) = reads(Path(folder, "chat.txt"), Options())
    >>> read.item.created_at, read.item.author, read.item.text, private.item.value
    ('2025-05-13T22:14:00+05:00', 'demo_one', 'peace\\nand bread', 'private_chat')
    """
    if not options.allow_private:
        yield from (Read(message.line, Reason.PRIVATE_CHAT) for message in _messages(path) if _said(message))
        return
    if options.timezone is None:
        raise UsageError(f"{path.name!r} has the times of the phone's clock; say the zone: --timezone Asia/Karachi")
    clock = Mapping("whatsapp", {name: name for name in REQUIRED}, options.timezone)
    order = _order(path, options.date_order)
    ids = _Ids()
    for message in _messages(path):
        if (said := _said(message)) is not None:
            yield Read(message.line, _item(message, said, _local(message.head, order), clock, ids), tuple(message.raw))


class _Head(NamedTuple):
    """The beginning of a message: the parts of its date, its hour, minute and second, how it is set, the rest."""

    day: tuple[str, str, str]
    clock: tuple[int, int, int] | None
    style: tuple[bool, str, bool]
    rest: str


class _Message(NamedTuple):
    line: int
    head: _Head
    more: list[str]
    raw: list[bytes]


class _Said(NamedTuple):
    author: str
    words: str | Reason


def _head(line: str) -> _Head | None:
    match = _HEAD.match(line)
    if match is None:
        return None
    _, first, _, second, third, hour, minute, seconds, am, pm = match.groups()
    day = (first, second, third)
    if not any(_date(day, order) for order in _ORDERS) and not _is_solar(day):
        return None
    style = (match["open"] is not None, match["sep"], seconds is not None)
    clock = _clock(int(hour), int(minute), int(seconds or 0), None if am is None and pm is None else pm is not None)
    return _Head(day, clock, style, line[match.end() :])


def _clock(hour: int, minute: int, second: int, afternoon: bool | None) -> tuple[int, int, int] | None:
    if afternoon is not None:
        hour = hour % 12 + 12 * afternoon if hour <= 12 else 24
    return (hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _messages(path: Path) -> Iterator[_Message]:
    """The messages with the lines that go on; a line set in another way than the first one was pasted into a text."""
    held: _Message | None = None
    size = 0
    for number, line in physical_lines(open_chunks(path)):
        text = None if line is None else line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        head = None if text is None else _head(text)
        if head is not None and line is not None and (held is None or head.style == held.head.style):
            if held is not None:
                yield held
            held, size = _Message(number, head, [], [line]), len(line)
        elif held is not None:
            size += MAX_LINE if line is None else len(line)
            if line is None or text is None or size > MAX_LINE:
                size = MAX_LINE  # too large, and so is what follows
                held.raw.clear()
            else:
                held.more.append(text)
                held.raw.append(line)
    if held is None:
        raise BadInput(f"{path.name!r} has no message of a WhatsApp chat; export the chat again and name its .txt")
    yield held


def _date(day: tuple[str, str, str], order: str) -> date | None:
    year, month, number = (day[place] for place in _ORDERS[order])
    if len(month) > 2 or len(number) > 2:
        return None
    full = int(year) + (2000 if len(year) == 2 else 0)
    try:
        return date(full, int(month), int(number)) if _FIRST_YEAR <= full < _END_YEAR else None
    except ValueError:
        return None


def _is_solar(day: tuple[str, str, str]) -> bool:
    return any(len(part) == 4 and int(part) in _SOLAR for part in (day[0], day[2]))


def _order(path: Path, given: str | None) -> str:
    """The order of day, month and year: the one that is given, else the only one in which every date exists."""
    if given is not None and given not in _ORDERS:
        raise UsageError(f"date_order is {given!r}; type --date-order with one of {', '.join(_ORDERS)}")
    days = {message.head.day for message in _messages(path)}
    fits = [order for order in _ORDERS if all(_date(day, order) for day in days)]
    if given is not None:
        if fits and given not in fits:
            raise UsageError(
                f"the dates of {path.name!r} cannot be {given}; type --date-order {fits[0]}, or leave it out"
            )
        return given
    if len(fits) > 1 and len({day[0] for day in days}) > len({day[2] for day in days}):
        fits = [order for order in fits if order != "ymd"]  # years of two digits: what changes more often is no year
    if len(fits) == 1:
        return fits[0]
    if not fits and any(_is_solar(day) for day in days):
        raise BadInput(f"{path.name!r} has dates of the solar calendar; set the phone's to Gregorian and export again")
    raise UsageError(
        f"the dates of {path.name!r} do not tell the day from the month; type --date-order with one of "
        f"{', '.join(fits or _ORDERS)}"
    )


def _local(head: _Head, order: str) -> datetime | None:
    day = _date(head.day, order)
    return None if day is None or head.clock is None else datetime(day.year, day.month, day.day, *head.clock)


def _said(message: _Message) -> _Said | None:
    """Who wrote a message and what, or the reason why it has no words; None where nobody wrote it."""
    name, colon, text = message.head.rest.partition(": ")
    if not colon:
        if not message.head.rest.rstrip().endswith(":"):
            return None
        name, text = message.head.rest.rstrip()[:-1], ""
    if _SERVICE_NAME.search(name):
        return None
    if not message.raw:
        return _Said("", Reason.RECORD_TOO_LARGE)
    whole = "\n".join([text, *message.more])
    if _UNDECODED.search(name) or _UNDECODED.search(whole):
        return _Said("", Reason.INVALID_UTF8)
    words = _words(whole.strip())
    return None if words is None else _Said(_name(name), words)


def _name(name: str) -> str:
    """A contact's name in characters that any version of Python can print: directions go, joiners are spelled out."""
    plain = re.sub(_S, " ", _MARKS.sub("", name)).strip()
    return "".join(c if c.isprintable() and c <= "\uffff" else f"\\u{ord(c):x}" for c in plain)


def _words(text: str) -> str | Reason | None:
    """The words of a message without what the app put around them, else the reason; None for a notice of the app."""
    made = text.startswith(_LRM)
    text = _without_files(text)
    bare = _MARKS.sub("", text).strip()
    if _NOTICE.fullmatch(bare):
        return None
    if _DELETED.fullmatch(bare):
        return Reason.DELETED
    if _OMITTED.fullmatch(bare) or _NO_WORDS.fullmatch(bare):
        return Reason.MISSING_TEXT
    if bare.startswith(_POLL):
        return bare.removeprefix(_POLL).split("\nOPTION:")[0]
    if made and text.startswith(_LRM):
        return None if _SERVICE.fullmatch(bare) else Reason.NOT_A_POST
    return _MENTION.sub(lambda match: "@" + re.sub(r"\W+", "_", match[1]).strip("_")[:64], text)


def _without_files(text: str) -> str:
    """A message without the marks of an edit and of a file, so that only its words or a caption are left."""
    for _ in range(_MOST_MARKS):
        if not text.endswith(">"):
            break
        start = text.rfind("<")
        tail = text[max(start, 0) :]
        if start < 0 or "\n" in tail or not (text[:start].endswith(_LRM) or _TAIL.fullmatch(tail)):
            break
        text = text[:start].rstrip(f" \n{_LRM}")
    first, _, rest = text.partition("\n")
    file = _FILE.fullmatch(first.strip())
    if file is not None and (first.startswith(_LRM) or file["how"] == "file attached"):
        text = rest.strip()
    before, mark, last = text.rpartition(_LRM)
    if mark and _OMITTED.fullmatch(last.strip()):
        return "" if last.strip().casefold() == "document omitted" else before.strip()
    return text


def _item(message: _Message, said: _Said, local: datetime | None, clock: Mapping, ids: _Ids) -> Item:
    if isinstance(said.words, Reason):
        return said.words
    if local is None:
        return Reason.BAD_TIMESTAMP
    when = clock.moment(local)
    if isinstance(when, Reason):
        return when
    return Draft(
        platform="whatsapp",
        id=ids.of(local, said.words),
        author=said.author or None,
        created_at=when,
        text=said.words,
    )


class _Ids:
    """Ids of messages, the same in every export of a chat: made of the time, the words and which repetition it is.

    Words with a handle, a link or a number are left out: an id that held what is hidden in the text would tell it.
    """

    def __init__(self) -> None:
        self._seen: dict[datetime, dict[str, int]] = {}

    def of(self, local: datetime, text: str) -> str:
        words = " ".join(word for word in text.split() if not re.search(r"[@＠/.\d]", word))
        if local not in self._seen and len(self._seen) >= _KEPT_TIMES:
            del self._seen[next(iter(self._seen))]
        at_the_time = self._seen.setdefault(local, {})
        number = at_the_time[words] = at_the_time.get(words, 0) + 1
        return hashlib.sha256("\0".join((local.isoformat(), words, str(number))).encode()).hexdigest()[:32]
