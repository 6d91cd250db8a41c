from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import BadInput
from discourse.readers import reddit, rtweet, twitter_v1, x_api
from discourse.readers.containers import first_records, json_reads
from discourse.readers.records import Draft, Item, Row, to_row
from discourse.readers.values import Reason
from discourse.readers.youtube import drafts, looks_like

KEY = Key.made_up("youtube")
PAGE = Path(__file__).parent / "fixtures" / "readers" / "youtube_threads.json"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
EXPORTS = SHARED / "data" / "export_fixtures" / "youtube_data_api_v3"
WITHHELD = Reason.NOT_PUBLIC


def rows(path: Path) -> list[Row | Reason]:
    found = list(json_reads(path, drafts))
    assert [read.line for read in found] == list(range(1, len(found) + 1))
    return [row_of(read.item, path.name, read.line) for read in found]


def row_of(item: Item, file: str = "a", line: int = 1) -> Row | Reason:
    if isinstance(item, Draft):
        return to_row(item, KEY, file, line)
    assert isinstance(item, Reason)
    return item


def of(folder: Path, document: object) -> list[Item]:
    path = folder / "page.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return [read.item for read in json_reads(path, drafts)]


def comment(number: int = 1, **snippet: object) -> dict[str, Any]:
    return {"kind": "youtube#comment", "id": f"UgDemo{number}", "snippet": snippet}


def draft(folder: Path, **snippet: object) -> Draft:
    (item,) = of(folder, comment(**snippet))
    assert isinstance(item, Draft)
    return item


def test_a_page_of_threads() -> None:
    found = rows(PAGE)
    assert found[2:4] == [Reason.MISSING_AUTHOR, WITHHELD]
    posts = [row for row in found if isinstance(row, Row)]
    assert [(row.source_line, row.post_id, row.kind, row.parent_id, row.text) for row in posts] == [
        (1, "youtube:UgDemo1", "original", None, "peace &amp; bread"),
        (2, "youtube:UgDemo1.r1", "reply", "youtube:UgDemo1", "0:05 it's 5 < 6\n&lt;"),
        (5, "youtube:UgDemo3", "original", None, "سوله"),
        (6, "youtube:UgDemo3.r1", "reply", "youtube:UgDemo3", "yes"),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in posts] == [
        (7, 5, None, None),
        (0, None, None, None),
        (None, None, None, None),
        (None, None, None, None),
    ]
    assert [str(row.created_at) for row in posts] == [f"2025-05-07 10:0{n}:00+00:00" for n in (0, 1, 4, 5)]
    channels = ["UCdemo1", "UCdemo2", "UCdemo3", "UCdemo1"]
    assert [row.author_id for row in posts] == [pseudonym(KEY, "youtube", name) for name in channels]
    assert [row.handle_id for row in posts] == [handle_pseudonym(KEY, "youtube", "demo_one"), None, None, None]
    assert {(row.platform, row.lang_declared, row.country, row.location) for row in posts} == {
        ("youtube", None, None, None)
    }


def texts(path: Path) -> list[Any]:
    return [read.item.text if isinstance(read.item, Draft) else read.item for read in json_reads(path, drafts)]


def test_the_same_posts_however_they_are_packed_or_laid_out(tmp_path: Path) -> None:
    page = json.loads(PAGE.read_text("utf-8"))
    ways = {
        "compact": json.dumps(page).encode(),
        "array": json.dumps([page], indent=1).encode(),
        "items": json.dumps(page["items"]).encode(),
        "lines": b"\n".join(json.dumps(item).encode() for item in page["items"]),
        "gzip": gzip.compress(PAGE.read_bytes()),
        "bom": b"\xef\xbb\xbf" + PAGE.read_bytes(),
    }
    expected = texts(PAGE)
    assert len(expected) == 6
    for name, data in ways.items():
        (tmp_path / name).write_bytes(data)
        assert texts(tmp_path / name) == expected
        assert any(looks_like(record) for record in first_records(tmp_path / name))


def test_lines_that_are_no_pages_are_rows(tmp_path: Path) -> None:
    lines = [
        json.dumps({"kind": "youtube#commentListResponse", "items": [comment(1), 5]}),
        "{broken",
        '{"error": {"code": 403}}',
        "[1]",
        json.dumps(comment(2)),
        '{"kind": "youtube#commentListResponse"}',
    ]
    found = of(tmp_path, "\n".join(lines).encode())
    assert [item.id if isinstance(item, Draft) else item for item in found] == [
        "UgDemo1",
        Reason.NOT_AN_OBJECT,
        Reason.INVALID_JSON,
        Reason.API_ERROR,
        Reason.NOT_AN_OBJECT,
        "UgDemo2",
    ]


