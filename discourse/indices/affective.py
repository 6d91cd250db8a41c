"""Affective polarization: how much more hostile a side is about the other side than about itself.

It needs two labels a post, whom it is about and whether it is hostile, and therefore two corrections for classifier
error at once: post-stratify on the pair (predicted target, predicted hostility) and hand the corrected shares of the
four cells to `AffectivePolarization`.

Source: Iyengar, Sood and Lelkes (2012), *Affect, Not Ideology*, Public Opinion Quarterly 76; the log odds ratio and its
error as in Woolf (1955), with half a post added to each cell where one is empty (Haldane 1956; Anscombe 1956).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.estimators.bootstrap import percentile_interval
from discourse.indices.no_difference import replicate_covariance
from discourse.schema import one_of

__all__ = ["CELLS", "FORMS", "AffectivePolarization", "affective_gap", "affective_log_odds"]

CELLS = ("out-hostile", "out-other", "in-hostile", "in-other")
FORMS = ("gap", "log-odds")

Floats = npt.NDArray[np.float64]


def affective_gap(
    out_hostile: npt.ArrayLike, out_n: npt.ArrayLike, in_hostile: npt.ArrayLike, in_n: npt.ArrayLike
) -> Floats:
    """P(hostile | about the out-group) - P(hostile | about the in-group), from -1 to 1, of counts of posts.

    `out_n` and `in_n` are all posts about that group. No posts about one of them: NaN.

    >>> round(float(affective_gap(140, 400, 45, 300)), 6)      # 0.35 - 0.15
    0.2
    """
    a, n, b, m = _counted(out_hostile, out_n, in_hostile, in_n)
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = a / n - b / m
    return made


def affective_log_odds(
    out_hostile: npt.ArrayLike, out_n: npt.ArrayLike, in_hostile: npt.ArrayLike, in_n: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Log odds ratio of hostility, out-group against in-group, and its standard error for independent posts.

    Where a cell is empty, half a post is added to all four. The error knows nothing of authors who post often: it is
    that of a textbook, too small for posts; resample authors for an interval. No posts about a group: NaN.

    >>> value, error = affective_log_odds(140, 400, 45, 300)
    >>> round(float(value), 6), round(float(error), 6)
    (1.115562, 0.192699)
    """
    a, n, b, m = _counted(out_hostile, out_n, in_hostile, in_n)
    cells = np.stack(np.broadcast_arrays(a, n - a, b, m - b))
    cells = np.where((cells == 0).any(axis=0), cells + 0.5, cells)
    known = (n > 0) & (m > 0)
    value = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    return np.where(known, value, np.nan), np.where(known, np.sqrt((1.0 / cells).sum(axis=0)), np.nan)


@dataclass(frozen=True)
class AffectivePolarization:
    """Hostility about the other side against hostility about one's own: "gap" of shares or "log-odds" ratio.

    `of` takes shares or counts of the four `CELLS` on the last axis; posts about neither side stay out. The interval
    is the percentile one of author replicates, each moved by twice the bias, as a replicate carries it twice.

    >>> AffectivePolarization()
    AffectivePolarization('gap')
    >>> round(float(AffectivePolarization().of([0.14, 0.26, 0.045, 0.255])), 6)
    0.2
    """

    form: str = "gap"

    def __post_init__(self) -> None:
        one_of(self.form, FORMS, "form")

    def __repr__(self) -> str:
        return f"AffectivePolarization({self.form!r})"

    @property
    def between(self) -> bool:
        """Whether it compares two sides: no, each side has its own."""
        return False

    @property
    def bounds(self) -> tuple[float, float]:
        """The values it can take."""
        return (-1.0, 1.0) if self.form == "gap" else (-np.inf, np.inf)

    def of(self, cells: npt.ArrayLike) -> Floats:
        """The plug-in value of shares or counts (..., 4 cells); an empty denominator gives NaN."""
        a, b, c, d = np.moveaxis(_cells(cells), -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.form == "gap":
                made: Floats = a / (a + b) - c / (c + d)
            else:
                made = np.log(a) - np.log(b) - np.log(c) + np.log(d)
        return np.where(np.isfinite(made), made, np.nan)

    def correct(self, cells: npt.ArrayLike) -> Floats:
        """Second-order bias of the plug-in value, from shares (..., 1 + b, 4) with the estimate in row 0."""
        given = _cells(cells)
        p, covariance = given[..., 0, :], replicate_covariance(given[..., 1:, :])
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.form == "log-odds":
                var = np.diagonal(covariance, axis1=-2, axis2=-1)
                made: Floats = 0.5 * (var / p**2 @ np.array([-1.0, 1.0, 1.0, -1.0]))
                return made
            out, into = (_ratio_bias(p[..., i : i + 2], covariance[..., i : i + 2, i : i + 2]) for i in (0, 2))
        return out - into

    def interval(self, cells: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """Corrected estimate with lower and upper bound, from shares (..., 1 + b, 4) with the estimate in row 0."""
        values, bias = self.of(cells), self.correct(cells)
        low, high = percentile_interval(values[..., 1:] - 2.0 * bias[..., None], level)
        return values[..., 0] - bias, np.clip(low, *self.bounds), np.clip(high, *self.bounds)


def _ratio_bias(pair: Floats, covariance: Floats) -> Floats:
    """Second-order bias of a / (a + b): half the trace of its Hessian times the covariance of (a, b)."""
    a, b = pair[..., 0], pair[..., 1]
    aa, ab, bb = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    made: Floats = (-b * aa + (a - b) * ab + a * bb) / (a + b) ** 3
    return made


def _cells(cells: npt.ArrayLike) -> Floats:
    given = np.asarray(cells, dtype=np.float64)
    if given.ndim == 0 or given.shape[-1] != len(CELLS):
        raise UsageError(f"cells have shape {given.shape}; the last axis must hold {', '.join(CELLS)}")
    return given


def _counted(
    out_hostile: npt.ArrayLike, out_n: npt.ArrayLike, in_hostile: npt.ArrayLike, in_n: npt.ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    a, n, b, m = (np.asarray(x, dtype=np.float64) for x in (out_hostile, out_n, in_hostile, in_n))
    for hostile, total, group in ((a, n, "out"), (b, m, "in")):
        if (hostile > total).any() or (hostile < 0).any():
            raise UsageError(
                f"there are more hostile posts about the {group}-group than posts about it; give hostile, n"
            )
    return a, n, b, m
