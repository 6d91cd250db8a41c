from __future__ import annotations

import csv
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import twarc_csv
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tables import column_reads
from discourse.readers.twitter_r import ID_COLUMN, has_columns, row_draft
from discourse.readers.values import Reason

KEY = Key.made_up("twitter_r")
# Hand-written as `write.csv` of R writes the data frame of twitteR; the people and texts are invented.
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "twitter_r.csv"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
EXPORTS = SHARED / "data" / "pk_twitter_2022_twitteR"
AT_TEN = str(1462615200_000 - 1288834974657 << 22)  # an id that holds 7 May 2016, 10:00 UTC
BARE = {
    "text": "peace",
    "created": "2016-05-07 10:00:00",
    "id": "9001",
    "screenName": "Demo_One",
    "isRetweet": "FALSE",
    "replyToSID": "NA",
    "statusSource": "",
}


def outcomes(path: Path) -> list[tuple[int, Any]]:
    return [
        (read.line, to_row(read.item, KEY, path.name, read.line) if isinstance(read.item, Draft) else read.item)
        for read in column_reads(path, has_columns, row_draft, ID_COLUMN)
    ]


def outcome(**cells: str) -> Any:
    item = row_draft({**BARE, **cells})
    return item if isinstance(item, Reason) else to_row(item, KEY, "a.csv", 2)


@pytest.fixture(scope="module")
def rows() -> list[tuple[int, Any]]:
    return outcomes(FIXTURE)


def test_every_row_is_accounted_for(rows: list[tuple[int, Any]]) -> None:
    assert [(line, made.post_id if isinstance(made, Row) else made) for line, made in rows] == [
        (2, "x:9000000000000000201"),
        (4, "x:9000000000000000202"),
        (5, "x:9000000000000000203"),
        (6, "missing_author"),
        (7, "timestamp_too_coarse"),
    ]


def test_every_field_of_a_tweet(rows: list[tuple[int, Any]]) -> None:
    first = rows[0][1]
    assert first.text == "Bread &amp; peace,\nامن"
    assert str(first.created_at) == "2016-05-07 10:00:00+00:00"
    assert (first.kind, first.parent_id) == ("original", None)
    assert (first.likes, first.reposts, first.replies, first.quotes) == (7, 3, None, None)
    assert (first.country, first.location, first.lang_declared) == (None, None, None)


def test_the_screen_name_is_all_there_is_of_an_author(rows: list[tuple[int, Any]]) -> None:
    first = rows[0][1]
    assert first.author_id == pseudonym(KEY, "x", "@demo_one")
    assert first.handle_id == handle_pseudonym(KEY, "x", "Demo_One")
    assert outcome(screenName="DEMO_ONE").author_id == first.author_id
    assert outcome(screenName="@demo_one").author_id == first.author_id
    assert outcome(screenName="demo_two").author_id != first.author_id


def test_a_retweet_has_what_is_left_of_the_text_and_no_counts(rows: list[tuple[int, Any]]) -> None:
    second = rows[1][1]
    assert (second.kind, second.parent_id, second.text) == ("repost", None, "Bread &amp; pea…")
    assert (second.likes, second.reposts) == (None, None)


def test_a_reply_names_the_tweet_it_answers(rows: list[tuple[int, Any]]) -> None:
    third = rows[2][1]
    assert (third.kind, third.parent_id) == ("reply", "x:9000000000000000201")
    assert (third.likes, third.reposts, third.country) == (0, 0, None)


def test_an_answer_to_an_account_and_to_no_tweet_is_an_original() -> None:
    made = outcome(replyToSN="demo_two", replyToSID="NA")
    assert (made.kind, made.parent_id) == ("original", None)


@pytest.mark.parametrize(
    ("mark", "text", "kind", "kept"),
    [
        ("TRUE", "RT @demo_two: peace", "repost", "peace"),
        ("True", "RT @demo_two: peace", "repost", "peace"),
        ("TRUE", "RT @demo_two: ", "repost", ""),
        ("TRUE", "peace RT @demo_two: war", "repost", "peace RT @demo_two: war"),
        ("FALSE", "RT @demo_two: peace", "original", "RT @demo_two: peace"),
        ("NA", "RT @demo_two: peace", "repost", "peace"),
        ("", "peace", "original", "peace"),
    ],
)
def test_what_a_retweet_is(mark: str, text: str, kind: str, kept: str) -> None:
    item = row_draft({**BARE, "isRetweet": mark, "text": text, "retweetCount": "5", "replyToSID": "9000"})
    assert isinstance(item, Draft)
    assert item.parent == (None if kind == "repost" else "9000")
    kind = kind if kind == "repost" else "reply"
    assert (item.kind, item.text, item.reposts) == (kind, kept, None if kind == "repost" else 5)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2016-05-07 23:59:59", "2016-05-07 23:59:59+00:00"),
        ("2016-05-07T23:59:59Z", "2016-05-07 23:59:59+00:00"),
        ("2016-05-07 23:59:59.5", "2016-05-07 23:59:59.500000+00:00"),
        ("2016-05-07T23:59:59+05:00", "2016-05-07 18:59:59+00:00"),
    ],
)
def test_a_time_without_a_zone_is_utc(written: str, moment: str) -> None:
    assert str(outcome(created=written).created_at) == moment


