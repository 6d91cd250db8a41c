"""The bank of invented posts: enough of them, well formed, nobody's handle or number in them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, SchemaError
from discourse.schema import FRAMES
from discourse.simulate.bank import BANK_LANGUAGES, TOPICS, Skeleton, bank, render, variants

SPEAKERS = {"ur": ("pakistan",), "ur-Latn": ("pakistan",), "fa": ("afghanistan",)}
PHONE = regex.compile(r"\+\d|\d[\d\s().-]{6,}\d")


@pytest.mark.parametrize("lang", BANK_LANGUAGES)
def test_every_language_has_enough_of_every_frame(lang: str) -> None:
    skeletons = bank(lang)
    counts = Counter(one.frame for one in skeletons)
    assert set(counts) == set(FRAMES)
    assert min(counts.values()) >= 40
    assert {one.lang for one in skeletons} == {lang}
    assert {one.topic for one in skeletons} <= set(TOPICS)
    assert len({one.text for one in skeletons}) == len(skeletons)
    for side in SPEAKERS.get(lang, ("pakistan", "afghanistan")):
        assert {one.frame for one in skeletons if one.side in (side, "any")} == set(FRAMES)


@pytest.mark.parametrize("lang", BANK_LANGUAGES)
def test_every_skeleton_has_enough_variants(lang: str) -> None:
    few = [one.text for one in bank(lang) if variants(one) < 18]
    assert few == []


@pytest.mark.parametrize("lang", BANK_LANGUAGES)
def test_every_slot_is_known_and_used(lang: str) -> None:
    skeletons = bank(lang)
    named = {name for one in skeletons for name in regex.findall(r"\{=([^{}]*)\}", one.text)}
    assert named <= set(skeletons[0].slots)
    assert all(len(values) > 1 and any(values) for values in skeletons[0].slots.values())


@pytest.mark.parametrize("lang", BANK_LANGUAGES)
def test_no_person_and_no_markup_is_in_the_bank(lang: str) -> None:
    for one in bank(lang):
        written = [one.text, *(value for values in one.slots.values() for value in values)]
        for text in written:
            assert not regex.search(r"@|http|www\.|://", text)
            assert not PHONE.search(text), text
            assert not regex.search(r"[{}]", regex.sub(r"\{[^{}]*\}", "", text)), "braces that do not pair"


def test_a_phone_number_would_be_caught() -> None:
    assert PHONE.search("call 0300 1234567")
    assert PHONE.search("+92")
    assert not PHONE.search("1,200 trucks since 1893")


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(BANK_LANGUAGES), st.integers(0, 10_000), st.integers(0, 2**32 - 1))
def test_a_rendered_post_is_whole_and_depends_on_the_seed_alone(lang: str, which: int, seed: int) -> None:
    skeleton = bank(lang)[which % len(bank(lang))]
    text = render(skeleton, np.random.default_rng(seed))
    assert text == render(skeleton, np.random.default_rng(seed))
    assert text.strip() == text != ""
    assert not regex.search(r"[{}|=]|\s\s|\n", text)


MADE = Skeleton("en", "neither", "any", "daily", "{a|b}  x {=s}{|!}", {"s": ("1", "2", "3")})


def test_every_choice_is_drawn_equally_often_and_counted() -> None:
    assert variants(MADE) == 2 * 3 * 2
    rng = np.random.default_rng(1)
    counts = Counter(render(MADE, rng) for _ in range(6000))
    assert set(counts) == {f"{a} x {s}{end}" for a in "ab" for s in "123" for end in ("", "!")}
    assert all(abs(n - 500) < 5 * np.sqrt(500) for n in counts.values())


def test_choices_are_drawn_apart_from_one_another() -> None:
    twice = Skeleton("en", "neither", "any", "daily", "{=s} {=s}", {"s": ("1", "2")})
    rng = np.random.default_rng(1)
    assert {render(twice, rng) for _ in range(60)} == {"1 1", "1 2", "2 1", "2 2"}
    assert variants(Skeleton("en", "neither", "any", "daily", "plain", {})) == 1


def test_a_slot_that_is_not_there_is_named() -> None:
    bad = Skeleton("en", "neither", "any", "daily", "{=nowhere}", {"s": ("1",)})
    for use in (variants, lambda one: render(one, np.random.default_rng(1))):
        with pytest.raises(BadInput) as caught:
            use(bad)
        assert str(caught.value) == ("a post of the en bank draws from a slot 'nowhere' that the bank does not have")


def test_a_language_without_a_bank_is_named() -> None:
    with pytest.raises(SchemaError) as caught:
        bank("urdu")
    assert str(caught.value) == ("lang is 'urdu'; it must be 'en', 'ur', 'ur-Latn', 'ps' or 'fa'. Did you mean 'ur'?")


def test_a_skeleton_does_not_print_its_text() -> None:
    assert repr(MADE) == "Skeleton(en, neither, any, daily)"