@pytest.mark.parametrize(
    ("snippet", "text"),
    [
        ({"textOriginal": "a <b> &lt;", "textDisplay": "not this"}, "a <b> &lt;"),
        ({"textOriginal": "", "textDisplay": "not this"}, ""),
        ({"textOriginal": None, "textDisplay": "a &amp;lt; b"}, "a &lt; b"),
        ({"textDisplay": "a<br />b<br>c<BR/>d"}, "a\nb\nc\nd"),
        ({"textDisplay": '<b>I</b> <i class="x">like</i> <a href="/?a=1&amp;b=2">this</a>'}, "I like this"),
        ({"textDisplay": "&quot;it&#39;s&quot; &lt;3 &amp; more"}, "\"it's\" <3 & more"),
        ({"textDisplay": "plain <3 and 1 < 2 & R&D"}, "plain <3 and 1 < 2 & R&D"),
        ({"textDisplay": "ends in &amp"}, "ends in &"),
        ({"textDisplay": "line\nof its own"}, "line\nof its own"),
        ({}, None),
    ],
)  # fmt: skip
def test_texts(tmp_path: Path, snippet: dict[str, object], text: str | None) -> None:
    assert draft(tmp_path, **snippet).text == text


@pytest.mark.parametrize(
    ("snippet", "reason"),
    [
        ({"authorChannelId": None}, Reason.MISSING_AUTHOR),
        ({"authorChannelId": {}}, Reason.MISSING_AUTHOR),
        ({"authorChannelId": {"value": ""}}, Reason.MISSING_AUTHOR),
        ({"authorChannelId": "UCdemo1"}, Reason.MISSING_AUTHOR),
        ({"authorChannelId": {"value": ["UCdemo1"]}}, Reason.BAD_ID),
        ({"publishedAt": None}, Reason.BAD_TIMESTAMP),
        ({"publishedAt": "2025-05-07 10:00:00"}, Reason.BAD_TIMESTAMP),
        ({"textOriginal": None}, Reason.MISSING_TEXT),
        ({"textOriginal": 5}, Reason.WRONG_TYPE),
        ({"textOriginal": None, "textDisplay": 5}, Reason.WRONG_TYPE),
        ({"likeCount": "7"}, Reason.WRONG_TYPE),
        ({"moderationStatus": "rejected"}, WITHHELD),
        ({"moderationStatus": "likelySpam"}, WITHHELD),
    ],
)
def test_what_is_set_aside(tmp_path: Path, snippet: dict[str, object], reason: Reason) -> None:
    whole = {"authorChannelId": {"value": "UCdemo1"}, "publishedAt": "2025-05-07T10:00:00Z", "textOriginal": "a"}
    (item,) = of(tmp_path, comment(**whole))
    assert isinstance(item, Draft)
    assert isinstance(to_row(item, KEY, "a", 1), Row)
    (item,) = of(tmp_path, comment(**(whole | snippet)))
    assert row_of(item) == reason


def test_a_reply_names_its_parent_or_has_its_threads(tmp_path: Path) -> None:
    assert (draft(tmp_path, parentId="UgDemo9").kind, draft(tmp_path, parentId="UgDemo9").parent) == (
        "reply",
        "UgDemo9",
    )
    assert (draft(tmp_path).kind, draft(tmp_path).parent) == ("original", None)
    thread = {"id": "UgDemo1", "snippet": {"topLevelComment": None}, "replies": {"comments": [comment(2), None]}}
    first, reply, last = of(tmp_path, thread)
    assert isinstance(reply, Draft)
    assert (first, reply.kind, reply.parent, last) == (Reason.NOT_AN_OBJECT, "reply", "UgDemo1", Reason.NOT_AN_OBJECT)


def test_nothing_of_a_thread_that_is_not_public_is_taken(tmp_path: Path) -> None:
    replies = {"comments": [comment(2, textOriginal="a")]}
    for public, expected in ((False, [True, True]), (True, [False, False]), (None, [False, False])):
        snippet = {"topLevelComment": comment(1, textOriginal="b"), "isPublic": public}
        found = of(tmp_path, {"id": "UgDemo1", "snippet": snippet, "replies": replies})
        assert [item == WITHHELD for item in found] == expected


@pytest.mark.parametrize(
    "page",
    [{"items": "none"}, {"items": {}}, {"id": {"videoId": "demo"}, "snippet": {"title": "demo"}}, {"snippet": []},
     {"snippet": {"topLevelComment": {"snippet": "none"}}, "replies": []}, {"kind": 5}],
)  # fmt: skip
def test_odd_shapes_are_no_posts(tmp_path: Path, page: dict[str, Any]) -> None:
    for item in of(tmp_path, page):
        assert isinstance(row_of(item), Reason)


