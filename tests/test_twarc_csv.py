from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import twitter_r
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tables import column_reads
from discourse.readers.twarc_csv import ID_COLUMN, has_columns, row_draft
from discourse.readers.values import Reason

KEY = Key.made_up("twarc_csv")
# Hand-written after the columns that twarc-csv names in its source; the people and texts are invented.
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "twarc_csv.csv"
BARE = {"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "peace"}


def rows_of(path: Path) -> list[Any]:
    reads = column_reads(path, has_columns, row_draft, ID_COLUMN)
    return [to_row(read.item, KEY, path.name, read.line) for read in reads if isinstance(read.item, Draft)]


def draft(**cells: str) -> Draft:
    item = row_draft({**BARE, **cells})
    assert isinstance(item, Draft)
    return item


def row(cells: dict[str, str]) -> Any:
    item = row_draft({**BARE, **cells})
    return item if isinstance(item, Reason) else to_row(item, KEY, "a.csv", 2)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return rows_of(FIXTURE)


def test_every_line_is_a_row(rows: list[Row]) -> None:
    assert [(made.post_id, made.source_line) for made in rows] == [
        (f"x:90000000000000001{number:02}", number + 1) for number in range(1, 5)
    ]


def test_every_field_of_a_tweet(rows: list[Row]) -> None:
    first = rows[0]
    assert first.text == "Bread &amp; peace\nامن"
    assert str(first.created_at) == "2022-03-01 09:30:00+00:00"
    assert (first.platform, first.kind, first.parent_id) == ("x", "original", None)
    assert first.author_id == pseudonym(KEY, "x", "601")
    assert first.handle_id == handle_pseudonym(KEY, "x", "demo_one")
    assert (first.likes, first.replies, first.reposts, first.quotes) == (7, 1, 3, 0)
    assert (first.lang_declared, first.country, first.country_basis) == ("ur", "PK", "geo")
    assert first.location == "Peshawar, Pakistan"
    assert str(first.collected_at) == "2022-03-02 00:00:00+00:00"
    assert first.version_of is None


def test_a_retweet_has_the_text_of_the_original_and_none_of_its_counts(rows: list[Row]) -> None:
    second = rows[1]
    assert (second.kind, second.parent_id) == ("repost", "x:9000000000000000101")
    assert second.text == rows[0].text
    assert (second.likes, second.replies, second.reposts, second.quotes) == (None,) * 4
    assert second.author_id == pseudonym(KEY, "x", "602")


def test_a_quote_in_a_reply_is_a_quote_and_names_its_first_version(rows: list[Row]) -> None:
    third = rows[2]
    assert (third.kind, third.parent_id) == ("quote", "x:9000000000000000102")
    assert third.version_of == "x:9000000000000000100"
    assert (third.likes, third.replies) == (2, 0)


def test_empty_cells_are_no_values_and_namibia_is_a_country(rows: list[Row]) -> None:
    last = rows[3]
    assert (last.kind, last.parent_id) == ("reply", "x:9000000000000000101")
    assert (last.likes, last.replies, last.reposts, last.quotes) == (None,) * 4
    assert (last.lang_declared, last.location, last.handle_id, last.collected_at) == (None,) * 4
    assert last.country == "NA"


@pytest.mark.parametrize("column", ["conversation_id", "__twarc.retrieved_at"])
def test_only_twarc_writes_line_breaks_as_two_characters(column: str) -> None:
    item = row_draft({**BARE, "text": r"C:\news &lt;3", column: ""})
    assert isinstance(item, Draft)
    assert item.text == "C:\news <3"
    assert draft(text=r"C:\news &amp;lt;3").text == r"C:\news &lt;3"


def test_a_long_post_is_whole_unless_it_is_a_retweet() -> None:
    note = {**BARE, "text": "cut", "note_tweet.text": "whole"}
    first, second = row_draft(note), row_draft({**note, "referenced_tweets.retweeted.id": "9000"})
    assert isinstance(first, Draft)
    assert isinstance(second, Draft)
    assert (first.text, second.text) == ("whole", "cut")


@pytest.mark.parametrize(
    ("cell", "kind", "parent"),
    [
        ('[{"type": "retweeted", "id": "9000"}]', "repost", "9000"),
        ("[{'type': 'quoted', 'id': '9000'}, {'type': 'replied_to', 'id': '8999'}]", "quote", "9000"),
        ("[{'id': '8999', 'type': 'replied_to'}]", "reply", "8999"),
        ("[<ReferencedTweet id=9000 type=retweeted]", "repost", "9000"),
        ("[]", "original", None),
        ("nan", "original", None),
        ("", "original", None),
    ],
)
def test_references_in_one_column(cell: str, kind: str, parent: str | None) -> None:
    item = draft(referenced_tweets=cell)
    assert (item.kind, item.parent) == (kind, parent)


@pytest.mark.parametrize("cell", ["retweeted", "[{'type': 'retweeted', 'id': 9.1e18}]", "[{'type': 'other', 'id': 1}]"])
def test_references_that_cannot_be_read_could_be_a_retweet(cell: str) -> None:
    assert row_draft({**BARE, "referenced_tweets": cell}) is Reason.BAD_VALUE


def test_without_any_column_of_references_a_retweet_is_told_by_its_text() -> None:
    told = {"text": "RT @demo_two: peace", "public_metrics.retweet_count": "9"}
    bare = row_draft({**BARE, **told})
    assert isinstance(bare, Draft)
    assert (bare.kind, bare.parent, bare.reposts) == ("repost", None, None)
    typed = row_draft({**BARE, **told, "referenced_tweets.retweeted.id": ""})
    assert isinstance(typed, Draft)
    assert (typed.kind, typed.reposts) == ("original", 9)


@pytest.mark.parametrize("cell", ['{"retweet_count": 3, "like_count": 7}', "{'retweet_count': 3, 'like_count': 7}"])
def test_counts_in_one_column(cell: str) -> None:
    item = draft(public_metrics=cell)
    assert (item.likes, item.reposts, item.replies, item.quotes) == (7, 3, None, None)


def test_a_broken_count_among_others_is_no_count() -> None:
    assert draft(public_metrics='{"like_count": 7.5, "reply_count": 1}').likes is None


@pytest.mark.parametrize(
    ("cell", "first"),
    [('["8999", "9001"]', "8999"), ("['8999', '9001']", "8999"), ('["8999"]', None), ("9.1e18, 9", None), ("", None)],
)
def test_the_first_version_of_an_edited_tweet(cell: str, first: str | None) -> None:
    assert draft(edit_history_tweet_ids=cell).version_of == first


@pytest.mark.parametrize(
    ("cell", "likes"),
    [("0", 0), ("7", 7), ("7.0", 7), ("", None), ("NA", None), ("nan", None)],
)
def test_a_count_that_is_missing_is_null_and_never_zero(cell: str, likes: int | None) -> None:
    assert row({"public_metrics.like_count": cell}).likes == likes


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"public_metrics.like_count": "7.5"}, "wrong_type"),
        ({"public_metrics.like_count": "many"}, "wrong_type"),
        ({"public_metrics.like_count": "-1"}, "wrong_type"),
        ({"id": "1.7245E+18"}, "id_precision_lost"),
        ({"referenced_tweets.replied_to.id": "1.7245e+18"}, "id_precision_lost"),
        ({"author_id": ""}, "missing_author"),
        ({"author_id": "1.2E+9"}, "id_precision_lost"),
        ({"id": ""}, "missing_id"),
        ({"text": ""}, "missing_text"),
        ({"created_at": ""}, "bad_timestamp"),
        ({"created_at": "2025-05-07 10:00:00"}, "bad_timestamp"),
    ],
)
def test_what_is_refused(cells: dict[str, str], reason: str) -> None:
    assert row(cells) == reason


