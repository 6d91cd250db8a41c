from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.mapped import CONSTANTS, REQUIRED, Mapping, look_up
from discourse.readers.mapped import FIELDS as MAPPED
from discourse.readers.read import Way
from discourse.readers.records import Draft
from discourse.readers.values import Reason

FIELDS = {"id": "nr", "author": "who", "created_at": "when", "text": "body"}
WHOLE = '[fields]\nid="a"\nauthor="b"\ncreated_at="c"\ntext="d"'
LACKING = '[fields]\nauthor="b"\ncreated_at="c"\ntext="d"'
ROW = {"nr": "1", "who": "a", "when": "2025-05-07T10:00:00Z", "body": "b"}


def draft(mapping: Mapping, **given: Any) -> Draft:
    result = mapping.draft({**ROW, **given})
    assert isinstance(result, Draft)
    return result


def test_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(
        'platform = "forum"\ntimezone = "Asia/Kabul"\ntime_format = ["%d.%m.%Y %H:%M"]\n'
        '[fields]\nid = "nr"\nauthor = "who"\ncreated_at = "when"\ntext = "body"\nlikes = "thumbs"\n',
        encoding="utf-8",
    )
    mapping = Mapping.from_toml(path)
    assert mapping == Mapping("forum", {**FIELDS, "likes": "thumbs"}, "Asia/Kabul", ("%d.%m.%Y %H:%M",))
    made = draft(mapping, when="07.05.2025 10:00", thumbs="12")
    assert (made.platform, made.id, made.author, made.text, made.likes) == ("forum", "1", "a", "b", 12)
    assert made.created_at == "2025-05-07T10:00:00+04:30"
    assert made.kind == "original"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("platform = [", BadInput, "is not TOML"),
        ('[fields]\nid="a"', UsageError, "lacks platform"),
        ('platform="x"\nfeilds=1', UsageError, "has 'feilds'.*Did you mean 'fields'"),
        ('platform="x"\n[fields]\nid="a"\nauther="b"', UsageError, "'auther' is no field.*Did you mean 'author'"),
        (
            'platform="x"\n[fields]\nid="a"\ntext="b"',
            UsageError,
            'lacks author, created_at; add to .fields.: author = "…"',
        ),
        ('platform="X Y"\n[fields]\n', UsageError, "platform is 'X Y'"),
        ("platform=5\n[fields]\n", UsageError, "platform is 5"),
        ('platform="x"\nfields=3', UsageError, r"no \[fields\]"),
        ('platform="x"\n[fields]\nid=3', UsageError, r"\[fields\] id must name a column in quotes, got 3"),
        ('platform="x"\ntimezone="Karachi"\n' + WHOLE, UsageError, "timezone is 'Karachi'.*Asia/Karachi"),
        ('platform="x"\ntimezone=5\n' + WHOLE, UsageError, "timezone is 5"),
        ('platform="x"\ntime_format="%Y"\n' + WHOLE, UsageError, "time_format must be a list"),
        (
            'platform="t"\n[fields]\ntext="d"',
            UsageError,
            r"none, write made_ids = true above it and under \[constants\] "
            'author = "unknown", created_at = "2019-02-26T00:00:00Z"$',
        ),
        ('platform="t"\n[fields]\nid="a"\nauthor="b"\ncreated_at="c"', UsageError, 'lacks text; .* text = "…"$'),
        ('platform="t"\nmade_ids="yes"\n' + WHOLE, UsageError, "made_ids is 'yes'.*write made_ids = true"),
        ('platform="t"\nunescape=1\n' + WHOLE, UsageError, "unescape is 1 "),
        ('platform="t"\nmade_ids=true\n' + WHOLE, UsageError, "made_ids and an id .*leave one of the two out"),
        ('platform="x"\nmade_ids=true\n' + LACKING, UsageError, 'are numbers .*write platform = "x-table"'),
        ('platform="t"\n' + WHOLE + "\nmade_ids=true", UsageError, r"write made_ids above \[fields\]"),
        ('platform="t"\nconstants=3\n' + WHOLE, UsageError, "constants must be a table"),
        ('platform="t"\n' + WHOLE + '\n[constants]\nauthor="u"', UsageError, r"^author is in \[fields\] and in "),
        ('platform="t"\n' + LACKING + '\n[constants]\nid="1"', UsageError, "^'id' cannot be the same for all rows"),
        ('platform="t"\n' + WHOLE + '\n[constants]\ntext="peace"', UsageError, "^'text' cannot be the same"),
        ('platform="t"\n' + WHOLE + '\n[constants]\nlikes="1"', UsageError, "'likes' cannot be the same"),
        ('platform="t"\n' + WHOLE + '\n[constants]\ncuontry="PK"', UsageError, "Did you mean 'country'"),
        ('platform="t"\n' + WHOLE + '\n[constants]\nkind="tweet"', UsageError, 'kind is nothing .* kind = "original"'),
        ('platform="t"\n' + WHOLE + '\n[constants]\nlang=""', UsageError, "lang is nothing that a post may hold"),
        ('platform="t"\n' + WHOLE + '\n[constants]\nlang="!"', UsageError, "lang is nothing that a post may hold"),
        (
            'platform="t"\n[fields]\nid="a"\ntext="d"\ncreated_at="c"\n[constants]\nauthor=42',
            UsageError,
            "author is noth",
        ),
        (
            'platform="t"\n[fields]\nid="a"\ntext="d"\nauthor="c"\n[constants]\ncreated_at="2019-02-26"',
            UsageError,
            'created_at is nothing .* created_at = "2019-02-26T00:00:00Z"',
        ),
        (
            'platform="t"\n[fields]\nid="a"\ntext="d"\nauthor="c"\n[constants]\ncreated_at=2019-02-26T00:00:00Z',
            UsageError,
            "created_at is nothing",
        ),
        ('platform="t"\nkinds=3\n' + WHOLE, UsageError, "kinds must be a table"),
        ('platform="t"\n' + WHOLE + '\n[kinds]\nTRUE="repost"', UsageError, r"needs the column .* \[fields\]: kind ="),
        (
            'platform="t"\n' + WHOLE + '\nkind="k"\n[kinds]\nTRUE="retweet"',
            UsageError,
            r"\[kinds\] 'TRUE' is 'retweet'; it must be one of original, reply, ",
        ),
        ('platform="t"\n' + WHOLE + '\nkind="k"\n[kinds]\nTRUE=["repost"]', UsageError, r"\[kinds\] 'TRUE' is \["),
    ],
)
def test_a_wrong_mapping_says_what_to_type(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        Mapping.from_toml(path)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"'none\.toml'"):
        Mapping.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-05-07T10:00:00Z", "2025-05-07T10:00:00Z"),
        ("2025-05-07 10:00:00", "2025-05-07T10:00:00+05:00"),
        ("2025-05-07T10:00", "2025-05-07T10:00:00+05:00"),
        ("2008-07-01 10:00:00", "2008-07-01T10:00:00+06:00"),  # Pakistan kept summer time in 2008
        (datetime(2025, 5, 7, 10), "2025-05-07T10:00:00+05:00"),
        (datetime(2025, 5, 7, 10, tzinfo=UTC), "2025-05-07T10:00:00+00:00"),
    ],
)
def test_local_times_get_the_zone_of_the_mapping(value: Any, expected: str) -> None:
    assert Mapping("x", FIELDS, "Asia/Karachi").moment(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2009-10-31 23:30:00",
        "2008-06-01 00:30:00",
        "2025-02-30 10:00:00",
        "٢٠٢٥-٠٥-٠٧ ١٠:٠٠:٠٠",
        None,
        45244.9,
        datetime(2009, 10, 31, 23, 30),
    ],
)
def test_local_times_that_never_were_or_were_twice(value: Any) -> None:
    assert Mapping("x", FIELDS, "Asia/Karachi").moment(value) == Reason.BAD_TIMESTAMP


