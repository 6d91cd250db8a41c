from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from accounts import Taken, take_all
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import rtweet, twitter_v1, x_api
from discourse.readers.files import open_lines
from discourse.readers.records import Draft, to_row
from discourse.readers.reddit import drafts, looks_like
from discourse.readers.values import Reason, decode_object

KEY = Key.made_up("reddit")
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "reddit.jsonl"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SCHEMAS = SHARED / "data" / "export_fixtures" / "reddit_arctic_shift_schema"
DELETED = Reason.DELETED
REMOVED = Reason.REMOVED
COMMENT: dict[str, Any] = {
    "id": "k9",
    "author": "demo_nine",
    "created_utc": 1746612000,
    "body": "peace",
    "link_id": "t3_p9",
    "parent_id": "t3_p9",
    "subreddit": "demoland",
    "score": 1,
}
POST: dict[str, Any] = {
    "id": "p9",
    "author": "demo_nine",
    "created_utc": 1746612000,
    "title": "peace",
    "selftext": "now",
    "subreddit": "demoland",
    "score": 1,
    "num_comments": 2,
    "num_crossposts": 3,
}


def only(record: dict[str, Any]) -> Draft | Reason:
    (item,) = drafts(record)
    return item


def draft(record: dict[str, Any]) -> Draft:
    item = only(record)
    assert isinstance(item, Draft)
    return item


def outcome(record: dict[str, Any]) -> Any:
    item = only(record)
    return item if isinstance(item, Reason) else to_row(item, KEY, "a.jsonl", 1)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    taken: list[Taken] = []
    for number, line in open_lines(FIXTURE):
        record = decode_object(line)
        assert not isinstance(record, Reason)
        assert looks_like(record)
        for item in drafts(record):
            taken.append((item, FIXTURE.name, number))
    return take_all(KEY, taken)


def test_every_line_is_accounted_for(corpus: Corpus) -> None:
    assert corpus.files.row(0)[2:6] == (13, 7, 0, 6)
    assert corpus.quarantine.sort("source_line").select("source_line", "reason").rows() == [
        (7, DELETED.value),
        (8, REMOVED.value),
        (9, "missing_author"),
        (10, DELETED.value),
        (11, REMOVED.value),
        (13, "bad_timestamp"),
    ]


def test_kinds_texts_and_counts(corpus: Corpus) -> None:
    columns = ("source_line", "post_id", "kind", "parent_id", "text", "likes", "replies", "reposts", "quotes")
    whole = "Bread & peace\n\nIt is &amp; stays.\n\n> quoted"
    post, comment = "reddit:t3_k1a2b3c", "reddit:t1_k1a2b3c"
    assert corpus.posts.sort("source_line").select(columns).rows() == [
        (1, post, "original", None, whole, 12, 3, 1, None),
        (2, comment, "reply", post, "I agree <3", None, None, None, None),
        (3, "reddit:t1_12e5", "reply", comment, "And I with you", 0, None, None, None),
        (4, "reddit:t3_k1a2b3d", "repost", post, whole, None, None, None, None),
        (5, "reddit:t3_k1a2b3e", "quote", post, "Look at this naive post", None, 0, 0, None),
        (6, "reddit:t3_k1a2b3f", "original", None, "A link", None, None, None, None),
        (12, "reddit:t3_k7", "original", None, "Restored\n\ntext", 2, 0, None, None),
    ]
    assert set(corpus.posts["platform"]) == {"reddit"}
    for name in ("country", "location", "lang_declared"):
        assert corpus.posts[name].null_count() == 7


def test_an_author_is_one_person_in_posts_and_comments(corpus: Corpus) -> None:
    posts = corpus.posts.sort("source_line")
    assert posts["author_id"].to_list()[:3] == [pseudonym(KEY, "reddit", name) for name in _NAMES]
    assert posts["handle_id"].to_list()[:3] == [handle_pseudonym(KEY, "reddit", name) for name in _NAMES]


