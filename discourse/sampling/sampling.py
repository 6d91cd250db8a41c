"""Sampling: which posts are given to coders, and with what probability each was drawn.

A label corrects an estimate only when the chance of its post to be drawn is known; a sample chosen in any other way
may teach a classifier, and no more. Every draw hangs on post_id and seed alone.

>>> from discourse.labels.labels import GoldLabels
>>> posts = pl.DataFrame({"post_id": [f"x:{i}" for i in range(90)], "side": ["a", "a", "b"] * 30, "text": ["t"] * 90})
>>> sample = draw_sample(posts, 30, seed=7, design="stratified", strata="side", allocation="equal", role="gold")
>>> sample.group_by("stratum", "inclusion_p").len().sort("stratum").rows()
[('a', 0.25, 15), ('b', 0.5, 15)]
>>> round(float((1 / sample["inclusion_p"]).sum()), 9)
90.0
>>> GoldLabels(sample.select("post_id", pl.lit("neither").alias("value"), "inclusion_p"))
GoldLabels(30 posts: neither 30)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypedDict, Unpack

import numpy as np
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, UsageError
from discourse.labels.labels import ROLES, SAMPLE
from discourse.sampling.active import Candidates, choose
from discourse.sampling.allocation import ALLOCATIONS, Floats, Whole, allocate, spread
from discourse.sampling.drawing import ONE, Keys, capped_chances, check_seed, keyed, smallest, systematic
from discourse.sampling.units import Units, units_of
from discourse.schema import Table, one_of

__all__ = ["DESIGNS", "DRAWN", "Options", "draw_sample", "inclusion_chances"]

DRAWN = Table(
    "drawn sample",
    {**SAMPLE.columns, "text": pl.String, "lang": pl.String},
    required=frozenset({"post_id", "stratum", "text"}),
    values=SAMPLE.values,
    key=("post_id",),
)
_STRATA = ("strata", "allocation", "min_per_stratum", "target")
DESIGNS: Mapping[str, tuple[str, ...]] = {
    "simple": (),
    "stratified": _STRATA,
    "rare-pole": (*_STRATA, "floor"),
    "active": ("target", "random_share", "features", "examples"),
}
_LEAST_RANDOM = 0.2
_Part = tuple[Whole, Sequence[float | None], str, str | None]


class Options(TypedDict, total=False):
    """What `draw_sample` takes beside the posts; each design takes its own, all take `one_per_copy`."""

    strata: str | Sequence[str]
    allocation: str
    min_per_stratum: int
    target: str | Sequence[str]
    floor: float
    random_share: float
    features: Any
    examples: Sequence[str]
    one_per_copy: bool


@dataclass(frozen=True, eq=False)
class _Design:
    """A design with all its options; those that were not given have their default."""

    name: str
    strata: tuple[str, ...] = ()
    allocation: str = "proportional"
    min_per_stratum: int = 2
    target: tuple[str, ...] = ()
    floor: float = 0.25
    random_share: float = _LEAST_RANDOM
    features: Any = None
    examples: tuple[str, ...] = ()
    one_per_copy: bool = False

    def __post_init__(self) -> None:
        one_of(self.allocation, ALLOCATIONS, "allocation")
        if isinstance(self.min_per_stratum, bool) or not isinstance(self.min_per_stratum, int):
            raise UsageError(f"min_per_stratum is {self.min_per_stratum!r}; it must be a whole number from 1, like 2")
        if self.min_per_stratum < 1:
            raise UsageError(
                f"min_per_stratum is {self.min_per_stratum}; it must be 1 or more, or posts would have no chance"
            )
        if not 0.01 <= self.floor <= 1:
            raise UsageError(f"floor is {self.floor}; it must be from 0.01 to 1, like 0.25")
        if not _LEAST_RANDOM <= self.random_share < 1:
            raise UsageError(
                f"random_share is {self.random_share}; it must be from {_LEAST_RANDOM} to below 1: without random "
                "posts nothing can be estimated"
            )
        if self.name == "stratified" and not self.strata:
            raise UsageError("the design 'stratified' needs strata; type for instance strata=('side', 'window')")
        if self.name == "rare-pole" and not self.target:
            raise UsageError("the design 'rare-pole' needs the rare frame; type for instance target='conciliatory'")


def draw_sample(
    posts: pl.DataFrame | Corpus,
    n: int,
    *,
    seed: int,
    design: str = "simple",
    role: str | None = None,
    scores: pl.DataFrame | None = None,
    **options: Unpack[Options],
) -> pl.DataFrame:
    """`n` posts for coders, by post_id: post_id, inclusion_p, stratum, role, text, lang.

    Designs, all without replacement and of fixed size:

    - "simple": each post has the chance n / N.
    - "stratified": a simple random sample in each stratum made by the columns `strata` (side, window, predicted,
      lang, ...). `allocation` "proportional", "equal" or "neyman"; the last guesses the spread of labels within a
      stratum from the predicted probabilities of `target` (one or more classes; default all). At least
      `min_per_stratum` (2) posts a stratum, or all it has.
    - "rare-pole": systematic PPS; chances in proportion to the predicted probability of `target`, mixed with `floor`
      (0.25) parts of an even chance, so each post keeps at least floor x n / N (of its stratum, if `strata` are given).
    - "active": posts by uncertainty (where there are probabilities), nearness to `target` or to `examples` (ids of
      coded posts of the rare pole, not drawn again) and diversity (where there are `features`); their inclusion_p is
      null and their role "training". Of all other posts, a simple random sample of `random_share` (0.2 or more) x n:
      its chances are known, its role is `role`, else "gold", and it speaks for the posts that training leaves to be
      measured, not for those that were chosen.

    `scores` is a table of framings (post_id, p_<frame>, predicted); columns of `posts` serve in its place. Row i of
    `features` (n, d), dense or sparse, belongs to row i of `posts`. With `one_per_copy` the unit is the distinct text.
    Two draws are independent when their seeds differ; a "simple" one lies within a larger one of its seed.
    Raises `UsageError` for an `n` that cannot be drawn and for options that the design does not have, `SchemaError`
    for posts or scores that are not what they should be.

    >>> posts = pl.DataFrame({"post_id": ["x:1", "x:2", "x:3", "x:4"], "text": ["a", "b", "c", "d"]})
    >>> draw_sample(posts, 2, seed=7)["inclusion_p"].to_list()
    [0.5, 0.5]
    """
    check_seed(seed)
    if role is not None:
        one_of(role, ROLES, "role")
    plan = _planned(design, options)
    units = _units(posts, n, scores, plan)
    if plan.name == "active":
        return _active(units, n, plan, role, seed)
    return _with_known_chances(units, n, plan, role, seed)


def inclusion_chances(
    posts: pl.DataFrame | Corpus,
    n: int,
    *,
    design: str = "simple",
    scores: pl.DataFrame | None = None,
    **options: Unpack[Options],
) -> pl.DataFrame:
    """The chance that each post has under a design, drawn or not: post_id, inclusion_p, stratum, by post_id.

    The arguments are those of `draw_sample`; no seed is needed, for chances do not depend on it. Raises
    `MeaningError` for the design "active", which leaves most posts without a known chance, else as `draw_sample`.

    >>> posts = pl.DataFrame({"post_id": ["x:1", "x:2"], "text": ["a", "b"], "p_war": [0.9, 0.1]})
    >>> inclusion_chances(posts, 1, design="rare-pole", target="war", floor=0.5)["inclusion_p"].round(3).to_list()
    [0.7, 0.3]
    """
    plan = _planned(design, options)
    if plan.name == "active":
        raise MeaningError(
            "most posts of an active sample have no known chance; type design='rare-pole' to enrich with known ones"
        )
    units = _units(posts, n, scores, plan)
    parts = [
        units.frame[part.places].select(
            "post_id", pl.Series("inclusion_p", part.chances), pl.lit(part.name).alias("stratum")
        )
        for part in _strata(units, n, plan)
    ]
    return pl.concat(parts).sort("post_id")


def _planned(design: str, options: Options) -> _Design:
    one_of(design, DESIGNS, "design")
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    every = tuple(Options.__annotations__)
    for name, value in given.items():
        if name not in every:
            close = get_close_matches(name, every, n=1)
            hint = f". Did you mean {close[0]!r}?" if close else ""
            raise UsageError(f"there is no option {name!r}; the options are {', '.join(every)}{hint}")
        takes = (*DESIGNS[design], "one_per_copy")
        if name not in takes and not _is_default(name, value):
            others = [repr(other) for other in DESIGNS if name in DESIGNS[other]]
            raise UsageError(
                f"the design {design!r} has no option {name!r}; leave it out, or type design={' or '.join(others)}"
            )
    for name in ("strata", "target", "examples"):
        if name in given:
            value = given[name]
            given[name] = (value,) if isinstance(value, str) else tuple(value)
    return _Design(design, **given)


def _is_default(name: str, value: Any) -> bool:
    """Whether an option says nothing, so that a caller can hand on all of them to any design."""
    if isinstance(value, str | Sequence):
        return len(value) == 0 or value == getattr(_Design, name)
    return name != "features" and bool(value == getattr(_Design, name))


def _units(posts: pl.DataFrame | Corpus, n: int, scores: pl.DataFrame | None, plan: _Design) -> Units:
    units = units_of(posts, scores, features=plan.features, examples=plan.examples, one_per_copy=plan.one_per_copy)
    what = "distinct texts" if plan.one_per_copy else "posts"
    free = int((~units.known).sum())
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n is {n!r}; it must be a whole number from 1, like 200")
    if n > free:
        raise UsageError(f"n is {n} and there are {free} {what} to draw from; ask for at most {free}")
    return units


@dataclass(frozen=True, eq=False)
class _Stratum:
    """The places of its units, how many are drawn, and where chances are not equal these as parts of `ONE`."""

    name: str
    places: Whole
    count: int
    parts: Whole | None = None

    @property
    def chances(self) -> Floats:
        if self.parts is None:
            return np.full(len(self.places), self.count / len(self.places))
        made: Floats = self.parts / ONE
        return made

    def draw(self, keys: Keys, seed: int) -> Whole:
        """Which of its units are drawn, counted within the stratum; `keys` are those of its units."""
        if self.parts is None:
            return smallest(keys, self.count)
        return systematic(self.parts, keys, int(keyed([self.name], seed, "start")[0]))


def _strata(units: Units, n: int, plan: _Design) -> list[_Stratum]:
    names, groups = units.strata(plan.strata)
    sizes = np.array([len(places) for places in groups], dtype=np.int64)
    least = int(np.minimum(sizes, plan.min_per_stratum).sum())
    if plan.strata and n < least:
        raise UsageError(
            f"n is {n}, too few for {plan.min_per_stratum} posts in each of {len(sizes)} strata; ask for at least "
            f"{least}, or make fewer strata"
        )
    counts = allocate(_weights(units, groups, plan), sizes, n, at_least=plan.min_per_stratum if plan.strata else 1)
    rare = units.chance_of(plan.target) if plan.name == "rare-pole" else None
    made = []
    for name, places, count in zip(names, groups, counts.tolist(), strict=True):
        parts = None
        if rare is not None and rare[places].sum() > 0:
            even, more = plan.floor / len(places), (1.0 - plan.floor) * rare[places] / rare[places].sum()
            parts = capped_chances(even + more, count)
        made.append(_Stratum(name, places, count, parts))
    return made


def _weights(units: Units, groups: Sequence[Whole], plan: _Design) -> Floats:
    """What the numbers of the strata are in proportion to, as far as their sizes allow."""
    if plan.allocation == "equal":
        return np.ones(len(groups))
    sizes = np.array([float(len(places)) for places in groups])
    if plan.allocation == "proportional":
        return sizes
    wanted = units.chance_of(plan.target)[:, None]
    chances = wanted if plan.target else units.chances
    made: Floats = sizes * np.array([spread(chances[places]) for places in groups])
    return made


def _with_known_chances(units: Units, n: int, plan: _Design, role: str | None, seed: int) -> pl.DataFrame:
    keys = keyed(units.frame["post_id"], seed)
    parts: list[_Part] = []
    for part in _strata(units, n, plan):
        at = part.draw(keys[part.places], seed)
        parts.append((part.places[at], part.chances[at].tolist(), part.name, role))
    return _drawn(units, parts)


def _active(units: Units, n: int, plan: _Design, role: str | None, seed: int) -> pl.DataFrame:
    rare = units.chance_of(plan.target) if plan.target else None
    ids = units.frame["post_id"]
    keys, ties = keyed(ids, seed), keyed(ids, seed, "ties")
    candidates = Candidates(ties, units.chances if units.classes else None, rare, units.rows, units.known)
    if not candidates.criteria():
        raise UsageError(
            "the design 'active' has nothing to choose by; give scores=framed.table, or features with a row a post"
        )
    random = math.ceil(plan.random_share * n - 1e-9)
    picked = choose(candidates, n - random, seed=seed)
    # The random part comes last, from what training leaves: it is a fair sample of the posts that will be measured.
    left = ~units.known
    left[np.concatenate(list(picked.values()))] = False
    rest = np.flatnonzero(left)
    taken = rest[smallest(keys[rest], random)]
    parts: list[_Part] = [
        (places, [None] * len(places), f"active {name}", "training") for name, places in picked.items()
    ]
    return _drawn(units, [*parts, (taken, [random / len(rest)] * random, "random", role or "gold")])


def _drawn(units: Units, parts: Sequence[_Part]) -> pl.DataFrame:
    """The sample of units at the places of each part, with their chances, stratum and role."""
    places = np.concatenate([part[0] for part in parts])
    chances = [chance for part in parts for chance in part[1]]
    strata = [part[2] for part in parts for _ in part[0]]
    roles = [part[3] for part in parts for _ in part[0]]
    made = units.frame[places].select(
        "post_id",
        pl.Series("inclusion_p", chances, dtype=pl.Float64),
        pl.Series("stratum", strata, dtype=pl.String),
        pl.Series("role", roles, dtype=pl.String),
        "text",
        "lang",
    )
    return DRAWN.frame(made).sort("post_id")