def test_a_local_time_without_a_zone_is_no_moment() -> None:
    formats = ("%d/%m/%Y %H:%M",)
    assert Mapping("x", FIELDS, time_format=formats).moment("07/05/2025 10:00") == Reason.BAD_TIMESTAMP
    assert Mapping("x", FIELDS).moment(datetime(2025, 5, 7)) == Reason.BAD_TIMESTAMP


def test_formats_that_disagree_about_a_time_refuse_it() -> None:
    mapping = Mapping("x", FIELDS, "Asia/Kabul", ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"))
    assert mapping.moment("01/02/2025 10:00") == Reason.BAD_TIMESTAMP
    assert mapping.moment("13/02/2025 10:00") == "2025-02-13T10:00:00+04:30"
    assert mapping.moment("02/13/2025 10:00") == "2025-02-13T10:00:00+04:30"
    assert mapping.moment("02/02/2025 10:00") == "2025-02-02T10:00:00+04:30"
    assert mapping.moment("2025-02-02T10:00:00Z") == Reason.BAD_TIMESTAMP


def test_a_format_with_a_zone_beats_the_zone_of_the_mapping() -> None:
    mapping = Mapping("x", FIELDS, "Asia/Karachi", ("%Y-%m-%d %H:%M:%S%z",))
    assert mapping.moment("2025-05-07 10:00:00+04:30") == "2025-05-07T10:00:00+04:30"


def test_the_last_moment_of_the_calendar_is_no_crash() -> None:
    result = Mapping("x", FIELDS, "Asia/Karachi").moment("0001-01-01 00:00:00")
    assert isinstance(result, str)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", None),
        (None, None),
        ("0", 0),
        ("12", 12),
        (12, 12),
        ("1,234", "1,234"),
        ("12.0", "12.0"),
        ("-1", "-1"),
        (" 5", " 5"),
        ("١٢", "١٢"),
        (3.0, 3.0),
    ],
)
def test_counts_are_read_or_left_for_refusal(value: Any, expected: Any) -> None:
    assert draft(Mapping("x", {**FIELDS, "likes": "n"}), n=value).likes == expected


