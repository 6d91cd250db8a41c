"""Copies of a text: which posts they are, and which one stands for them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.copies import coordinated_copies, copy_key, distinct_texts, link_reposts, with_copies
from discourse.corpus.near import leaders, letters, resembles
from discourse.corpus.posts import Corpus, Step
from discourse.errors import UsageError
from discourse.schema import POSTS

START = datetime(2025, 10, 11, tzinfo=UTC)


def corpus(*posts: tuple[str, int, str | None]) -> Corpus:
    """Posts given as (id, minutes after the start, normal form)."""
    rows = [
        {
            "post_id": f"x:{name}",
            "platform": "x",
            "author_id": f"x:a{name}",
            "created_at": START + timedelta(minutes=minutes),
            "text": text or "",
            "text_norm": text,
            "kind": "original",
        }
        for name, minutes, text in posts
    ]
    return Corpus(POSTS.frame(rows) if rows else POSTS.empty())


def ids(given: Corpus) -> dict[str, str | None]:
    return dict(given.posts.select("post_id", "copy_id").rows())


def test_links_and_mentions_do_not_tell_copies_apart_but_words_do() -> None:
    found = ids(
        with_copies(
            corpus(
                ("1", 0, "open the border @demo_one https://example.org/a"),
                ("2", 0, "open the border @demo_two https://example.org/b"),
                ("3", 0, "open the border @demo_one"),
                ("4", 0, "open the borders @demo_one https://example.org/a"),
                ("5", 0, "#open the border @demo_one https://example.org/a"),
            )
        )
    )
    assert found["x:1"] == found["x:2"]
    assert len(set(found.values())) == 4


def test_the_id_is_the_plain_hash_of_the_masked_text() -> None:
    expected = blake2b(b"read <url> <user>", digest_size=8).hexdigest()
    assert copy_key("read  https://example.org/a @demo_one ") == expected
    assert len(expected) == 16


@pytest.mark.parametrize("text", ["", "  ", "@demo_one", "https://example.org", "@demo_one @demo_two https://e.org/x"])
def test_posts_without_words_of_their_own_are_no_copies(text: str) -> None:
    assert copy_key(text) is None


def test_hashtags_and_emoji_are_words_of_their_own() -> None:
    assert copy_key("#peace") is not None
    assert copy_key("🇵🇰") not in {None, copy_key("🇦🇫")}


def test_the_step_counts_texts_and_copies() -> None:
    done = with_copies(corpus(("1", 0, "a b"), ("2", 0, "a b"), ("3", 0, "a b"), ("4", 0, "c"), ("5", 0, "@demo_one")))
    assert done.history == (Step("copies", 5, 5, "2 distinct texts, 2 posts copy another"),)


def test_texts_must_be_normalised_first() -> None:
    with pytest.raises(UsageError, match=r"^1 of 2 posts have no text_norm; normalise the texts before the copies$"):
        with_copies(corpus(("1", 0, "a"), ("2", 0, None)))


def test_the_earliest_post_of_a_text_stands_for_it_and_the_first_id_breaks_ties() -> None:
    given_ = corpus(
        ("1", 9, "same"),
        ("2", 3, "same"),
        ("3", 3, "same"),
        ("4", 0, "other"),
        ("5", 5, "@demo_one"),
        ("6", 5, "@demo_two"),
    )
    kept = distinct_texts(with_copies(given_))
    assert kept.posts["post_id"].to_list() == ["x:2", "x:4", "x:5", "x:6"]
    assert kept.history[-1].before == 6
    assert kept.history[-1].after == 4


def test_copies_must_be_looked_for_first() -> None:
    with pytest.raises(UsageError, match=r"type with_copies\(corpus\) first"):
        distinct_texts(corpus(("1", 0, "a")))


def test_a_corpus_of_links_alone_keeps_all_its_posts() -> None:
    assert len(distinct_texts(with_copies(corpus(("1", 0, "@demo_one"), ("2", 0, "@demo_one"))))) == 2


def test_nothing_in_nothing_out() -> None:
    assert len(distinct_texts(corpus())) == 0
    assert len(distinct_texts(with_copies(corpus()))) == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "@demo_one", "a @demo_one"])), max_size=12))
def test_one_post_a_text_survives_and_it_is_the_earliest(posts: list[tuple[int, str]]) -> None:
    named = [(str(place), minutes, text) for place, (minutes, text) in enumerate(posts)]
    marked = with_copies(corpus(*named))
    kept = distinct_texts(marked).posts
    best: dict[str, tuple[int, str]] = {}
    for name, minutes, text in named:
        if text != "@demo_one":
            best[text] = min(best.get(text, (99, "")), (minutes, f"x:{name}"))
    expected = {name for _, name in best.values()} | {f"x:{n}" for n, _, text in named if text == "@demo_one"}
    assert set(kept["post_id"]) == expected
    assert marked.posts.drop("copy_id").equals(corpus(*named).posts.drop("copy_id"))
    assert marked.posts.schema["copy_id"] == pl.String


LONG = (
    "we say it again and we will say it tomorrow: pakistan should open the border at torkham so that families from "
    "afghanistan can go home before winter comes to the mountains"
)
PASHTO = "موږ بیا وایو چې پاکستان باید د تورخم دروازه خلاصه کړي ترڅو کورنۍ د ژمي له رارسېدو مخکې کور ته ستنې شي"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(LONG, f"1/3 {LONG}!! #peace 🕊️", id="thread number, signs, emoji"),
        pytest.param(LONG, LONG.replace("go home", "gohome").replace("border at", "borderat"), id="joined words"),
        pytest.param(LONG, LONG.replace("tomorrow", "tommorow"), id="a misspelling"),
        pytest.param(LONG, f"{LONG} demo news", id="a credit line"),
        pytest.param(f"{LONG} 12", f"{LONG} 77", id="a number at the end that counts the posts"),
        pytest.param(PASHTO, PASHTO.replace("د تورخم", "دتورخم").replace("کور ته", "کورته"), id="Pashto spacing"),
    ],
)
def test_one_statement_in_another_dress_is_a_copy(one: str, other: str) -> None:
    assert one != other
    assert resembles(one, other, 0.85)
    assert resembles(other, one, 0.85)
    found = ids(with_copies(corpus(("1", 0, one), ("2", 0, other)), near=0.85))
    assert set(found.values()) == {copy_key(min(one, other))}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("should open", "should not open", id="not"),
        pytest.param("should open", "shouldn't open", id="n't"),
        pytest.param("can go", "cannot go", id="cannot"),
        pytest.param("comes", "never comes", id="never"),
        pytest.param("pakistan should", "afghanistan should", id="another side, named elsewhere too"),
        pytest.param("at torkham", "at chaman", id="another place"),
        pytest.param("will say", "will unsay", id="a syllable of negation"),
        pytest.param("families", "7 families", id="nothing but more"),
    ],
)
def test_another_statement_in_almost_the_same_letters_is_no_copy(old: str, new: str) -> None:
    padded = f"{LONG} and {LONG} once more"
    other = padded.replace(old, new, 1)
    shared = resembles(padded, padded.replace("families", "familiess", 1), 0.9)
    assert shared, "the texts are long enough for one word to drown"
    expected = new == "7 families"
    assert resembles(padded, other, 0.9) is expected
    assert resembles(other, padded, 0.9) is expected


@pytest.mark.parametrize(
    ("lang", "old", "new"),
    [
        pytest.param("ps", "باید", "باید نه", id="Pashto"),
        pytest.param("fa", "می‌شود", "نمی‌شود", id="Dari, before the verb"),
        pytest.param("ur", "ہے", "نہیں ہے", id="Urdu"),
        pytest.param("ur-Latn", "chahiye", "nahi chahiye", id="Roman Urdu"),
    ],
)
def test_a_not_in_each_language_keeps_texts_apart(lang: str, old: str, new: str) -> None:
    texts = {
        "ps": PASHTO,
        "fa": "ما باز می‌گوییم که دروازه تورخم باز می‌شود تا خانواده‌ها پیش از زمستان به خانه‌های خود برگردند و بمانند",
        "ur": "ہم پھر کہتے ہیں کہ طورخم کا دروازہ کھولنا ضروری ہے تاکہ خاندان سردی سے پہلے اپنے گھروں کو لوٹ سکیں سب",
        "ur-Latn": "hum phir kehte hain ke torkham ka darwaza kholna chahiye taake sardi se pehle ghar laut sake",
    }
    text = f"{texts[lang]} {texts[lang]}"
    assert resembles(text, f"{text} demo", 0.9)
    assert not resembles(text, text.replace(old, new, 1), 0.8)


def test_two_sides_that_change_places_make_another_statement() -> None:
    start = "they wrote in the papers of the whole region all through this long week that "
    end = " and that nobody in the capital had ordered it, which the ministers on all sides said was the truth"
    one, other = f"{start}india shot at oman{end}", f"{start}oman shot at india{end}"
    assert resembles(one, one + "!", 0.8)
    assert not resembles(one, other, 0.5)


def test_short_texts_stay_exact() -> None:
    short = "open the border at torkham for families"
    assert len(letters(short)) < 40 < len(letters(short + " today please"))
    assert len(set(ids(with_copies(corpus(("1", 0, short), ("2", 0, short + "!")))).values())) == 2
    longer = short + " today please"
    assert len(set(ids(with_copies(corpus(("1", 0, longer), ("2", 0, longer + "!")))).values())) == 1


def test_none_keeps_exact_copies_only() -> None:
    given_ = corpus(("1", 0, LONG), ("2", 0, LONG + "!"), ("3", 0, LONG))
    assert ids(with_copies(given_, near=None)) == {
        "x:1": copy_key(LONG), "x:2": copy_key(LONG + "!"), "x:3": copy_key(LONG),
    }  # fmt: skip
    assert with_copies(given_, near=None).history[-1].reason == "2 distinct texts, 1 posts copy another"
    assert with_copies(given_).history[-1].reason == (
        "1 distinct texts, 2 posts copy another; 1 texts nearly repeat another"
    )


@pytest.mark.parametrize("near", [0, 0.49, 1.01, 2, -1, float("nan")])
def test_near_is_a_part(near: float) -> None:
    with pytest.raises(UsageError, match=r"^near is .*; it must be from 0\.5 to 1, like 0\.9, or None "):
        with_copies(corpus(("1", 0, "a")), near=near)


def made_texts(seed: int) -> list[str]:
    """Families of texts: each member has a few words more than the last, so that neighbours alone are alike."""
    dice = random.Random(seed)
    words = ["".join(dice.choices("abcdefghiklmnoprstu", k=dice.randint(3, 9))) for _ in range(400)]
    texts = []
    for _ in range(12):
        text = dice.choices(words, k=30)
        for _ in range(8):
            texts.append(" ".join(text))
            text = [*text, *dice.choices(words, k=2)]
    return texts


@pytest.mark.parametrize("near", [0.6, 0.8, 0.9, 1.0])
def test_each_text_resembles_the_one_that_stands_for_it_so_no_chain_grows(near: float) -> None:
    texts = made_texts(1)
    found = leaders(texts, near)
    assert set(found) == set(texts)
    assert all(text == leader or resembles(leader, text, near) for text, leader in found.items())
    assert all(found[leader] == leader <= text for text, leader in found.items())
    standing = sorted(set(found.values()))
    assert not [(a, b) for a in standing for b in standing if a < b and resembles(a, b, near)]
    if near == 0.9:
        assert 12 < len(standing) < len(texts), "some are joined, and the ends of a family are not"


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_texts_is_of_no_account(dice: random.Random) -> None:
    texts = made_texts(2)
    expected = leaders(texts, 0.9)
    mixed = texts + texts[:20]
    dice.shuffle(mixed)
    assert leaders(mixed, 0.9) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.characters(), max_size=120), max_size=6))
def test_any_text_can_be_compared(texts: list[str]) -> None:
    found = leaders([*texts, "\ud800" * 60], 0.9)
    assert set(found) == {*texts, "\ud800" * 60}


def wave(*posts: tuple[str, float, str, str]) -> Corpus:
    """Posts given as (author, minutes after the start, text, kind), with copies."""
    rows = [
        {
            "post_id": f"x:{place}", "platform": "x", "author_id": f"x:{author}", "text": text, "text_norm": text,
            "created_at": START + timedelta(minutes=minutes), "kind": kind,
        }
        for place, (author, minutes, text, kind) in enumerate(posts)
    ]  # fmt: skip
    return with_copies(Corpus(POSTS.frame(rows) if rows else POSTS.empty()))


def test_enough_authors_within_the_hour_are_a_wave() -> None:
    posts = [(f"a{i}", 15.0 * i, LONG, "original") for i in range(5)]
    late = [("a0", 300.0, LONG, "original"), ("b", 301.0, "another text of some length", "original")]
    found = coordinated_copies(wave(*posts, *late))
    assert found.rows() == [(copy_key(LONG), 5, 5, START, START + timedelta(hours=1))]
    assert coordinated_copies(wave(*posts), within="59m").is_empty()
    assert coordinated_copies(wave(*posts), authors=6).is_empty()


def test_one_author_many_times_is_no_wave_and_reposts_do_not_count() -> None:
    loud = [("a", float(i), LONG, "original") for i in range(20)]
    passed_on = [(f"b{i}", float(i), LONG, "repost") for i in range(20)]
    assert coordinated_copies(wave(*loud, *passed_on), authors=2).is_empty()


def test_a_wave_that_rolls_on_is_one_and_a_second_one_is_another() -> None:
    first = [(f"a{i}", 10.0 * i, LONG, "reply") for i in range(30)]
    second = [(f"a{i}", 5000.0 + i, LONG, "original") for i in range(5)]
    found = coordinated_copies(wave(*first, *second))
    assert found.select("posts", "authors").rows() == [(30, 30), (5, 5)]
    assert found["first"].to_list() == [START, START + timedelta(minutes=5000)]
    assert found["last"].to_list() == [START + timedelta(minutes=290), START + timedelta(minutes=5004)]


@pytest.mark.parametrize("within", ["", "1", "h", "0h", "-1h", "1 h", "1.5h", "1y", "1H", "١h", "9999999w", 60])
def test_a_length_of_time_has_one_form(within: str) -> None:
    with pytest.raises(UsageError, match=r"it must be a whole number with m, h, d or w, like '1h'$"):
        coordinated_copies(wave(), within=within)


@pytest.mark.parametrize("authors", [1, 0, -5, 2.5, True])
def test_a_wave_has_two_authors_or_more(authors: int) -> None:
    with pytest.raises(UsageError, match=r"it must be a whole number from 2 on, like 5$"):
        coordinated_copies(wave(), authors=authors)


def test_waves_need_copies() -> None:
    with pytest.raises(UsageError, match=r"type with_copies\(corpus\) first"):
        coordinated_copies(corpus(("1", 0, "a")))


def parents(*posts: tuple[str, str, int, str, str, str | None]) -> dict[str, str | None]:
    """The parents after linking of posts given as (id, platform, minutes, text, kind, parent)."""
    rows = [
        {
            "post_id": f"{platform}:{name}", "platform": platform, "author_id": f"{platform}:a", "text": text,
            "created_at": START + timedelta(minutes=minutes), "kind": kind, "parent_id": parent,
        }
        for name, platform, minutes, text, kind, parent in posts
    ]  # fmt: skip
    linked = link_reposts(Corpus(POSTS.frame(pl.DataFrame(rows, schema_overrides={"parent_id": pl.String}))))
    assert linked.history[-1].step == "link reposts"
    assert linked.posts.drop("parent_id").equals(Corpus(POSTS.frame(rows)).posts.drop("parent_id"))
    return dict(linked.posts.select("post_id", "parent_id").rows())


def test_a_repost_is_linked_to_the_one_post_it_can_be_of() -> None:
    found = parents(
        ("1", "x", 0, "peace at last", "original", None),
        ("2", "x", 5, "peace at last", "repost", None),
        ("3", "x", 6, "RT @demo_one: peace at last ", "repost", None),
        ("4", "x", 7, "peace at last, or not", "repost", None),
        ("5", "x", 8, "peace at last", "repost", "x:77"),
        ("6", "x", 9, "peace at last", "reply", None),
    )
    assert found == {"x:1": None, "x:2": "x:1", "x:3": "x:1", "x:4": None, "x:5": "x:77", "x:6": None}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("2", "x", 3, "peace", "original", None), id="two fit"),
        pytest.param(("2", "x", 3, "peace", "reply", None), id="a reply fits too"),
        pytest.param(("2", "x", 0, "peace", "original", None), id="two at one moment"),
    ],
)
def test_two_that_fit_are_one_too_many(other: tuple[str, str, int, str, str, str | None]) -> None:
    found = parents(("1", "x", 0, "peace", "original", None), other, ("9", "x", 5, "peace", "repost", None))
    assert found["x:9"] is None


@pytest.mark.parametrize(
    "only",
    [
        pytest.param(("1", "bluesky", 0, "peace", "original", None), id="another platform"),
        pytest.param(("1", "x", 5, "peace", "original", None), id="the same moment"),
        pytest.param(("1", "x", 9, "peace", "original", None), id="later"),
        pytest.param(("1", "x", 0, "peace", "repost", None), id="a repost"),
        pytest.param(("1", "x", 0, "Peace", "original", None), id="another case"),
    ],
)
def test_what_cannot_be_the_original_is_not_taken_for_it(only: tuple[str, str, int, str, str, str | None]) -> None:
    assert parents(only, ("9", "x", 5, "peace", "repost", None))["x:9"] is None


def test_a_later_post_of_the_same_text_does_not_matter_and_no_text_links_nothing() -> None:
    found = parents(
        ("1", "x", 0, "peace", "original", None),
        ("2", "x", 9, "peace", "original", None),
        ("3", "x", 5, "peace", "repost", None),
        ("4", "x", 0, "", "original", None),
        ("5", "x", 5, "", "repost", None),
    )
    assert found["x:3"] == "x:1"
    assert found["x:5"] is None


def test_linking_is_counted() -> None:
    assert link_reposts(corpus()).history == (
        Step("link reposts", 0, 0, "0 of 0 reposts without an original have one now"),
    )
