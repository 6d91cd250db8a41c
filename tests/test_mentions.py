"""Whoever is named by a handle in a text is named by a pseudonym, the same wherever the handle stands."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.mentions import hide_people
from discourse.corpus.privacy import Key, handle_pseudonym

KEY = Key.made_up("mentions")


def code(handle: str, platform: str = "x") -> str:
    return handle_pseudonym(KEY, platform, handle).partition(":")[2]


ONE, TWO = code("demo_one"), code("demo_two")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("@demo_one", f"@{ONE}"),
        ("@Demo_ONE: peace", f"@{ONE}: peace"),
        ("RT @demo_one: peace @demo_two!", f"RT @{ONE}: peace @{TWO}!"),
        ("(@demo_one)", f"(@{ONE})"),
        ("@demo_one's", f"@{ONE}'s"),
        ("＠demo_one", f"@{ONE}"),
        ("امن@demo_one امن", f"امن@{ONE} امن"),
        ("@demo_oneنے کہا", f"@{ONE}نے کہا"),
        ("@demo_one، امن", f"@{ONE}، امن"),
        ("\u200f@demo_one\u200f", f"\u200f@{ONE}\u200f"),
        ("@\u200fdemo_one", f"@{ONE}"),
        ("\u2066@\u2066demo_one\u2069", f"\u2066@{ONE}\u2069"),
        ("@demo_one@demo_two", f"@{ONE}@{TWO}"),
        ("@demo_one@example.org x", f"@{code('demo_one@example.org', 'mastodon')} x"),
        ("write to a@example.org, first.last+x@example.org.", "write to a@example.org, first.last+x@example.org."),
        ("5 @ 3, @ demo, @", "5 @ 3, @ demo, @"),
    ],
)
def test_a_mention_on_x(text: str, hidden: str) -> None:
    assert hide_people(KEY, "x", text) == hidden


@pytest.mark.parametrize(
    ("platform", "text", "names"),
    [
        ("bluesky", "@{}.", ["demo.bsky.social"]),
        ("bluesky", "@{}@{}", ["demo.bsky.social", "demo.two.example"]),
        ("mastodon", "@{}، امن", ["demo_one@example.org"]),
        ("mastodon", "@{}نے", ["demo_one"]),
        ("instagram", "@{}نے", ["demo.one"]),
        ("youtube", "@{}نے", ["demo_one"]),
        ("youtube", "@{}hi", ["امن"]),
        ("youtube", "@{}@{} ہے", ["امن2025", "demo_one"]),
        ("youtube", "@{}", ["démo·one"]),
        ("reddit", "u/{} and /u/{}", ["demo_one", "demo-two"]),
        ("truthsocial", "@{}", ["demo_one"]),
    ],
)
def test_a_mention_elsewhere(platform: str, text: str, names: list[str]) -> None:
    hidden = text.format(*(code(name, platform) for name in names))
    assert hide_people(KEY, platform, text.format(*names)) == hidden


PROFILES = [
    ("x", "demo_one", "https://twitter.com/{}", "https://x.com/@{}"),
    ("x", "demo_one", "https://x.com/{}/status/9000000000000000001?s=20", "https://x.com/@{}"),
    ("x", "demo_one", "mobile.twitter.com/{}/status/9001", "https://x.com/@{}"),
    ("x", "demo_one", "https://fxtwitter.com/{}/status/9001", "https://x.com/@{}"),
    ("x", "demo_one", "https://twitter.com/#!/{}", "https://x.com/@{}"),
    ("x", "demo_one", "https://twitter.com/%40{}.", "https://x.com/@{}."),
    ("x", "demo_one", "دیکھیںhttps://x.com/{}نے", "دیکھیںhttps://x.com/@{}نے"),
    ("x", "demo_one", "https://example.org/?u=https://x.com/{}", "https://example.org/?u=https://x.com/@{}"),
    ("instagram", "demo.one", "https://www.instagram.com/{}/", "https://instagram.com/@{}"),
    ("instagram", "demo.one", "https://instagram.com/stories/{}/9000000001", "https://instagram.com/@{}"),
    ("facebook", "demo.one", "https://m.facebook.com/{}/posts/9000000001", "https://facebook.com/@{}"),
    ("facebook", "demo.one", "https://ur-pk.facebook.com/{}", "https://facebook.com/@{}"),
    ("facebook", "900000000001", "https://facebook.com/profile.php?id={}&v=1", "https://facebook.com/@{}"),
    ("telegram", "demo_one", "https://t.me/s/{}/9001", "https://t.me/@{}"),
    ("telegram", "demo_one", "tg://resolve?domain={}&post=9001", "https://t.me/@{}"),
    ("youtube", "demo_one", "https://www.youtube.com/@{}/videos", "https://youtube.com/@{}"),
    ("tiktok", "demo.one", "https://www.tiktok.com/@{}/video/9000000000000000001", "https://tiktok.com/@{}"),
    ("threads", "demo_one", "https://www.threads.net/@{}/post/9001", "https://threads.com/@{}"),
    ("reddit", "demo_one", "https://old.reddit.com/user/{}/comments/9001", "https://reddit.com/@{}"),
    ("bluesky", "demo.bsky.social", "https://bsky.app/profile/{}/post/9001", "https://bsky.app/@{}"),
    ("truthsocial", "demo_one", "https://truthsocial.com/@{}/posts/9001", "https://truthsocial.com/@{}"),
]


@pytest.mark.parametrize(("platform", "name", "link", "hidden"), PROFILES)
def test_a_link_to_a_profile_names_who_the_mention_names_and_no_post(
    platform: str, name: str, link: str, hidden: str
) -> None:
    assert hide_people(KEY, "x", link.format(name)) == hidden.format(code(name, platform))


def test_a_link_to_a_server_of_the_fediverse() -> None:
    there = code("demo_one@example.org", "mastodon")
    for link in ("example.org/@demo_one/9001", "other.example/@demo_one@example.org", "example.org/users/demo_one"):
        assert hide_people(KEY, "x", f"https://{link}") == f"https://example.org/@{there}"
    # A name of 26 letters is a name.
    assert "abcdefghijklmnopqrstuvwxya" not in hide_people(KEY, "x", "https://example.org/@abcdefghijklmnopqrstuvwxya")


def test_mention_link_and_handle_are_one_person() -> None:
    for platform, name in {
        ("x", "demo_one"),
        ("tiktok", "demo.one"),
        ("youtube", "demo_one"),
        ("instagram", "demo.one"),
    }:
        link = {"x": "https://x.com/{}", "instagram": "https://instagram.com/{}"}.get(
            platform, f"https://{platform}.com/@{{}}"
        )
        told = hide_people(KEY, platform, f"@{name} {link.format(name)}")
        assert told.count(handle_pseudonym(KEY, platform, name).partition(":")[2]) == 2


@pytest.mark.parametrize(
    ("link", "left"),
    [
        ("https://twitter.com/i/web/status/9000000000000000001", "https://twitter.com/i/web/status/…"),
        ("https://x.com/i/user/12", "https://x.com/i/user/…"),
        ("https://x.com/search?q=%40demo_one", "https://x.com/search"),
        ("https://twitter.com/intent/user?screen_name=demo_one", "https://twitter.com/intent/user"),
        ("https://t.me/c/1234/9001", "https://t.me/c/…/…"),
        ("https://facebook.com/story.php?story_fbid=90&id=9001", "https://facebook.com/story.php"),
        ("pic.twitter.com/AbCd12", "pic.twitter.com/AbCd12"),  # a picture, nobody's profile
        ("https://netflix.com/demo_one", "https://netflix.com/demo_one"),
        ("https://example.org/demo_one", "https://example.org/demo_one"),
    ],
)
def test_a_link_to_no_profile_names_nobody(link: str, left: str) -> None:
    assert hide_people(KEY, "x", link) == left


@pytest.mark.parametrize(
    "text", [f"{one[2]} @{{}}" for one in PROFILES if one[0] in {"x", "tiktok", "reddit", "bluesky"}]
)
def test_hiding_twice_changes_nothing_more(text: str) -> None:
    """Where no handle is as long as a pseudonym. Elsewhere it might be a person's, and is hidden again."""
    once = hide_people(KEY, "x", text.replace("{}", "demo_one"))
    assert hide_people(KEY, "x", once) == once
    name = "abcdefghijklmnopqrstuvwxya"
    assert name not in hide_people(KEY, "instagram", f"@{name} https://instagram.com/{name}")


