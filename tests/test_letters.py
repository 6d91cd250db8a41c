"""Words of a chunk, and their letter groups as numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.text.letters import (
    ARABIC,
    BUCKETS,
    LATIN,
    NAMES,
    OTHER,
    chunk_words,
    groups,
    plain,
    plain_words,
    script_of,
    without_noise,
    words,
)  # fmt: skip


@pytest.mark.parametrize(
    ("chunk", "wanted"),
    [
        ("peace,", [("peace", LATIN)]),
        ("(don't)", [("don't", LATIN)]),
        ("امن۔", [("امن", ARABIC)]),
        ("امن!peace", [("امن", ARABIC), ("peace", LATIN)]),
        ("امنpeace", [("امن", ARABIC), ("peace", LATIN)]),
        ("می\u200cخواهیم", [("می\u200cخواهیم", ARABIC)]),
        ("мир", [("мир", OTHER)]),
        ("@some_one", []), ("#peace", []), ("#امن_کا", []), ("RT", []), ("via", []), ("https://t.co/Ab1", []),
        ("https://example.org/this-is", []),
        ("name@example,peace", [("name", LATIN), ("example", LATIN), ("peace", LATIN)]),
        ("&amp;", []), ("a&amp;b", [("a", LATIN), ("b", LATIN)]), ("123", []), ("12th", [("th", LATIN)]), ("😂", []),
        ("<user>", []), ("@a:peace", [("peace", LATIN)]), ("start", [("start", LATIN)]), ("ـــ", []),
    ],
)  # fmt: skip
def test_words_of_a_chunk(chunk: str, wanted: list[tuple[str, str]]) -> None:
    assert chunk_words(chunk) == wanted


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("NAHIIII", "nahi"), ("good", "good"), ("sooo", "so"), ("مُحَبَّت", "محبت"), ("ســلام", "سلام"), ("\ufefb", "لا"),
        ("İstanbul", "istanbul"), ("don’t", "don't"), ("É", "é"), ("E\u0301", "é"), ("x" * 40, "x"),
        ("ab" * 10, "ab" * 10), ("ab" * 11, ""),
    ],
)  # fmt: skip
def test_plain_words(word: str, wanted: str) -> None:
    assert plain(word) == wanted


def test_places_stay_when_noise_goes() -> None:
    text = "hi @you see https://example.org/x #tag &amp; bye"
    bare = without_noise(text)
    assert len(bare) == len(text)
    assert bare.split() == ["hi", "see", "bye"]
    assert [(text[first:last], word) for word, first, last in words(bare)] == [
        ("hi", "hi"),
        ("see", "see"),
        ("bye", "bye"),
    ]


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40))
def test_a_glance_and_a_look_see_the_same_words(text: str) -> None:
    for chunk in text.split():
        slow = [(plain(word), script_of(word)) for word, _, _ in words(chunk)]
        assert chunk_words(chunk) == [(word, script) for word, script in slow if word and word not in NAMES]


def test_names_that_all_languages_share_are_no_words() -> None:
    assert chunk_words("AFGHANISTAN!") == chunk_words("افغانستان،") == chunk_words("Kabul/پاکستان") == []
    assert chunk_words("Kabul/امن") == [("امن", ARABIC)]
    assert chunk_words("Kabulis") == [("kabulis", LATIN)]


def test_scripts() -> None:
    assert [script_of(word) for word in ("a", "É", "ß", "ế", "ا", "ﻻ", "ݨ", "м", "あ", "क")] == (
        [LATIN] * 4 + [ARABIC] * 3 + [OTHER] * 3
    )
    assert plain_words("AMAN chahiye, امن мир", LATIN) == ["aman", "chahiye"]
    assert plain_words("AMAN chahiye, امن мир", ARABIC) == ["امن"]


def test_groups_of_a_latin_word() -> None:
    # " ab ": 4 letters with the edges, 3 pairs, 2 triples, 1 of four, and the whole word.
    made = groups(["ab", "a"])
    assert made.shape == (2, BUCKETS)
    assert made.sum(axis=1).tolist() == [4 + 3 + 2 + 1 + 1, 3 + 2 + 1 + 1]


def test_a_skeleton_shares_what_keyboards_confuse() -> None:
    pashto, urdu_keyboard, other = groups(["پوهيږې", "پوہیږے", "ملګري"])
    assert (pashto.nnz and (pashto.sum(), urdu_keyboard.sum()) == (57, 57)) or pashto.sum() == urdu_keyboard.sum()
    common = set(pashto.indices.tolist()) & set(urdu_keyboard.indices.tolist())
    assert len(common) > 25
    assert len(set(pashto.indices.tolist()) & set(other.indices.tolist())) < 8


def test_groups_of_a_word_do_not_depend_on_the_others() -> None:
    listed = ["peace", "امن", "p", "سوله", "nahi"]
    whole = groups(listed).toarray()
    for at, word in enumerate(listed):
        assert np.array_equal(whole[at], groups([word]).toarray()[0])


def test_groups_tell_apart_what_differs() -> None:
    ab, ba, abc = groups(["ab", "ba", "abc"]).toarray()
    assert not np.array_equal(ab, ba)
    assert not np.array_equal(ab, abc)