def test_an_unmapped_kind_is_original_and_a_blank_one_too() -> None:
    assert draft(Mapping("x", FIELDS)).kind == "original"
    mapping = Mapping("x", {**FIELDS, "kind": "type"})
    assert [draft(mapping, type=value).kind for value in ("", None, "repost")] == ["original", "original", "repost"]


def test_look_up_prefers_the_exact_name() -> None:
    record = {"a.b": 1, "a": {"b": 2, "c": {"d": 3}}, "e": 5}
    assert [look_up(record, name) for name in ("a.b", "a.c.d", "a.x", "e.f", "z")] == [1, 3, None, None, None]


def test_a_missing_column_names_the_nearest() -> None:
    with pytest.raises(BadInput) as caught:
        Mapping("x", {**FIELDS, "likes": "thumbs"}).require_columns(["nr", "who", "when", "body", "thumb"], "a.csv")
    assert str(caught.value) == (
        "'a.csv' has no column 'thumbs' (the mapping's likes); it has nr, who, when, body, thumb. Did you mean 'thumb'?"
    )


# What a table lacks

TABLE = Mapping("x-table", {name: FIELDS[name] for name in ("author", "created_at", "text")}, "UTC", made_ids=True)


def test_everything_that_a_mapping_can_say(tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(
        'platform = "x-table"\nmade_ids = true\nunescape = true\n[fields]\ntext = "body"\nkind = "rt"\n'
        '[constants]\nauthor = "unknown"\ncreated_at = "2019-02-26T00:00:00Z"\nlang = "ur"\ncountry = "PK"\n'
        'community = "peace_talk"\n[kinds]\nTRUE = "repost"\nFALSE = "original"\n',
        encoding="utf-8",
    )
    made = Mapping.from_toml(path).draft({"body": "a &amp; b", "rt": "TRUE", "author": "demo_one", "lang": "en"})
    assert isinstance(made, Draft)
    assert (made.author, made.created_at, made.lang, made.country) == ("unknown", "2019-02-26T00:00:00Z", "ur", "PK")
    assert (made.community, made.text, made.kind, made.platform) == ("peace_talk", "a & b", "repost", "x-table")


def test_what_was_said_about_rows_that_are_set_aside_is_kept_whole() -> None:
    same = MappingProxyType({"author": "unknown", "created_at": "2019-02-26T00:00:00Z"})
    fields = {"text": "body", "kind": "rt"}
    mapping = Mapping(
        "t", fields, constants=same, kinds=MappingProxyType({"TRUE": "repost"}), made_ids=True, unescape=True
    )
    assert Way.of("csv", json.loads(json.dumps(Way("csv", mapping).said()))).mapping == mapping


def test_every_example_of_a_constant_is_one_that_is_taken() -> None:
    required = {name: column for name, column in FIELDS.items() if name not in CONSTANTS}
    assert draft(Mapping("t", required, constants=CONSTANTS)).author == CONSTANTS["author"]


def test_a_made_id_is_what_its_card_says() -> None:
    # blake2b of 16 bytes over the moment in UTC, the text and the number of the repetition, in base32.
    content = "2025-05-07T10:00:00+00:00\x1fامن\x1f%d"
    expected = [
        "row-"
        + base64.b32encode(hashlib.blake2b((content % n).encode(), digest_size=16, person=b"discourse-row").digest())
        .decode()
        .rstrip("=")
        .lower()
        for n in (1, 2)
    ]
    seen: dict[int, int] = {}
    found = [TABLE.draft({**ROW, "body": "امن"}, seen) for _ in range(2)]
    assert [one.id for one in found if isinstance(one, Draft)] == expected
    assert all(re.fullmatch("row-[a-z2-7]{26}", one) for one in expected)


@pytest.mark.parametrize(
    ("given_", "same"),
    [
        ({"who": "demo_two"}, True),
        ({"nr": "2"}, True),
        ({"when": "2025-05-07T15:00:00+05:00"}, True),
        ({"when": "2025-05-07 10:00:00"}, True),
        ({"when": "2025-05-07T10:00:01Z"}, False),
        ({"body": "@demo_two see https://x.com/demo_two, peace"}, True),
        ({"body": "@ see https://x.com/, peace"}, False),
        ({"body": "@demo_one see https://x.com/demo_one, peace!"}, False),
        ({"body": "@demo_one see https://example.org/demo_two, peace"}, False),
    ],
    ids=["author", "number", "zone", "no zone", "time", "handle", "no handle", "text", "link"],
)
def test_what_a_made_id_tells_apart(given_: dict[str, str], same: bool) -> None:
    first = draft(TABLE, body="@demo_one see https://x.com/demo_one, peace")
    other = draft(TABLE, **{"body": "@demo_one see https://x.com/demo_one, peace", **given_})
    assert (first.id == other.id) == same


def test_a_user_of_reddit_is_no_part_of_a_made_id() -> None:
    table = Mapping("reddit-table", TABLE.fields, made_ids=True)
    assert draft(table, body="ask @demo_one").id == draft(table, body="ask @demo_two").id
    reddit = Mapping("reddit", TABLE.fields, made_ids=True)
    assert draft(reddit, body="ask u/demo_one").id == draft(reddit, body="ask u/demo_two").id


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"when": "soon"}, Reason.BAD_TIMESTAMP),
        ({"when": "1999-05-07T10:00:00Z"}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ({"body": None}, Reason.MISSING_TEXT),
        ({"body": 5}, Reason.WRONG_TYPE),
        ({"body": "a" * 100_001}, Reason.TEXT_TOO_LONG),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_row_that_no_id_can_be_made_of_says_why(given_: dict[str, Any], reason: Reason) -> None:
    assert TABLE.draft({**ROW, **given_}) == reason


KINDS_OF = {"TRUE": "repost", "FALSE": "original", "2": "reply", "": "quote"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("TRUE", "repost"), ("FALSE", "original"), (True, "repost"), (False, "original"), ("2", "reply"), (2, "reply"),
        ("", "quote"), (None, "quote"), ("true", Reason.BAD_VALUE), ("repost", Reason.BAD_VALUE),
        (2.0, Reason.BAD_VALUE), ([], Reason.BAD_VALUE), ("None", Reason.BAD_VALUE),
    ],
)  # fmt: skip
def test_kinds_are_those_of_the_mapping_and_no_others(value: Any, expected: str) -> None:
    made = Mapping("t", {**FIELDS, "kind": "k"}, kinds=KINDS_OF).draft({**ROW, "k": value})
    assert (made.kind if isinstance(made, Draft) else made) == expected


