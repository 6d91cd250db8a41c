"""The two fixtures are hand-written after the layouts of the app on iPhones and on Android; everybody is invented."""

from __future__ import annotations

import gzip
import os
import re
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, pseudonym
from discourse.errors import BadInput, UsageError
from discourse.readers import whatsapp
from discourse.readers.formats import Options
from discourse.readers.records import Draft, Item, Row, to_row
from discourse.readers.values import Reason
from discourse.readers.whatsapp import looks_like_file, reads

KEY = Key.made_up("whatsapp")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
IOS, ANDROID = FIXTURES / "whatsapp_ios.txt", FIXTURES / "whatsapp_android.txt"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
REAL = SHARED / "data" / "export_fixtures" / "whatsapp_txt"
CONSENT = Options(timezone="Asia/Karachi", allow_private=True)
LRM, RLM = "\u200e", "\u200f"


def of(folder: Path, text: str | bytes, options: Options = CONSENT) -> list[tuple[int, Item]]:
    path = folder / "chat.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(read.line, read.item) for read in reads(path, options)]


def one(folder: Path, text: str, options: Options = CONSENT) -> Draft:
    ((_, item),) = of(folder, text, options)
    assert isinstance(item, Draft)
    return item


def said(folder: Path, text: str) -> str | Reason | None:
    """What becomes of the words of one message on an iPhone."""
    found = [
        item.text if isinstance(item, Draft) else item for _, item in of(folder, f"[13/05/2025, 10:14:33] a: {text}\n")
    ]
    assert len(found) <= 1
    return found[0] if found else None


def ids(path: Path) -> list[str]:
    return [read.item.id for read in reads(path, CONSENT) if isinstance(read.item, Draft)]


def shown(path: Path) -> list[tuple[int, object]]:
    found: list[tuple[int, object]] = []
    for read in reads(path, CONSENT):
        row = to_row(read.item, KEY, path.name, read.line) if isinstance(read.item, Draft) else read.item
        found.append((read.line, (str(row.created_at), row.text) if isinstance(row, Row) else row))
    return found


def test_a_chat_from_an_iphone() -> None:
    found = shown(IOS)
    hidden = found[1][1]
    assert isinstance(hidden, tuple)
    assert hidden[0] == "2025-03-05 04:16:01+00:00"
    assert re.fullmatch(r"@[a-z2-7]{26} yes", hidden[1])
    assert [found[0], *found[2:]] == [
        (4, ("2025-03-05 04:16:00+00:00", "peace\nand bread: both\n\n[last line]")),
        (9, Reason.MISSING_TEXT),
        (10, ("2025-03-05 07:00:01+00:00", "a flag")),
        (11, Reason.DELETED),
        (12, Reason.MISSING_TEXT),
        (13, ("2025-03-13 18:59:59+00:00", "امن")),
    ]
    authors = [read.item.author for read in reads(IOS, CONSENT) if isinstance(read.item, Draft)]
    assert authors == ["demo_one", "+00 000 0000001", "demo_one", r"علی\u200cرضا"]


def test_a_chat_from_android() -> None:
    assert shown(ANDROID) == [
        (4, ("2022-07-12 18:59:00+00:00", "ok")),
        (5, ("2022-07-12 18:59:00+00:00", "ok")),
        (6, Reason.MISSING_TEXT),
        (7, ("2022-07-12 18:59:00+00:00", "the square")),
        (9, Reason.MISSING_TEXT),
        (10, Reason.DELETED),
        (12, Reason.MISSING_TEXT),
        (13, Reason.MISSING_TEXT),
        (14, ("2022-07-12 19:04:00+00:00", "peace or war?")),
    ]
    assert len(set(ids(ANDROID))) == 4


def test_a_draft_has_nothing_that_the_file_does_not_say(tmp_path: Path) -> None:
    draft = one(tmp_path, "13/05/2025, 10:14 - demo_one: &amp; peace\n")
    row = to_row(draft, KEY, "chat.txt", 1)
    assert isinstance(row, Row)
    assert row.author_id == pseudonym(KEY, "whatsapp", "demo_one")
    assert (row.platform, row.kind, row.text) == ("whatsapp", "original", "&amp; peace")
    assert {row.parent_id, row.handle_id, row.likes, row.replies, row.reposts, row.quotes, row.edited_at} == {None}


