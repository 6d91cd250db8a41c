"""Behavioural tests: what a framing classifier must do on constructed texts, whatever its scores are.

Three kinds, after Ribeiro, Wu, Guestrin and Singh (2020), *Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList*: "minimum" (a text must get its frame), "invariance" (a change that means nothing must not change the
predicted frame) and "direction" (a change must move the probability of a frame up or down). The texts stand in
`behaviour.toml`; they are made up, and expected to be what the codebook says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, Final

import numpy as np
import polars as pl
import regex

from discourse.errors import MeaningError
from discourse.estimators.proportions import wilson
from discourse.framing.classifier import FramingClassifier
from discourse.judging.baselines import Guess, model_guess
from discourse.schema import ABSTAIN, FRAMES, one_of

__all__ = ["CASES", "KINDS", "Behaviour", "behaviour", "behaviour_cases"]

KINDS: Final = ("minimum", "invariance", "direction")
MARGIN: Final = 0.01
"""How far a probability must move, at least, to have moved."""
CASES: Final[dict[str, Any]] = {
    "capability": pl.String, "kind": pl.String, "lang": pl.String, "template": pl.String, "text": pl.String,
    "other": pl.String, "frame": pl.String, "change": pl.String,
}  # fmt: skip
_RATES: Final[dict[str, Any]] = {
    "capability": pl.String, "kind": pl.String, "lang": pl.String, "cases": pl.Int64, "templates": pl.Int64,
    "passed": pl.Int64, "rate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip
_SLOT: Final = regex.compile(r"\{([^{}|]*(?:\|[^{}|]*)+)\}")
_SIGNS: Final = regex.compile(r"[\p{P}--[@#_'’\-]]+", regex.VERSION1)
_ADDED: Final = {"link": "{} https://example.org/a1b2", "mention": "@someone {}"}
_OTHER_POLE: Final = {"nationalist": ("conciliatory",), "conciliatory": ("nationalist",),
                      "neither": ("nationalist", "conciliatory")}  # fmt: skip

Row = tuple[str, str, str, str, str, str | None, str | None, str | None]


@dataclass(frozen=True, repr=False)
class Behaviour:
    """How a classifier passed the behavioural tests.

    `table` has one row a capability, kind and language (and "all" languages): cases, templates, passed, rate and its
    95 % Wilson interval. Cases of one template are alike, so the interval takes templates as the independent ones.
    `failures` lists the constructed cases that failed: capability, kind, lang, text, other, expected, got.

    >>> Behaviour(pl.DataFrame(schema=_RATES), pl.DataFrame()).rates("minimum")
    {}
    """

    table: pl.DataFrame
    failures: pl.DataFrame

    def __repr__(self) -> str:
        rows = self.table.filter(pl.col("lang") == "all").to_dicts()
        lines = [
            f"  {row['capability']} ({row['kind']}): {row['passed']} of {row['cases']}, {row['rate']:.0%} "
            f"({row['low']:.0%} to {row['high']:.0%})"
            for row in rows
        ]
        return "\n".join(["Behaviour, constructed cases passed:", *lines])

    def rates(self, kind: str, lang: str = "all") -> dict[str, float]:
        """The share of cases passed by capability, of one kind in one language or all.

        >>> made = {"capability": ["link"], "kind": ["invariance"], "lang": ["all"], "rate": [0.9]}
        >>> Behaviour(pl.DataFrame(made), pl.DataFrame()).rates("invariance")
        {'link': 0.9}
        """
        one_of(kind, KINDS, "kind")
        rows = self.table.filter((pl.col("kind") == kind) & (pl.col("lang") == lang))
        return dict(rows.select("capability", "rate").iter_rows())


def behaviour(model: FramingClassifier, *, languages: Sequence[str] | None = None) -> Behaviour:
    """Put a trained classifier to the behavioural tests, in all five languages or in some of them.

    A "minimum" case passes when the predicted frame is the expected one; an "invariance" case when both texts get the
    same prediction; a "direction" case when the frame's probability moves as it should by more than 0.01. An
    abstention is no frame. Raises `SchemaError` for a language without cases and `MeaningError` for a classifier of
    other classes than frames.

    >>> texts = ["we want peace talks", "let us talk, no more war", "defend our soil", "our soil, our honour"]
    >>> model = FramingClassifier(seed=7, least=1).fit(texts, ["conciliatory"] * 2 + ["nationalist"] * 2)
    >>> found = behaviour(model, languages=["en"])
    >>> found.table["lang"].unique().sort().to_list(), sorted(found.rates("invariance"))
    (['all', 'en'], ['hijacked hashtags', 'link', 'mention', 'punctuation', 'spelling', 'swapped countries'])
    """
    strange = sorted({str(name) for name in model.classes_} - set(FRAMES))
    if strange:
        raise MeaningError(f"this classifier tells {', '.join(strange)}; the behavioural tests are of frames")
    cases = behaviour_cases()
    for lang in languages or ():
        one_of(lang, cases["lang"].unique().sort(), "a language")
    if languages is not None:
        cases = cases.filter(pl.col("lang").is_in(list(languages)))
    distinct = pl.concat([cases["text"], cases["other"].drop_nulls()]).unique().sort()
    place = {text: at for at, text in enumerate(distinct)}
    guess = model_guess(model, distinct.to_list())
    judged = [_passed(row, guess, place) for row in cases.iter_rows(named=True)]
    tried = cases.with_columns(
        passed=pl.Series([passed for passed, *_ in judged], dtype=pl.Boolean),
        expected=pl.Series([expected for _, expected, _ in judged], dtype=pl.String),
        got=pl.Series([got for *_, got in judged], dtype=pl.String),
    )
    both = pl.concat([tried, tried.with_columns(lang=pl.lit("all"))])
    failures = tried.filter(~pl.col("passed"))
    return Behaviour(_rates(both), failures.select("capability", "kind", "lang", "text", "other", "expected", "got"))


@cache
def behaviour_cases() -> pl.DataFrame:
    """Every constructed case: capability, kind, lang, template, text, and as far as the kind needs them other, frame,
    change.

    >>> cases = behaviour_cases()
    >>> cases.filter(pl.col("capability") == "mention")["other"][0]
    '@someone Whoever sends drones over our valleys will find that this nation answers.'
    """
    source = (files("discourse.judging") / "behaviour.toml").read_text(encoding="utf-8")
    return pl.DataFrame(list(_rows(tomllib.loads(source))), schema=CASES, orient="row")


def _rows(book: Mapping[str, Any]) -> Iterator[Row]:
    for lang in book["base"]:
        yield from _from_base(book, lang)
        yield from _from_tags(book["tags"][lang], lang)
        yield from _from_swaps(book["swap"][lang], book["countries"][lang], lang)
    for test, frame in product(book["expect"], FRAMES):
        for template in test.get(frame, ()):
            for (text,) in _filled([template]):
                yield test["capability"], "minimum", test["lang"], template, text, None, frame, None
    for test in book["turn"]:
        given = (test["capability"], "direction", test["lang"])
        for before, after in test["pairs"]:
            for text, other in _filled([before, after]):
                yield *given, f"{before} > {after}", text, other, test["frame"], test["change"]


def _from_base(book: Mapping[str, Any], lang: str) -> Iterator[Row]:
    for frame, texts in book["base"][lang].items():
        for at, text in enumerate(texts):
            template = f"{lang} {frame} {at}"
            yield "plain", "minimum", lang, template, text, None, frame, None
            for capability, changed in _changed(text, frame, book, lang):
                if changed != text:
                    yield capability, "invariance", lang, template, text, changed, None, None


def _from_tags(tags: Mapping[str, Sequence[str]], lang: str) -> Iterator[Row]:
    for tag, town in product((*tags["nationalist"], *tags["conciliatory"]), tags["places"]):
        yield "hashtags alone", "minimum", lang, f"{lang} {tag}", f"{tag} {town}", None, "neither", None


def _from_swaps(texts: Sequence[str], countries: Sequence[Sequence[str]], lang: str) -> Iterator[Row]:
    for (at, text), (one, other) in product(enumerate(texts), countries):
        there, back = (text.replace("{A}", a).replace("{B}", b) for a, b in ((one, other), (other, one)))
        yield "swapped countries", "invariance", lang, f"{lang} swap {at}", there, back, None, None


def _changed(text: str, frame: str, book: Mapping[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    """A text with changes that mean nothing, each with its name."""
    for name, pattern in _ADDED.items():
        yield name, pattern.format(text)
    for pole in _OTHER_POLE.get(frame, ()):
        for tag in book["tags"][lang][pole]:
            yield "hijacked hashtags", f"{text} {tag}"
    yield "punctuation", " ".join(_SIGNS.sub(" ", text).split())
    spelt, letters = text, book["spelling"][lang]["letters"]
    for word, other in book["spelling"][lang]["words"].items():
        spelt = regex.sub(rf"(?<!\w){regex.escape(word)}(?!\w)", other, spelt)
    yield "spelling", spelt
    yield "spelling", text.translate(str.maketrans(letters)) if letters else text.lower()


def _filled(templates: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Templates with every choice of their slots, the same in all; raises `ValueError` when their slots differ.

    >>> list(_filled(["{a|b} c", "no {A|B}"]))
    [('a c', 'no A'), ('b c', 'no B')]
    """
    slots = [[found.split("|") for found in _SLOT.findall(template)] for template in templates]
    sizes = {tuple(map(len, found)) for found in slots}
    if len(sizes) != 1:
        raise ValueError(f"the slots of a pair differ: {' / '.join(templates)}")
    for choice in product(*(range(size) for size in sizes.pop())):
        yield tuple(
            _replaced(template, [found[at][chosen] for at, chosen in enumerate(choice)])
            for template, found in zip(templates, slots, strict=True)
        )


