from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import BadInput, QuarantineWarning
from discourse.readers.read import read_posts
from discourse.readers.records import Draft, Withdrawal, to_row
from discourse.readers.values import Reason
from discourse.readers.x_api import drafts, looks_like

KEY = Key.made_up("x_api")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
EXPORTS = SHARED / "data" / "export_fixtures" / "twitter_api_v2_twarc2"


@pytest.fixture(scope="module")
def page() -> Corpus:
    with pytest.warns(QuarantineWarning, match="4 of 9 rows"):
        return read_posts(FIXTURES / "page.jsonl", key=KEY)


def by_id(corpus: Corpus, number: int) -> dict[str, Any]:
    rows = [row for row in corpus.posts.iter_rows(named=True) if row["post_id"] == f"x:{9 * 10**18 + number}"]
    assert len(rows) == 1
    return rows[0]


def test_every_row_of_a_page_file_is_accounted_for(page: Corpus) -> None:
    assert page.files.rows() == [("page.jsonl", "x_api", 9, 5, 0, 4, 0, 0)]
    assert page.quarantine.select("source_line", "reason").rows() == [
        (3, "api_error"),
        (5, "missing_id"),
        (5, "not_an_object"),
        (6, "invalid_json"),
    ]


def test_a_note_beats_the_text_and_is_unescaped_once(page: Corpus) -> None:
    first = by_id(page, 1)
    assert first["text"] == "A long note, not cut &amp; whole"
    assert (first["likes"], first["replies"], first["reposts"], first["quotes"]) == (7, 1, 3, 0)
    assert (first["country"], first["location"], first["lang_declared"]) == ("PK", "Peshawar", "en")
    assert first["author_id"] == pseudonym(KEY, "x", "501")
    assert first["handle_id"] == handle_pseudonym(KEY, "x", "demo_one")
    assert first["kind"] == "original"
    assert first["parent_id"] is None


def test_a_repost_has_the_whole_original_and_no_counts(page: Corpus) -> None:
    second, third = by_id(page, 2), by_id(page, 3)
    assert second["text"] == "only the first words of a note <3"
    assert third["text"] == f"RT @{handle_pseudonym(KEY, 'x', 'demo_four')[2:]}: original not included"
    for row, parent in ((second, 9), (third, 8)):
        assert (row["kind"], row["parent_id"]) == ("repost", f"x:{9 * 10**18 + parent}")
        assert (row["likes"], row["replies"], row["reposts"], row["quotes"]) == (None,) * 4
    assert second["author_id"] == pseudonym(KEY, "x", "502")
    assert second["location"] is None


def test_a_quote_in_a_reply_is_a_quote_and_a_reply_a_reply(page: Corpus) -> None:
    quote, reply = by_id(page, 4), by_id(page, 5)
    assert (quote["kind"], quote["parent_id"], quote["source_line"]) == ("quote", f"x:{9 * 10**18 + 2}", 2)
    assert (reply["kind"], reply["parent_id"], reply["source_line"]) == ("reply", f"x:{9 * 10**18 + 1}", 5)
    assert (reply["likes"], reply["reposts"]) == (0, None)


def test_included_tweets_are_no_posts(page: Corpus) -> None:
    assert f"x:{9 * 10**18 + 9}" not in page.posts["post_id"].to_list()


def test_flattened_tweets() -> None:
    corpus = read_posts(FIXTURES / "flat.jsonl", key=KEY)
    assert corpus.files.rows() == [("flat.jsonl", "x_api", 3, 3, 0, 0, 0, 0)]
    first, second, third = (by_id(corpus, number) for number in (11, 12, 13))
    assert (first["country"], first["location"], first["likes"], first["quotes"]) == ("AF", "Kabul", 2, 1)
    assert first["handle_id"] == handle_pseudonym(KEY, "x", "demo_five")
    assert (second["kind"], second["text"], second["reposts"]) == ("repost", "سوله", None)
    assert third["kind"] == "original"
    assert third["text"] == f"RT @{handle_pseudonym(KEY, 'x', 'demo_seven')[2:]}: gone"


@pytest.mark.parametrize(
    "record",
    [
        {"data": [{"id": "1", "referenced_tweets": 5, "public_metrics": None, "geo": [], "author": "x"}]},
        {
            "data": [{"referenced_tweets": [None, {"type": ["retweeted"]}, {"type": "retweeted", "id": {}}]}],
            "includes": [],
        },
        {"data": [{"author_id": ["1"], "geo": {"place_id": {}}}], "includes": {"users": {}, "tweets": [1, {"id": []}]}},
        {"data": "text"},
        {"note_tweet": "no object"},
        {},
    ],
)
def test_odd_shapes_are_drafts_or_reasons(record: dict[str, Any]) -> None:
    items = list(drafts(record))
    assert len(items) == 1
    assert isinstance(items[0], Draft | Reason)