@pytest.mark.parametrize("path", [IOS, ANDROID], ids=["ios", "android"])
def test_without_consent_every_message_is_private_and_nothing_of_it_is_kept(path: Path) -> None:
    taken = list(reads(path, CONSENT))
    for options in (Options(), Options(timezone="Asia/Karachi", date_order="dmy")):
        refused = list(reads(path, options))
        assert [read.line for read in refused] == [read.line for read in taken]
        assert {(read.item, read.raw) for read in refused} == {(Reason.PRIVATE_CHAT, ())}


def test_the_zone_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="say the zone: --timezone Asia/Karachi"):
        of(tmp_path, "13/05/2025, 10:14 - a: b\n", Options(allow_private=True))
    with pytest.raises(UsageError, match="IANA name"):
        of(tmp_path, "13/05/2025, 10:14 - a: b\n", Options(timezone="PKT!", allow_private=True))
    kabul = one(tmp_path, "13/05/2025, 10:14 - a: b\n", Options(timezone="Asia/Kabul", allow_private=True))
    assert kabul.created_at == "2025-05-13T10:14:00+04:30"


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (["05/03/2025", "13/03/2025"], "2025-03-05"),
        (["05/03/2025", "03/13/2025"], "2025-05-03"),
        (["2025-03-05"], "2025-03-05"),
        (["05.03.25", "06.03.25", "31.03.25"], "2025-03-05"),
        (["15-01-20", "16-01-20"], "2020-01-15"),
        (["3/5/25", "3/6/25", "3/31/25"], "2025-03-05"),
        (["31/12/2024", "1/1/2025"], "2024-12-31"),
    ],
    ids=["dmy", "mdy", "ymd", "dots", "short_year", "us", "new_year"],
)
def test_the_order_of_the_date_is_told_from_the_whole_file(tmp_path: Path, days: list[str], first: str) -> None:
    found = of(tmp_path, "".join(f"{day}, 10:14 - a: b{number}\n" for number, day in enumerate(days)))
    assert isinstance(found[0][1], Draft)
    assert found[0][1].created_at == f"{first}T10:14:00+05:00"
    assert len(found) == len(days)


@pytest.mark.parametrize(
    "days", [["05/03/2025"], ["05/03/25", "06/03/25"], ["13/07/22"]], ids=["one", "two", "no_year"]
)
def test_an_order_that_cannot_be_told_must_be_said(tmp_path: Path, days: list[str]) -> None:
    chat = "".join(f"{day}, 10:14 - a: b\n" for day in days)
    with pytest.raises(UsageError, match=r"'chat.txt' do not tell the day from the month; type --date-order") as caught:
        of(tmp_path, chat)
    assert days[0] not in str(caught.value)


def test_the_order_that_is_said_holds(tmp_path: Path) -> None:
    def first(order: str, day: str = "05/03/20") -> object:
        draft = one(tmp_path, f"{day}, 10:14 - a: b\n", Options("Asia/Karachi", order, allow_private=True))
        return draft.created_at[:10]

    assert [first("dmy"), first("mdy")] == ["2020-03-05", "2020-05-03"]
    assert first("ymd", "20/03/05") == "2020-03-05"
    with pytest.raises(UsageError, match="cannot be mdy; type --date-order dmy"):
        first("mdy", "13/03/2025")
    with pytest.raises(UsageError, match="one of dmy, mdy, ymd"):
        first("day first")


def test_a_day_that_fits_no_order_with_the_others_is_a_row(tmp_path: Path) -> None:
    chat = "13/03/2025, 10:14 - a: b\n03/14/2025, 10:14 - a: pasted\n"
    with pytest.raises(UsageError, match="--date-order"):
        of(tmp_path, chat)
    found = of(tmp_path, chat, Options("Asia/Karachi", "dmy", allow_private=True))
    assert [found[0][1].text, found[1][1]] == ["b", Reason.BAD_TIMESTAMP]  # type: ignore[union-attr]


def test_dates_of_the_solar_calendar_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="set the phone's to Gregorian"):
        of(tmp_path, "۱۴۰۴/۲/۱۷, ۱۰:۱۴ - a: b\n")


