"""What a reader must be told about an estimate: one flag, one plain sentence, and how many labels would mend it.

Every guard looks at plain numbers and gives a `Guard`, or None when there is nothing to say. Letters of shapes: t
windows, j predicted classes, k true classes. `labels_needed` is the planner's formula (`discourse.sampling.budget`) for
gold drawn at random in one window and side: z^2 deff (sum_j W_j s_j / n + sum_j (1 - W_j) s_j / n^2) <= half^2 with
s_j = p_j (1 - p_j).

Source: Cochran (1977), *Sampling Techniques*, sections 4.4 and 5A.9; pooled gold: the simulation in docs/prevalence.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isnan, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.estimators.estimate import assumes_of
from discourse.estimators.quantify import acc_se, condition_number
from discourse.estimators.stratified import variance_gain

__all__ = [
    "CONDITION",
    "GAIN",
    "HALF_WIDTHS",
    "MIN_N_EFF",
    "Guard",
    "classifier_adds_nothing",
    "gold_missing",
    "labels_needed",
    "near_singular",
    "pooled_over_event",
    "prior_shift_assumed",
    "raised",
    "small_sample",
]

HALF_WIDTHS = (0.05, 0.10)
CONDITION = 10.0
"""A confusion matrix above this blows the noise of a predicted share up by as much as ten times."""
GAIN = 0.02
"""A classifier that takes less than this part off the variance of gold alone is not worth its assumptions."""
MIN_N_EFF = 30.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Guard:
    """A flag, a sentence, and the labels that would mend it; None where labels do not.

    >>> print(Guard("no_gold", "There is no gold label here.", 385))
    no_gold: There is no gold label here.
    """

    flag: str
    sentence: str
    labels: int | None = None

    def __str__(self) -> str:
        return f"{self.flag}: {self.sentence}"


def raised(guards: Iterable[Guard | None]) -> tuple[Guard, ...]:
    """The guards that have something to say, each flag once, in their order.

    >>> raised([None, Guard("a", "one"), Guard("a", "two")])
    (Guard(flag='a', sentence='one', labels=None),)
    """
    made: dict[str, Guard] = {}
    for guard in guards:
        if guard is not None:
            made.setdefault(guard.flag, guard)
    return tuple(made.values())


def labels_needed(
    half_width: float,
    rates: npt.ArrayLike = 0.5,
    shares: npt.ArrayLike = 1.0,
    *,
    deff: float = 1.0,
    level: float = 0.95,
) -> int:
    """The fewest random gold labels in one window and side with which a share is known to plus or minus `half_width`.

    `rates` p_j (j,) is the part of each predicted class that has the frame and `shares` W_j (j,) the share of posts
    predicted so; one rate, by default the worst, 0.5, stands for gold alone. `deff` multiplies the variance (authors).
    Raises `UsageError` for numbers out of range.

    >>> labels_needed(0.05), labels_needed(0.10), labels_needed(0.05, 0.2)
    (385, 97, 246)
    >>> labels_needed(0.05, [0.8, 0.05], [0.2, 0.8])                       # a good classifier halves it
    110
    """
    p, w = np.broadcast_arrays(
        np.atleast_1d(np.asarray(rates, dtype=np.float64)), np.atleast_1d(np.asarray(shares, dtype=np.float64))
    )
    if not 0.0 < half_width < 1.0 or not 0.0 < level < 1.0 or not 0.0 < deff < float("inf"):
        raise UsageError(
            f"half_width is {half_width}, level {level} and deff {deff}; "
            "half_width and level must lie between 0 and 1, like 0.05 and 0.95, and deff above 0"
        )
    if not ((p >= 0) & (p <= 1)).all() or not (w >= 0).all() or abs(float(w.sum()) - 1.0) > 1e-6:
        raise UsageError("rates must lie from 0 to 1, and shares must not be below 0 and must sum to 1")
    goal = (half_width / NormalDist().inv_cdf(0.5 + level / 2.0)) ** 2 / deff
    first, second = float((w * p * (1.0 - p)).sum()), float(((1.0 - w) * p * (1.0 - p)).sum())
    # The positive root of goal n^2 - first n - second = 0.
    root = (first + sqrt(first**2 + 4.0 * goal * second)) / (2.0 * goal)
    return max(ceil(root - 1e-9), 1)


def gold_missing(
    n_gold: int, where: str, rates: npt.ArrayLike = 0.5, shares: npt.ArrayLike = 1.0, *, deff: float = 1.0
) -> Guard | None:
    """Flag "no_gold": nobody coded a post of `where`, a window and side; `rates` and the others as in `labels_needed`.

    >>> print(gold_missing(0, "the week of 2025-01-06 of pakistan"))
    no_gold: There is no gold label in the week of 2025-01-06 of pakistan, so nothing there corrects the classifier; 385
    random labels would give plus or minus 5 points, 97 plus or minus 10.
    """
    if n_gold > 0:
        return None
    fine, coarse = (labels_needed(half, rates, shares, deff=deff) for half in HALF_WIDTHS)
    return Guard(
        "no_gold",
        f"There is no gold label in {where}, so nothing there corrects the classifier; "
        f"{fine} random labels would give plus or minus 5 points, {coarse} plus or minus 10.",
        fine,
    )


def pooled_over_event(
    n_gold: npt.ArrayLike, event: int, *, pooled: bool, rates: npt.ArrayLike = 0.5, shares: npt.ArrayLike = 1.0
) -> Guard | None:
    """Flag "gold_pooled_over_event": gold of one side of an event speaks for the other.

    `n_gold` (t,) are the labels of one side of the conflict in each window, `event` the first window after the event,
    counted from 0. With `pooled` all labels speak for all windows; without it a window borrows only where it has none,
    so there is something to say when no window before, or none after, has any. Nothing to say where the event leaves no
    window before or after. `labels` is the number each window needs for plus or minus 10 points.

    >>> print(pooled_over_event([120, 80, 0, 0], 2, pooled=False))
    gold_pooled_over_event: The gold labels of this side lie before the event alone and speak for the time after it too,
    which is worse than no correction: a true jump shrinks, because what a predicted class holds changes with the event;
    code 97 random labels in each window that is compared (plus or minus 10 points).
    """
    n = np.asarray(n_gold, dtype=np.float64)
    if n.ndim != 1 or not 0 <= event <= len(n):
        raise UsageError(
            f"n_gold has the shape {n.shape} and event is {event}; give the labels of each window, and the place of one"
        )
    if event in (0, len(n)) or not n.any():
        return None
    before, after = bool(n[:event].any()), bool(n[event:].any())
    if before and after and not pooled:
        return None
    lie = "are pooled over the event"
    if not (before and after):
        here, there = ("before", "after") if before else ("after", "before")
        lie = f"lie {here} the event alone and speak for the time {there} it too"
    each = labels_needed(HALF_WIDTHS[1], rates, shares)
    return Guard(
        "gold_pooled_over_event",
        f"The gold labels of this side {lie}, which is worse than no correction: a true jump shrinks, because "
        f"what a predicted class holds changes with the event; code {each} random labels in each window that is "
        "compared (plus or minus 10 points).",
        each,
    )


def near_singular(
    counts: npt.ArrayLike, confusion: npt.ArrayLike, *, half_width: float = 0.05, threshold: float = CONDITION
) -> Guard | None:
    """Flag "near_singular": the confusion matrix tells some true classes hardly apart, so `acc` blows noise up.

    `counts` (j,) of posts by predicted class, `confusion` (j, k) gold counts by predicted and true class. `labels` are
    those with which the worst share would come to plus or minus `half_width`: the variance that the labels bring, by
    `acc_se`, falls as 1 / n. None where nothing but other classes helps: two true classes predicted alike, or a class
    without gold.

    >>> print(near_singular([5000, 5000], [[52, 48], [48, 52]]))
    near_singular: The classifier tells the true classes hardly apart (condition number 25.0, above 10), so the adjusted
    shares carry up to 25.0 times the noise of the counted ones; 239,708 labels would give plus or minus 5 points.
    """
    table = np.asarray(confusion, dtype=np.float64)
    number = float(condition_number(table))
    if number <= threshold:
        return None
    if not number < 1e12:
        why = "a true class has no gold label" if np.isnan(number) else "two true classes are predicted alike"
        return Guard(
            "near_singular",
            f"The confusion matrix cannot be turned round ({why}), so acc has no answer here; use poststrat with "
            "random gold of this window and side.",
        )
    n = table.sum()
    huge = acc_se(np.asarray(counts, dtype=np.float64) * 1e9, table)
    z = NormalDist().inv_cdf(0.975)
    wanted = ceil(n * (z * float(huge.max()) / half_width) ** 2 - 1e-9)
    return Guard(
        "near_singular",
        f"The classifier tells the true classes hardly apart (condition number {number:.1f}, above {threshold:g}), so "
        f"the adjusted shares carry up to {number:.1f} times the noise of the counted ones; {wanted:,} labels would "
        f"give plus or minus {100 * half_width:g} points.",
        wanted,
    )


def classifier_adds_nothing(
    counts: npt.ArrayLike, gold: npt.ArrayLike, *, half_width: float = 0.05, threshold: float = GAIN
) -> Guard | None:
    """Flag "classifier_adds_nothing": post-stratified shares are hardly more certain than those of the gold alone.

    `counts` (j,) and `gold` (j, k) as in `variance_gain`; there is something to say when no frame gains more than
    `threshold`. `labels` is what the worst frame needs by gold alone for plus or minus `half_width`.

    >>> print(classifier_adds_nothing([500, 500], [[20, 30], [20, 30]]))
    classifier_adds_nothing: The predictions take nothing off the variance of the gold labels (R^2 near 0, best frame
    -0.02), so use method="gold", which is simpler and no less certain; it needs 369 labels for plus or minus 5 points.
    """
    gain = variance_gain(counts, gold)
    known = gain[np.isfinite(gain)]
    if not known.size or known.max() > threshold:
        return None
    table = np.asarray(gold, dtype=np.float64)
    shares = table.sum(axis=0) / table.sum()
    wanted = max(labels_needed(half_width, float(share)) for share in shares)
    return Guard(
        "classifier_adds_nothing",
        f"The predictions take nothing off the variance of the gold labels (R^2 near 0, best frame {known.max():.2f}), "
        f'so use method="gold", which is simpler and no less certain; it needs {wanted} labels for plus or minus '
        f"{100 * half_width:g} points.",
        wanted,
    )


def prior_shift_assumed(method: str, *, rates: npt.ArrayLike = 0.5, shares: npt.ArrayLike = 1.0) -> Guard | None:
    """Flag "prior_shift_assumed": the method takes it that only shares changed since the labels were made.

    >>> print(prior_shift_assumed("acc"))
    prior_shift_assumed: acc is right only if posts of a frame look as they did where the labels come from, and more
    labels from there do not help if they do not; 385 random labels of this window and side would do without it.
    >>> prior_shift_assumed("poststrat") is None
    True
    """
    if "prior_shift" not in assumes_of(method):
        return None
    wanted = labels_needed(HALF_WIDTHS[0], rates, shares)
    return Guard(
        "prior_shift_assumed",
        f"{method} is right only if posts of a frame look as they did where the labels come from, and more labels from "
        f"there do not help if they do not; {wanted} random labels of this window and side would do without it.",
        wanted,
    )


def small_sample(n_eff: float, where: str, *, at_least: float = MIN_N_EFF) -> Guard | None:
    """Flag "n_eff_below_30": too few authors carry the posts of `where`; labels do not mend that.

    >>> print(small_sample(12.4, "this window"))
    n_eff_below_30: The posts of this window weigh as 12.4 authors, fewer than 30, so its interval is not to be trusted;
    no number of labels mends that: join windows until they weigh as 30.
    """
    if n_eff >= at_least:
        return None
    known = not isnan(n_eff)
    weigh = f"{floor(10.0 * n_eff) / 10.0:.1f}" if known else "an unknown number of"
    less = f", fewer than {at_least:g}" if known else ""
    return Guard(
        f"n_eff_below_{at_least:g}",
        f"The posts of {where} weigh as {weigh} authors{less}, so its interval is not to be "
        f"trusted; no number of labels mends that: join windows until they weigh as {at_least:g}.",
    )
