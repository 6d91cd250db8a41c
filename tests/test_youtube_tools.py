from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import BadInput
from discourse.readers import twarc_csv
from discourse.readers.records import Draft, Item, Row, to_row
from discourse.readers.tables import column_reads
from discourse.readers.values import Reason
from discourse.readers.youtube_tools import ID_COLUMN, has_columns, row_draft

KEY = Key.made_up("youtube_tools")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
VERSION_2 = [
    "videoId", "id", "totalReplyCount", "inferredReplyCount", "inferredLevel", "likeCount", "publishedAt", "authorName",
    "authorChannelId", "isChannelOwner", "text", "isReply", "threadId", "isReplyToId", "isReplyToName",
]  # fmt: skip
VERSION_1 = [
    "id", "replyCount", "likeCount", "publishedAt", "authorName", "text", "authorChannelId", "authorChannelUrl",
    "isReply", "isReplyTo", "isReplyToName",
]  # fmt: skip
VIDEOS = [
    "position", "channelId", "channelTitle", "videoId", "videoUrl", "publishedAt", "publishedAtSQL", "videoTitle",
    "videoDescription", "tags", "duration", "viewCount", "likeCount", "commentCount",
]  # fmt: skip
ROW = dict.fromkeys(VERSION_2, "") | {
    "videoId": "demoVideo01",
    "id": "UgDemo9",
    "publishedAt": "2025-05-07 10:00:00",
    "authorName": "@demo_nine",
    "authorChannelId": "UCdemo9",
    "text": "peace",
    "isReply": "0",
    "threadId": "UgDemo9",
}


def row_of(item: Item | None, line: int = 1) -> Row | Reason:
    if isinstance(item, Draft):
        return to_row(item, KEY, "a.csv", line)
    assert isinstance(item, Reason)
    return item


def rows(path: Path) -> list[tuple[int, Row | Reason]]:
    reads = column_reads(path, has_columns, row_draft, ID_COLUMN)
    return [(read.line, row_of(read.item, read.line)) for read in reads]


def draft(**cells: str) -> Draft:
    item = row_draft(ROW | cells)
    assert isinstance(item, Draft)
    return item


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def test_a_handwritten_table_of_version_2() -> None:
    """Written by hand from the columns of the program; its people are invented."""
    found = rows(FIXTURES / "youtube_tools.csv")
    assert [(line, row) for line, row in found if isinstance(row, Reason)] == [
        (5, Reason.MISSING_AUTHOR),
        (6, Reason.NOT_A_POST),
    ]
    posts = [row for _, row in found if isinstance(row, Row)]
    assert [(row.source_line, row.post_id, row.kind, row.parent_id, row.text) for row in posts] == [
        (2, "youtube:UgDemo1", "original", None, 'امن, "bread" &amp; <b>'),
        (3, "youtube:UgDemo1.r1", "reply", "youtube:UgDemo1", "peace"),
        (4, "youtube:UgDemo1.r2", "reply", "youtube:UgDemo1", "yes"),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in posts] == [
        (7, 2, None, None),
        (0, None, None, None),
        (None, None, None, None),
    ]
    assert [str(row.created_at) for row in posts] == [f"2025-05-07 10:0{n}:00+00:00" for n in (0, 1, 2)]
    assert [row.author_id for row in posts] == [pseudonym(KEY, "youtube", f"UCdemo{n}") for n in (1, 2, 1)]
    one = handle_pseudonym(KEY, "youtube", "demo_one")
    assert [row.handle_id for row in posts] == [one, None, one]
    assert {(row.platform, row.edited_at, row.lang_declared, row.country, row.location) for row in posts} == {
        ("youtube", None, None, None, None)
    }


def test_a_handwritten_table_of_version_1_with_hashes_for_names() -> None:
    """With tabs, without channels, ids and names as SHA-1: the hash of a name is an id and gets a key of its own."""
    found = [row for _, row in rows(FIXTURES / "youtube_tools_v1.tab")]
    first, reply = (row for row in found if isinstance(row, Row))
    assert len(found) == 2
    assert (first.post_id, first.kind, first.parent_id) == (f"youtube:{sha1('UgDemo8')}", "original", None)
    assert (reply.post_id, reply.kind, reply.parent_id) == (f"youtube:{sha1('UgDemo8.r1')}", "reply", first.post_id)
    assert (first.text, reply.text) == ('peace and "bread"', "yes")
    assert (first.likes, first.replies, reply.likes, reply.replies) == (3, 1, 0, None)
    assert str(first.created_at) == "2019-02-27 10:00:00+00:00"
    assert first.author_id == pseudonym(KEY, "youtube", sha1("demo_eight"))
    assert sha1("demo_eight") not in first.author_id
    assert (first.handle_id, reply.handle_id) == (None, None)


@pytest.mark.parametrize("columns", [VERSION_2, VERSION_1, ["position", *VERSION_2],
                                     ["id", "isReplyTo", "authorName", "text", "publishedAt"]],
                         ids=["2", "1", "2 with ranks", "1 at least"])  # fmt: skip