def test_a_time_in_utc_agrees_with_the_id() -> None:
    assert outcome(id=AT_TEN, created="2016-05-07 10:00:00").post_id == f"x:{AT_TEN}"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"created": "2016-05-07"}, "timestamp_too_coarse"),
        ({"created": "5/7/2016 10:00"}, "bad_timestamp"),
        ({"created": "2016-05-07 25:00:00"}, "bad_timestamp"),
        ({"created": "NA"}, "bad_timestamp"),
        ({"isRetweet": "maybe"}, "bad_value"),
        ({"id": "7.28E+17"}, "id_precision_lost"),
        ({"id": "NA"}, "bad_id"),
        ({"id": ""}, "missing_id"),
        ({"replyToSID": "7.28E+17"}, "id_precision_lost"),
        ({"screenName": "NA"}, "missing_author"),
        ({"screenName": ""}, "missing_author"),
        ({"text": ""}, "missing_text"),
        ({"favoriteCount": "some"}, "wrong_type"),
        ({"favoriteCount": "1.5"}, "wrong_type"),
        ({"id": AT_TEN, "created": "2016-05-07 15:00:00"}, "timestamp_contradicts_id"),  # the clock of Karachi
    ],
)
def test_what_is_refused(cells: dict[str, str], reason: str) -> None:
    assert outcome(**cells) == reason


@pytest.mark.parametrize(("cell", "likes"), [("0", 0), ("7", 7), ("7.0", 7), ("NA", None), ("", None)])
def test_a_count_that_is_missing_is_null_and_never_zero(cell: str, likes: int | None) -> None:
    assert outcome(favoriteCount=cell).likes == likes


@pytest.mark.parametrize(
    "header",
    [
        ["id", "author_id", "created_at", "text"],
        ["status_id", "user_id", "created_at", "screen_name", "text", "is_retweet"],
        ["text", "created", "id", "screenName"],
        [],
    ],
)
def test_other_headers_are_not_taken(header: list[str]) -> None:
    assert not has_columns(header)


def test_its_header_is_not_taken_for_that_of_twarc() -> None:
    header = next(csv.reader([FIXTURE.read_text("utf-8").splitlines()[0]]))
    assert has_columns(header)
    assert has_columns(header[1:])
    assert not twarc_csv.has_columns(header)


@given(st.dictionaries(st.sampled_from([*BARE, "favoriteCount", "retweetCount"]), st.text(max_size=30)))
@settings(deadline=None, max_examples=200)
def test_no_row_makes_it_fail(cells: dict[str, str]) -> None:
    for row in (cells, {**BARE, **cells}):
        item = row_draft(row)
        assert isinstance(item, Draft | Reason)
        assert not isinstance(item, Draft) or isinstance(to_row(item, KEY, "a", 1), (tuple, Reason))


@pytest.mark.parametrize("name", ["chi_emb_pak", "xinhua_urd"])
def test_real_exports_with_ids_made_from_their_times(name: str, tmp_path: Path) -> None:
    """The ids of these files are hashes; each row is refused for it, and read when it is given an id."""
    path = EXPORTS / f"{name}.csv"
    if not path.exists():
        pytest.skip("needs ../shared (twitteR exports)")
    with path.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    refused = outcomes(path)
    assert Counter(made for _, made in refused) == {"bad_id": len(given)}
    for number, cells in enumerate(given):
        moment = datetime.fromisoformat(cells["created"].replace("Z", "+00:00"))
        cells["id"] = str((int(moment.timestamp() * 1000) - 1288834974657 << 22) + number)
        cells["replyToSID"] = "9001" if cells["replyToSID"] else ""
    copy = tmp_path / path.name
    with copy.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(given[0]))
        writer.writeheader()
        writer.writerows(given)
    made = [row for _, row in outcomes(copy)]
    assert all(isinstance(row, Row) for row in made)
    assert [row.post_id for row in made] == [f"x:{cells['id']}" for cells in given]
    kinds = ["repost" if c["isRetweet"] == "True" else "reply" if c["replyToSID"] else "original" for c in given]
    assert [row.kind for row in made] == kinds
    assert sum("RT @" in row.text[:4] for row in made) == 0
    assert len({row.author_id for row in made}) == len({cells["screenName"].lower() for cells in given})
    own = [int(cells["favoriteCount"]) for cells in given if cells["isRetweet"] == "False"]
    assert sum(row.likes or 0 for row in made) == sum(own)