_NAMES = ("Demo_One", "demo_two", "Demo_One")


def test_times_from_numbers_and_strings(corpus: Corpus) -> None:
    assert [str(moment) for moment in corpus.posts.sort("source_line")["created_at"]][:3] == [
        "2025-05-07 10:00:00+00:00",
        "2025-05-07 11:00:00+00:00",
        "2025-05-07 12:00:00+00:00",
    ]


@given(st.integers(min_value=1136073600, max_value=4102444799))
@settings(deadline=None, max_examples=100)
def test_any_way_to_write_a_second_is_the_same_iso_string(seconds: int) -> None:
    expected = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    for written in (seconds, float(seconds), str(seconds), f"{seconds}.0"):
        assert draft({**COMMENT, "created_utc": written}).created_at == expected
    half = expected.replace("+", ".500000+")
    assert [draft({**COMMENT, "created_utc": one}).created_at for one in (seconds + 0.5, f"{seconds}.5")] == [half] * 2


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "bad_timestamp"),
        (True, "bad_timestamp"),
        ("", "bad_timestamp"),
        ("2025-05-07", "bad_timestamp"),
        ("١٧٤٦٦١٢٠٠٠", "bad_timestamp"),
        ([1746612000], "bad_timestamp"),
        (0, "timestamp_out_of_range"),
        (-1, "timestamp_out_of_range"),
        (1746612000000, "timestamp_out_of_range"),
        (10**400, "timestamp_out_of_range"),
        (float("inf"), "timestamp_out_of_range"),
    ],
)
def test_what_is_no_second_is_refused(written: Any, reason: str) -> None:
    assert outcome({**COMMENT, "created_utc": written}) == reason
    assert outcome({**POST, "created_utc": written}) == reason


@pytest.mark.parametrize("title", ["peace", "Peace &amp; war"])
@pytest.mark.parametrize("selftext", [None, ""])
def test_a_post_without_self_text_is_its_title(title: str, selftext: Any) -> None:
    assert draft({**POST, "title": title, "selftext": selftext}).text == title.replace("&amp;", "&")
    assert draft({"id": "p1", "author": "demo", "created_utc": 1746612000, "title": title}).text == title.replace(
        "&amp;", "&"
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**POST, "title": None}, "missing_text"),
        ({**POST, "title": 5}, "wrong_type"),
        ({**POST, "selftext": 5}, "wrong_type"),
        ({**COMMENT, "body": None}, "missing_text"),
        ({**COMMENT, "body": ["peace"]}, "wrong_type"),
        ({**COMMENT, "id": None}, "missing_id"),
        ({**COMMENT, "id": ""}, "missing_id"),
        ({**COMMENT, "id": 1.5}, "id_precision_lost"),
        ({**COMMENT, "id": "k 9"}, "bad_id"),
        ({**COMMENT, "author": None}, "missing_author"),
        ({**COMMENT, "author": {}}, "bad_id"),
        ({**COMMENT, "author": "[deleted]"}, "missing_author"),
        ({**POST, "author": "[deleted]"}, "missing_author"),
        ({**COMMENT, "score": "1"}, "wrong_type"),
        ({**COMMENT, "score": 1.5}, "wrong_type"),
        ({**POST, "num_comments": "1"}, "wrong_type"),
    ],
)
def test_missing_and_wrong_fields(record: dict[str, Any], reason: str) -> None:
    assert outcome(record) == reason


def test_a_post_without_an_author_key_is_set_aside() -> None:
    assert outcome({name: value for name, value in POST.items() if name != "author"}) == "missing_author"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[deleted]", DELETED),
        ("[removed]", REMOVED),
        (" [Removed]\n", REMOVED),
        ("[deleted by user]", DELETED),
        ("[ Removed by Reddit ]", REMOVED),
        ("[ Removed by moderator ]", REMOVED),
        ("[ Removed by Reddit on account of violating the [content policy](/help/contentpolicy). ]", REMOVED),
    ],
)
def test_placeholders_are_never_text(text: str, reason: Reason) -> None:
    for record in ({**COMMENT, "body": text}, {**POST, "selftext": text}, {**POST, "title": text}):
        assert only(record) is reason


