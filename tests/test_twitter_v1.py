from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from accounts import Taken, take_all
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.mentions import hide_people
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import BadInput
from discourse.readers import rtweet, twitter_v1, x_api
from discourse.readers.files import open_lines
from discourse.readers.read import read_posts
from discourse.readers.records import Draft, Withdrawal, to_row
from discourse.readers.twitter_v1 import drafts, looks_like
from discourse.readers.values import Reason, decode_object

KEY = Key.made_up("twitter_v1")
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "twitter_v1.jsonl"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
EXPORTS = SHARED / "data" / "export_fixtures" / "twitter_api_v1_1"
NOT_A_POST = Reason.NOT_A_POST
REMOVED = Reason.REMOVED
TWEET = {"id_str": "9001", "created_at": "Wed Oct 10 20:19:24 +0000 2018", "user": {"id_str": "42"}, "text": "peace"}


def read(path: Path) -> Corpus:
    taken: list[Taken] = []
    for number, line in open_lines(path):
        record = decode_object(line)
        for item in [record] if isinstance(record, Reason) else drafts(record):
            taken.append((item, path.name, number))
    return take_all(KEY, taken)


def one(**fields: Any) -> Draft:
    (draft,) = drafts({**TWEET, **fields})
    assert isinstance(draft, Draft)
    return draft


@pytest.fixture(scope="module")
def stream() -> Corpus:
    return read(FIXTURE)


def by_id(corpus: Corpus, number: int) -> dict[str, Any]:
    (row,) = (row for row in corpus.posts.iter_rows(named=True) if row["post_id"] == f"x:{9 * 10**18 + number}")
    return dict(row)


def test_every_line_of_a_stream_is_accounted_for(stream: Corpus) -> None:
    assert stream.files.row(0)[2:] == (10, 5, 0, 5, 0, 1)
    assert stream.quarantine.sort("source_line").select("source_line", "reason").rows() == [
        (4, NOT_A_POST.value),
        (7, NOT_A_POST.value),
        (8, "missing_author"),
        (9, "bad_timestamp"),
        (10, REMOVED.value),
    ]


def test_every_field_of_a_tweet(stream: Corpus) -> None:
    row = by_id(stream, 31)
    assert row["text"] == "Bread &amp; peace, and the text is whole"
    assert str(row["created_at"]) == "2018-10-10 20:19:24+00:00"
    assert (row["kind"], row["parent_id"]) == ("original", None)
    assert (row["likes"], row["replies"], row["reposts"], row["quotes"]) == (7, 1, 3, 0)
    assert (row["country"], row["location"], row["lang_declared"]) == ("PK", "Peshawar", "in")
    assert row["author_id"] == pseudonym(KEY, "x", "531")
    assert row["handle_id"] == handle_pseudonym(KEY, "x", "demo_thirty")
    assert (row["platform"], row["source_line"]) == ("x", 2)


def test_a_retweet_of_a_quote_in_a_reply_is_a_repost_with_the_whole_text_and_no_counts(stream: Corpus) -> None:
    row = by_id(stream, 32)
    assert (row["kind"], row["parent_id"]) == ("repost", f"x:{9 * 10**18 + 31}")
    assert row["text"] == "Bread &amp; peace, and the text is whole"
    assert (row["likes"], row["replies"], row["reposts"], row["quotes"]) == (None,) * 4
    assert row["author_id"] == pseudonym(KEY, "x", "532")
    assert (row["country"], row["location"]) == (None, None)
    assert row["handle_id"] == handle_pseudonym(KEY, "x", "demo_thirty_one")


def test_a_quote_within_a_reply_is_a_quote_and_a_reply_a_reply(stream: Corpus) -> None:
    quote, reply = by_id(stream, 33), by_id(stream, 34)
    assert (quote["kind"], quote["parent_id"], quote["text"]) == ("quote", f"x:{9 * 10**18 + 31}", "سوله <3")
    assert (quote["likes"], quote["reposts"], quote["replies"], quote["quotes"]) == (1, 0, None, None)
    assert (reply["kind"], reply["parent_id"], reply["country"]) == ("reply", f"x:{9 * 10**18 + 33}", "AF")
    assert (reply["likes"], reply["reposts"], reply["handle_id"]) == (None, None, None)
    assert reply["author_id"] == pseudonym(KEY, "x", "534")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"extended_tweet": {"full_text": "a"}, "full_text": "b", "text": "c"}, "a"),
        ({"extended_tweet": {}, "full_text": "b", "text": "c"}, "b"),
        ({"extended_tweet": None, "full_text": None, "text": "c"}, "c"),
        ({"extended_tweet": {"full_text": ""}, "text": "c"}, ""),
        ({"full_text": "mine", "retweeted_status": {"id_str": "1", "full_text": "b", "text": "c"}}, "b"),
        ({"full_text": "mine", "retweeted_status": {"id_str": "1", "text": "c"}}, "c"),
        ({"full_text": "RT @demo: &lt;", "retweeted_status": {"id_str": "1"}}, "RT @demo: <"),
        ({"quoted_status": {"id_str": "1", "full_text": "theirs"}}, "peace"),
    ],
)
def test_the_order_of_texts(fields: dict[str, Any], text: str) -> None:
    assert one(**fields).text == text


