from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import BadInput
from discourse.readers import reddit, rtweet, twitter_v1, x_api, x_archive, youtube
from discourse.readers.formats import Options, Read
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.values import Reason
from discourse.readers.x_archive import drafts, looks_like, looks_like_file, looks_like_zip, reads

KEY = Key.made_up("x_archive")
LONG = "Bread & peace " * 30  # 420 signs
PLACE = {"country_code": "PK"}


def tweet(number: int, text: str = "peace", **fields: Any) -> dict[str, Any]:
    """A tweet as data/tweets.js has it, hand-written: ids and counts are strings."""
    made = {
        "id_str": f"{9 * 10**18 + number}",
        "id": f"{9 * 10**18 + number}",
        "created_at": "Thu Nov 30 08:55:00 +0000 2023",
        "full_text": text,
        "favorite_count": "7",
        "retweet_count": "3",
        "lang": "en",
        "retweeted": False,
        "truncated": False,
    }
    return {"tweet": {**made, **fields}}


def note(text: str, when: str = "2023-11-30T08:55:00.000Z") -> dict[str, Any]:
    return {"noteTweet": {"noteTweetId": "9001", "createdAt": when, "core": {"text": text, "urls": [], "mentions": []}}}


def part(section: str, elements: Any, number: int = 0) -> str:
    return f"window.YTD.{section}.part{number} = {json.dumps(elements, indent=2)}"


OWNER = [{"account": {"email": "demo@example.org", "accountId": "801", "username": "Demo_One"}}]
ACCOUNT = {"data/account.js": part("account", OWNER)}


def packed(folder: Path, members: dict[str, str], **more: str) -> Path:
    path = folder / "demo.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**members, **more}.items():
            archive.writestr(name, text)
    return path


def archive_of(folder: Path, *tweets: Any, **sections: Any) -> Path:
    members = {**ACCOUNT, "data/tweets.js": part("tweets", list(tweets))}
    for section, elements in sections.items():
        members[f"data/{section.replace('_', '-')}.js"] = part(section, elements)
    return packed(folder, members)


def read(path: Path) -> list[Read]:
    return list(reads(path, Options()))


def rows(path: Path) -> list[Any]:
    return [
        to_row(taken.item, KEY, path.name, taken.line) if isinstance(taken.item, Draft) else taken.item
        for taken in read(path)
    ]


def one(folder: Path, text: str = "peace", **fields: Any) -> Row:
    (row,) = rows(archive_of(folder, tweet(1, text, **fields)))
    assert isinstance(row, Row)
    return row


def test_every_field_of_a_tweet(tmp_path: Path) -> None:
    row = one(tmp_path, "Bread &amp;amp; peace امن", place=PLACE)
    assert (row.post_id, row.platform) == ("x:9000000000000000001", "x")
    assert row.text == "Bread &amp; peace امن"
    assert str(row.created_at) == "2023-11-30 08:55:00+00:00"
    assert (row.likes, row.reposts, row.replies, row.quotes) == (7, 3, None, None)
    assert (row.kind, row.parent_id, row.lang_declared, row.country) == ("original", None, "en", "PK")
    assert row.author_id == pseudonym(KEY, "x", "801")
    assert row.handle_id == handle_pseudonym(KEY, "x", "demo_one")
    assert row.version_of is None


def test_a_retweet_is_told_by_its_text_and_has_no_counts(tmp_path: Path) -> None:
    row = one(tmp_path, "RT @demo_two: a &lt; b", in_reply_to_status_id_str="9001")
    assert (row.kind, row.text, row.parent_id) == ("repost", "a < b", None)
    assert (row.likes, row.reposts) == (None, None)
    assert one(tmp_path, "on RT @demo_two: a").kind == "original"


def test_a_reply_to_a_tweet_and_one_to_an_account(tmp_path: Path) -> None:
    reply = one(tmp_path, in_reply_to_status_id_str="9001", in_reply_to_user_id_str="42")
    assert (reply.kind, reply.parent_id) == ("reply", "x:9001")
    only = one(tmp_path, in_reply_to_user_id_str="42")
    assert (only.kind, only.parent_id) == ("original", None)