def test_metrics_of_another_type_are_refused() -> None:
    assert list(drafts({"id": "1", "public_metrics": "none"})) == [Reason.WRONG_TYPE]


def test_an_answer_without_results_is_no_row_and_one_with_errors_beside_data_no_error() -> None:
    assert list(drafts({"meta": {"result_count": 0}})) == []
    assert list(drafts({"data": [], "errors": [{}]})) == []
    assert [type(item) for item in drafts({"data": [{"id": "1"}], "errors": [{}]})] == [Draft]


@pytest.mark.parametrize(
    "record",
    [
        {"status_id": "1", "user_id": "2", "text": "a"},
        {"id": "1", "text": "a"},
        {"data": [1]},
        {"id_str": "1", "user": {"id_str": "2"}, "text": "a", "created_at": ""},
        {"id": "k1", "created_utc": 1746612000, "body": "a", "link_id": "t3_p1"},
        {"kind": "youtube#commentThreadListResponse", "items": []},
        {"delete": {"status": {"id_str": "1"}}},
        {"delete": {"tweet": "1"}},
        {"delete": {"tweet": {"id": "1"}}, "id": "1"},
        {"delete": True},
        {},
    ],
)
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


NOTICE = {"delete": {"tweet": {"id": "9000000000000000003", "author_id": "42"}, "event_at": "2023-11-14T21:50:33.000Z"}}


def tweet(number: int, **fields: Any) -> dict[str, Any]:
    made = {"id": str(9 * 10**18 + number), "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "peace"}
    return {**made, **fields}


def test_a_notice_of_a_deletion_takes_its_tweet_and_the_reposts_of_it_back(tmp_path: Path) -> None:
    repost = tweet(4, referenced_tweets=[{"type": "retweeted", "id": "9000000000000000003"}])
    older = {"delete": {"status": {"id": 9000000000000000002}}}
    path = tmp_path / "stream.jsonl"
    path.write_text(
        "\n".join(json.dumps(line) for line in (NOTICE, tweet(1), tweet(2), older, tweet(3), repost)), "utf-8"
    )
    corpus = read_posts(path, key=KEY)
    assert corpus.posts["post_id"].to_list() == ["x:9000000000000000001"]
    assert corpus.files["read"].item() == 6
    assert corpus.files["quarantined"].item() == 0


def test_a_file_of_notices_only_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deleted.jsonl"
    path.write_text(json.dumps(NOTICE), "utf-8")
    assert looks_like(NOTICE)
    assert list(drafts(NOTICE)) == [Withdrawal("x", "9000000000000000003")]
    corpus = read_posts(path, key=KEY)
    assert (corpus.files["format"].item(), corpus.files["read"].item(), corpus.posts.height) == ("x_api", 1, 0)


@pytest.mark.parametrize(
    ("notice", "item"),
    [
        ({"tweet": {"author_id": "42"}}, Reason.NOT_A_POST),
        ({"tweet": {"id": ""}}, Reason.NOT_A_POST),
        ({"tweet": {"id": True}}, Reason.NOT_A_POST),
        ({"tweet": {"id": 9.001e18}}, Reason.ID_PRECISION_LOST),
        ({"tweet": {"id": 9001}}, Withdrawal("x", 9001)),
        ({"status": {"id_str": "9001", "id": 9.001e18}}, Withdrawal("x", "9001")),
        ({}, Reason.NOT_A_POST),
    ],
)
def test_what_a_notice_names(notice: dict[str, Any], item: Any) -> None:
    assert list(drafts({"delete": notice})) == [item]


def test_a_tweet_with_a_field_of_that_name_is_still_a_tweet() -> None:
    (item,) = drafts({**tweet(1), "delete": {"tweet": {"id": "9001"}}})
    assert isinstance(item, Draft)
    assert item.id == "9000000000000000001"


def test_when_a_page_or_a_flattened_tweet_was_fetched() -> None:
    stamp = {"__twarc": {"retrieved_at": "2022-03-01T09:30:00+00:00", "version": "2.8.0"}}
    for record in ({"data": [tweet(1), tweet(2)], **stamp}, {**tweet(1), **stamp}, {"data": tweet(1), **stamp}):
        for item in drafts(record):
            assert isinstance(item, Draft)
            row = to_row(item, KEY, "a", 1)
            assert not isinstance(row, Reason)
            assert str(row.collected_at) == "2022-03-01 09:30:00+00:00"
    (item,) = drafts(tweet(1, __twarc=5))
    assert isinstance(item, Draft)
    assert item.collected_at is None


@pytest.mark.parametrize(
    ("history", "first"),
    [
        (["9000000000000000001", "9000000000000000002"], "x:9000000000000000001"),
        (["9000000000000000002", "9000000000000000003"], None),
        (["9000000000000000002"], None),
        (["9000000000000000001"], None),
        ([], None),
        ("9000000000000000001", None),
        (None, None),
    ],
)
def test_an_edited_tweet_names_its_first_version(history: Any, first: str | None) -> None:
    (item,) = drafts(tweet(2, edit_history_tweet_ids=history))
    assert isinstance(item, Draft)
    row = to_row(item, KEY, "a", 1)
    assert not isinstance(row, Reason)
    assert row.version_of == first


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "id", "author_id", "author", "text", "note_tweet", "referenced_tweets", "public_metrics", "geo", "includes",
    "data", "meta", "errors", "__twarc", "edit_history_tweet_ids", "created_at", "delete", "lang",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9))
