"""Lines read as columns come to exactly what they come to one by one, whatever is on them."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from discourse.corpus.mentions import hide_people
from discourse.corpus.privacy import Key
from discourse.errors import DiscourseError
from discourse.readers import columnar, hiding
from discourse.readers.account import Account
from discourse.readers.columnar import Fields, Found, Pseudonyms
from discourse.readers.read import Way, format_of, take_file
from discourse.readers.values import Reason, parse_time, unescape
from discourse.store.importing import import_posts
from discourse.store.manifest import latest
from discourse.store.reading import digest_of

pytestmark = pytest.mark.skipif(columnar.loops() is None, reason="needs numba: pip install 'discourse[speed]'")
KEY = Key.made_up("columns")
SHARED_TOOL = Path(__file__).resolve().parents[2] / "shared/tools/make_bad_inputs.py"
READERS = Path(__file__).parent / "fixtures/readers"


@contextmanager
def reading(from_bytes: int, batch: int = columnar.BATCH) -> Iterator[None]:
    """Files of so many bytes are read as columns, so many bytes at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columnar, "FROM_BYTES", from_bytes)
        patch.setattr(columnar, "BATCH", batch)
        yield


NEVER, ALWAYS = 1 << 60, 0


def outcome(path: Path, form: str | None = None) -> tuple[Any, ...]:
    """All that a file comes to: its tallies, rows in their order, what was set aside, notices, or why it is refused."""
    held: tuple[list[pl.DataFrame], ...] = ([], [], [])
    account = Account(KEY, *(frames.append for frames in held))
    try:
        take_file(account, "file", path, Way(form or format_of(path, None, None)))
    except DiscourseError as error:
        return type(error), str(error)
    rows, aside, notices = (pl.concat(frames) if frames else pl.DataFrame() for frames in held)
    return account.tallies, rows.sort("item") if rows.height else rows, aside, notices


def assert_the_same(path: Path, form: str | None = None, batch: int = columnar.BATCH) -> int:
    """Both ways give the same. Returns how many posts there were."""
    with reading(NEVER):
        slow = outcome(path, form)
    with reading(ALWAYS, batch):
        fast = outcome(path, form)
    assert len(slow) == len(fast)
    for one, other in zip(slow, fast, strict=True):
        if isinstance(one, pl.DataFrame):
            assert_frame_equal(one, other)
        else:
            assert one == other
    return slow[1].height if len(slow) == 4 else 0


@contextmanager
def counting_plain(count: list[int]) -> Iterator[None]:
    """Note how many lines are read as columns."""
    take: Callable[[Account, pl.DataFrame], None] = Account.take_rows

    def counted(self: Account, rows: pl.DataFrame) -> None:
        count.append(rows.height)
        take(self, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Account, "take_rows", counted)
        yield


EPOCH = 1_288_834_974_657


def tweet(number: int, **more: Any) -> dict[str, Any]:
    at = 1_746_612_000_000 + number * 1000
    second = f"{number % 60:02}"
    return {
        "id": str((at - EPOCH) << 22),
        "author_id": str(42 + number % 3),
        "created_at": f"2025-05-07T10:{number // 60 % 60:02}:{second}.000Z",
        "text": "peace",
        "lang": "en",
        "public_metrics": {"like_count": number, "reply_count": 0, "retweet_count": 2, "quote_count": 1},
        "author": {"id": "42", "username": f"Demo_{number % 3}", "location": "Kabul"},
        "__twarc": {"retrieved_at": "2025-06-01T00:00:00+00:00"},
        **more,
    }