@pytest.mark.parametrize(
    ("info", "first"),
    [
        ({"initial": {"editTweetIds": ["9000000000000000001"]}}, None),
        ({"initial": {"editTweetIds": ["9000000000000000001", "9000000000000000002"]}}, None),
        ({"initial": {"editTweetIds": ["9000", "9000000000000000001"]}}, "x:9000"),
        ({"edit": {"initialTweetId": "9000", "editControlInitial": {"editTweetIds": ["9000", "9001"]}}}, "x:9000"),
        ({"edit": {"editControlInitial": {"editTweetIds": ["9000", "9001"]}}}, "x:9000"),
        ({"edit": {"initialTweetId": "9000"}}, "x:9000"),
        ({"edit": []}, None),
        (None, None),
    ],
)
def test_the_first_version_of_an_edited_tweet(info: Any, first: str | None, tmp_path: Path) -> None:
    assert one(tmp_path, edit_info=info).version_of == first


@pytest.mark.parametrize(
    ("count", "likes"),
    [("0", 0), ("12", 12), (12, 12), ("", None), (None, None)],
    ids=["0", "12", "int", "empty", "null"],
)
def test_counts_are_strings_and_a_missing_one_is_null(count: Any, likes: int | None, tmp_path: Path) -> None:
    assert one(tmp_path, favorite_count=count).likes == likes


@pytest.mark.parametrize("count", ["many", "-1", "1.0", "٣", "9" * 30, 1.5, True])
def test_what_is_no_count_is_refused(count: Any, tmp_path: Path) -> None:
    assert rows(archive_of(tmp_path, tweet(1, favorite_count=count))) == ["wrong_type"]


def test_parts_are_read_in_their_order_and_each_row_has_its_place(tmp_path: Path) -> None:
    numbers = {"data/tweets.js": 1, "data/tweets-part2.js": 2, "data/tweets-part10.js": 3, "data/community-tweet.js": 4}
    members = {**ACCOUNT}
    for name, number in reversed(numbers.items()):
        section = "community_tweet" if "community" in name else "tweets"
        members[name] = part(section, [tweet(10 * number), tweet(10 * number + 1)], number)
    taken = read(packed(tmp_path, members))
    assert [made.line for made in taken] == list(range(1, 9))
    ids = [made.item.id for made in taken if isinstance(made.item, Draft)]
    assert ids == [f"90000000000000000{number}" for number in (10, 11, 20, 21, 30, 31, 40, 41)]


def test_an_archive_of_before_2022(tmp_path: Path) -> None:
    path = packed(tmp_path, {**ACCOUNT, "data/tweet.js": part("tweet", [tweet(1)["tweet"], tweet(2)])})
    assert [row.post_id for row in rows(path)] == ["x:9000000000000000001", "x:9000000000000000002"]


CLOSED = {
    "data/direct-messages.js": "direct_messages",
    "data/direct-messages-group.js": "direct_messages_group",
    "data/deleted-tweets.js": "deleted_tweets",
    "data/deleted-tweet-headers.js": "deleted_tweet_headers",
    "data/tweet-headers.js": "tweet_headers",
    "data/twitter-circle-tweet.js": "twitter_circle_tweet",
    "data/tweetdeck.js": "tweetdeck",
    "data/like.js": "like",
    "data/contact.js": "contact",
    "data/profile.js": "profile",
    "data/manifest.js": "manifest",
    "data/tweets.js.bak": "tweets",
    "data/old/tweets.js": "tweets",
    "tweets.js": "tweets",
    "other/data/tweets.js": "tweets",
}


