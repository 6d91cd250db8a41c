"""Directions of texts without labels: those of the exact decomposition, whatever order the texts come in."""

from __future__ import annotations

import numpy as np
import pytest

from discourse.errors import MeaningError
from discourse.framing import latent
from discourse.framing.features import Weighting, count
from discourse.framing.latent import Latent, fit_latent


def made_up(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    topics = [[f"{topic}{at}" for at in range(8)] for topic in ("aa", "bb", "cc", "dd")]
    return [" ".join(draw.choice(topics[draw.integers(4)], 5)) for _ in range(n)]


def test_directions_are_those_of_the_exact_decomposition() -> None:
    texts = made_up(150, 1)
    made = fit_latent(texts, 3, seed=7)
    distinct = sorted(set(texts))
    weighted = Weighting.fit(count(distinct), 2).of(count(distinct)).toarray()
    exact = np.linalg.svd(weighted, full_matrices=False)[2][:3]
    assert made.basis.shape == exact.T.shape
    assert np.allclose(np.abs(exact @ made.basis), np.eye(3), atol=1e-3)
    scores = weighted @ exact.T
    scores /= np.linalg.norm(scores, axis=1, keepdims=True)
    assert np.allclose(np.abs(made.of(count(distinct))), np.abs(scores), atol=1e-2)


def test_rows_have_length_1_or_0() -> None:
    made = fit_latent(made_up(100, 2), 4, seed=7)
    lengths = np.linalg.norm(made.of(count(["aa1 aa2", "zz9", ""])), axis=1)
    assert lengths == pytest.approx([1, 0, 0])


def test_order_and_repetition_do_not_count_and_the_seed_does() -> None:
    texts = made_up(120, 3)
    made = fit_latent(texts, 2, seed=7)
    for same in (texts[::-1], [*texts, *texts[:30], "", " "]):
        assert fit_latent(same, 2, seed=7).basis.tobytes() == made.basis.tobytes()
    assert (
        fit_latent(texts[:-5], 2, seed=7).basis.shape != made.basis.shape
        or (fit_latent(texts[:-5], 2, seed=7).basis != made.basis).any()
    )


def test_only_the_commonest_groups_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = made_up(150, 1)
    size = fit_latent(texts, 2, seed=1).weighting.size
    monkeypatch.setattr(latent, "MOST_COLUMNS", size // 2)
    fewer = fit_latent(texts, 2, seed=1)
    assert 0 < fewer.weighting.size <= size // 2
    kept = Weighting.fit(count(sorted(set(texts))), 2)
    common = [np.isin(few, all_).all() for few, all_ in zip(fewer.weighting.columns, kept.columns, strict=True)]
    assert all(common)


def test_many_texts_leave_out_what_fewer_than_five_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = made_up(150, 1)
    monkeypatch.setattr(latent, "FEW", 10)
    wanted = Weighting.fit(count(sorted(set(texts))), 5)
    assert fit_latent(texts, 2, seed=1).weighting.size == wanted.size
    assert wanted.size < Weighting.fit(count(sorted(set(texts))), 2).size


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(MeaningError) as caught:
        fit_latent(["one two", "one two", "two three"], 2, seed=1)
    assert str(caught.value).startswith("2 latent directions cannot be learnt from 2 distinct texts with ")
    assert str(caught.value).endswith("; give more texts without labels, or a smaller latent")


def test_arrays_are_the_directions() -> None:
    made = fit_latent(made_up(100, 2), 4, seed=7)
    again = Latent.from_arrays(made.arrays(), 4)
    counted = count(["aa1 aa2", "bb3"])
    assert (again.of(counted) == made.of(counted)).all()
