from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers.records import MAX_TEXT, Draft, Row, to_row
from discourse.readers.values import Reason, decode_object, parse_time, unescape

KEY = Key.made_up("records")
GOOD = Draft("x", "9000000000000000001", "42", "2025-05-07T10:00:00Z", "peace")


def outcome(**changes: Any) -> Row | Reason:
    return to_row(replace(GOOD, **changes), KEY, "a.jsonl", 3)


def row(**changes: Any) -> Row:
    result = outcome(**changes)
    assert isinstance(result, Row), result
    return result


def test_a_whole_draft_becomes_a_row_without_an_id_of_a_person() -> None:
    full = row(
        kind="reply",
        handle="Demo_One",
        parent=9000000000000000000,
        lang="ur",
        country="PK",
        location="Quetta",
        likes=0,
        replies=1,
        reposts=2,
        quotes=3,
    )
    assert full == Row(
        "x:9000000000000000001",
        "x",
        pseudonym(KEY, "x", "42"),
        datetime(2025, 5, 7, 10, tzinfo=UTC),
        "peace",
        "reply",
        "x:9000000000000000000",
        "ur",
        "PK",
        "Quetta",
        handle_pseudonym(KEY, "x", "demo_one"),
        0,
        1,
        2,
        3,
        None,
        None,
        None,
        None,
        "geo",
        "a.jsonl",
        3,
    )


def test_what_is_absent_is_null_not_zero_and_not_empty() -> None:
    bare = row(lang="", country="", location="", handle="", parent="")
    assert (bare.lang_declared, bare.country, bare.location, bare.handle_id, bare.parent_id) == (None,) * 5
    assert (bare.likes, bare.replies, bare.reposts, bare.quotes) == (None,) * 4


@pytest.mark.parametrize("value", ["9000000000000000001", 9000000000000000001])
def test_an_id_is_the_same_as_a_number_and_as_a_string(value: Any) -> None:
    assert row(id=value).post_id == "x:9000000000000000001"
    assert row(author=value).author_id == pseudonym(KEY, "x", "9000000000000000001")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing_id"),
        ("", "missing_id"),
        (9.0e18, "id_precision_lost"),
        (7.0, "id_precision_lost"),
        ("1.72455E+18", "id_precision_lost"),
        ("1.72455e18", "id_precision_lost"),
        ("9001.0", "id_precision_lost"),
        (0, "id_out_of_range"),
        ("0", "id_out_of_range"),
        (-5, "id_out_of_range"),
        (2**63, "id_out_of_range"),
        (str(2**63), "id_out_of_range"),
        ("9" * 5000, "id_out_of_range"),
        (True, "bad_id"),
        (["1"], "bad_id"),
        (" 9001 ", "bad_id"),
        ("1_724", "bad_id"),
        ("1,724", "bad_id"),
        ("09001", "bad_id"),
        ("+5", "bad_id"),
        ("-5", "bad_id"),
        ("١٧٢", "bad_id"),
        ("../../etc/passwd", "bad_id"),
        ("9001\n", "bad_id"),
    ],
)
def test_ids_that_are_refused(value: Any, reason: str) -> None:
    assert outcome(id=value) == reason
    if not reason.startswith("missing"):
        assert outcome(parent=value) == reason


def test_the_largest_id_and_the_smallest() -> None:
    assert row(id=2**63 - 1).post_id == f"x:{2**63 - 1}"
    assert row(id="1").post_id == "x:1"


def test_ids_of_other_platforms_may_be_words_but_not_floats_or_blanks() -> None:
    assert row(platform="reddit", id="k3xA_-").post_id == "reddit:k3xA_-"
    assert outcome(platform="reddit", id="1.5E+3") == "id_precision_lost"
    for bad in ("two words", "نام", "a\n", "a" * 257):
        assert outcome(platform="reddit", id=bad) == "bad_id"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing_author"),
        ("", "missing_author"),
        (4.2e17, "id_precision_lost"),
        ("4.2E+17", "id_precision_lost"),
        (False, "bad_id"),
        ({}, "bad_id"),
        (" 42", "bad_id"),
        ("4\x002", "bad_id"),
        ("\ud83d", "bad_id"),
        ("a" * 501, "bad_id"),
    ],
)
def test_authors_that_are_refused(value: Any, reason: str) -> None:
    assert outcome(author=value) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing_text"),
        (5, "wrong_type"),
        (["a"], "wrong_type"),
        ("a\0b", "nul_character"),
        ("ا" * (MAX_TEXT + 1), "text_too_long"),
    ],
)
def test_texts_that_are_refused(value: Any, reason: str) -> None:
    assert outcome(text=value) == reason


@pytest.mark.parametrize(
    "text", ["", "  NA ", "a\u2028b\x85c\r\nd", "می‌خواهم", "\u202eabc\ufeff", "=1+1", "😀" * 100_000]
)
def test_texts_are_kept_as_they_are(text: str) -> None:
    assert row(text=text).text == text