@pytest.mark.parametrize(
    ("clock", "hour"),
    [
        ("12:05 AM", 0), ("12:05 pm", 12), ("1:05 p.m.", 13), ("11:05 PM", 23), ("11:05\u202fam", 11), ("0:05 pm", 12),
        ("10:05 ق.ظ", 10), ("10:05 ب.ظ", 22), ("۱۰:۰۵ ب.ظ.", 22), ("10:05 قبل دوپہر", 10), ("10:05 بعد دوپہر", 22),
        ("8:05 شام", 20), ("8:05 صبح", 8), ("١٠:٠٥ م", 22), ("١٠:٠٥ ص", 10), ("10.05", 10), ("00:05", 0), ("23:05", 23),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["[13/05/2025, {}] a: b", "13/05/2025, {} - a: b"], ids=["ios", "android"])
def test_clocks(tmp_path: Path, clock: str, hour: int, form: str) -> None:
    assert one(tmp_path, form.format(clock)).created_at == f"2025-05-13T{hour:02}:05:00+05:00"


@pytest.mark.parametrize("clock", ["24:05", "13:05 pm", "10:60", "10:05:60"])
def test_an_impossible_time_is_a_row(tmp_path: Path, clock: str) -> None:
    assert of(tmp_path, f"13/05/2025, {clock} - a: b") == [(1, Reason.BAD_TIMESTAMP)]


def test_a_time_that_the_clock_showed_twice_or_never_is_refused(tmp_path: Path) -> None:
    chat = "30/03/2025, 02:30 - a: never\n26/10/2025, 02:30 - a: twice\n26/10/2025, 03:30 - a: once\n"
    found = of(tmp_path, chat, Options("Europe/Berlin", allow_private=True))
    assert [item.text if isinstance(item, Draft) else item for _, item in found] == [
        Reason.BAD_TIMESTAMP,
        Reason.BAD_TIMESTAMP,
        "once",
    ]


def test_marks_of_direction_and_arabic_signs(tmp_path: Path) -> None:
    head = f"{RLM}[{RLM}١٣{RLM}/{RLM}٥{RLM}/{RLM}٢٠٢٥، ١٠:١٤:٣٣ م] {LRM}demo{RLM}: امن{RLM}!"
    draft = one(tmp_path, f"\ufeff{head}\r\n")
    assert (draft.created_at, draft.author, draft.text) == ("2025-05-13T22:14:33+05:00", "demo", f"امن{RLM}!")


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("demo one", "demo one"),
        ("~\u202fdemo", "~ demo"),
        ("\u202a+00\u00a0000\u00a01\u202c", "+00 000 1"),
        ("demo 😀", r"demo \u1f600"),
        ("علی\u200cرضا", r"علی\u200cرضا"),
    ],
)
def test_names_that_every_version_can_print(tmp_path: Path, name: str, author: str) -> None:
    draft = one(tmp_path, f"13/05/2025, 10:14 - {name}: a\n")
    assert draft.author == author
    assert isinstance(to_row(draft, KEY, "a", 1), Row)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("peace", "peace"),
        ("a: b", "a: b"),
        ("  peace  ", "peace"),
        ("null and void", "null and void"),
        ("I left it", "I left it"),
        ("This message was deleted, he said", "This message was deleted, he said"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("peace <This message was edited>", "peace"),
        (f"peace{LRM}<This message was edited>", "peace"),
        (f"امن {LRM}<اس پیغام میں ترمیم کی گئی>", "امن"),
        (f"{LRM}<attached: 1-PHOTO.jpg> {LRM}<This message was edited>", Reason.MISSING_TEXT),
        ("<Media omitted>", Reason.MISSING_TEXT),
        ("<Media omitted>\nwords", "<Media omitted>\nwords"),
        (f"{LRM}GIF omitted", Reason.MISSING_TEXT),
        (f"words {LRM}video omitted", "words"),
        ("<رسانه>", Reason.MISSING_TEXT),
        ("Location: https://example.org/?q=1,2", Reason.MISSING_TEXT),
        (f"{LRM}Contact card omitted", Reason.MISSING_TEXT),
        ("demo.vcf (file attached)", Reason.MISSING_TEXT),
        ("demo.pdf (my own)", "demo.pdf (my own)"),
        (f"{LRM}You deleted this message.", Reason.DELETED),
        ("This message was deleted by admin demo", Reason.DELETED),
        ("یہ پیغام حذف کر دیا گیا", Reason.DELETED),
        (f"{LRM}POLL:\nwhy?\n{LRM}OPTION: a ({LRM}1 vote)", "why?"),
        (f"{LRM}demo left", None),
        (f"{LRM}Missed voice call", None),
        (f"{LRM}words of the app that nobody knows", Reason.NOT_A_POST),
        ("@\u2068demo one\u2069 and @\u2068+00 1\u2069", "@demo_one and @00_1"),
        ("", Reason.MISSING_TEXT),
    ],
)  # fmt: skip
def test_what_the_app_writes_for_words(tmp_path: Path, text: str, outcome: object) -> None:
    assert said(tmp_path, text) == outcome