REFERENCES = [
    {"type": "retweeted", "id": "1746612000000000001", "text": "whole text @Demo_One &lt;3"},
    {"type": "retweeted", "id": "9001", "text": "cut", "note_tweet": {"text": "the long one"}},
    {"type": "quoted", "id": "9002", "text": "other"},
    {"type": "replied_to", "id": "9003"},
    {"type": "replied_to", "id": None},
    {"type": "liked", "id": "x"},
]
CHANGES: list[dict[str, Any]] = [
    *({"referenced_tweets": [one]} for one in REFERENCES),
    {"referenced_tweets": [REFERENCES[3], REFERENCES[2]]}, {"referenced_tweets": []}, {"referenced_tweets": {}},
    {"referenced_tweets": [None]}, {"referenced_tweets": [{"type": "quoted", "id": "0"}]},
    {"referenced_tweets": [{"type": "quoted", "id": 9002}]}, {"referenced_tweets": [{"type": "quoted", "id": ""}]},
    {"referenced_tweets": [{"type": ["quoted"], "id": "9"}]}, {"referenced_tweets": [{"type": "liked", "id": 1.5}]},
    {"note_tweet": {"text": "the whole of it"}}, {"note_tweet": {"text": None}}, {"note_tweet": []},
    {"text": "a &amp;lt; b"}, {"text": "\u0000"}, {"text": ""}, {"text": None}, {"text": 5}, {"text": "x" * 100_001},
    {"text": "@Demo_One @other peace"}, {"text": "see https://x.com/Demo_One/status/9001 and https://t.co/aB3"},
    {"text": "دوستی \ud83d\ude00 \"\\/\b\f\n\r\t"}, {"id": 9001}, {"id": "9001"}, {"id": "29700859247"}, {"id": ""},
    {"id": None}, {"id": 9.001e18}, {"id": "9223372036854775807"}, {"id": "9223372036854775808"}, {"id": "0"},
    {"id": "007"}, {"id": "1.7e18"}, {"id": "٩"}, {"id": str((1_577_836_800_000 << 22) - 1)},
    {"id": str(1_577_836_800_000 << 22)}, {"author_id": "007"}, {"author_id": "a b "}, {"author_id": "1e5"},
    {"author_id": None}, {"author_id": 42}, {"author_id": ""}, {"author_id": "1" * 501},
    {"created_at": "2025-05-07T10:10:00.001Z"}, {"created_at": "2025-05-07T10:10:01.000000Z"},
    {"created_at": "2025-05-07T10:00:00Z"}, {"created_at": "2025-05-07T15:00:00+05:00"},
    {"created_at": "Wed May 07 10:00:00 +0000 2025"}, {"created_at": "2025-02-29T10:00:00.000Z"},
    {"created_at": "2025-05-07T10:00:60.000Z"}, {"created_at": "1999-05-07T10:00:00.000Z"},
    {"created_at": "2101-01-01T00:00:00.000Z", "id": "5"}, {"created_at": "2006-01-01T00:00:00.000Z", "id": "5"},
    {"created_at": "2005-12-31T23:59:59.999Z", "id": "5"}, {"created_at": 5}, {"lang": None}, {"lang": ""},
    {"lang": "../x"}, {"lang": "en\n"}, {"lang": "x" * 36}, {"lang": 5}, {"public_metrics": None},
    {"public_metrics": []}, {"public_metrics": {"like_count": -1}}, {"public_metrics": {"like_count": 1.0}},
    {"public_metrics": {"like_count": True}}, {"public_metrics": {"like_count": 10**18}},
    {"public_metrics": {"like_count": 10**17}}, {"public_metrics": {"like_count": "5"}}, {"author": None},
    {"author": {}}, {"author": []}, {"author": {"username": "@"}}, {"author": {"username": ""}},
    {"author": {"username": "@Demo_One", "location": ""}}, {"author": {"username": "\u0130", "location": "x" * 501}},
    {"author": {"username": "x" * 500}}, {"author": {"location": "ک" * 500}}, {"author": {"username": 5}},
    {"geo": {"country_code": "PK"}}, {"geo": {"country_code": ""}}, {"geo": {"country_code": None}},
    {"geo": {"place_id": "a"}}, {"geo": "PK"}, {"geo": {"country_code": ["PK"]}}, {"__twarc": {"retrieved_at": "soon"}},
    {"__twarc": None}, {"__twarc": {"retrieved_at": 5}}, {"edit_history_tweet_ids": ["9001", "9002"]},
    {"edit_history_tweet_ids": ["9001"]}, {"edit_history_tweet_ids": []}, {"edit_history_tweet_ids": "9001"},
    {"data": None}, {"data": tweet(7)}, {"errors": [{}]}, {"meta": {}}, {"delete": {"tweet": {"id": "9001"}}},
    {"delete": None}, {"includes": {"users": []}}, {"other": [[[[1]]]]}, {"other": {"text": "not this", "id": "1"}},
    {"other": -0.5}, {"other": 1e400}, {"other": 10**30}, {"other": float("nan")}, {"other": "\ud83d"},
    {"other": "\u0000"}, {"other": json.loads("[" * 40 + "]" * 40)}, {"other": json.loads("[" * 70 + "]" * 70)},
]  # fmt: skip
NOT_A_TWEET = [b"", b"  ", b"[1]", b"null", b"{}", b'{"id": "9001"}', b"\xff", b'{"delete": {"tweet": {"id": "9"}}}',
               b'{"data": [], "meta": {}}', b'{"errors": [{}]}', b"\xef\xbb\xbf{}", b"\x0b"]  # fmt: skip
