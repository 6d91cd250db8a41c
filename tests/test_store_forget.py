"""What is deleted is gone from every byte and stays away; what was set aside comes back when it can be read."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, tombstone
from discourse.errors import BadInput, PrivacyError, UsageError
from discourse.readers import read, x_api
from discourse.readers.records import Draft, Item, Withdrawal
from discourse.readers.values import Reason
from discourse.store.checking import gc, verify
from discourse.store.forgetting import compliance_ids, forget, ids_in
from discourse.store.importing import import_posts
from discourse.store.manifest import latest
from discourse.store.reading import digest_of, history_of, read_corpus
from discourse.store.requeue import requeue
from discourse.store.scrubbing import holds_one_of
from discourse.store.segments import read_part

pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
KEY = Key.made_up("forget")
MAY = "2025-05-07T10:00:00Z"
Record = dict[str, Any]
BROKEN = {"on": False}


def made_drafts(record: Mapping[str, Any]) -> Iterator[Item]:
    """A format of this test alone; while `BROKEN` is on it cannot read what is marked as hard."""
    for one in record["made"]:
        given = {name: value for name, value in one.items() if name != "hard"}
        if one.get("hard") and BROKEN["on"]:
            yield Reason.WRONG_TYPE
        elif "gone" in one:
            yield Withdrawal("x", one["gone"], one.get("of", "post"))
        elif "bad" in one:
            yield Reason.API_ERROR
        else:
            fixed = {"platform": "x", "created_at": MAY, "author": "420042", "text": "peace"}
            yield Draft(**{**fixed, **given})


@pytest.fixture(autouse=True)
def made_format(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = SimpleNamespace(looks_like=lambda record: "made" in record, drafts=made_drafts)
    monkeypatch.setitem(read._RECORDS, "made", module)
    BROKEN["on"] = False
    yield
    BROKEN["on"] = False


def line(*items: Record) -> str:
    return json.dumps({"made": items})


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    return path


def adds_up(corpus: Path) -> None:
    whole = read_corpus(corpus)
    for row in whole.files.iter_rows(named=True):
        assert row["read"] == row["accepted"] + row["duplicates"] + row["quarantined"], row
    assert whole.quarantine.height == whole.files["quarantined"].sum()
    assert verify(corpus).problems == ()


def everything(corpus: Path) -> bytes:
    """Every byte under the corpus, and of Parquet files every value of every column, unpacked."""
    found = io.BytesIO()
    for path in sorted(corpus.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found.write(path.name.encode() + data)
            if data[:4] == b"PAR1":
                with pq.ParquetFile(path) as file:
                    for group in range(file.num_row_groups):
                        for name, values in file.read_row_group(group).to_pydict().items():
                            raw = [one if isinstance(one, bytes) else str(one).encode() for one in values]
                            found.write(name.encode() + b"\n" + b"\n".join(raw))
    return found.getvalue()


POST = {"id": "9000001", "author": "770001", "handle": "Demo_One", "text": "canary peace"}
OTHERS: list[Record] = [
    {"id": "9000002", "kind": "repost", "parent": "9000001", "text": "canary peace"},
    {"id": "9000003", "kind": "reply", "parent": "9000001", "text": "so it is"},
    {"id": "9000004", "version_of": "9000001", "author": "770001", "handle": "Demo_One", "text": "canary peace!"},
    {"id": "9000005", "author": "770003", "text": "rain"},
]
ASIDE = ['{"made": [{"id": "9000001", "text": "canary peace"', '{"by": "@DEMO_one", "x": "770001", "t": "canary']
LEFT = ["x:9000003", "x:9000005"]
NAMES = [{"posts": ["x:9000001"]}, {"posts": ["x:9000004"]}, {"authors": ["x:770001"]}, {"authors": ["x:@demo_one"]}]


@pytest.mark.parametrize("what", NAMES, ids=["post", "later version", "author", "handle"])
@pytest.mark.parametrize("when", ["after", "before", "between"])
def test_no_byte_of_what_was_forgotten_is_left(what: dict[str, list[str]], when: str, tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    start = written(tmp_path / "start.jsonl", line({"id": "9000009"}))
    own = written(tmp_path / "own.jsonl", line(POST), ASIDE[0])
    others = written(tmp_path / "others.jsonl", *map(line, OTHERS), ASIDE[1])
    steps: list[Any] = {"after": [own, others, what], "before": [what, own, others], "between": [others, what, own]}[
        when
    ]
    import_posts(start, corpus, key=KEY)
    for step in steps:
        if step is what:
            if when == "after":
                assert b"canary" in everything(corpus)
                (corpus / "data/left.parquet").write_bytes(b"canary left by a crash")
            forget(corpus, key=KEY, **what)
            assert [int(path.stem) for path in (corpus / "manifests").iterdir()] == [latest(corpus).generation] or (
                when == "before"
            )
        else:
            import_posts(step, corpus, key=KEY)
    again = written(tmp_path / "again.jsonl", line(POST), *map(line, OTHERS))
    import_posts(again, corpus, key=KEY)
    gc(corpus)
    assert sorted(set(read_corpus(corpus).posts["post_id"]) - {"x:9000009"}) == LEFT
    assert sorted(set(history_of(corpus)["post_id"]) - {"x:9000009"}) == LEFT
    adds_up(corpus)
    bytes_ = everything(corpus)
    assert b"so it is" in bytes_
    named = {"post": b"9000001", "author": b"770001", "handle": b"demo_one"}
    gone = {
        "posts": [b"9000001", b"9000004"], "authors": [b"770001", b"9000001", b"9000004"],
    }["posts" if "posts" in what else "authors"]  # fmt: skip
    stored = b"".join(
        str(value).encode() for part in latest(corpus).of("posts")
        for row in pl.read_parquet(corpus / "data" / part.name).rows() for value in row
    )  # fmt: skip
    assert b"canary" not in stored
    assert not [one for one in (*gone, *named.values()) if one in stored]
    asked = [one.partition(":")[2].removeprefix("@").encode() for ones in what.values() for one in ones]
    assert not [one for one in asked if one in bytes_.lower()]


def test_what_was_set_aside_loses_the_bytes_that_hold_the_id(tmp_path: Path) -> None:
    held = [
        '{"id": "9000001", "t',
        '{"id": "99000001", "t',
        '{"t": "see\\n9000001',
        '{"by": "\\u0627\\u0645\\u0646", "t',
        "{",
    ]
    import_posts(written(tmp_path / "a.jsonl", line(POST), *held), tmp_path / "c", key=KEY)
    done = forget(tmp_path / "c", posts=["x:9000001"], authors=["x:@امن"], key=KEY)
    assert (done.posts, done.set_aside) == (1, 3)
    bytes_ = everything(tmp_path / "c")
    assert b'"99000001"' in bytes_  # another id
    assert b'"9000001"' not in bytes_
    assert b"n9000001" not in bytes_
    assert b"u0627" not in bytes_
    assert read_corpus(tmp_path / "c").quarantine.height == 5
    adds_up(tmp_path / "c")


@pytest.mark.parametrize("how", ["forgotten", "notice"])
def test_bytes_that_are_set_aside_later_lose_it_too(how: str, tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    import_posts(
        written(tmp_path / "a.jsonl", line({"id": "9000009"}), '{"id": "9000001", "t": "canary'), corpus, key=KEY
    )
    if how == "forgotten":
        forget(corpus, posts=["x:9000001"], authors=["x:@demo_one"], key=KEY)
    else:
        notice = written(tmp_path / "n.jsonl", line({"gone": "9000001"}), line({"gone": "@demo_one", "of": "author"}))
        import_posts(notice, corpus, key=KEY)
    held = ['{"id": 9000001, "t": "canary', '{"by": "Demo_One", "canary', "{'kept'"]
    late = written(tmp_path / "b.jsonl", line({"id": "9000008"}), *held)
    import_posts(late, corpus, key=KEY)
    gc(corpus)
    bytes_ = everything(corpus)
    assert b"canary" not in bytes_
    assert b"kept" in bytes_
    adds_up(corpus)


@pytest.mark.parametrize("order", ["before", "after", "same"])
@pytest.mark.parametrize("notice", [{"gone": "9000001"}, {"gone": "770001", "of": "author"}], ids=["post", "author"])
def test_a_notice_takes_a_post_with_all_that_hangs_on_it(order: str, notice: Record, tmp_path: Path) -> None:
    posts = [line(POST), *map(line, OTHERS)]
    files = {
        "before": [[line(notice)], posts[1:], posts[:1]],
        "after": [posts[1:3], posts[:1], posts[3:], [line(notice)]],
        "same": [[*posts, line(notice)]],
    }[order]
    for number, lines in enumerate(files):
        import_posts(written(tmp_path / f"{number}.jsonl", *lines), tmp_path / "c", key=KEY)
        adds_up(tmp_path / "c")
    corpus = read_corpus(tmp_path / "c")
    assert sorted(corpus.posts["post_id"]) == LEFT
    (parent,) = corpus.posts.filter(post_id="x:9000003")["parent_id"].to_list()
    assert parent == f"x:{tombstone(KEY, 'x:9000001')}"  # still the same post for all who replied to it
    gc(tmp_path / "c")
    assert b"canary" not in everything(tmp_path / "c")
    assert b"9000001" not in everything(tmp_path / "c")
    whole = read.read_posts(sorted(tmp_path.glob("*.jsonl")), key=KEY).posts
    assert whole.equals(corpus.posts)


def test_what_is_unknown_is_remembered_and_said(tmp_path: Path) -> None:
    import_posts(written(tmp_path / "a.jsonl", line({"id": "9000009"})), tmp_path / "c", key=KEY)
    first = forget(tmp_path / "c", posts=["x:9000001", " x: 9000001 "], key=KEY)
    assert (first.subjects, first.posts, first.rewritten, first.generation) == (1, 0, (), 2)
    again = forget(tmp_path / "c", posts=["x:9000001"], key=KEY)
    assert (again.subjects, again.posts, again.generation) == (0, 0, 2)
    done = import_posts(written(tmp_path / "b.jsonl", line(POST), line(POST)), tmp_path / "c", key=KEY).inputs[0]
    assert (done.read, done.accepted, done.deleted, done.duplicates) == (2, 1, 1, 1)
    assert read_corpus(tmp_path / "c").posts["post_id"].to_list() == ["x:9000009"]


def test_forget_again_clears_what_a_crash_after_it_left(tmp_path: Path) -> None:
    corpus = tmp_path / "c"
    import_posts(written(tmp_path / "a.jsonl", line(POST), line({"id": "9000009"})), corpus, key=KEY)
    kept = {path: path.read_bytes() for path in (*(corpus / "data").iterdir(), *(corpus / "manifests").iterdir())}
    forget(corpus, posts=["x:9000001"], key=KEY)
    for path, data in kept.items():
        path.write_bytes(data)
    forget(corpus, posts=["x:9000001"], key=KEY)
    assert b"canary" not in everything(corpus)


def test_another_key_forgets_nothing(tmp_path: Path) -> None:
    import_posts(written(tmp_path / "a.jsonl", line(POST), "{"), tmp_path / "c", key=KEY)
    before = digest_of(tmp_path / "c")
    for work in (
        lambda key: forget(tmp_path / "c", posts=["x:9000001"], key=key),
        lambda key: requeue(tmp_path / "c", key=key),
    ):
        with pytest.raises(PrivacyError, match=r"^the corpus was made with another key"):
            work(Key.made_up("other"))
    assert digest_of(tmp_path / "c") == before


@pytest.mark.parametrize("names", [["9001"], ["x:"], ["x: "], [":9001"], ["a b:1"]])
def test_an_id_without_its_platform_is_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^an id must be written with its platform, like x:9001; the 2th of 2 is not$"
    ):
        forget(tmp_path, posts=["x:1", *names])
    with pytest.raises(UsageError, match=r"^nobody and nothing was named"):
        forget(tmp_path)


def test_a_compliance_file_names_what_went(tmp_path: Path) -> None:
    rows = [
        {"id": "9000001", "action": "delete", "created_at": MAY, "redacted_at": MAY, "reason": "deleted"},
        {"id": 9000002, "reason": "suspended"},
        {"id": "9000003", "action": "scrub_geo", "reason": "scrub_geo"},
        {"id": "9000004", "reason": ["deleted"]},
    ]
    file = written(tmp_path / "job.jsonl", *map(json.dumps, rows))
    assert compliance_ids(file) == ["x:9000001", "x:9000002"]
    import_posts(written(tmp_path / "a.jsonl", line(POST), *map(line, OTHERS)), tmp_path / "c", key=KEY)
    assert forget(tmp_path / "c", posts=compliance_ids(file), key=KEY).posts == 3
    for bad in ({"id": 9.5}, {"id": None}, {"id": True}, {"action": "delete"}, []):
        with pytest.raises(BadInput, match=r"^line 1 of 'job\.jsonl' is no entry of a compliance file"):
            compliance_ids(written(file, json.dumps(bad)))
    assert ids_in(written(tmp_path / "ids.txt", "\ufeff9001 ", "# 9002", "", "@demo_one", "reddit:t3_demo"), "x") == [
        "x:9001", "x:@demo_one", "reddit:t3_demo",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "native", "held"),
    [
        (b'"9001"', "9001", True), (b"n9001,", "9001", True), (b"19001", "9001", False), (b"90011", "9001", False),
        (b"@DEMO_ONE", "demo_one", True), (b"\\u0627\\u0645\\u0646", "امن", True), ("امن".encode(), "امن", True),
        (b"\\u0627\\u0645", "امن", False), (b"did:plc:demo", "did:plc:demo", True), (b"demo", "a.b", False),
    ],
)  # fmt: skip
def test_bytes_hold_an_id_or_not(raw: bytes, native: str, held: bool) -> None:
    assert holds_one_of(raw, [native]) is held


# What a reader cannot read at first.

FAULTY: dict[str, list[str]] = {
    "a post": [line({"id": "9000001", "hard": 1})],
    "two bad items of a page": [line({"id": "9000002"}, {"id": "9000001", "hard": 1}, {"id": "9000003", "hard": 1})],
    "an edit": [
        line({"id": "9000001", "hard": 1, "text": "later", "edited_at": MAY}), line({"id": "9000001", "text": "first"}),
    ],
    "a contradiction": [line({"id": "9000001"}), line({"id": "9000001", "hard": 1, "text": "war"})],
    "a notice": [line({"gone": "9000001", "hard": 1}), line({"id": "9000001"}), line({"id": "9000002"})],
    "a notice of a person": [line({"gone": "420042", "of": "author", "hard": 1}), line({"id": "9000001"})],
    "the same bytes twice": [line({"id": "9000001", "hard": 1})] * 2,
    "one that stays": [line({"id": "9000001", "hard": 1}), "{", line({"bad": 1})],
    "a page of which one item stays": [line({"id": "9000001", "hard": 1}, {"bad": 1})],
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTY)
def test_a_mended_reader_takes_up_what_was_set_aside_as_if_it_had_never_failed(what: str, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", line({"id": "9000009"}), *FAULTY[what])
    import_posts(file, tmp_path / "whole", key=KEY)
    BROKEN["on"] = True
    import_posts(file, tmp_path / "c", key=KEY)
    adds_up(tmp_path / "c")
    assert requeue(tmp_path / "c", key=KEY).left == 0
    BROKEN["on"] = False
    bad = FAULTY[what][0].count("hard") if what != "a page of which one item stays" else 0
    done = requeue(tmp_path / "c", key=KEY)
    assert done.left == max(bad, what != "a page of which one item stays", "twice" in what and 2)
    adds_up(tmp_path / "c")
    assert requeue(tmp_path / "c", key=KEY).generation == done.generation
    if what == "a page of which one item stays":
        assert read_corpus(tmp_path / "c").quarantine.height == 2
        return
    assert digest_of(tmp_path / "c") == digest_of(tmp_path / "whole")
    mended, whole = read_corpus(tmp_path / "c"), read_corpus(tmp_path / "whole")
    assert mended.posts.equals(whole.posts)  # file and line too
    # Which of two is the edit, and what a notice finds to delete, hangs on which is read first.
    first = what == "an edit" or "notice" in what
    counted = ["read", "quarantined"] if first else ["read", "accepted", "duplicates", "quarantined", "deleted"]
    assert mended.files.select(counted).equals(whole.files.select(counted))


def test_what_was_set_aside_in_two_files_of_one_name_is_two_records(tmp_path: Path) -> None:
    BROKEN["on"] = True
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        own = written(tmp_path / str(number) / "a.jsonl", line({"id": f"900000{number}", "hard": 1}))
        import_posts(own, tmp_path / "c", key=KEY)
    BROKEN["on"] = False
    assert requeue(tmp_path / "c", key=KEY).accepted == 2
    assert sorted(read_corpus(tmp_path / "c").posts["post_id"]) == ["x:9000001", "x:9000002"]
    adds_up(tmp_path / "c")


def test_items_of_one_document_keep_their_places(tmp_path: Path) -> None:
    items = [{"id": f"900000{number}", **({"hard": 1} if number in {2, 4} else {})} for number in range(1, 6)]
    (tmp_path / "a.json").write_text(json.dumps({"made": items}, indent=1))
    import_posts(tmp_path / "a.json", tmp_path / "whole", key=KEY)
    BROKEN["on"] = True
    import_posts(tmp_path / "a.json", tmp_path / "c", key=KEY)
    BROKEN["on"] = False
    assert requeue(tmp_path / "c", key=KEY).left == 2
    assert read_corpus(tmp_path / "c").posts.equals(read_corpus(tmp_path / "whole").posts)
    adds_up(tmp_path / "c")


def test_rows_without_bytes_stay(tmp_path: Path) -> None:
    BROKEN["on"] = True
    import_posts(written(tmp_path / "a.jsonl", line({"id": "9000001", "hard": 1}), line(POST)), tmp_path / "c", key=KEY)
    forget(tmp_path / "c", posts=["x:9000001"], key=KEY)
    BROKEN["on"] = False
    done = requeue(tmp_path / "c", key=KEY)
    assert (done.tried, done.left) == (0, 0)
    assert read_corpus(tmp_path / "c").quarantine["reason"].to_list() == ["wrong_type"]
    adds_up(tmp_path / "c")


def test_a_real_reader_that_was_broken_is_taken_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tweets = [{"id": str(9001 + one), "author_id": "42", "created_at": MAY, "text": "peace"} for one in range(4)]
    file = written(tmp_path / "a.jsonl", json.dumps({"data": tweets, "meta": {}}), json.dumps(tweets[0]))
    with monkeypatch.context() as patch:
        module = SimpleNamespace(looks_like=x_api.looks_like, drafts=lambda record: iter([Reason.WRONG_TYPE] * 2))
        patch.setitem(read._RECORDS, "x_api", module)
        import_posts(file, tmp_path / "c", key=KEY)
    assert len(read_corpus(tmp_path / "c")) == 0
    requeue(tmp_path / "c", key=KEY)
    assert sorted(read_corpus(tmp_path / "c").posts["post_id"]) == ["x:9001", "x:9002", "x:9003", "x:9004"]
    adds_up(tmp_path / "c")


def test_what_was_set_aside_of_a_deleted_post_has_no_bytes_to_be_read_again(tmp_path: Path) -> None:
    BROKEN["on"] = True
    file = written(
        tmp_path / "a.jsonl", line({"gone": "9000001"}), line({"id": "9000001", "hard": 1}), line({"id": "9000009"})
    )
    import_posts(file, tmp_path / "c", key=KEY)
    BROKEN["on"] = False
    assert requeue(tmp_path / "c", key=KEY).tried == 0
    assert read_corpus(tmp_path / "c").posts["post_id"].to_list() == ["x:9000009"]
    assert b"9000001" not in everything(tmp_path / "c")
    adds_up(tmp_path / "c")


HARD = st.sampled_from([{}, {"hard": 1}])
POSTS = st.fixed_dictionaries(
    {"id": st.integers(9001, 9004).map(str), "text": st.sampled_from(["peace", "war"])},
    optional={"likes": st.integers(0, 2), "edited_at": st.sampled_from([None, MAY]), "author": st.just("43")},
)
# A deleted post has no bytes that could be read again, so those that are deleted here are never set aside.
DELETED = st.fixed_dictionaries({"id": st.sampled_from(["9005", "9006"])}, optional={"likes": st.integers(0, 2)})
NOTICES = st.builds(lambda one, hard: {"gone": one, **hard}, st.sampled_from(["9005", "9006"]), HARD)
MARKED = st.lists(st.builds(lambda item, hard: {**item, **hard}, POSTS, HARD), min_size=1, max_size=3)
LINES = st.one_of(MARKED, MARKED, DELETED.map(lambda one: [one]), NOTICES.map(lambda one: [one]))


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, min_size=1, max_size=8))
def test_whatever_was_set_aside_the_digest_ends_the_same(lines: list[list[Record]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = written(folder / "a.jsonl", *(line(*one) for one in lines))
        BROKEN["on"] = False
        import_posts(file, folder / "whole", key=KEY)
        BROKEN["on"] = True
        import_posts(file, folder / "c", key=KEY)
        BROKEN["on"] = False
        requeue(folder / "c", key=KEY)
        adds_up(folder / "c")
        assert digest_of(folder / "c") == digest_of(folder / "whole")
        assert set(read_corpus(folder / "c").posts["post_id"]) == set(read_corpus(folder / "whole").posts["post_id"])


def test_an_address_that_names_its_author_is_found_in_what_was_set_aside(tmp_path: Path) -> None:
    address = "at://did:plc:demo/app.bsky.feed.post/3demo1"
    view = {"uri": address, "cid": "c", "author": {"did": "did:plc:demo", "handle": "demo.example"}}
    record = {"$type": "app.bsky.feed.post", "text": 5, "createdAt": "2025-05-07T10:00:00Z"}
    post = {**view, "record": record, "indexedAt": "2025-05-07T10:00:00Z"}
    (tmp_path / "a.jsonl").write_text(json.dumps({"posts": [post]}), encoding="utf-8")
    import_posts(tmp_path / "a.jsonl", tmp_path / "c", key=KEY, format="bluesky")
    (part,) = latest(tmp_path / "c").of("quarantine")
    assert b"3demo1" in read_part(tmp_path / "c", part)["raw"][0]
    done = forget(tmp_path / "c", posts=[f"bluesky:{address}"], key=KEY)
    (part,) = latest(tmp_path / "c").of("quarantine")
    assert (done.set_aside, read_part(tmp_path / "c", part)["raw"].to_list()) == (1, [None])
    (tmp_path / "b.jsonl").write_text(json.dumps({"posts": [post, post]}), encoding="utf-8")
    import_posts(tmp_path / "b.jsonl", tmp_path / "c", key=KEY, format="bluesky")
    for part in latest(tmp_path / "c").of("quarantine"):
        assert not [raw for raw in read_part(tmp_path / "c", part)["raw"] if raw is not None]
