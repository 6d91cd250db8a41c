"""The linear model learns what is there, is calibrated, and comes back from its arrays."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import ROOT
from discourse.errors import BadInput
from discourse.framing.bank import bank_scores, read_bank, shipped_bank
from discourse.framing.features import count, texts_of
from discourse.framing.linear import Linear, Recipe, fit_linear, fit_temperature, softmax
from discourse.schema import FRAMES

RECIPE = Recipe(c=3.0, least=1, seed=7)


def made_up(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of common words, with one word in four that tells the class, right nine times in ten."""
    draw = np.random.default_rng(seed)
    texts, values = [], []
    for _ in range(n):
        value = str(draw.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1]))
        said = value if draw.random() < 0.9 else str(draw.choice(["a", "b", "c"]))
        words = [f"w{draw.integers(40)}" for _ in range(4)] + [f"{said}{said}{draw.integers(5)}"]
        texts.append(" ".join(draw.permutation(words)))
        values.append(value)
    return texts, values


def test_it_learns_and_its_probabilities_are_true() -> None:
    texts, values = made_up(900, 1)
    model = fit_linear(count(texts), values, np.zeros((900, 0)), RECIPE)
    asked, true = made_up(2000, 2)
    shares = model.probabilities(count(asked), np.zeros((2000, 0)))
    right = np.array(model.classes)[shares.argmax(axis=1)] == np.array(true)
    assert right.mean() > 0.85
    assert abs(shares.max(axis=1).mean() - right.mean()) < 0.05


def test_dense_columns_count() -> None:
    draw = np.random.default_rng(3)
    values = ["a" if draw.random() < 0.5 else "b" for _ in range(200)]
    dense = np.array([[1.0 if value == "a" else -1.0] for value in values])
    model = fit_linear(count(["the same"] * 200), values, dense, RECIPE)
    found = model.probabilities(count(["the same"] * 2), np.array([[1.0], [-1.0]])).argmax(axis=1)
    assert [model.classes[at] for at in found] == ["a", "b"]


def test_a_temperature_of_a_known_case() -> None:
    draw = np.random.default_rng(4)
    scores = draw.normal(size=(20_000, 3)) * 2
    place = np.array([draw.choice(3, p=row) for row in softmax(scores)])
    assert fit_temperature(scores * 2.5, place) == pytest.approx(2.5, rel=0.05)
    assert fit_temperature(np.zeros((5, 3)), place[:5]) == 1.0


def test_arrays_are_the_model() -> None:
    texts, values = made_up(100, 5)
    model = fit_linear(count(texts), values, np.zeros((100, 0)), RECIPE)
    again = Linear.of(model.classes, model.arrays())
    asked = count(["aa1 w1", "", "نیا"])
    assert (again.probabilities(asked, np.zeros((3, 0))) == model.probabilities(asked, np.zeros((3, 0)))).all()
    with pytest.raises(BadInput, match="its arrays or classes are others"):
        Linear.of(["a"], model.arrays())


def test_the_bank_is_large_even_and_constructed() -> None:
    texts, frames, langs = read_bank(ROOT / "corpora" / "bank")
    assert sorted(set(langs)) == ["en", "fa", "ps", "ur", "ur-Latn"]
    assert len(set(texts)) == len(texts)
    for lang in set(langs):
        for frame in FRAMES:
            assert sum(a == lang and b == frame for a, b in zip(langs, frames, strict=True)) >= 150, (lang, frame)


def test_the_shipped_bank_model_is_of_the_bank() -> None:
    texts, frames, _ = read_bank(ROOT / "corpora" / "bank")
    model = shipped_bank()
    assert set(model.classes) == set(FRAMES)
    scores = bank_scores(count(texts_of(texts)))
    assert scores.shape == (len(texts), 4)
    assert np.mean([FRAMES[at] == frame for at, frame in zip(scores.argmax(axis=1), frames, strict=True)]) > 0.95


def test_the_bank_knows_sentences_it_does_not_hold() -> None:
    asked = {
        "let our children live, end this war": "conciliatory", "ہم جنگ نہیں چاہتے، مذاکرات کرو": "conciliatory",
        "موږ جګړه نه غواړو، خبرې وکړئ": "conciliatory", "any invader will be buried in this soil": "nationalist",
        "dushman ko sabaq sikhana hoga, badla lenge": "nationalist", "دشمن را از خاک خود بیرون می‌کنیم": "nationalist",
    }  # fmt: skip
    held = set(read_bank(ROOT / "corpora" / "bank")[0])
    scores = bank_scores(count(texts_of(list(asked))))
    assert not held & asked.keys()
    found = [FRAMES[at] for at in scores.argmax(axis=1)]
    assert sum(one == other for one, other in zip(found, asked.values(), strict=True)) >= 5
