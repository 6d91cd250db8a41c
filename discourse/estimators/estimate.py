"""One estimate: a value with its interval, the replicates behind it, and what must be true for the interval to be true.

Letters of shapes: b replicates, k frames. A value may be one number or an array of any shape (...); replicates stand on
the last axis, as in `discourse.estimators.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from discourse.errors import MeaningError, UsageError
from discourse.estimators.bootstrap import percentile_interval, replicate_variance
from discourse.schema import one_of

__all__ = ["ASSUMES", "ASSUMPTIONS", "Estimate", "assumes_of", "difference", "from_replicates", "from_se"]

Floats = npt.NDArray[np.float64]

ASSUMPTIONS = {
    "random_gold": "the gold labels are a random sample of the posts they speak for",
    "known_inclusion_probabilities": "every gold label carries the true chance with which its post was drawn",
    "errors_stable_over_time": "what a predicted class holds does not change from window to window",
    "errors_stable_over_time_and_sides": "what a predicted class holds is the same in all windows and on all sides",
    "prior_shift": "only the shares of the frames changed since the labels were made, not how posts of a frame look",
    "calibrated_scores": "of the posts that are given a score of 0.7, seven in ten have the frame",
    "classifier_errors_cancel": "the classifier takes as many posts into a frame by mistake as it misses",
}
"""The words of `assumes` and what each of them says."""

ASSUMES = {
    "gold": ("random_gold",),
    "poststrat": ("random_gold",),
    "ppi": ("random_gold",),
    "ppi++": ("random_gold",),
    "dsl": ("known_inclusion_probabilities",),
    "acc": ("prior_shift",),
    "pacc": ("prior_shift",),
    "sld": ("calibrated_scores", "prior_shift"),
    "cc": ("classifier_errors_cancel",),
    "pcc": ("classifier_errors_cancel",),
}
"""What each method takes for granted, with gold drawn with equal chances."""

_NEEDED = {"acc": "prior_shift", "pacc": "prior_shift", "sld": "prior_shift",
           "cc": "classifier_errors_cancel", "pcc": "classifier_errors_cancel"}  # fmt: skip
_MINUS = " - "
_SHOWN = 6


def assumes_of(method: str, *, weighted: bool = False) -> frozenset[str]:
    """The words of a method; `weighted` gold was drawn with unequal, recorded chances.

    Raises `SchemaError` for an unknown method.

    >>> sorted(assumes_of("sld")), sorted(assumes_of("poststrat", weighted=True))
    (['calibrated_scores', 'prior_shift'], ['known_inclusion_probabilities'])
    """
    words = ASSUMES[one_of(method, ASSUMES, "method")]
    drawn = {"random_gold": "known_inclusion_probabilities"} if weighted else {}
    return frozenset(drawn.get(word, word) for word in words)


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """A value of shape (...) with standard error, interval and replicates (..., b), all read-only copies.

    `assumes` are words of `ASSUMPTIONS`; `n_gold` and `n_eff` are one number or one for each value; `level` is that of
    the interval and `seed` that of the replicates. Raises `UsageError` when shapes do not fit, `SchemaError` for an
    unknown word, and `MeaningError` for an interval of `acc`, `pacc` or `sld` that does not say `prior_shift`, or of
    `cc` or `pcc` that does not say `classifier_errors_cancel`.

    >>> Estimate(value=0.32, se=0.02, low=0.28, high=0.36, assumes={"random_gold"}, method="poststrat")
    poststrat 0.320 [0.280, 0.360], assumes random_gold
    >>> Estimate(0.4, 0.01, 0.38, 0.42, assumes={"classifier_errors_cancel"}, method="cc", flags=("naive",))
    cc 0.400 [0.380, 0.420] (warning: the interval leaves out the classifier's error),
    assumes classifier_errors_cancel, flags naive
    """

    value: Any
    se: Any
    low: Any
    high: Any
    replicates: Any = None
    assumes: Iterable[str] = frozenset()
    n_gold: Any = 0
    n_eff: Any = float("nan")
    flags: tuple[str, ...] = ()
    method: str = ""
    weight: str = "post"
    level: float = 0.95
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("value", "se", "low", "high"):
            object.__setattr__(self, name, _kept(getattr(self, name)))
        for name in ("se", "low", "high"):
            if getattr(self, name).shape != self.value.shape:
                got = getattr(self, name).shape
                raise UsageError(f"{name} has the shape {got}; it must be that of the value, {self.value.shape}")
        if self.replicates is not None:
            object.__setattr__(self, "replicates", _kept(self.replicates))
            if self.replicates.shape[:-1] != self.value.shape or self.replicates.ndim == 0:
                raise UsageError(
                    f"replicates have the shape {self.replicates.shape}; "
                    f"they must be (..., b) with (...) that of the value, {self.value.shape}"
                )
        words = (self.assumes,) if isinstance(self.assumes, str) else self.assumes
        object.__setattr__(self, "assumes", frozenset(one_of(word, ASSUMPTIONS, "assumes") for word in words))
        object.__setattr__(self, "flags", tuple(self.flags))
        self._refuse_a_bare_interval()

    def _refuse_a_bare_interval(self) -> None:
        if not (np.isfinite(self.low) | np.isfinite(self.high)).any():
            return
        for method in self.method.split(_MINUS):
            word = _NEEDED.get(method)
            if word is not None and word not in self.assumes:
                raise MeaningError(
                    f"an interval of {method!r} is true only if {ASSUMPTIONS[word]}; say so with assumes={{{word!r}}}"
                )

    @property
    def naive(self) -> bool:
        """Whether the classifier's error is left out of the interval."""
        return "classifier_errors_cancel" in self.assumes

    @property
    def assumed(self) -> str:
        """The words of `assumes` in one, as a series carries them: "calibrated_scores+prior_shift"."""
        return "+".join(sorted(self.assumes))

    def flagged(self, *flags: str) -> Estimate:
        """The same estimate with more flags, each once.

        >>> Estimate(0.3, 0.1, 0.1, 0.5, flags=("thin",)).flagged("thin", "n_eff_below_30").flags
        ('thin', 'n_eff_below_30')
        """
        return replace(self, flags=tuple(dict.fromkeys((*self.flags, *flags))))

    def __getitem__(self, at: Any) -> Estimate:
        """The part of an array of estimates, by the index of its values.

        >>> three = Estimate([0.5, 0.3, 0.2], [0.1] * 3, [0.4, 0.2, 0.1], [0.6, 0.4, 0.3], method="gold")
        >>> three[1]
        gold 0.300 [0.200, 0.400], assumes nothing
        """
        parts = {name: getattr(self, name)[at] for name in ("value", "se", "low", "high")}
        if self.replicates is not None:
            parts["replicates"] = self.replicates[at]
        for name in ("n_gold", "n_eff"):
            if np.shape(getattr(self, name)) == self.value.shape:
                parts[name] = np.asarray(getattr(self, name))[at]
        return replace(self, **parts)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.value, dtype=dtype)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        low, high = self.low.ravel(), self.high.ravel()
        values = [f"{value:.3f} [{a:.3f}, {b:.3f}]" for value, a, b in zip(self.value.ravel(), low, high, strict=True)][
            :_SHOWN
        ]
        left = self.value.size - len(values)
        said = f"{self.method} {', '.join(values)}{f' and {left} more' if left else ''}".strip()
        naive = " (warning: the interval leaves out the classifier's error)" if self.naive else ""
        flags = f", flags {' '.join(self.flags)}" if self.flags else ""
        return f"{said}{naive}, assumes {self.assumed or 'nothing'}{flags}"

    def _repr_html_(self) -> str:
        head = ("value", f"{100 * self.level:g} % interval", "standard error")
        rows = [
            (f"{value:.3f}", f"{low:.3f} to {high:.3f}", f"{se:.3f}")
            for value, low, high, se in zip(
                self.value.ravel(), self.low.ravel(), self.high.ravel(), self.se.ravel(), strict=True
            )
        ]
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        said = [f"method {self.method}", f"weight {self.weight}"] + [f"flag {flag}" for flag in self.flags]
        said += [f"{word}: {ASSUMPTIONS[word]}" for word in sorted(self.assumes)]
        if self.naive:
            said.append("warning: the interval leaves out the classifier's error")
        under = "".join(f"<li>{escape(line)}</li>" for line in said)
        top = "".join(f"<th>{name}</th>" for name in head)
        return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table><ul>{under}</ul>"