@pytest.mark.parametrize("name", ["likes", "replies", "reposts", "quotes"])
@pytest.mark.parametrize("value", [-1, "3", 3.0, True, [], 2**63])
def test_counts_are_whole_numbers_or_nothing(name: str, value: Any) -> None:
    assert outcome(**{name: value}) == "wrong_type"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "retweet"}, "bad_value"),
        ({"kind": None}, "bad_value"),
        ({"lang": "../../escape"}, "bad_value"),
        ({"lang": "x" * 300}, "bad_value"),
        ({"lang": 5}, "wrong_type"),
        ({"location": ["Kabul"]}, "wrong_type"),
        ({"country": "P\0"}, "bad_value"),
        ({"location": "x" * 501}, "bad_value"),
    ],
)
def test_other_values_that_are_refused(changes: dict[str, Any], reason: str) -> None:
    assert outcome(**changes) == reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-05-07T10:00:00Z", datetime(2025, 5, 7, 10, tzinfo=UTC)),
        ("2025-05-07T10:00:00.250Z", datetime(2025, 5, 7, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2025-05-07T10:00:00+04:30", datetime(2025, 5, 7, 5, 30, tzinfo=UTC)),
        ("2025-05-07 01:00:00-0200", datetime(2025, 5, 7, 3, tzinfo=UTC)),
        ("Wed Oct 10 20:19:24 +0000 2018", datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)),
        ("Wed Oct 10 20:19:24 +0430 2018", datetime(2018, 10, 10, 15, 49, 24, tzinfo=UTC)),
        ("2006-01-01T00:00:00Z", datetime(2006, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times(value: str, expected: datetime) -> None:
    assert parse_time(value) == expected
    assert row(created_at=value).created_at == expected


@pytest.mark.parametrize(
    "value",
    [
        "2025-05-07T10:00:00",
        "2025-05-07",
        "2025-05-07T10:00Z",
        "2025-05-07T10:00:60Z",
        "2025-05-07T24:00:00Z",
        "2025-02-30T00:00:00Z",
        "20250507T100000Z",
        "2025-W19-3T10:00:00Z",
        "2025-05-07T10:00:00z ",
        "2025-05-07T10:00:00+25:00",
        "٢٠٢٣-١١-١٤T٢٢:١٣:٢٠Z",
        "01/02/2023 10:00",
        "yesterday",
        "",
        None,
        1746612000,
        "Thu Oct 10 20:19:24 +0000 2018",
        "Wed Oct 10 20:19:24 2018",
        "Wed Okt 10 20:19:24 +0000 2018",
        "Wed Oct 10 20:19:24 +0000 2018Z",
    ],
)
def test_times_that_are_refused(value: Any) -> None:
    assert parse_time(value) == "bad_timestamp"
    assert outcome(created_at=value) == "bad_timestamp"


@pytest.mark.parametrize(
    "value",
    [
        "2005-12-31T23:59:59Z",
        "2006-01-01T00:00:00+00:01",
        "1970-01-01T00:00:00Z",
        "2101-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+10:00",
    ],
)
def test_times_out_of_range(value: str) -> None:
    assert outcome(created_at=value) == "timestamp_out_of_range"


@settings(deadline=None, max_examples=100)
@given(st.datetimes(datetime(2006, 1, 2), datetime(2100, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_any_time_with_a_zone_is_the_same_moment(local: datetime, minutes: int) -> None:
    aware = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(aware.isoformat()) == aware


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (None, "record_too_large"),
        (b'{"a":1', "invalid_json"),
        (b'{"a":1}x', "invalid_json"),
        (b'{"a":NaN}', "invalid_json"),
        (b"{'a':1}", "invalid_json"),
        (b'{"a":"\x01"}', "invalid_json"),
        (b"\0\0", "invalid_json"),
        (b'{"a":"\xff"}', "invalid_utf8"),
        (b'{"a":"\xed\xa0\xbd"}', "invalid_utf8"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"42", "not_an_object"),
        (b"[" * 100_000, "nesting_too_deep"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "nesting_too_deep"),
        (b'{"a":"\\ud83d"}', "invalid_json"),
    ],
)
def test_lines_that_hold_no_object(line: bytes | None, reason: str) -> None:
    assert decode_object(line) == reason


def test_escapes_are_undone_once_and_only_the_three() -> None:
    assert unescape("&amp;amp; &lt;b&gt; &copy; ?a&copy=1 &#65;") == "&amp; <b> &copy; ?a&copy=1 &#65;"
    assert unescape(5) == 5
    assert unescape(None) is None


def test_a_draft_shows_nothing() -> None:
    secret = replace(GOOD, text="canary words", author="canary author")
    assert "canary" not in repr(secret)
    assert "canary" not in str([secret])


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=1),
)


@settings(deadline=None, max_examples=100)
@given(
    st.fixed_dictionaries({name: ODD for name in Draft.__slots__ if name != "platform"}),
    st.sampled_from(["x", "reddit"]),
)
def test_whatever_comes_is_a_row_or_a_reason(fields: dict[str, Any], platform: str) -> None:
    result = to_row(Draft(platform, **fields), KEY, "a", 1)
    assert isinstance(result, Row | Reason)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=40))
def test_whatever_bytes_come_are_an_object_or_a_reason(line: bytes) -> None:
    assert isinstance(decode_object(line), dict | Reason)