def test_a_quote_whose_tweet_is_gone_and_one_known_only_by_its_object() -> None:
    gone = one(is_quote_status=True, in_reply_to_status_id_str="9")
    assert (gone.kind, gone.parent) == ("quote", None)
    inlined = one(quoted_status={"id_str": "8"}, in_reply_to_status_id_str="9")
    assert (inlined.kind, inlined.parent) == ("quote", "8")
    assert one(is_quote_status=False, retweeted_status=None).kind == "original"


def test_an_answer_to_an_account_and_to_no_tweet_is_an_original() -> None:
    draft = one(in_reply_to_user_id_str="42", in_reply_to_status_id=None, in_reply_to_status_id_str=None)
    assert (draft.kind, draft.parent) == ("original", None)


def test_the_string_wins_over_a_rounded_number() -> None:
    assert one(id_str="9000000000000000001", id=9000000000000000000).id == "9000000000000000001"


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (2**53, f"x:{2**53}"),
        (20, "x:20"),
        (2**53 + 1, "id_precision_lost"),
        (9000000000000000000, "id_precision_lost"),
        (10**400, "id_precision_lost"),
        (0, "id_out_of_range"),
        (9.5, "id_precision_lost"),
        (True, "bad_id"),
        ([], "bad_id"),
        (None, "missing_id"),
    ],
)
def test_a_number_alone_is_an_id_only_as_long_as_it_is_exact(number: Any, outcome: str) -> None:
    for empty in ({}, {"id_str": ""}, {"id_str": None}):
        bare = {name: value for name, value in TWEET.items() if name != "id_str"}
        (draft,) = drafts({**bare, "created_at": "Sun Nov 28 22:14:18 +0000 2010", "id": number, **empty})
        assert isinstance(draft, Draft)
        row = to_row(draft, KEY, "a", 1)
        assert (row if isinstance(row, Reason) else row.post_id) == outcome


@pytest.mark.parametrize("fields", [{"retweeted_status": {"id": 2**53 + 1}}, {"in_reply_to_status_id": 2**53 + 1}])
def test_a_parent_that_may_be_rounded_is_refused(fields: dict[str, Any]) -> None:
    assert to_row(one(**fields), KEY, "a", 1) == "id_precision_lost"


@pytest.mark.parametrize(
    "fields",
    [
        {"withheld_copyright": True},
        {"withheld_in_countries": ["XY"]},
        {"withheld_in_countries": ["PK", "XX"]},
        {"retweeted_status": {"id_str": "1", "text": "notice", "withheld_copyright": True}},
    ],
)
def test_a_tweet_withheld_from_all_has_no_text(fields: dict[str, Any]) -> None:
    assert list(drafts({**TWEET, **fields})) == [REMOVED]


@pytest.mark.parametrize(
    "fields", [{"withheld_copyright": False}, {"withheld_in_countries": ["PK"]}, {"withheld_in_countries": [["XX"]]}]
)
def test_a_tweet_withheld_in_one_country_keeps_its_text(fields: dict[str, Any]) -> None:
    assert one(**fields).text == "peace"


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "42"},
        {"user": []},
        {"place": "PK", "retweeted_status": 1, "quoted_status": [], "extended_tweet": "a"},
        {"retweeted_status": []},
        {"id_str": {}, "text": 5},
    ],
)
def test_odd_shapes_are_drafts(fields: dict[str, Any]) -> None:
    draft = one(**fields)
    assert draft.kind == "original"
    assert isinstance(to_row(draft, KEY, "a", 1), (tuple, Reason))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": None}, "missing_text"),
        ({"text": 5}, "wrong_type"),
        ({"created_at": None}, "bad_timestamp"),
        ({"favorite_count": "3"}, "wrong_type"),
        ({"user": {"id_str": "42", "location": 5}}, "wrong_type"),
    ],
)
def test_wrong_types_are_refused(fields: dict[str, Any], reason: str) -> None:
    assert to_row(one(**fields), KEY, "a", 1) == reason


