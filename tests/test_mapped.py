from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.mapped import Mapping, look_up
from discourse.readers.records import Draft, Reason

FIELDS = {"id": "nr", "author": "who", "created_at": "when", "text": "body"}
WHOLE = '[fields]\nid="a"\nauthor="b"\ncreated_at="c"\ntext="d"'
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
