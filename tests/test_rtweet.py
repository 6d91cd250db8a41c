from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers.files import open_lines
from discourse.readers.read import read_posts
from discourse.readers.rtweet import drafts, looks_like

KEY = Key.made_up("rtweet")
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "rtweet.jsonl"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def test_the_four_kinds() -> None:
    corpus = read_posts(FIXTURE, key=KEY)
    assert corpus.files.rows() == [("rtweet.jsonl", "rtweet", 4, 4, 0, 0, 0, 0)]
    base = "x:90000000000000000"
    assert corpus.posts.select(
        "post_id", "kind", "parent_id", "text", "likes", "reposts", "country", "location"
    ).rows() == [
        (f"{base}21", "original", None, "peace & bread", 4, 2, "AF", "Herat"),
        (f"{base}22", "repost", f"{base}21", "peace & bread", None, None, None, None),
        (f"{base}23", "quote", f"{base}21", "why", 1, 0, None, None),
        (f"{base}24", "reply", f"{base}23", "because", 0, 0, None, None),
    ]
    assert corpus.posts["handle_id"].to_list() == [handle_pseudonym(KEY, "x", "demo_eight"), None, None, None]
    assert corpus.posts["author_id"].to_list() == [pseudonym(KEY, "x", user) for user in ("521", "522", "522", "523")]


def test_a_retweet_without_its_original_keeps_its_own_text() -> None:
    for original in (None, ""):
        (draft,) = drafts({"text": "RT @demo_one: &lt;3", "is_retweet": True, "retweet_text": original})
        assert (draft.kind, draft.text) == ("repost", "RT @demo_one: <3")


def test_a_flag_or_an_id_is_enough_for_a_repost() -> None:
    (draft,) = drafts({"text": "a", "retweet_status_id": "9001", "reply_to_status_id": "9002", "favorite_count": 3})
    assert (draft.kind, draft.parent, draft.likes) == ("repost", "9001", None)


def test_only_a_retweet_takes_the_text_of_another() -> None:
    (draft,) = drafts({"text": "mine", "is_retweet": False, "retweet_text": "not mine"})
    assert (draft.kind, draft.text) == ("original", "mine")


def test_other_objects_do_not_look_like_it() -> None:
    assert not looks_like({"id": "1", "author_id": "2", "text": "a"})


def test_the_published_counts_of_a_real_campaign() -> None:
    path = SHARED / "data" / "get-out-2021" / "rtweet.ndjson.zst"
    if not path.exists():
        pytest.skip("needs ../shared (get-out-2021)")
    corpus = read_posts(path, key=KEY)
    read, accepted, duplicates, quarantined = corpus.files.row(0)[2:6]
    assert read == 17_360 == accepted + duplicates + quarantined
    assert len(corpus) == accepted == 17_360
    assert corpus.posts["author_id"].n_unique() == 3_654
    assert corpus.posts["kind"].to_list().count("repost") == 9_489
    assert str(corpus.posts["created_at"].min()) == "2021-02-11 09:36:54+00:00"
    assert (
        corpus.posts.filter(corpus.posts["kind"] == "repost").select("likes", "reposts").null_count().row(0)
        == (9_489,) * 2
    )
    users = {json.loads(line or b"{}")["user_id"] for _, line in open_lines(path)}
    assert len(users) == 3_654
    identifying = [name for name, dtype in corpus.posts.schema.items() if str(dtype) == "String" and name != "text"]
    for name in identifying:
        cells = {part for cell in corpus.posts[name].drop_nulls() for part in (cell, cell.removeprefix("x:"))}
        assert not cells & users, name