def test_an_empty_kind_that_is_not_listed_is_no_original() -> None:
    mapping = Mapping("t", {**FIELDS, "kind": "k"}, kinds={"TRUE": "repost"})
    assert [mapping.draft({**ROW, "k": value}) for value in ("", None)] == [Reason.BAD_VALUE, Reason.BAD_VALUE]


@pytest.mark.parametrize("kinds", [{}, {"repost": "repost", "original": "original"}], ids=["plain", "listed"])
def test_the_counts_of_a_repost_are_not_its_own(kinds: dict[str, str]) -> None:
    counts = {name: f"n_{name}" for name in ("likes", "replies", "reposts", "quotes")}
    mapping = Mapping("t", {**FIELDS, **counts, "kind": "k"}, kinds=kinds)
    row = {f"n_{name}": "7" for name in counts}
    repost, original = (draft(mapping, **row, k=kind) for kind in ("repost", "original"))
    assert [getattr(repost, name) for name in counts] == [None] * 4
    assert [getattr(original, name) for name in counts] == [7] * 4


def test_escapes_are_undone_once_and_only_when_that_is_said() -> None:
    plain, undone = Mapping("t", FIELDS), Mapping("t", FIELDS, unescape=True)
    given_ = "a &amp;lt; b &gt; c &quot;"
    assert [draft(one, body=given_).text for one in (plain, undone)] == [given_, "a &lt; b > c &quot;"]


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["TRUE", "@demo u/demo"])
JSON = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(st.text(max_size=3), LEAF, max_size=2)


@settings(deadline=None, max_examples=150)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("who", "body", "k", "n"), JSON)), st.booleans())
def test_any_value_is_a_draft_or_a_reason(record: dict[str, Any], listed: bool) -> None:
    mapping = Mapping(
        "reddit", {"author": "who", "text": "body", "kind": "k", "likes": "n"}, made_ids=True, unescape=True,
        constants={"created_at": "2019-02-26T00:00:00Z"}, kinds=KINDS_OF if listed else {},
    )  # fmt: skip
    made = mapping.draft(record)
    if isinstance(record.get("body"), str) and not listed:
        assert isinstance(made, Draft)
    else:
        assert isinstance(made, Draft | Reason)


def test_the_mapping_on_the_card_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "formats" / "mapped.md").read_text(encoding="utf-8")
    (tmp_path / "columns.toml").write_text(text.split("```")[1].removeprefix("toml\n"), encoding="utf-8")
    mapping = Mapping.from_toml(tmp_path / "columns.toml")
    assert all(name in text for name in [*REQUIRED, *CONSTANTS, "made_ids", "unescape"])
    also = text.partition("# also ")[2].partition("\n")[0].split(", ")
    assert {*mapping.fields, *mapping.constants, *also} == set(MAPPED)
