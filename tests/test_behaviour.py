"""Behavioural tests: the constructed cases are sound, and classifiers of known behaviour pass what they must."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from discourse.corpus.near import leaders
from discourse.errors import MeaningError, SchemaError
from discourse.estimators.proportions import wilson
from discourse.framing.classifier import FramingClassifier
from discourse.judging import behaviour as module
from discourse.judging.behaviour import CASES, KINDS, Behaviour, behaviour, behaviour_cases
from discourse.schema import FRAMES
from discourse.text.language import identify

ROOT = Path(__file__).resolve().parents[1]
LANGS = ("en", "ur", "ur-Latn", "ps", "fa")
CAPABILITIES = {
    "minimum": {"plain", "hashtags alone", "negation", "quotation", "sarcasm"},
    "invariance": {"hijacked hashtags", "link", "mention", "punctuation", "spelling", "swapped countries"},
    "direction": {"negation", "stance"},
}
CASE = behaviour_cases()


class Says:
    """A classifier that gives each text the probabilities it is told by a function."""

    def __init__(self, of: Callable[[str], list[float]], classes: tuple[str, ...] = FRAMES) -> None:
        self.of, self.classes_ = of, np.array(classes)

    def predict_proba(self, texts: list[str]) -> np.ndarray:
        return np.array([self.of(text) for text in texts])

    def predict(self, texts: list[str]) -> np.ndarray:
        best: np.ndarray = self.classes_[self.predict_proba(texts).argmax(axis=1)]
        return best


def tried(of: Callable[[str], list[float]], **options: object) -> Behaviour:
    return behaviour(Says(of), **options)  # type: ignore[arg-type]


def neither(_: str) -> list[float]:
    return [0.1, 0.2, 0.1, 0.6]


def test_every_kind_has_a_few_dozen_cases_in_every_language() -> None:
    assert dict(CASE.schema) == CASES
    counts = {(lang, kind): n for lang, kind, n in CASE.group_by("lang", "kind").len().rows()}
    assert set(counts) == {(lang, kind) for lang in LANGS for kind in KINDS}
    assert min(counts.values()) >= 30
    for kind, names in CAPABILITIES.items():
        for lang in LANGS:
            assert set(CASE.filter((pl.col("kind") == kind) & (pl.col("lang") == lang))["capability"]) == names
    assert min(CASE.group_by("lang", "kind", "capability").len()["len"].to_list()) >= 12


def test_cases_are_whole_and_no_case_is_there_twice() -> None:
    assert not CASE.select("capability", "text", "other", "frame", "change").is_duplicated().any()
    for column in ("text", "other"):
        texts = CASE[column].drop_nulls()
        assert not texts.str.contains(r"[{}|]").any()
        assert (texts.str.strip_chars() == texts).all()
        assert not texts.str.contains("  ").any()
    by = {kind: CASE.filter(pl.col("kind") == kind) for kind in KINDS}
    assert set(by["minimum"]["frame"]) == set(FRAMES)
    assert by["minimum"]["other"].null_count() == by["minimum"].height
    assert by["invariance"].select("frame", "change").null_count().row(0) == (by["invariance"].height,) * 2
    assert (by["invariance"]["text"] != by["invariance"]["other"]).all()
    assert set(by["direction"]["change"]) == {"up", "down"}
    assert (by["direction"]["text"] != by["direction"]["other"]).all()
    assert set(by["direction"]["frame"]) == {"nationalist", "conciliatory"}


def test_no_text_is_expected_to_be_two_frames() -> None:
    expected = CASE.filter(pl.col("kind") == "minimum").group_by("text").agg(pl.col("frame").n_unique())
    assert expected["frame"].max() == 1


def test_swapped_countries_name_both_in_both_texts() -> None:
    book = tomllib.loads((files("discourse.judging") / "behaviour.toml").read_text("utf-8"))
    for lang in LANGS:
        pairs = book["countries"][lang]
        rows = CASE.filter((pl.col("capability") == "swapped countries") & (pl.col("lang") == lang))
        assert rows.height == len(pairs) * len(book["swap"][lang])
        for text, other in rows.select("text", "other").rows():
            assert sum(all(name in text and name in other for name in pair) for pair in pairs) == 1
            assert sorted(text) == sorted(other)


def test_the_texts_are_in_their_languages() -> None:
    """Sentences, not hashtags, are found to be in the language they stand under, or in a close one or too short."""
    long = CASE.filter((pl.col("capability") != "hashtags alone") & (pl.col("text").str.len_chars() > 45)).unique(
        "text"
    )
    found = identify(long["text"].to_list())
    for lang in LANGS:
        said = [one.lang for one, own in zip(found, long["lang"], strict=True) if own == lang]
        assert np.mean([one == lang for one in said]) > 0.9, (lang, said)


def test_no_text_is_in_the_constructed_bank_which_teaches_the_default_classifier() -> None:
    lines = [
        line.split("\t")
        for lang in LANGS
        for line in (ROOT / f"corpora/bank/{lang}.tsv").read_text("utf-8").split("\n")
    ]
    bank = {line[2].casefold() for line in lines if len(line) == 3}
    mine = {text.casefold() for text in [*CASE["text"], *CASE["other"].drop_nulls()]}
    assert len(bank) > 3000
    assert not bank & mine
    standing = leaders([*bank, *mine], 0.75)
    assert not {standing[text] for text in bank} & {standing[text] for text in mine}


def test_one_who_says_one_thing_passes_every_invariance_and_no_direction() -> None:
    found = tried(neither)
    assert set(found.rates("invariance")) == CAPABILITIES["invariance"]
    assert set(found.rates("invariance").values()) == {1.0}
    assert set(found.rates("direction").values()) == {0.0}
    rows = CASE.filter(pl.col("kind") == "minimum")
    for lang in (*LANGS, "all"):
        own = rows if lang == "all" else rows.filter(pl.col("lang") == lang)
        for capability, rate in found.rates("minimum", lang).items():
            part = own.filter(pl.col("capability") == capability)
            assert rate == pytest.approx((part["frame"] == "neither").mean())
    assert found.failures.filter(pl.col("kind") == "minimum")["got"].unique().to_list() == ["neither"]


def test_one_who_knows_the_answers_passes_all_that_has_one_text() -> None:
    frames = dict(CASE.filter(pl.col("kind") == "minimum").select("text", "frame").rows())
    base = {other: text for text, other in CASE.filter(pl.col("kind") == "invariance").select("text", "other").rows()}

    def answer(text: str) -> list[float]:
        return [0.7 if frame == frames.get(base.get(text, text), "both") else 0.1 for frame in FRAMES]

    found = tried(answer)
    assert set(found.rates("minimum").values()) == {1.0}
    assert set(found.rates("invariance").values()) == {1.0}


@pytest.mark.parametrize(("step", "passes"), [(0.02, True), (0.005, False), (-0.02, False)])
def test_a_direction_is_passed_by_more_than_a_hundredth_the_right_way(step: float, passes: bool) -> None:
    one = CASE.filter((pl.col("capability") == "negation") & (pl.col("kind") == "direction"))

    def of(text: str) -> list[float]:
        share = 0.5 - step * (text in set(one["other"]))
        return [share, 0.1, 0.1, 0.8 - share]

    assert tried(of).rates("direction")["negation"] == float(passes)


def test_a_classifier_that_sees_hashtags_and_links_fails_there_and_only_there() -> None:
    def of(text: str) -> list[float]:
        return [0.7, 0.1, 0.1, 0.1] if "#" in text or "http" in text else [0.1, 0.1, 0.1, 0.7]

    rates = tried(of).rates("invariance")
    assert rates["hijacked hashtags"] == rates["link"] == 0.0
    assert rates["mention"] == rates["spelling"] == rates["punctuation"] == rates["swapped countries"] == 1.0


def test_rates_and_intervals_are_those_of_templates() -> None:
    found = tried(neither, languages=["en"])
    assert found.table["lang"].unique().sort().to_list() == ["all", "en"]
    row = found.table.filter((pl.col("capability") == "quotation") & (pl.col("lang") == "en")).row(0, named=True)
    assert (row["cases"], row["templates"], row["passed"], row["rate"]) == (24, 6, 12, 0.5)
    low, high = wilson(3.0, 6.0)
    assert (row["low"], row["high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
    assert set(found.failures["lang"]) == {"en"}
    assert "quotation (minimum): 12 of 24, 50% (19% to 81%)" in repr(found)


def test_failures_show_what_was_expected_and_what_came() -> None:
    found = tried(neither, languages=["en"])
    row = found.failures.filter((pl.col("capability") == "negation") & (pl.col("kind") == "direction")).row(
        0, named=True
    )
    assert (row["expected"], row["got"]) == ("nationalist down", "0.10 to 0.10")
    row = found.failures.filter(pl.col("capability") == "sarcasm").row(0, named=True)
    assert (row["expected"], row["got"]) == ("nationalist", "neither")


def test_slots_are_filled_together_and_must_match() -> None:
    assert list(module._filled(["{a|b} {c|d}", "x {A|B}, {C|D}"])) == [
        ("a c", "x A, C"), ("a d", "x A, D"), ("b c", "x B, C"), ("b d", "x B, D"),
    ]  # fmt: skip
    assert list(module._filled(["no slot"])) == [("no slot",)]
    with pytest.raises(ValueError, match=r"^the slots of a pair differ: \{a\|b\} / c$"):
        list(module._filled(["{a|b}", "c"]))


def test_an_abstention_is_no_frame() -> None:
    class Shy(Says):
        def predict(self, texts: list[str]) -> np.ndarray:
            return np.full(len(texts), "abstain")

    found = behaviour(Shy(neither), languages=["ur"])  # type: ignore[arg-type]
    assert set(found.rates("minimum", "ur").values()) == {0.0}
    assert set(found.rates("invariance", "ur").values()) == {1.0}


def test_what_cannot_be_tried_is_said() -> None:
    with pytest.raises(SchemaError, match=r"^a language is 'de'; it must be 'en', 'fa', 'ps', 'ur' or 'ur-Latn'"):
        tried(neither, languages=["de"])
    with pytest.raises(MeaningError, match=r"^this classifier tells angry; the behavioural tests are of frames$"):
        behaviour(Says(neither, ("angry", *FRAMES[1:])))  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match=r"^kind is 'minimal'; it must be"):
        tried(neither, languages=["en"]).rates("minimal")


def test_the_real_classifier_can_be_tried(tiny_model: FramingClassifier) -> None:
    found = behaviour(tiny_model, languages=["en", "ps"])
    assert set(found.rates("invariance")) >= {"link", "mention", "punctuation"}
    assert found.table["passed"].sum() == 2 * (
        CASE.filter(pl.col("lang").is_in(["en", "ps"])).height - found.failures.height
    )
    assert ((found.table["low"] <= found.table["rate"]) & (found.table["rate"] <= found.table["high"])).all()