def test_nothing_but_the_allowed_members_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = {name: part(section, [tweet(5, "a secret")]) for name, section in CLOSED.items()}
    allowed = {**ACCOUNT, "data/tweets.js": part("tweets", [tweet(1)]), "data/note-tweet.js": part("note_tweet", [])}
    path = packed(tmp_path, {**closed, **allowed})
    opened: list[str] = []
    really = zipfile.ZipFile.open

    def noted(archive: zipfile.ZipFile, name: Any, *rest: Any, **more: Any) -> Any:
        opened.append(getattr(name, "filename", name))
        return really(archive, name, *rest, **more)

    monkeypatch.setattr(zipfile.ZipFile, "open", noted)
    assert [row.post_id for row in rows(path)] == ["x:9000000000000000001"]
    assert set(opened) == set(allowed)


def test_direct_messages_under_the_name_of_tweets_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, {**ACCOUNT, "data/tweets.js": part("direct_messages", [tweet(1, "a secret")])})
    with pytest.raises(BadInput, match=r"'data/tweets\.js' in 'demo\.zip' does not begin as X writes it") as refusal:
        read(path)
    assert "secret" not in str(refusal.value)


def test_a_long_post_gets_the_whole_text_of_its_note(tmp_path: Path) -> None:
    cut = LONG[:270].replace("&", "&amp;") + "… https://t.co/abc123"
    whole = LONG + "<3"
    path = archive_of(tmp_path, tweet(1, cut), note_tweet=[note("Another " + LONG), note(whole)])
    assert [row.text for row in rows(path)] == [whole]


@pytest.mark.parametrize("written", ["a &amp; b", "a & b"])
def test_a_note_is_joined_whether_or_not_x_escaped_it(written: str, tmp_path: Path) -> None:
    start = "x" * 150
    path = archive_of(tmp_path, tweet(1, f"{start} a &amp;"), note_tweet=[note(f"{start} {written}")])
    assert [row.text for row in rows(path)] == [f"{start} a & b"]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (LONG[:270], note(LONG, "2023-11-30T08:55:01.000Z")),
        (LONG[:270], note("Another " + LONG)),
        (LONG[:90], note(LONG)),
        ("https://t.co/abc123", note(LONG)),
        (LONG[:270], note(LONG[:200])),
        (LONG[:250].strip() + " https://t.co/abc123", note(LONG[:250].strip())),
        (LONG[:270], note(LONG, "yesterday")),
        (LONG[:270], {"noteTweet": {"createdAt": "2023-11-30T08:55:00.000Z", "core": {"text": 5}}}),
        (LONG[:270], {"noteTweet": 5}),
        (LONG[:270], 5),
    ],
    ids=["second", "words", "short", "link", "shorter", "same", "time", "text", "note", "number"],
)
def test_a_note_that_does_not_fit_leaves_the_text(text: str, given: Any, tmp_path: Path) -> None:
    path = archive_of(tmp_path, tweet(1, text), note_tweet=[given])
    assert [row.text for row in rows(path)] == [text]


def test_the_raw_of_a_row_is_a_file_that_gives_the_same_row(tmp_path: Path) -> None:
    path = archive_of(
        tmp_path, tweet(1, LONG[:270]), tweet(2, "امن \u2028", id_str=None, id=None), 5, note_tweet=[note(LONG)]
    )
    taken = read(path)
    assert len(taken) == 3
    for made in taken:
        again = tmp_path / "aside.jsonl"
        again.write_bytes(b"".join(made.raw))
        assert looks_like_file(again.read_bytes())
        (same,) = read(again)
        assert same.item == made.item
        assert looks_like(json.loads(again.read_bytes()))
    assert json.loads(taken[1].raw[0])["x_archive"]["account"] == "801"
    assert b"demo@example.org" not in b"".join(b"".join(made.raw) for made in taken)


def test_a_bad_element_never_costs_its_part(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 5, None, {"tweet": []}, {}, tweet(1))
    made = rows(path)
    assert made[:4] == ["not_an_object", "not_an_object", "not_an_object", "missing_id"]
    assert made[4].post_id == "x:9000000000000000001"