def from_replicates(
    values: npt.ArrayLike,
    *,
    method: str,
    seed: int,
    level: float = 0.95,
    weight: str = "post",
    assumes: Iterable[str] | None = None,
    n_gold: Any = 0,
    n_eff: Any = float("nan"),
) -> Estimate:
    """The estimate of `values` (..., 1 + b), column 0 the sample and the others its bootstrap replicates.

    The interval is the percentile interval, the standard error the standard deviation of the replicates; replicates
    without a number are left out of both. `assumes` is by default that of the method.

    >>> from_replicates([0.5, 0.4, 0.6], method="gold", seed=7, level=0.9)
    gold 0.500 [0.410, 0.590], assumes random_gold
    """
    made = np.asarray(values, dtype=np.float64)
    if made.ndim == 0 or made.shape[-1] < 3:
        raise UsageError(f"values have the shape {made.shape}; they must be (..., 1 + b) with 2 replicates or more")
    low, high = percentile_interval(made[..., 1:], level)
    known = np.isfinite(made[..., 0])
    return Estimate(
        made[..., 0], np.sqrt(replicate_variance(made[..., 1:])),
        np.where(known, low, np.nan), np.where(known, high, np.nan),
        made[..., 1:], assumes_of(method) if assumes is None else assumes,
        n_gold, n_eff, method=method, weight=weight, level=level, seed=seed,
    )  # fmt: skip