def _replaced(template: str, words: Sequence[str]) -> str:
    left = iter(words)
    return _SLOT.sub(lambda _: next(left), template)


def _passed(row: Mapping[str, Any], guess: Guess, place: Mapping[str, int]) -> tuple[bool, str, str]:
    """Whether a case passed, what was expected and what came."""
    names = (*FRAMES, ABSTAIN)
    said = names[guess.predicted[place[row["text"]]]]
    if row["kind"] == "minimum":
        return said == row["frame"], row["frame"], said
    after = names[guess.predicted[place[row["other"]]]]
    if row["kind"] == "invariance":
        return said == after, said, after
    at = FRAMES.index(row["frame"])
    first, second = (float(guess.probabilities[place[row[name]], at]) for name in ("text", "other"))
    moved = second - first if row["change"] == "up" else first - second
    return moved > MARGIN, f"{row['frame']} {row['change']}", f"{first:.2f} to {second:.2f}"


def _rates(tried: pl.DataFrame) -> pl.DataFrame:
    by = ["capability", "kind", "lang"]
    made = tried.group_by(by, maintain_order=True).agg(
        pl.len().alias("cases"), pl.col("template").n_unique().alias("templates"), pl.col("passed").sum()
    )
    rate = (made["passed"] / made["cases"]).to_numpy()
    n = made["templates"].to_numpy().astype(np.float64)
    low, high = wilson(rate * n, n)
    made = made.with_columns(rate=pl.Series(rate), low=pl.Series(low), high=pl.Series(high))
    order = {kind: at for at, kind in enumerate(KINDS)}
    return made.sort(pl.col("lang") != "all", "lang", pl.col("kind").replace_strict(order), "capability").select(
        pl.col(name).cast(dtype) for name, dtype in _RATES.items()
    )
