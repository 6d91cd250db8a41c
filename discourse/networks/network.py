"""How much the people of a side keep to themselves in a network of replies or reposts.

Hubs and sizes alone make any of these numbers: a random network with heavy-tailed degrees that is cut in two where it
is thinnest has an E-I index of -0.75 and a random-walk controversy above 0.5. So two things always go with a number:
its value in networks rewired at random with the same degrees and sides, and where the sides come from, which must not
be the network itself.

Sources: Krackhardt and Stern (1988), *Informal Networks and Organizational Crises* (E-I index); Newman (2003), *Mixing
patterns in networks*, Physical Review E 67; Garimella et al. (2018), *Quantifying Controversy on Social Media*;
Salloum, Chen and Kivela (2022), *Separating polarization from noise*, PACM HCI 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.networks.graph import Graph, graph_of, mixing_matrix
from discourse.networks.rewiring import rewired
from discourse.networks.walks import random_seeds_controversy, top_controversy
from discourse.schema import one_of

__all__ = [
    "BASES", "DERIVED", "AgainstNull", "NetworkPlan", "assortativity", "ei_index", "modularity", "network", "rwc",
]  # fmt: skip

MIN_AUTHORS = 30
BASES = ("author", "country", "declared", "language", "location", "source", "stance", "survey")
DERIVED = ("cluster", "community", "follow graph", "graph", "network", "partition", "reply graph", "repost graph",
           "retweet graph")  # fmt: skip
NULLS = ("rewire",)
SEEDS = ("top", "random")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AgainstNull:
    """A network's value beside that of networks rewired with the same degrees: mean, sd, 2.5 and 97.5 percentile.

    `z` is the distance from the mean in sd, NaN where the rewired networks do not differ; `parameters` says how it was
    computed. As a number it is the value.

    >>> AgainstNull("E-I index", -0.5, 0.0, 0.1, -0.2, 0.2, 100, "seed=1").z
    -5.0
    """

    measure: str
    value: float
    null_mean: float
    null_sd: float
    null_low: float
    null_high: float
    rewirings: int
    parameters: str

    def __float__(self) -> float:
        return self.value

    @property
    def z(self) -> float:
        """(value - null mean) / null sd."""
        return (self.value - self.null_mean) / self.null_sd if self.null_sd > 0 else float("nan")


@dataclass(frozen=True)
class NetworkPlan:
    """How a network is measured: number of rewired networks, whether edges have directions and weights.

    `k` seeds a side are for the random-walk controversy, which knows neither directions nor weights.

    >>> NetworkPlan().rewirings
    100
    """

    rewirings: int = 100
    directed: bool = False
    weighted: bool = False
    k: int = 10
    force: bool = False


def ei_index(E: Any, sides: Any = None) -> float:
    """E-I index: (external - internal) / (external + internal) edges, from -1 (all at home) to 1; NaN without edges.

    `E` is a square matrix of edges between sides, or, with `sides`, the edges themselves in any form of
    `discourse.networks.graph`. In a matrix of undirected edges each edge stands once, or always twice: then one inside
    a side counts 2 on the diagonal.

    >>> round(ei_index([[35, 11], [0, 32]]), 6), ei_index([(0, 1), (1, 2)], ["a", "a", "b"])
    (-0.717949, 0.0)
    """
    edges = _mixing(E, sides, directed=False)
    total, internal = float(edges.sum()), float(np.trace(edges))
    return (total - 2.0 * internal) / total if total > 0 else float("nan")


def assortativity(E: Any, sides: Any = None, *, directed: bool = False) -> float:
    """Newman's attribute assortativity (tr e - sum a_k b_k) / (1 - sum a_k b_k); 0 when sides mix at random, at most 1.

    `E` and `sides` as in `ei_index`; with `directed` a row is where edges come from, a column where they go. All
    edges at one side, or none at all, give NaN.

    >>> round(assortativity([[35, 11], [0, 32]]), 6)
    0.717531
    """
    edges = _mixing(E, sides, directed=directed)
    within, expected = _within_and_expected(edges)
    return (within - expected) / (1.0 - expected) if expected < 1.0 else float("nan")


def modularity(E: Any, sides: Any = None, *, directed: bool = False) -> float:
    """Newman's modularity tr e - sum a_k b_k, the part of assortativity before it is scaled; input as there.

    >>> round(modularity([[35, 11], [0, 32]]), 6)
    0.358235
    """
    within, expected = _within_and_expected(_mixing(E, sides, directed=directed))
    return within - expected


@overload
def rwc(G: Any, sides: Any, k: float = 10, null: None = None, *, seeds: str = "top", draws: int = 100,
        rewirings: int = 100, seed: int | None = None) -> float: ...  # fmt: skip
@overload
def rwc(G: Any, sides: Any, k: float = 10, *, null: Literal["rewire"], seeds: str = "top", draws: int = 100,
        rewirings: int = 100, seed: int) -> AgainstNull: ...  # fmt: skip
def rwc(
    G: Any,
    sides: Any,
    k: float = 10,
    null: str | None = None,
    *,
    seeds: str = "top",
    draws: int = 100,
    rewirings: int = 100,
    seed: int | None = None,
) -> float | AgainstNull:
    """Random-walk controversy of a graph with two sides (see `discourse.networks.walks`), from -1 to 1.

    `G` and `sides` in any form of `discourse.networks.graph`; directions and weights are left out. `seeds="top"`: the
    `k` nodes of the highest degree on each side, or that share of them when k is below 1, walks from every node.
    `seeds="random"`: the published code, random seeds in `draws` draws, walks from seed to seed. `null="rewire"` gives
    the value beside that of `rewirings` networks of the same degrees and sides. Whatever draws needs a `seed`.

    The published networks were cut into sides by an algorithm that looked for the thinnest cut, and so is any number
    of them large: see `network`.

    Two triangles joined at their seeds: only one walk in nine leaves its side, so (8/9)^2 - (1/9)^2.

    >>> triangles = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (0, 3)]
    >>> round(rwc(triangles, ["a"] * 3 + ["b"] * 3, k=1), 6)
    0.777778
    """
    one_of(seeds, SEEDS, "seeds")
    if null is not None:
        one_of(null, NULLS, "null")
    if seed is None and (null is not None or seeds == "random"):
        raise UsageError("random seeds and rewired networks are drawn; give a seed, like seed=1")
    graph = _two_sided(graph_of(G, sides))
    rng = np.random.default_rng(seed)

    def of(one: Graph) -> float:
        return top_controversy(one, k) if seeds == "top" else random_seeds_controversy(one, k, draws, rng)

    value = of(graph)
    if null is None:
        return value
    said = f"k={k:g} seeds={seeds}" + (f" draws={draws}" if seeds == "random" else "") + f" seed={seed}"
    others = [of(rewired(graph, rng)) for _ in range(rewirings)]
    return _against("random-walk controversy", value, np.array(others), said)


def network(edges: Any, sides: Any, *, basis: str, seed: int, plan: NetworkPlan | None = None) -> pl.DataFrame:
    """E-I index, assortativity, modularity and random-walk controversy, each beside rewired networks; one row each.

    `basis` says where the sides come from: "author", "country" (or "country:account" and the like), "declared",
    "language", "location", "source", "stance" or "survey". Sides found in a network ("retweet graph", "community") are
    refused with `MeaningError`: they are wherever that network is thinnest, and a community holds its own replies.

    Columns: measure, value, null_mean, null_sd, null_low, null_high, z, rewirings, parameters, basis, n_first,
    n_second, n_edges, dropped, flags. Authors without an edge are not counted. Two sides of at least 30 authors with an
    edge each, else the numbers are withheld (`plan.force` overrides). No author is named. The random-walk controversy
    is left out, with a flag, where a side has fewer than `plan.k` authors.

    >>> rng = np.random.default_rng(1)
    >>> ends = rng.integers(0, 60, (200, 2))
    >>> made = network(ends, ["a"] * 30 + ["b"] * 30, basis="country", seed=1, plan=NetworkPlan(rewirings=20))
    >>> made["measure"].to_list()
    ['E-I index', 'assortativity', 'modularity', 'random-walk controversy']
    """
    how = plan or NetworkPlan()
    kind = basis.partition(":")[0]
    if kind in DERIVED:
        raise MeaningError(
            f"the sides come from {basis!r}, so every measure of a network must find them apart; "
            "take sides that the network did not make, like basis='country'"
        )
    one_of(kind, BASES, "basis")
    if how.rewirings < 2:
        raise UsageError(f"rewirings is {how.rewirings}; give 100 or more")
    graph = _two_sided(graph_of(edges, sides, directed=how.directed))
    joined = graph.degree > 0
    sizes = [int((joined & (graph.side == s)).sum()) for s in (0, 1)]
    measures: dict[str, Callable[[Graph], float]] = {
        "E-I index": lambda one: ei_index(mixing_matrix(one, weighted=how.weighted)),
        "assortativity": lambda one: assortativity(mixing_matrix(one, weighted=how.weighted), directed=how.directed),
        "modularity": lambda one: modularity(mixing_matrix(one, weighted=how.weighted), directed=how.directed),
        "random-walk controversy": lambda one: top_controversy(one, how.k) if min(sizes) >= how.k else np.nan,
    }
    thin = min(sizes) < MIN_AUTHORS
    rng = np.random.default_rng(seed)
    shown = not thin or how.force
    others = [rewired(graph, rng) for _ in range(how.rewirings if shown else 0)]
    said = f"directed={how.directed} weighted={how.weighted} seed={seed}"
    rows = []
    for name, of in measures.items():
        row: dict[str, Any] = {"measure": name, "flags": "withheld"}
        if shown:
            parameters = said if name != "random-walk controversy" else f"k={how.k} seeds=top seed={seed}"
            made = _against(name, of(graph), np.array([of(one) for one in others]), parameters)
            row |= vars(made) | {"z": made.z, "flags": "forced" if thin else ""}
        rows.append(row)
    dropped = " ".join(f"{key}={value}" for key, value in graph.dropped.items())
    frame = pl.DataFrame(rows, schema=_NETWORK).with_columns(
        basis=pl.lit(basis), n_first=sizes[0], n_second=sizes[1], n_edges=len(graph.source), dropped=pl.lit(dropped)
    )
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None)).select(*list(_NETWORK)[:-1], *_COUNTED, "flags")


_NETWORK = {
    "measure": pl.String, "value": pl.Float64, "null_mean": pl.Float64, "null_sd": pl.Float64, "null_low": pl.Float64,
    "null_high": pl.Float64, "z": pl.Float64, "rewirings": pl.Int64, "parameters": pl.String, "flags": pl.String,
}  # fmt: skip
_COUNTED = ("basis", "n_first", "n_second", "n_edges", "dropped")


def _against(name: str, value: float, null: Floats, parameters: str) -> AgainstNull:
    known = null[np.isfinite(null)]
    if not len(known):
        nan = float("nan")
        return AgainstNull(name, value, nan, nan, nan, nan, len(null), parameters)
    low, high = np.quantile(known, [0.025, 0.975])
    sd = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return AgainstNull(name, value, float(known.mean()), sd, float(low), float(high), len(null), parameters)


def _two_sided(graph: Graph) -> Graph:
    if len(graph.sides) != 2:
        raise UsageError(f"the authors stand on {len(graph.sides)} sides; these measures compare two")
    return graph


def _mixing(E: Any, sides: Any, *, directed: bool) -> Floats:
    """Edges between sides as a matrix, symmetric unless directed."""
    if sides is not None:
        return mixing_matrix(graph_of(E, sides, directed=directed), weighted=True)
    matrix = np.asarray(E, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or (matrix < 0).any():
        raise UsageError(
            f"the edges have shape {matrix.shape}; give a square matrix of edges between sides, or edges with sides="
        )
    return matrix if directed else matrix + matrix.T


def _within_and_expected(edges: Floats) -> tuple[float, float]:
    total = edges.sum()
    if total == 0:
        return float("nan"), float("nan")
    e = edges / total
    return float(np.trace(e)), float(e.sum(axis=1) @ e.sum(axis=0))