def from_se(
    value: npt.ArrayLike,
    se: npt.ArrayLike,
    *,
    method: str,
    df: float | None = None,
    level: float = 0.95,
    assumes: Iterable[str] | None = None,
    n_gold: Any = 0,
    n_eff: Any = float("nan"),
) -> Estimate:
    """The estimate of a value (...) and its standard error: value +- quantile x se, normal or t with `df` degrees.

    The interval is not cut at 0 and 1. `assumes` is by default that of the method.

    >>> from_se(0.35, 0.1, method="ppi")
    ppi 0.350 [0.154, 0.546], assumes random_gold
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    at, spread = np.asarray(value, dtype=np.float64), np.asarray(se, dtype=np.float64)
    tail = 0.5 + level / 2.0
    reach = float(stats.norm.ppf(tail) if df is None else stats.t.ppf(tail, df)) * spread
    words = assumes_of(method) if assumes is None else assumes
    return Estimate(at, spread, at - reach, at + reach, None, words, n_gold, n_eff, method=method, level=level)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First minus second, replicate by replicate, so that authors and labels that both rest on keep their covariance.

    `n_gold` and `n_eff` are the smaller of the two, assumptions and flags those of both. Raises `MeaningError` when one
    has no replicates, when seeds, numbers of replicates, levels or weights differ, or when shapes do.

    >>> one = from_replicates([0.5, 0.4, 0.6], method="gold", seed=7)
    >>> other = from_replicates([0.3, 0.2, 0.4], method="gold", seed=7)
    >>> difference(one, other)                     # both rise together: nothing is uncertain
    gold 0.200 [0.200, 0.200], assumes random_gold
    """
    if first.replicates is None or second.replicates is None:
        raise MeaningError("an estimate without replicates has no covariance with another; make both by one bootstrap")
    told = [
        ("seed", first.seed, second.seed),
        ("number of replicates", first.replicates.shape[-1], second.replicates.shape[-1]),
        ("level", first.level, second.level),
        ("weight", first.weight, second.weight),
        ("shape", first.value.shape, second.value.shape),
    ]
    for name, one, other in told:
        if one != other:
            raise MeaningError(f"the {name} of the estimates is {one} and {other}; make both by one bootstrap")
    replicates = first.replicates - second.replicates
    low, high = percentile_interval(replicates, first.level)
    value = first.value - second.value
    known = np.isfinite(value)
    same = first.method == second.method
    return Estimate(
        value, np.sqrt(replicate_variance(replicates)),
        np.where(known, low, np.nan), np.where(known, high, np.nan),
        replicates, frozenset(first.assumes) | frozenset(second.assumes),
        np.minimum(first.n_gold, second.n_gold), np.minimum(first.n_eff, second.n_eff),
        tuple(dict.fromkeys((*first.flags, *second.flags))),
        first.method if same else f"{first.method}{_MINUS}{second.method}",
        first.weight, first.level, first.seed,
    )  # fmt: skip


def _kept(value: Any) -> Floats:
    made = np.array(value, dtype=np.float64)
    made.setflags(write=False)
    return made
