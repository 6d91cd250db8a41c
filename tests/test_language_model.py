"""The fitted numbers are read as they were written, and a text's score is the sum of its words'."""

from __future__ import annotations

import io

import numpy as np
import pytest

from discourse.text.language_model import PURE, Family, Model, load, save, shipped
from discourse.text.letters import ARABIC, BUCKETS, LATIN, groups


def small() -> Model:
    weights = np.zeros((BUCKETS, 2), np.int32)
    weights[groups(["peace"]).indices] = [3, -2]
    return Model({LATIN: Family(("en", "other-tr"), weights, np.array([5, -5]))})


def test_a_model_comes_back_as_it_was() -> None:
    made = load(save(small()))
    assert made.families.keys() == {LATIN}
    assert made.families[LATIN].names == ("en", "other-tr")
    assert np.array_equal(made.families[LATIN].weights, small().families[LATIN].weights)
    assert np.array_equal(made.families[LATIN].offset, [5, -5])


def test_a_word_scores_the_sum_of_its_groups() -> None:
    family = small().families[LATIN]
    n = int(groups(["peace"]).sum())
    assert n == 7 + 6 + 5 + 4 + 1
    assert family.score(["peace"]).tolist() == [[3 * n, -2 * n]]
    assert family.score(["peace", "xyq", "peace"])[[0, 2]].tolist() == [[3 * n, -2 * n]] * 2
    assert family.score([]).shape == (0, 2)


def test_pickles_are_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **{"latin.names": np.array([{"a": 1}], object)})
    with pytest.raises(ValueError, match="allow_pickle"):
        load(buffer.getvalue())


def test_what_is_shipped() -> None:
    families = shipped().families
    assert families.keys() == {LATIN, ARABIC, PURE}
    assert families[LATIN].names[:2] == families[PURE].names[:2] == ("en", "ur-Latn")
    assert families[ARABIC].names[:3] == ("ur", "ps", "fa")
    assert all(name.startswith("other-") for family in families.values() for name in family.names[3:])
    assert all(np.abs(family.weights).max() < 2**15 for family in families.values())