@settings(deadline=None, max_examples=200)
def test_no_record_makes_it_fail(record: dict[str, Any]) -> None:
    assert isinstance(looks_like(record), bool)
    for item in drafts(record):
        assert isinstance(item, Draft | Reason | Withdrawal)
        assert not isinstance(item, Draft) or isinstance(to_row(item, KEY, "a", 1), (tuple, Reason))


NAMES = (
    "2sets",
    "brexit",
    "cotweet",
    "edited",
    "flat",
    "geo_tweets",
    "noflat",
    "streaming_output_with_error",
    "two_tweets",
    "withheld",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
def test_real_exports_against_a_plain_count(name: str) -> None:
    path = EXPORTS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("needs ../shared (export fixtures)")
    tweets: list[dict[str, Any]] = []
    broken = 0
    for line in path.read_bytes().split(b"\n"):
        try:
            record = json.loads(line or b"{}")
        except ValueError:
            broken += 1
            continue
        data = record.get("data", [record] if "id" in record else [])
        tweets += data if isinstance(data, list) else [data]
    kinds: Counter[str] = Counter()
    for tweet in tweets:
        types = {reference["type"] for reference in tweet.get("referenced_tweets", [])}
        kinds[
            "repost" if "retweeted" in types else "quote" if "quoted" in types else "reply" if types else "original"
        ] += 1
    corpus = read_posts(path, key=KEY)
    assert corpus.files.row(0)[1:6] == ("x_api", len(tweets) + broken, len(tweets), 0, broken)
    assert corpus.posts["post_id"].to_list() == sorted(f"x:{tweet['id']}" for tweet in tweets)
    assert dict(corpus.posts["kind"].value_counts().rows()) == kinds
    assert corpus.posts["author_id"].n_unique() == len({tweet["author_id"] for tweet in tweets})
    cells = {cell for column in ("author_id", "handle_id") for cell in corpus.posts[column].drop_nulls()}
    assert not cells & {tweet["author_id"] for tweet in tweets}
    assert all(cell.startswith("x:") and len(cell) == 28 for cell in cells)


def test_flattened_and_paged_exports_give_the_same_posts() -> None:
    if not EXPORTS.exists():
        pytest.skip("needs ../shared (export fixtures)")
    paged, flat = (read_posts(EXPORTS / name, key=KEY).posts for name in ("noflat.jsonl", "flat.jsonl"))
    same = [
        "post_id",
        "author_id",
        "created_at",
        "text",
        "kind",
        "parent_id",
        "handle_id",
        "location",
        "country",
        "likes",
    ]
    assert paged.select(same).equals(flat.select(same), null_equal=True)
    assert paged.filter(paged["kind"] == "repost")["text"].str.starts_with("RT @").sum() == 0


@pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
def test_every_file_of_the_fixtures_is_read_or_refused_with_a_sentence() -> None:
    if not EXPORTS.exists():
        pytest.skip("needs ../shared (export fixtures)")
    read = {path.name for path in EXPORTS.iterdir() if path.suffix == ".jsonl"}
    assert read == {f"{name}.jsonl" for name in NAMES}
    for path in sorted(EXPORTS.iterdir()):
        if path.name in read:
            files = read_posts(path, key=KEY).files
            assert files["read"].item() == sum(files[name].item() for name in ("accepted", "duplicates", "quarantined"))
        else:
            with pytest.raises(BadInput, match=f"^'{path.name}' is "):
                read_posts(path, key=KEY)