@pytest.mark.parametrize("document", [b'{"items": [\n"demo secret"', b"{\n", b'[{"kind": "demo secret"'])
def test_a_document_that_is_none(tmp_path: Path, document: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        of(tmp_path, document)
    assert str(caught.value).startswith("'page.json' is ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["youtube#video", "youtube#searchResult", "youtube#commentary"])
def test_what_is_no_comment_is_no_post(tmp_path: Path, kind: str) -> None:
    other = {"kind": kind, "id": "demo", "snippet": {"title": "demo", "publishedAt": "2025-05-07T10:00:00Z"}}
    assert of(tmp_path, {"kind": "youtube#commentListResponse", "items": [other]}) == [Reason.NOT_A_POST]


@pytest.mark.parametrize(
    ("updated", "edited"),
    [
        ("2025-05-07T10:00:00Z", "None"),
        ("2025-05-08T11:30:00Z", "2025-05-08 11:30:00+00:00"),
        (None, "None"),
        ("soon", "None"),
        (["2025-05-08T11:30:00Z"], "None"),
    ],
)
def test_when_a_comment_was_edited(tmp_path: Path, updated: object, edited: str) -> None:
    whole = {"authorChannelId": {"value": "UCdemo1"}, "publishedAt": "2025-05-07T10:00:00Z", "textOriginal": "a"}
    row = row_of(draft(tmp_path, **whole, updatedAt=updated))
    assert isinstance(row, Row)
    assert (str(row.edited_at), str(row.created_at)) == (edited, "2025-05-07 10:00:00+00:00")


@pytest.mark.parametrize("kind", ["ThreadListResponse", "ListResponse", "Thread", ""])
def test_what_it_looks_like(kind: str) -> None:
    assert looks_like({"kind": f"youtube#comment{kind}", "etag": "x"})


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": 5},
        {"kind": ["youtube#comment"]},
        {"kind": "youtube#searchListResponse"},
        {"kind": "youtube#commentary"},
        {"kind": "a youtube#comment"},
        {"data": [{"id": "9001"}], "meta": {"result_count": 1}},
        {"id": "9001", "author_id": "42", "text": "peace"},
        {"status_id": "9001", "user_id": "42", "text": "peace"},
        {"id_str": "9001", "user": {"id_str": "42"}, "text": "peace"},
        {"id": "k9", "created_utc": 1746612000, "body": "peace", "link_id": "t3_p9"},
    ],
)
def test_what_it_does_not_look_like(record: dict[str, Any]) -> None:
    assert not looks_like(record)


def test_no_other_format_takes_a_page_for_its_own() -> None:
    page = json.loads(PAGE.read_text("utf-8"))
    for record in (page, *page["items"], comment()):
        assert looks_like(record)
        assert not any(module.looks_like(record) for module in (x_api, rtweet, twitter_v1, reddit))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = ("kind", "id", "snippet", "items", "replies", "comments", "error", "topLevelComment", "publishedAt",
         "updatedAt", "textOriginal", "textDisplay", "authorChannelId", "authorDisplayName", "likeCount", "parentId",
         "isPublic", "moderationStatus", "totalReplyCount")  # fmt: skip
SHAPED = st.recursive(
    JSON | st.just("youtube#comment"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=15,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES), SHAPED, max_size=8))
def test_no_record_whatever_it_holds_stops_the_reading(record: dict[str, Any]) -> None:
    assert isinstance(looks_like(record), bool)
    for item in drafts(record):
        assert isinstance(row_of(item), Row | Reason)


def test_pages_within_pages_of_any_depth() -> None:
    record: dict[str, Any] = comment(1)
    for _ in range(5000):
        record = {"kind": "youtube#commentListResponse", "items": [record]}
    (item,) = drafts(record)
    assert isinstance(item, Draft)
    assert item.id == "UgDemo1"


def found_by_hand(value: Any) -> list[tuple[str, str, str]]:
    """Id, channel and text of every object that says it is a comment, wherever it stands."""
    if isinstance(value, list):
        return [one for part in value for one in found_by_hand(part)]
    if not isinstance(value, dict):
        return []
    inner = [one for part in value.values() for one in found_by_hand(part)]
    if value.get("kind") != "youtube#comment":
        return inner
    snippet = value["snippet"]
    return [(value["id"], snippet["authorChannelId"]["value"], snippet["textOriginal"]), *inner]


def test_real_pages() -> None:
    paths = sorted(EXPORTS.glob("*/*.json"))
    if not paths:
        pytest.skip("needs ../shared (export_fixtures)")
    kinds: Counter[str] = Counter()
    for path in paths:
        assert all(looks_like(record) for record in first_records(path)), path.name
        found = rows(path)
        posts = [row for row in found if isinstance(row, Row)]
        assert posts == found, path.name
        expected = [
            (f"youtube:{native}", pseudonym(KEY, "youtube", channel), text)
            for native, channel, text in found_by_hand(json.loads(path.read_text("utf-8")))
        ]
        assert [(row.post_id, row.author_id, row.text) for row in posts] == expected, path.name
        kinds.update(row.kind for row in posts)
    assert sum(kinds.values()) == 26
    assert kinds["reply"] == sum(path.read_text("utf-8").count('"parentId"') for path in paths)


def test_real_html_reads_as_what_was_typed(tmp_path: Path) -> None:
    """The shown text, put back into plain text, is the original text of the same comment."""
    paths = sorted(EXPORTS.glob("*/*.json"))
    if not paths:
        pytest.skip("needs ../shared (export_fixtures)")
    for path in paths:
        shown = path.read_text("utf-8").replace('"textOriginal"', '"textIgnored"')
        for item, (_, _, text) in zip(
            of(tmp_path, shown.encode()), found_by_hand(json.loads(path.read_text("utf-8"))), strict=True
        ):
            assert isinstance(item, Draft)
            assert item.text == text, path.name