def test_nesting_that_is_too_deep_is_set_aside(tmp_path: Path) -> None:
    deep = '{"tweet": ' + '{"a": ' * 20_000 + "1" + "}" * 20_001
    path = packed(tmp_path, {**ACCOUNT, "data/tweets.js": f"window.YTD.tweets.part0 = [{deep}]"})
    assert rows(path) == ["nesting_too_deep"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"data/tweets.js": part("tweets", [])}, "lacks 'data/account.js'"),
        (ACCOUNT, "lacks 'data/account.js' or 'data/tweets.js'"),
        ({"data/account.js": part("account", []), "data/tweets.js": part("tweets", [])}, "names no account"),
        ({"data/account.js": part("account", [{"account": {}}]), "data/tweets.js": part("tweets", [])}, "no account"),
        ({**ACCOUNT, "data/tweets.js": "[]"}, "does not begin as X writes it"),
        ({**ACCOUNT, "data/tweets.js": "alert(1); window.YTD.tweets.part0 = []"}, "does not begin"),
        ({**ACCOUNT, "data/tweets.js": "window.YTD.tweets.part0 = evil([])"}, "does not begin"),
        ({**ACCOUNT, "data/tweets.js": ""}, "does not begin"),
        ({**ACCOUNT, "data/tweets.js": 'window.YTD.tweets.part0 = [{"tweet": '}, "not the JSON"),
        ({**ACCOUNT, "data/tweets.js": "window.YTD.tweets.part0 = []; alert(1)"}, "not the JSON"),
        ({**ACCOUNT, "data/tweets.js": f"window.YTD.tweets.part0 = [{'9' * 5000}]"}, "not the JSON"),
        ({**ACCOUNT, "/data/tweets.js": part("tweets", [])}, "outside of itself"),
        ({**ACCOUNT, "data/../tweets.js": part("tweets", [])}, "outside of itself"),
        ({**ACCOUNT, "..\\tweets.js": part("tweets", [])}, "outside of itself"),
        ({**ACCOUNT, "C:\\tweets.js": part("tweets", [])}, "outside of itself"),
    ],
    ids=str,
)
def test_what_x_does_not_write_is_refused(members: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        read(packed(tmp_path, members))


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path, tweet(1))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("data/tweets.js", part("tweets", [tweet(2)]))
    with pytest.raises(BadInput, match="names a member twice"):
        read(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path, tweet(1))
    link = zipfile.ZipInfo("data/link.js")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BadInput, match="holds a link"):
        read(path)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive_of(tmp_path, tweet(1))
    monkeypatch.setattr(x_archive, "_MAX_MEMBERS", 2)
    assert len(read(path)) == 1
    monkeypatch.setattr(x_archive, "_MAX_MEMBERS", 1)
    with pytest.raises(BadInput, match="has over 1 members"):
        read(path)


def test_a_list_of_members_that_is_too_long_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive_of(tmp_path, tweet(1))
    monkeypatch.setattr(x_archive, "_MAX_DIRECTORY", 100)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(BadInput, match="damaged or cut short"):
        read(path)


def test_a_bomb_is_refused_by_what_it_declares_and_by_what_it_unpacks_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive_of(tmp_path, tweet(1, "a" * 3_000_000))
    assert rows(path) == ["text_too_long"]
    monkeypatch.setattr(x_archive, "_RATIO_FROM", 2_000_000)
    with pytest.raises(BadInput, match="holds a member that unpacks to more than 200 times"):
        read(path)
    monkeypatch.setattr(
        x_archive, "_checked", lambda archive, name: {info.filename: info for info in archive.infolist()}
    )
    with pytest.raises(BadInput, match=r"'data/tweets\.js' in 'demo\.zip' unpacks to more than 200 times"):
        read(path)