@pytest.mark.parametrize(
    "text",
    ["[removed by the army] a village [photo]", "[deleted", "it was [removed]", "[removed]\nmore", "removed", ""],
)
def test_words_that_only_resemble_a_placeholder_are_kept(text: str) -> None:
    assert draft({**COMMENT, "body": text}).text == text


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"was_deleted_later": True}, DELETED),
        ({"was_deleted_later": True, "removal_type": "deleted"}, DELETED),
        ({"was_deleted_later": True, "removal_type": "author"}, DELETED),
        ({"was_deleted_later": True, "removal_type": "removed"}, REMOVED),
        ({"was_deleted_later": True, "removal_type": "removed by reddit"}, REMOVED),
        ({"was_deleted_later": True, "was_initially_deleted": True}, DELETED),
    ],
)
def test_a_text_that_was_taken_back_is_not_used(meta: dict[str, Any], reason: Reason) -> None:
    assert only({**COMMENT, "_meta": meta}) is reason
    assert only({**POST, "_meta": meta}) is reason


@pytest.mark.parametrize(
    "meta",
    [
        None,
        [],
        {"is_edited": True},
        {"was_deleted_later": False},
        {"note": "no_2nd_retrieval"},
        {"was_initially_deleted": True, "removal_type": "removed"},
    ],
)
def test_other_notes_take_nothing_away(meta: Any) -> None:
    assert draft({**COMMENT, "_meta": meta}).text == "peace"
    assert draft({**POST, "_meta": meta}).text == "peace\n\nnow"


@pytest.mark.parametrize(
    ("category", "reason"), [("deleted", DELETED), ("author", DELETED), ("moderator", REMOVED), ("reddit", REMOVED)]
)
def test_the_category_of_a_removal(category: str, reason: Reason) -> None:
    assert only({**POST, "removed_by_category": category}) is reason


def test_a_closed_account_has_no_pseudonym_that_many_would_share() -> None:
    for record in (COMMENT, POST):
        item = draft({**record, "author": "[deleted]"})
        assert (item.author, item.handle) == (None, None)


@pytest.mark.parametrize(
    ("fields", "likes"),
    [
        ({"score": 0}, 0),
        ({"score": 7, "score_hidden": False, "hide_score": False}, 7),
        ({"score": -1}, None),
        ({"score": None}, None),
        ({"score": 1, "score_hidden": True}, None),
        ({"score": 1, "hide_score": True}, None),
    ],
)
def test_a_score_is_a_count_only_where_it_is_one(fields: dict[str, Any], likes: int | None) -> None:
    for record in (COMMENT, POST):
        assert outcome({**record, **fields}).likes == likes


CROSSPOST = {**POST, "selftext": "", "crosspost_parent": "t3_p1"}


@pytest.mark.parametrize(
    ("fields", "kind", "parent", "text"),
    [
        ({"crosspost_parent_list": [{"title": "peace", "selftext": "then"}]}, "repost", "t3_p1", "peace\n\nthen"),
        ({"crosspost_parent_list": [{"title": "war", "selftext": "then"}]}, "quote", "t3_p1", "peace"),
        ({"crosspost_parent_list": []}, "quote", "t3_p1", "peace"),
        ({"crosspost_parent_list": None}, "quote", "t3_p1", "peace"),
        ({"crosspost_parent": None, "crosspost_parent_list": [{"id": "p2"}]}, "quote", "t3_p2", "peace"),
        ({"crosspost_parent": None, "crosspost_parent_list": ["p2"]}, "original", None, "peace"),
        ({"crosspost_parent": ""}, "original", "", "peace"),
    ],
)
def test_crossposts(fields: dict[str, Any], kind: str, parent: str | None, text: str) -> None:
    item = draft({**CROSSPOST, **fields})
    assert (item.kind, item.parent, item.text) == (kind, parent, text)
    assert (item.likes, item.replies, item.reposts) == ((None,) * 3 if kind == "repost" else (1, 2, 3))