CUTS = st.tuples(st.integers(0, 900), st.integers(0, 900), st.sampled_from([b"", b" ", b'"', b"\\", b"{", b"}", b",",
    b"[", b"]", b":", b"0", b"1e9", b"\x00", b"\x1f", b"\x7f", b"\xff", b"\xed\xa0\x80", b"\r", b"\n", b"\\u0000",
    b"\\ud800", b"\\udc00", b"\\u00e9", b"null", b"NaN", b"-", b".", b"\\", b"\\x", b'"text": "b", ',
    b'"\\u0069d": 1, ', b'"id": "9", ', b'"author": {}, ']))  # fmt: skip


def encoded(record: dict[str, Any], ascii_only: bool, tight: bool) -> bytes:
    separators = (",", ":") if tight else None
    return json.dumps(record, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """One line: a tweet with none or some odd fields, now and then cut or with bytes in the wrong place."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(NOT_A_TWEET))
    record = tweet(draw(st.integers(0, 5)))
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=2)):
        record |= change
    for name in draw(st.lists(st.sampled_from([*record, "none"]), max_size=1)):
        record.pop(name, None)
    line = encoded(record, draw(st.booleans()), draw(st.booleans()))
    for at, size, put in draw(st.lists(CUTS, max_size=1)):
        line = line[:at] + put + line[at + (size if size < 9 else 0) :]
    return line


@settings(deadline=None, max_examples=80)
@given(
    st.lists(lines(), min_size=1, max_size=8),
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b" \n"]),
    st.booleans(),
    st.sampled_from([1, 200, 3000, columnar.BATCH]),
)
def test_a_file_comes_to_the_same_in_both_ways(
    tmp_path_factory: pytest.TempPathFactory, given_lines: list[bytes], end: bytes, ended: bool, batch: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    start = encoded(tweet(1), True, False)
    path.write_bytes(end.join([start, start, start, *given_lines]) + (end if ended else b""))
    assert_the_same(path, "x_api", batch)


@pytest.mark.parametrize("escaped", [True, False])
def test_each_oddity_comes_to_the_same_and_the_usual_ones_are_read_as_columns(tmp_path: Path, escaped: bool) -> None:
    path = tmp_path / "odd.jsonl"
    records = [tweet(number, **change) for number, change in enumerate(CHANGES)]
    path.write_bytes(b"\n".join(encoded(record, escaped, False) for record in records))
    assert assert_the_same(path, "x_api", 20_000) > len(CHANGES) / 3
    plain = [tweet(1, referenced_tweets=[one]) for one in REFERENCES]
    plain += [tweet(2, **change) for place, change in enumerate(CHANGES) if list(change) == ["note_tweet"]][:2]
    plain += [
        tweet(3),
        tweet(3, text="@a @b see https://t.co/a"),
        tweet(4, geo={"country_code": "PK"}),
        tweet(5, author=None),
    ]
    path.write_bytes(b"".join(encoded(record, escaped, False) + b"\n" for record in plain))
    count: list[int] = []
    with reading(ALWAYS), counting_plain(count):
        outcome(path, "x_api")
    assert count == [len(plain)]


@pytest.mark.parametrize("name", sorted(path.name for path in READERS.iterdir()))
@pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
def test_files_of_every_format_come_to_the_same(name: str) -> None:
    try:
        format_of(READERS / name, None, None)
    except DiscourseError:
        return
    assert_the_same(READERS / name, batch=300)


@pytest.mark.skipif(not SHARED_TOOL.is_file(), reason="needs ../shared/tools/make_bad_inputs.py, which is not here")
def test_every_bad_input_comes_to_the_same(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SHARED_TOOL), str(tmp_path)], check=True, capture_output=True)
    same = 0
    for path in sorted(tmp_path.rglob("*.json*")):
        if path.name != "manifest.json" and "bomb" not in path.name:
            same += 1
            assert_the_same(path, "x_api", 4000)
    assert same > 100


def test_packed_files_and_long_lines_come_to_the_same(tmp_path: Path) -> None:
    rows = b"".join(encoded(tweet(number), False, False) + b"\n" for number in range(40))
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(rows))
    assert assert_the_same(tmp_path / "packed.jsonl.gz", batch=5000) == 40
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(rows)[:-9])
    assert assert_the_same(tmp_path / "cut.jsonl.gz", batch=5000) == 0
    long = encoded(tweet(1, other="y" * (16 << 20)), False, False)
    for number, line in enumerate((long, long[: (16 << 20) + 1], long[: 16 << 20])):
        path = tmp_path / f"long-{number}.jsonl"
        path.write_bytes(rows + line + b"\n" + rows)
        assert assert_the_same(path) == 40 * 2


def test_a_corpus_has_the_same_bytes_in_both_ways(tmp_path: Path) -> None:
    words = ["peace", "@Demo_One", "war", "https://t.co/a1", "&amp;", "آزادی", "x.com/Demo_One"]
    dice = np.random.default_rng(3)
    records = [tweet(number, text=" ".join(dice.choice(words, 5))) for number in range(700)]
    records += [tweet(number, text="peace") for number in range(30)]  # other texts of some posts
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(encoded(record, False, False) for record in records) + b'\n{"id": "0"}\n')
    made = []
    for name, size in (("slow", NEVER), ("fast", ALWAYS)):
        with reading(size, 10_000):
            done = import_posts(path, tmp_path / name, key=KEY)
        parts = [(part.kind, part.sha256, part.rows) for part in latest(tmp_path / name).parts]
        made.append((done.to_json(), digest_of(tmp_path / name), parts))
    assert made[0] == made[1]
    assert {kind for kind, _, _ in made[0][2]} == {"posts", "quarantine"}


def test_small_files_and_others_are_left_to_the_other_way(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(encoded(tweet(1), False, False) + b"\n")
    count: list[int] = []
    with counting_plain(count):
        outcome(path)
        with reading(path.stat().st_size):
            outcome(path)
        with reading(path.stat().st_size + 1):
            outcome(path)
        with reading(ALWAYS), pytest.MonkeyPatch.context() as patch:
            patch.setattr(columnar, "loops", lambda: None)
            outcome(path)
        path.write_bytes(b"[" + encoded(tweet(1), False, False) + b"]")
        with reading(ALWAYS):
            assert outcome(path)[0]["file"].read == 1
    assert count == [1]


ASKED = Fields(
    {"id": 0x1FF, "a": 0x1FF, "a.b": 0x1FF, "a.cc": 0x1FF, "list": 0x1FF, "list.[]": 0x1FF, "list.[].b": 0x1FF}
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "b", "cc", "é"]), inner),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from(["id", "a", "list", "other", "i"]), VALUES)


def scanned(line: bytes) -> Found | None:
    lines_, found = columnar._plain(np.frombuffer(line, np.uint8), np.array([[0], [len(line)]]), ASKED)
    return found if len(lines_) else None


def inside(value: Any, path: str) -> Any:
    for name in path.split("."):
        if name == "[]":
            value = value[0] if isinstance(value, list) and value else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


@settings(deadline=None, max_examples=200)
@given(OBJECTS, st.booleans(), st.sampled_from([None, 1, "\t"]), st.none() | CUTS)
@example({"a": {"b": "\ud83d\ude00 é \n \u0001"}}, True, None, None)
def test_a_line_is_plain_only_where_a_parser_finds_the_same(
    value: dict[str, Any], escaped: bool, indent: Any, cut: tuple[int, int, bytes] | None
) -> None:
    line = json.dumps(value, ensure_ascii=escaped, indent=indent).encode("utf-8", "surrogatepass")
    if cut is not None:
        at = cut[0] % (len(line) + 1)
        line = line[:at] + cut[2] + line[at + cut[1] % 4 :]
    found = scanned(line)
    if found is None:
        return
    read = msgspec.json.decode(line)
    for path in ASKED.number:
        if path:
            wanted = inside(read, path)
            text = found.words(path)[0]
            assert text == (wanted if isinstance(wanted, str) else None)
            whole = found.whole(path)[0]
            assert whole in (None, wanted)
            assert whole is not None or not (type(wanted) is int and 0 <= wanted < 10**18)


def column(texts: list[str]) -> tuple[Found, np.ndarray[Any, Any]]:
    """Strings as one field of a line each."""
    data = "".join(texts).encode()
    ends = np.cumsum([len(text.encode()) for text in texts])
    starts = ends - [len(text.encode()) for text in texts]
    spans = np.stack([np.full(len(texts), 2), starts, ends]).astype(np.int32)
    return Found(np.frombuffer(data, np.uint8), Fields({"text": 4}), np.stack([spans, spans], axis=1)), spans


WORDS = st.sampled_from([
    "@", "@Demo_One", "@demo_one", "@a", "＠b", "@@", "x", "_", "-", ".", "/", ":", " ", "\n", "\u200f", "@" + "a" * 26,
    "@" + "a" * 49, "@" + "a" * 50, "@" + "b" * 60, "a@example.org", "@name@mastodon.social", "https://t.co/aB3",
    "https://t.co/", "http://t.co/a", "x.com/", "https://x.com/demo", "users/", "https://", "tg://", "at://", "&amp;",
    "&", "&lt;3", "امن", "é", "😀", "ـ", "\u00a0", "\ufeff", "'s", "#tag", "u/", "+", "twitter.com", "?",
])  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(WORDS, max_size=6).map("".join), min_size=1, max_size=6))
@example(["@Demo_One", "", "hello @other", "@demo_one and @other's"])
def test_people_are_hidden_as_one_by_one(texts: list[str]) -> None:
    found, spans = column(texts)
    hidden = hiding.hidden_texts(found, spans, Pseudonyms(KEY, "x"))
    assert hidden.to_list() == [hide_people(KEY, "x", unescape(text)) for text in texts]


SHAPES = st.from_regex(
    r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{3}|\.[0-9]{6})?Z", fullmatch=True
)
SPOILT = st.tuples(SHAPES, st.integers(0, 26), st.sampled_from(list(string.printable + "é"))).map(
    lambda of: of[0][: of[1]] + of[2] + of[0][of[1] + 1 :]
)


@settings(deadline=None, max_examples=300)
@given(SHAPES | SPOILT | st.text(max_size=30))
@example("2024-02-29T23:59:59.999999Z")
@example("2100-02-29T00:00:00Z")
@example("2000-02-29T00:00:00Z")
def test_a_moment_is_what_it_is_one_by_one(text: str) -> None:
    found, _ = column([text])
    moment = int(found.moments("text")[0])
    wanted = parse_time(text)
    if isinstance(wanted, Reason):
        assert moment == -1 or wanted is Reason.TIMESTAMP_OUT_OF_RANGE
    elif moment != -1:
        assert dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=moment) == wanted
    else:
        assert not (len(text) in (20, 24, 27) and text.endswith("Z") and text[10] == "T")


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", 0), ("9999999999999999999", 0),
     ("0", 0), ("01", 0), ("", 0), ("1a", 0), ("-1", 0), ("12345678901234567890", 0), ("١", 0)],
)  # fmt: skip
def test_ids_are_whole_numbers_of_64_bits(text: str, number: int) -> None:
    assert column([text])[0].ids("text").tolist() == [number]


def test_pseudonyms_that_are_held_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "_NAMES", 3)
    names = Pseudonyms(KEY, "x")
    first = [names.of_accounts(np.array([number]))[0] for number in range(1, 9)]
    assert [Pseudonyms(KEY, "x").of_accounts(np.array([number]))[0] for number in range(1, 9)] == first
    assert len(names._accounts) <= 4