def test_a_line_of_another_layout_belongs_to_the_message(tmp_path: Path) -> None:
    pasted = "[13/05/2025, 10:14:33] x: pasted"
    chat = f"13/05/2025, 10:14 - a: look\n{pasted}\n13/05/2025, 10:15 - b: yes\n"
    found = of(tmp_path, chat)
    assert [(line, item.text) for line, item in found if isinstance(item, Draft)] == [
        (1, f"look\n{pasted}"),
        (3, "yes"),
    ]


def test_ids_are_those_of_the_words_and_the_time(tmp_path: Path) -> None:
    first = (
        "13/05/2025, 10:14 - {}: ok\n13/05/2025, 10:14 - b: ok\n13/05/2025, 10:15 - b: ok\n13/05/2025, 10:15 - b: no\n"
    )
    (tmp_path / "one.txt").write_text(first.format("a"))
    (tmp_path / "two.txt").write_text(first.format("a") + "14/05/2025, 10:14 - a: ok\n")
    (tmp_path / "named.txt").write_text(first.format("another name"))
    one_, two, named = (ids(tmp_path / f"{name}.txt") for name in ("one", "two", "named"))
    assert len(set(two)) == 5
    assert two[:4] == one_ == named
    assert all(re.fullmatch(r"[0-9a-f]{32}", native) for native in two)


def test_an_id_does_not_tell_what_the_text_hides(tmp_path: Path) -> None:
    """With a number or a handle in it, an id could be found again by trying all of them."""
    words = ["call +000000001", "call +000000002", "call @demo_one", "call https://example.org/demo_one"]
    found = {one(tmp_path, f"13/05/2025, 10:14 - a: {text}").id for text in words}
    assert len(found) == 1
    assert len({one(tmp_path, f"13/05/2025, 10:14 - a: {text}").id for text in ("call", "peace")}) == 2


def test_what_is_kept_to_make_ids_stays_small() -> None:
    made = whatsapp._Ids()
    natives = {made.of(datetime(2025, 5, 7) + timedelta(minutes=n), "a") for n in range(3000)}
    assert len(natives) == 3000
    assert len(made._seen) <= 1000


def test_a_zone_changes_no_id(tmp_path: Path) -> None:
    karachi = one(tmp_path, "13/05/2025, 10:14 - a: b")
    kabul = one(tmp_path, "13/05/2025, 10:14 - a: b", Options("Asia/Kabul", allow_private=True))
    assert karachi.id == kabul.id
    assert karachi.created_at != kabul.created_at


def test_bytes_that_are_no_text_are_a_row(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        b"13/05/2025, 10:13 - \xff: a\n13/05/2025, 10:14 - a: \xff\n"
        b"13/05/2025, 10:15 - a: b\n\xfe\n13/05/2025, 10:16 - a: c\n",
    )
    assert [item.text if isinstance(item, Draft) else item for _, item in found] == [
        Reason.INVALID_UTF8,
        Reason.INVALID_UTF8,
        Reason.INVALID_UTF8,
        "c",
    ]


def test_a_message_without_end_is_one_row_and_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatsapp, "MAX_LINE", 1 << 20)
    path = tmp_path / "chat.txt"
    endless = ("x" * 1023 + "\n") * (12 << 10)
    path.write_text(f"13/05/2025, 10:14 - a: b\n{endless}13/05/2025, 10:15 - a: c\n")
    tracemalloc.start()
    found = [(read.line, read.item, read.raw) for read in reads(path, CONSENT)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0] == (1, Reason.RECORD_TOO_LARGE, ())
    assert [item.text for _, item, _ in found[1:] if isinstance(item, Draft)] == ["c"]
    assert peak < 9 << 20