def test_unusual_packing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("data/account.js", ACCOUNT["data/account.js"])
        archive.writestr("data/tweets.js", part("tweets", []))
    with pytest.raises(BadInput, match="packed in an unusual way"):
        read(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path, tweet(1))
    whole = bytearray(path.read_bytes())
    listed = whole.find(b"PK\x01\x02")
    whole[listed + 8] |= 1
    path.write_bytes(whole)
    with pytest.raises(BadInput, match=r"'data/account\.js' in 'demo\.zip' is encrypted"):
        read(path)


def test_a_zip_that_counts_its_members_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)  # so that it writes what it else does for 65,536 members
        path = archive_of(tmp_path, tweet(1))
    assert b"PK\x06\x06" in path.read_bytes()
    assert [row.text for row in rows(path)] == ["peace"]
    monkeypatch.setattr(x_archive, "_MAX_DIRECTORY", 50)
    with pytest.raises(BadInput, match="damaged or cut short"):
        read(path)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("data/account.js", ACCOUNT["data/account.js"])
        archive.writestr("data/tweets.js", part("tweets", [tweet(1, "peace")]))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"peace", b"piece"))
    with pytest.raises(BadInput, match=r"'data/tweets\.js' in 'demo\.zip' is damaged"):
        read(path)
    for length in (4, 40, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(BadInput, match="damaged or cut short"):
            read(path)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("data/account.js", True),
        ("assets/fonts/demo.woff", True),
        ("Your archive.html", True),
        ("[Content_Types].xml", False),
        ("xl/workbook.xml", False),
        ("mimetype", False),
    ],
)
def test_the_head_of_a_zip(name: str, known: bool, tmp_path: Path) -> None:
    assert looks_like_file(packed(tmp_path, {name: "a"}).read_bytes()[:4096]) is known


@pytest.mark.parametrize("head", [b"", b"PK", b"PK\x03\x04", b'{"tweet": {}}', b"[", b'{"id": "x_archive"}'])
def test_other_heads(head: bytes) -> None:
    assert not looks_like_file(head)


def test_the_names_of_the_members() -> None:
    assert looks_like_zip(["Your archive.html", "data/account.js", "data/tweets-part1.js"])
    assert looks_like_zip({"data/account.js", "data/tweet.js"})
    assert not looks_like_zip(["data/account.js", "data/tweet-headers.js"])
    assert not looks_like_zip(["data/tweets.js"])
    assert not looks_like_zip([])


OTHERS = [
    {"data": [], "meta": {}},
    {"id": "1", "author_id": "2", "text": "a"},
    {"status_id": "1", "user_id": "2", "text": "a"},
    {"id_str": "1", "user": {"id_str": "2"}, "text": "a", "created_at": ""},
    {"id": "k1", "created_utc": 1746612000, "body": "a", "link_id": "t3_p1"},
    {"kind": "youtube#commentThreadListResponse", "items": []},
    {"x_archive": {"tweet": {}}},
    {"x_archive": {"account": "42", "tweet": {}}, "id": "1"},
    {"x_archive": []},
    {"account": "42", "tweet": {}},
    {},
]


@pytest.mark.parametrize("record", OTHERS, ids=lambda record: "-".join(record) or "empty")
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


def test_what_looks_like_it_looks_like_no_other() -> None:
    record = {"x_archive": {"account": "42", **tweet(1)}}
    assert looks_like(record)
    assert not any(module.looks_like(record) for module in (x_api, rtweet, twitter_v1, reddit, youtube))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "id_str", "id", "created_at", "full_text", "text", "favorite_count", "place", "edit_info", "lang",
    "in_reply_to_status_id_str",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), JSON, JSON, JSON)
@settings(deadline=None, max_examples=200)
def test_no_record_makes_it_fail(fields: dict[str, Any], account: Any, username: Any, text: Any) -> None:
    for held in ({"account": account, "username": username, "tweet": fields, "note": text}, account):
        record = {"x_archive": held}
        assert isinstance(looks_like(record), bool)
        (item,) = drafts(record)
        assert isinstance(item, Draft | Reason)
        assert not isinstance(item, Draft) or isinstance(to_row(item, KEY, "a", 1), (tuple, Reason))