WORDS = st.lists(
    st.sampled_from(
        ["@", "＠", "demo", "_one", ".", " ", "/", "x.com/", "https://", "امن", "\u200f", "u/", "?q=", "1"]
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=300)
@given(WORDS)
def test_x_is_hidden_once_and_for_all_whatever_stands_around(words: list[str]) -> None:
    text = "".join(words) + " @demo_one https://x.com/demo_two/status/9001"
    once = hide_people(KEY, "x", text)
    assert ONE in once
    assert TWO in once
    assert "9001" not in once


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    "piece",
    ["@", "1", "http://a.", "x.com/", "a.", "@a", "@a.", "-", "@\u200f", "u/a ", "%41", "https://a.b/@", "@a@b.c"],
)
@pytest.mark.parametrize("platform", ["x", "youtube"])
def test_hostile_text_takes_linear_time(platform: str, piece: str) -> None:
    """Twice the text takes less than three times as long, or hardly any time at all."""
    hide_people(KEY, platform, piece * 1000)
    ratios = []
    for _ in range(5):
        short = seconds(lambda: hide_people(KEY, platform, piece * 20_000))
        long = seconds(lambda: hide_people(KEY, platform, piece * 40_000))
        ratios.append(long / short if long > 0.05 else 0.0)
    assert min(ratios) < 3


@pytest.mark.parametrize("before", [".", "-", "+", "..", "\u201c", "(", "RT.", "امن."])
@pytest.mark.parametrize("platform", ["x", "bluesky", "facebook"])
def test_a_mention_behind_a_mark_is_hidden_as_one_behind_a_space_is(platform: str, before: str) -> None:
    hidden = hide_people(KEY, platform, f"{before}@demo_one said so")
    assert hidden == f"{before}{hide_people(KEY, platform, '@demo_one')} said so"
    assert "demo_one" not in hidden


@pytest.mark.parametrize("address", ["a.b@example.org", "a_@example.org", "5@example.org"])
def test_an_e_mail_address_is_no_mention(address: str) -> None:
    assert hide_people(KEY, "x", f"write to {address}") == f"write to {address}"