def test_raw_is_the_message(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(b"13/05/2025, 10:14 - a: b\nmore\n\n13/05/2025, 10:15 - c left\n13/05/2025, 10:15 - a: d\n")
    assert [b"".join(read.raw) for read in reads(path, CONSENT)] == [
        b"13/05/2025, 10:14 - a: b\nmore\n\n",
        b"13/05/2025, 10:15 - a: d\n",
    ]


def test_packed_files(tmp_path: Path) -> None:
    (tmp_path / "chat.txt.gz").write_bytes(gzip.compress(ANDROID.read_bytes()))
    assert list(reads(tmp_path / "chat.txt.gz", CONSENT)) == list(reads(ANDROID, CONSENT))


@pytest.mark.parametrize("options", [CONSENT, Options()], ids=["consent", "none"])
def test_a_file_without_a_message_is_refused(tmp_path: Path, options: Options) -> None:
    with pytest.raises(BadInput, match="has no message of a WhatsApp chat") as caught:
        of(tmp_path, "demo secret\n", options)
    assert "secret" not in str(caught.value)


def test_what_it_looks_like() -> None:
    for path in (IOS, ANDROID):
        head = path.read_bytes()[:4096]
        assert looks_like_file(head)
        assert looks_like_file(b"\xef\xbb\xbf\n" + head)
        assert looks_like_file(head[:101])


@pytest.mark.parametrize(
    "head",
    [
        b"", b"{}", b'{"data": [{"id": "9001", "author_id": "42", "text": "a"}], "meta": {}}', b'{"status_id": "9001"}',
        b'{"id_str": "9001", "user": {}}', b'{"id": "k1", "created_utc": 1746612000}',
        b'{"kind": "youtube#commentThreadListResponse"}', b"id,created_at,text\n9001,13/05/2025 10:14,a",
        b"13/05/2025,10:14,demo_one,peace", b"13/05/2025 10:14 demo_one: peace", b"99/99/2025, 10:14 - a: b",
        b"2025-05-13T10:14:00 - a: b", b"[1, 2]",
    ],
)  # fmt: skip
def test_what_it_does_not_look_like(head: bytes) -> None:
    assert not looks_like_file(head)


PIECES = [
    "[", "]", "13/05/2025", "05.03.25", ", ", "10:14", " pm", " - ", "a", ": ", "\n", "<", ">", LRM, RLM, "POLL:", "@",
    "\u2068", "\u2069", "omitted", "\r", "۱", "\x00", "(file attached)", ".jpg ",
]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40))
def test_nothing_breaks_it(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    text = "13/05/2025, 10:14 - a: " + "".join(pieces)
    for line, item in of(tmp_path_factory.mktemp("chat"), text.encode("utf-8", "surrogatepass"),
                         Options("Asia/Karachi", "dmy", allow_private=True)):  # fmt: skip
        assert line >= 1
        assert isinstance(to_row(item, KEY, "a", line) if isinstance(item, Draft) else item, Row | Reason)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300))
def test_any_head_is_judged(head: bytes) -> None:
    assert looks_like_file(head) in (True, False)


@pytest.mark.parametrize(("name", "names"), [("lorem.txt", 4), ("pokemon.txt", 8)])
def test_real_chats(name: str, names: int) -> None:
    """Messages are counted as lines that begin with a date and have a name, but for the app's own notice."""
    path = REAL / name
    if not path.exists():
        pytest.skip("needs ../shared (export_fixtures)")
    lines = re.findall(
        r"^\[?\d\d[-.]\d\d[-.]\d+,? [\d:]+(?:\]| -) ([^:\n]+): (.*)$", path.read_text("utf-8"), re.MULTILINE
    )
    expected = [(author, text.strip()) for author, text in lines if "end-to-end" not in text]
    drafts = [read.item for read in reads(path, CONSENT) if isinstance(read.item, Draft)]
    assert [(draft.author, draft.text) for draft in drafts] == expected
    assert len({draft.author for draft in drafts}) == names
    assert len({draft.id for draft in drafts}) == len(drafts)
