from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from discourse.errors import UsageError
from discourse.measure.prevalence import Shares, prevalence
from discourse.measure.shuffle import shuffled_shares
from discourse.measure.tallies import Design, tally

SIDES = ("pakistan", "afghanistan")
ALL_SIDES = (*SIDES, "unknown")
WINDOWS = ("w1", "w2")
SCHEMA = {
    "author_id": pl.String,
    "side": pl.String,
    "window": pl.String,
    "predicted": pl.String,
    "value": pl.String,
    "inclusion_p": pl.Float64,
}
Row = tuple[str, str, str, str, str | None, float | None]


def shuffled(
    rows: list[Row] | pl.DataFrame,
    *,
    weight: str = "post",
    method: str = "cc",
    gold_within: str = "window",
    shuffles: int = 50,
    seed: int = 1,
) -> np.ndarray:
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, schema=SCHEMA, orient="row")
    design = Design(WINDOWS, ALL_SIDES, weight=weight, replicates=2, seed=seed)
    shares: Shares = prevalence(tally(frame, design), method=method, gold_within=gold_within)
    return shuffled_shares(frame, design, shares, SIDES, shuffles)


def plain(author: str, side: str, window: str, predicted: str, value: str | None = None) -> Row:
    return (author, side, window, predicted, value, 1.0 if value else None)


def crowd() -> list[Row]:
    """Ten authors here, five there, one post each in the first window; six of all are nationalist."""
    frames = ["nationalist"] * 6 + ["neither"] * 9
    return [plain(f"x:{i:02}", SIDES[i % 3 == 2], "w1", frames[i]) for i in range(15)]


def test_sides_keep_their_size_and_together_their_posts() -> None:
    made = shuffled(crowd())
    assert made.shape == (50, 2, 2, 4)
    first, second = made[:, 0, 0, 0] * 10, made[:, 0, 1, 0] * 5
    np.testing.assert_allclose(first, first.round(), atol=1e-12)
    np.testing.assert_allclose(second, second.round(), atol=1e-12)
    np.testing.assert_allclose(first + second, 6.0, atol=1e-12)
    assert len(set(first.round().tolist())) > 2
    np.testing.assert_allclose(made[:, 0].sum(axis=-1), 1.0)
    assert np.isnan(made[:, 1]).all()


def test_the_mean_over_shuffles_is_the_share_of_all() -> None:
    made = shuffled(crowd(), shuffles=2000)
    spread = made[:, 0, :, 0].std(axis=0) / np.sqrt(2000)
    assert (abs(made[:, 0, :, 0].mean(axis=0) - 6 / 15) < 4 * spread).all()


def test_an_author_keeps_all_posts_and_their_windows() -> None:
    rows = [plain("x:loud", SIDES[0], "w1", "nationalist")] * 4 + [plain("x:loud", SIDES[0], "w2", "nationalist")]
    rows += [plain(f"x:{i}", SIDES[(i + 1) % 2], window, "neither") for i in range(5) for window in WINDOWS]
    made = shuffled(rows, weight="post")[..., 0]
    # Three authors on each side: the loud one brings 4 of 6 posts to the one and none to the other.
    assert {tuple(pair) for pair in made[:, 0].round(9).tolist()} == {(round(4 / 6, 9), 0.0), (0.0, round(4 / 6, 9))}
    np.testing.assert_array_equal(made[:, 0] > 0, made[:, 1] > 0)
    np.testing.assert_allclose(made[:, 1].sum(axis=1), 1 / 3)
    by_author = shuffled(rows, weight="author")[..., 0]
    np.testing.assert_allclose(by_author.sum(axis=2), 1 / 3, atol=1e-8)


def test_the_unknown_side_takes_no_part() -> None:
    strangers = [plain(f"x:z{i}", "unknown", "w1", "conciliatory") for i in range(40)]
    assert np.array_equal(shuffled(crowd() + strangers), shuffled(crowd()), equal_nan=True)
    assert np.isnan(shuffled(strangers)).all()


def test_row_order_and_repetition_change_nothing_and_the_seed_does() -> None:
    frame = pl.DataFrame(crowd(), schema=SCHEMA, orient="row")
    once = shuffled(frame)
    assert np.array_equal(shuffled(frame.sample(fraction=1.0, shuffle=True, seed=2)), once, equal_nan=True)
    assert np.array_equal(shuffled(frame), once, equal_nan=True)
    assert not np.array_equal(shuffled(frame, seed=2), once, equal_nan=True)


def gold_crowd() -> list[Row]:
    """Everything is predicted neither; the two sides and windows were coded differently."""
    rows = [plain(f"x:p{i}", SIDES[0], "w1", "neither", "nationalist") for i in range(4)]
    rows += [plain(f"x:a{i}", SIDES[1], "w1", "neither", "neither") for i in range(4)]
    rows += [plain(f"x:{side[0]}{i}", side, "w2", "neither") for side in SIDES for i in range(4)]
    return rows


def test_gold_travels_with_its_author() -> None:
    made = shuffled(gold_crowd(), method="poststrat")
    both = made[:, 0, :, 0]
    np.testing.assert_allclose(both.sum(axis=1), 1.0)  # 4 of 8 authors are nationalist, 4 on each side
    assert len(set(both[:, 0].round(9).tolist())) > 2
    # No gold lies in the second window: it takes the rates of all.
    np.testing.assert_allclose(made[:, 1, :, 0], 0.5)


def test_gold_of_a_side_speaks_for_all_its_windows() -> None:
    made = shuffled(gold_crowd(), method="poststrat", gold_within="side")
    np.testing.assert_allclose(made[:, 0], made[:, 1])
    assert len(set(made[:, 1, 0, 0].round(9).tolist())) > 2


def test_gold_of_all_speaks_for_everyone_alike() -> None:
    strangers = [plain(f"x:u{i}", "unknown", "w1", "neither", "both") for i in range(2)]
    made = shuffled(gold_crowd() + strangers, method="poststrat", gold_within="all")
    np.testing.assert_allclose(made, np.broadcast_to([0.4, 0.0, 0.2, 0.4], made.shape))


def test_a_class_nobody_coded_takes_the_mix_of_all_gold() -> None:
    rows = gold_crowd() + [plain(f"x:c{i}", SIDES[i % 2], "w1", "conciliatory") for i in range(6)]
    rows = [row for row in rows if row[2] == "w1"]
    only_uncoded = [row for row in rows if row[3] == "conciliatory"]
    coded_elsewhere = [(*row[:2], "w2", *row[3:]) for row in rows if row[4]]
    made = shuffled(only_uncoded + coded_elsewhere, method="poststrat")
    known = np.isfinite(made[:, 0, :, 0])
    assert known.any()
    np.testing.assert_allclose(made[:, 0, :, 0][known], 0.5)


@pytest.mark.parametrize("shuffles", [0, -1])
def test_a_baseline_needs_a_shuffle(shuffles: int) -> None:
    with pytest.raises(UsageError) as caught:
        shuffled(crowd(), shuffles=shuffles)
    assert str(caught.value) == f"shuffles is {shuffles}; a baseline needs at least 1 (200 is the default)"