@pytest.mark.parametrize(
    "header",
    [
        ["id", "author_id", "created_at"],
        ["status_id", "user_id", "created_at", "text"],
        ["id", "author", "created_utc", "body", "text"],
        ["text", "created", "id", "screenName", "isRetweet", "replyToSID", "statusSource"],
        [],
    ],
)
def test_other_headers_are_not_taken(header: list[str]) -> None:
    assert not has_columns(header)


def test_its_header_is_not_taken_for_that_of_twitter_r() -> None:
    header = FIXTURE.read_text("utf-8").splitlines()[0].split(",")
    assert has_columns(header)
    assert not twitter_r.has_columns(header)


COLUMNS = (
    "id", "author_id", "created_at", "text", "note_tweet.text", "referenced_tweets", "referenced_tweets.quoted.id",
    "public_metrics", "public_metrics.like_count", "edit_history_tweet_ids", "conversation_id", "geo.country_code",
)  # fmt: skip
CELLS = st.text(max_size=30) | st.sampled_from(["RT @a: b", "[{'type': 'quoted', 'id': '1'}]", "['1', '2']", "3.0"])


@given(st.dictionaries(st.sampled_from(COLUMNS), CELLS))
@settings(deadline=None, max_examples=200)
def test_no_row_makes_it_fail(cells: dict[str, str]) -> None:
    item = row_draft(cells)
    assert isinstance(item, Draft | Reason)
    assert not isinstance(item, Draft) or isinstance(to_row(item, KEY, "a", 1), (tuple, Reason))


@given(st.text(alphabet=st.characters(exclude_characters="\r\\&\0@./", exclude_categories=["Cs"]), min_size=1))
@settings(deadline=None, max_examples=100)
def test_what_twarc_writes_comes_back(text: str) -> None:
    """Newlines as two characters, and otherwise what the API gave."""
    held = io.StringIO()
    csv.writer(held).writerow([text.replace("\n", "\\n")])
    (cell,) = next(csv.reader(io.StringIO(held.getvalue(), newline="")))
    item = row_draft({**BARE, "text": cell, "conversation_id": "9001"})
    assert isinstance(item, Draft)
    assert item.text == text