def test_a_search_answer_gives_its_tweets() -> None:
    items = list(drafts({"statuses": [TWEET, 5, {**TWEET, "id_str": "9002"}], "search_metadata": {}}))
    assert [item.id if isinstance(item, Draft) else item for item in items] == ["9001", "not_an_object", "9002"]
    assert list(drafts({"statuses": []})) == []


NOTICES = [
    {"delete": {"status": {"id_str": "9001", "user_id_str": "42"}, "timestamp_ms": "1"}},
    {"scrub_geo": {"user_id": 42, "up_to_status_id": 9001}},
    {"limit": {"track": 1234}},
    {"status_withheld": {"id": 9001, "user_id": 42, "withheld_in_countries": ["DE"]}},
    {"user_withheld": {"id": 42, "withheld_in_countries": ["DE"]}},
    {"disconnect": {"code": 4, "stream_name": "", "reason": ""}},
    {"warning": {"code": "FALLING_BEHIND", "percent_full": 60}},
]


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: next(iter(notice)))
def test_notices_are_known_and_are_no_posts(notice: dict[str, Any]) -> None:
    assert looks_like(notice)
    assert list(drafts(notice)) == ([Withdrawal("x", "9001")] if "delete" in notice else [NOT_A_POST])


def test_a_deletion_that_names_no_tweet_withdraws_nothing() -> None:
    assert list(drafts({"delete": {"status": {"user_id_str": "42"}}})) == [NOT_A_POST]
    assert list(drafts({"delete": {"status": {"id": 9001}}})) == [Withdrawal("x", 9001)]
    assert list(drafts({"delete": {"status": {"id": 9001, "id_str": ""}}})) == [Withdrawal("x", 9001)]
    assert list(drafts({"delete": {"status": {"id": 9.001e18}}})) == [Reason.ID_PRECISION_LOST]
    assert list(drafts({"delete": {"status": {"id": ["9001"]}}})) == [NOT_A_POST]


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"edit_history_tweet_ids": ["9000", "9001"]}, "9000"),
        ({"edit_history_tweet_ids": ["9001"]}, None),
        ({"edit_history": {"initial_tweet_id": "9000", "edit_tweet_ids": ["9000", "9001"]}}, "9000"),
        ({"edit_history": {"initial_tweet_id": "9001", "edit_tweet_ids": ["9001"]}}, None),
        ({"edit_history": ["9000", "9001"], "edit_history_tweet_ids": "9000"}, None),
        ({}, None),
    ],
)
def test_an_edited_tweet_names_its_first_version(fields: dict[str, Any], first: str | None) -> None:
    assert one(**fields).version_of == first


def test_when_a_tweet_was_fetched_is_what_twarc_says() -> None:
    assert one(__twarc={"retrieved_at": "2022-03-01T09:30:00+00:00"}).collected_at == "2022-03-01T09:30:00+00:00"
    assert one(__twarc="yesterday").collected_at is None


@pytest.mark.parametrize(
    "layout", ["lines", "array", "indented array", "answer", "indented answer", "lines of answers"]
)
def test_the_same_tweets_in_every_container(layout: str, tmp_path: Path) -> None:
    tweets = [{**TWEET, "id_str": f"900{number}", "text": f"peace {number}"} for number in range(1, 5)]
    answer = {"statuses": tweets, "search_metadata": {"count": 4}}
    path = tmp_path / "tweets.json"
    indent = 2 if "indented" in layout else None
    whole: Any = answer if "answer" in layout else tweets
    text = json.dumps(whole, indent=indent)
    if layout == "lines":
        text = "\n".join(json.dumps(tweet) for tweet in tweets)
    elif layout == "lines of answers":
        text = "\n".join(json.dumps({**answer, "statuses": [tweet]}) for tweet in tweets)
    path.write_text(text, "utf-8")
    corpus = read_posts(path, key=KEY)
    assert corpus.files.row(0)[1:] == ("twitter_v1", 4, 4, 0, 0, 0, 0)
    rows = corpus.posts.sort("post_id").select("post_id", "text").rows()
    assert rows == [(f"x:900{number}", f"peace {number}") for number in range(1, 5)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "id", "id_str", "user", "text", "full_text", "extended_tweet", "retweeted_status", "quoted_status", "place",
    "quoted_status_id", "in_reply_to_status_id", "withheld_in_countries", "edit_history", "__twarc", "created_at",
    "favorite_count", "statuses", "delete", "limit",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9))