def test_its_headers(columns: list[str]) -> None:
    assert has_columns(columns)
    assert has_columns(set(columns))
    assert not twarc_csv.has_columns(columns)
    for needed in ("id", "authorName", "text", "publishedAt"):
        assert not has_columns([name for name in columns if name != needed])


@pytest.mark.parametrize(
    "columns",
    [
        [],
        VIDEOS,
        ["author", "count"],
        [name for name in VERSION_2 if name != "threadId"],
        [name for name in VERSION_2 if name != "isReplyToId"],
        [name for name in VERSION_1 if name != "isReplyTo"],
        ["id", "author_id", "created_at", "text", "conversation_id"],
        ["status_id", "user_id", "created_at", "text"],
        ["id", "author", "created_utc", "body", "link_id"],
    ],
    ids=["none", "videos", "authors", "no thread", "no target", "no parent", "twarc", "rtweet", "reddit"],
)
def test_other_headers(columns: list[str]) -> None:
    assert not has_columns(columns)


def test_a_table_of_videos_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "videos.csv").write_text(",".join(VIDEOS) + "\n" + ",".join("secret" for _ in VIDEOS) + "\n")
    with pytest.raises(BadInput) as caught:
        rows(tmp_path / "videos.csv")
    assert str(caught.value).startswith("'videos.csv' lacks columns")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "kind", "parent"),
    [
        ({"isReply": "0"}, "original", None),
        ({"isReply": "0", "isReplyToId": "UgDemo1"}, "original", None),
        ({"isReply": "1", "threadId": "UgDemo1", "isReplyToId": "UgDemo1.r1"}, "reply", "UgDemo1"),
        ({"isReply": "1", "threadId": "", "isReplyToId": "UgDemo1.r1"}, "reply", "UgDemo1.r1"),
        ({"isReply": "1", "threadId": "", "isReplyTo": "UgDemo1"}, "reply", "UgDemo1"),
        ({"isReply": "1", "threadId": ""}, "reply", None),
        ({"isReply": "", "threadId": "", "isReplyTo": "UgDemo1"}, "reply", "UgDemo1"),
        ({"isReply": "", "threadId": "UgDemo9"}, "original", None),
    ],
)
def test_replies(cells: dict[str, str], kind: str, parent: str | None) -> None:
    assert (draft(**cells).kind, draft(**cells).parent) == (kind, parent)


def test_a_table_without_the_column_for_replies() -> None:
    bare = {"id": "UgDemo9", "isReplyTo": "", "authorName": "demo nine", "text": "peace", "publishedAt": "x"}
    first, reply = row_draft(bare), row_draft(bare | {"isReplyTo": "UgDemo1"})
    assert isinstance(first, Draft)
    assert isinstance(reply, Draft)
    assert [(item.kind, item.parent, item.author) for item in (first, reply)] == [
        ("original", None, "demo nine"),
        ("reply", "UgDemo1", "demo nine"),
    ]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"id": ""}, Reason.MISSING_ID),
        ({"id": "1.23E+17"}, Reason.ID_PRECISION_LOST),
        ({"authorChannelId": ""}, Reason.MISSING_AUTHOR),
        ({"text": ""}, Reason.MISSING_TEXT),
        ({"publishedAt": ""}, Reason.BAD_TIMESTAMP),
        ({"publishedAt": "2025-05-07"}, Reason.BAD_TIMESTAMP),
        ({"publishedAt": "07.05.2025 10:00:00"}, Reason.BAD_TIMESTAMP),
        ({"publishedAt": "2025-13-07 10:00:00"}, Reason.BAD_TIMESTAMP),
        ({"likeCount": "1.2K"}, Reason.WRONG_TYPE),
        ({"likeCount": "-1"}, Reason.WRONG_TYPE),
        ({"totalReplyCount": "many"}, Reason.WRONG_TYPE),
    ],
)
def test_what_is_set_aside(cells: dict[str, str], reason: Reason) -> None:
    assert isinstance(row_of(row_draft(ROW)), Row)
    assert row_of(row_draft(ROW | cells)) == reason


@pytest.mark.parametrize(("cell", "likes"), [("", None), ("0", 0), ("12", 12), ("12.0", 12)])
def test_counts(cell: str, likes: int | None) -> None:
    assert draft(likeCount=cell).likes == likes
    assert draft(totalReplyCount=cell).replies == likes
    assert draft(totalReplyCount=cell, isReply="1").replies is None


def test_a_time_that_has_its_zone_keeps_it() -> None:
    row = row_of(draft(publishedAt="2025-05-07T15:00:00+05:00"))
    assert isinstance(row, Row)
    assert str(row.created_at) == "2025-05-07 10:00:00+00:00"


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from([*VERSION_2, *VERSION_1]), st.text(max_size=20)))
def test_no_row_whatever_it_holds_stops_the_reading(cells: dict[str, str]) -> None:
    for row in (cells, ROW | cells):
        assert isinstance(row_of(row_draft(row)), Row | Reason)