def test_a_crosspost_of_a_removed_post_is_removed_unless_it_has_words_of_its_own() -> None:
    gone = {"title": "peace", "selftext": "[removed]"}
    assert only({**CROSSPOST, "crosspost_parent_list": [gone]}) is REMOVED
    assert draft({**CROSSPOST, "title": "shame", "crosspost_parent_list": [gone]}).text == "shame"


@pytest.mark.parametrize("record", [COMMENT, POST])
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    assert not any(module.looks_like(record) for module in (x_api, rtweet, twitter_v1))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"id": "1", "created_utc": 1},
        {"id": "1", "created_utc": 1, "body": "a"},
        {"id": "1", "created_utc": 1, "title": "a"},
        {"id": "1", "created_at": "", "title": "a", "subreddit": "b"},
        {"created_utc": 1, "body": "a", "subreddit": "b"},
        {"id": "1", "created_utc": 1, "display_name": "demoland", "subreddit": "b"},
    ],
)
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


@pytest.mark.parametrize("name", ["RC", "RS"])
def test_a_record_made_from_the_published_schema(name: str) -> None:
    """Every field that all rows of March 2024 have, with a value of its first type."""
    path = SCHEMAS / f"{name}_2024-03.json"
    if not path.exists():
        pytest.skip("needs ../shared (export fixtures)")
    fields = json.loads(path.read_bytes())[0]["schema"]
    made: dict[str, Any] = {
        "null": None,
        "bool": False,
        "int": 1,
        "float": 0.5,
        "string": "word",
        "array": [],
        "object": {},
    }
    record = {
        field: made[types[0]["type"]]
        for field, types in fields.items()
        if not field.startswith("crosspost") and types[0]["type"] in made
    }
    record |= {"id": "k9", "author": "demo", "created_utc": fields["created_utc"][0]["schema"]["max_value"]}
    record |= {"parent_id": "t3_p9"} if name == "RC" else {}
    assert looks_like(record)
    item = draft(record)
    assert item.created_at == "2024-03-31T23:59:59+00:00"
    assert (item.id, item.text) == (("t1_k9", "word") if name == "RC" else ("t3_k9", "word\n\nword"))
    assert item.likes == 1
    row = to_row(item, KEY, "a.jsonl", 1)
    assert not isinstance(row, Reason)
    assert row.kind == ("reply" if name == "RC" else "original")


@pytest.mark.parametrize(
    ("subreddit", "expected"), [("Pakistan", "Pakistan"), ("u_demo_one", None), ("U_demo_one", None), (None, None)]
)
def test_the_subreddit_is_the_community_but_never_a_person_s_own_page(
    subreddit: str | None, expected: str | None
) -> None:
    for text in ({"body": "peace", "parent_id": "t3_a"}, {"title": "peace"}):
        record = {"id": "k1", "author": "demo_one", "created_utc": 1746612000, "subreddit": subreddit, **text}
        assert draft(record).community == expected


@pytest.mark.parametrize(("edited", "moment"), [(False, None), (True, None), (1746615600, "2025-05-07 11:00:00+00:00")])
def test_when_a_text_was_edited_is_kept(edited: bool | int, moment: str | None) -> None:
    row = outcome({"id": "k1", "author": "demo_one", "created_utc": 1746612000, "body": "peace", "parent_id": "t3_a",
                   "edited": edited})  # fmt: skip
    assert str(row.edited_at) == str(moment)