@settings(deadline=None, max_examples=200)
def test_no_record_makes_it_fail(record: dict[str, Any]) -> None:
    assert isinstance(looks_like(record), bool)
    for item in drafts(record):
        assert isinstance(item, Draft | Reason | Withdrawal)
        assert not isinstance(item, Draft) or isinstance(to_row(item, KEY, "a", 1), (tuple, Reason))


@pytest.mark.parametrize("record", [TWEET, {"statuses": [], "search_metadata": {}}, {"statuses": [1, TWEET]}])
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    assert not x_api.looks_like(record)
    assert not rtweet.looks_like(record)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"delete": True},
        {"limit": {"count": 5}},
        {"delete": {"status": {}}, "id": 1},
        {"statuses": [{}]},
        {"statuses": "none"},
        {"id": "1", "author_id": "2", "text": "a", "created_at": ""},
        {"status_id": "1", "user_id": "2", "text": "a"},
        {"id": "1", "account": {}, "content": "", "created_at": ""},
        *({name: value for name, value in TWEET.items() if name != left} for left in TWEET),
    ],
)
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


def test_no_part_of_a_person_is_in_what_a_draft_shows() -> None:
    assert "peace" not in repr(one())
    assert twitter_v1.__all__ == ["drafts", "looks_like"]


NAMES = {
    "3.2_extended_tweet_in_compat_mode": 1,
    "3.2_extended_tweet_in_extended_mode": 1,
    "get_search": 1,
    "get_search_raw": 100,
    "get_status_with_place": 1,
    "get_statuses.1": 100,
    "get_user_timeline": 20,
}


@pytest.mark.parametrize("name", NAMES)
def test_real_exports_against_a_plain_count(name: str) -> None:
    path = EXPORTS / f"{name}.json"
    if not path.exists():
        pytest.skip("needs ../shared (export fixtures)")
    given = json.loads(path.read_bytes())
    lines = given if isinstance(given, list) else [given]
    tweets = lines if isinstance(given, list) else given.get("statuses", lines)
    assert all(looks_like(line) for line in lines)
    corpus = read_posts(path, key=KEY)
    assert corpus.files.row(0)[1:] == ("twitter_v1", NAMES[name], NAMES[name], 0, 0, 0, 0)
    rows = {row["post_id"]: row for row in corpus.posts.iter_rows(named=True)}
    assert rows.keys() == {f"x:{tweet['id_str']}" for tweet in tweets}
    for tweet in tweets:
        row = rows[f"x:{tweet['id_str']}"]
        source_tweet = tweet.get("retweeted_status", tweet)
        whole = source_tweet.get("full_text") or source_tweet["text"]
        plain = whole.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert row["text"] == hide_people(KEY, "x", plain)
        assert row["author_id"] == pseudonym(KEY, "x", str(tweet["user"]["id"]))
        assert row["location"] == (tweet["user"].get("location") or None)
        assert row["country"] == (tweet.get("place") or {}).get("country_code")
        assert row["likes"] == (None if "retweeted_status" in tweet else tweet.get("favorite_count"))
        assert row["reposts"] == (None if "retweeted_status" in tweet else tweet.get("retweet_count"))
    kinds = Counter(
        "repost"
        if "retweeted_status" in tweet
        else "quote"
        if "quoted_status_id" in tweet or tweet.get("is_quote_status")
        else "reply"
        if tweet.get("in_reply_to_status_id")
        else "original"
        for tweet in tweets
    )
    assert dict(corpus.posts["kind"].value_counts().rows()) == kinds


def test_every_file_of_the_fixtures_is_read_or_refused_with_a_sentence() -> None:
    if not EXPORTS.exists():
        pytest.skip("needs ../shared (export fixtures)")
    for path in sorted(EXPORTS.iterdir()):
        try:
            given = json.loads(path.read_bytes())
        except ValueError:
            with pytest.raises(BadInput, match=f"^'{path.name}' is "):
                read_posts(path, key=KEY)
            continue
        tweets = given if isinstance(given, list) else given.get("statuses", [given])
        assert read_posts(path, key=KEY).files.row(0) == (path.name, "twitter_v1", *(len(tweets),) * 2, 0, 0, 0, 0)
