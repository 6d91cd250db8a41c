"""Random-walk controversy: do walks that end on a side start on it?

A walk starts on a side, steps along edges, and ends at the first seed it meets, of either side. With
P_AB = Pr[started on A | ended at a seed of B], both sides starting equally often, the controversy is
P_XX P_YY - P_XY P_YX: near 1 when walks stay at home, near 0 when sides do not matter. Walks are not drawn: where they
end is the solution of a linear system, the absorbing chain (D - A) H = R over the nodes that are no seeds.

Source: Garimella, De Francisci Morales, Gionis and Mathioudakis (2018), *Quantifying Controversy on Social Media*, ACM
Transactions on Social Computing 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from discourse.errors import UsageError
from discourse.networks.graph import Graph

__all__ = ["Chain", "controversy", "random_seeds_controversy", "seeds_a_side", "top_controversy"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Chain:
    """Where walks end: `ends` (n, 2), the chance of each node's walk to end on either side; NaN where it never ends.

    A walk from a seed takes a step first. `returns` gives, for seeds, the chance to end at the seed it started from;
    it is only computed when asked for.
    """

    ends: Floats
    seeds: Ints
    returns: Floats | None

    @classmethod
    def of(cls, adjacency: sparse.csr_array, side: Ints, seeds: Ints, *, returns: bool = False) -> Chain:
        """The chain of a symmetric adjacency (n, n), the side (0 or 1) of each node, and the places of the seeds.

        A path 0 - 1 - 2 with seeds at its ends:

        >>> path = sparse.csr_array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        >>> chain = Chain.of(path, np.array([0, 0, 1]), np.array([0, 2]), returns=True)
        >>> chain.ends.round(6).tolist(), chain.returns.round(6).tolist()
        ([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], [0.5, 0.5])
        """
        n = len(side)
        degree = np.asarray(adjacency.sum(axis=1)).ravel()
        is_seed = np.zeros(n, dtype=bool)
        is_seed[seeds] = True
        others = np.flatnonzero(~is_seed)
        into_seeds = adjacency[others][:, seeds]
        # Walks in a part of the graph without a seed never end; they would make the system singular.
        part, label = connected_components(adjacency[others][:, others], directed=False)
        reached = np.bincount(label, weights=np.asarray(into_seeds.sum(axis=1)).ravel(), minlength=part) > 0
        free = others[reached[label]] if len(others) else others
        from_seeds = adjacency[seeds][:, free]
        sided = np.stack([side[seeds] == s for s in (0, 1)], axis=1).astype(np.float64)
        ends = np.full((n, 2), np.nan)
        back = np.zeros(len(seeds))
        direct = adjacency[seeds][:, seeds] @ sided
        if len(free):
            system = sparse.csc_array(sparse.diags_array(degree[free]) - adjacency[free][:, free])
            solver = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
            ends[free] = solver.solve(from_seeds.T @ sided)
            direct = direct + from_seeds @ ends[free]
            back = _quadratic_forms(solver, from_seeds) if returns else back
        with np.errstate(invalid="ignore", divide="ignore"):
            ends[seeds] = direct / degree[seeds, None]
            return cls(ends, seeds, back / degree[seeds] if returns else None)


def controversy(ended: Floats) -> float:
    """P_XX P_YY - P_XY P_YX from the chances (2 starting sides, 2 ending sides); NaN where no walk ends on a side.

    By hand: 0.9/1.1 x 0.8/0.9 - 0.1/0.9 x 0.2/1.1.

    >>> round(controversy(np.array([[0.9, 0.1], [0.2, 0.8]])), 6)
    0.707071
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        started = ended / ended.sum(axis=0)
    return float(started[0, 0] * started[1, 1] - started[0, 1] * started[1, 0])


def seeds_a_side(k: float, sizes: tuple[int, int]) -> tuple[int, int]:
    """How many seeds each side has: `k` of them, or that share of its nodes when `k` is below 1 (rounded down).

    >>> seeds_a_side(10, (40, 90)), seeds_a_side(0.3, (40, 95))
    ((10, 10), (12, 28))
    """
    made = (int(k * sizes[0]), int(k * sizes[1])) if 0 < k < 1 else (int(k), int(k))
    if (k >= 1 and k != int(k)) or not all(1 <= n <= size for n, size in zip(made, sizes, strict=True)):
        raise UsageError(
            f"k is {k} and the sides have {sizes[0]} and {sizes[1]} nodes; give a whole number of seeds a side, "
            "or a share of its nodes between 0 and 1"
        )
    return made


def top_controversy(graph: Graph, k: float) -> float:
    """Controversy with the k nodes of the highest degree as seeds of each side, walks from every node alike.

    Ties in degree are broken by the order of the nodes. Nodes from which no seed can be reached start no walk.
    """
    adjacency, degree = graph.adjacency(), graph.degree
    return controversy(_mean_ends(Chain.of(adjacency, graph.side, _top(graph, degree, k)).ends, graph.side))


def random_seeds_controversy(graph: Graph, k: float, draws: int, rng: np.random.Generator) -> float:
    """Controversy as its authors' code has it: k seeds of each side drawn at random, again `draws` times.

    Seeds are drawn with replacement, so a share of 0.3 makes about 0.26 of the nodes seeds. Every seed starts one walk,
    which ends at any other seed; all walks of all draws count alike.
    """
    adjacency = graph.adjacency()
    places = [np.flatnonzero(graph.side == s) for s in (0, 1)]
    sizes = seeds_a_side(k, (len(places[0]), len(places[1])))
    walks = np.zeros((2, 2))
    for _ in range(draws):
        seeds = np.concatenate([np.unique(rng.choice(place, n)) for place, n in zip(places, sizes, strict=True)])
        chain = Chain.of(adjacency, graph.side, seeds, returns=True)
        ends = chain.ends[seeds].copy()
        side, back = graph.side[seeds], chain.returns
        ends[np.arange(len(seeds)), side] -= back
        with np.errstate(invalid="ignore", divide="ignore"):
            ends = ends / (1.0 - np.asarray(back))[:, None]  # a walk that comes home goes on
        # One that always comes home, or has nowhere to go, never ends.
        ended = np.isfinite(ends).all(axis=1) & (np.abs(ends.sum(axis=1) - 1.0) < 1e-6)
        walks += np.stack([ends[ended & (side == s)].sum(axis=0) for s in (0, 1)])
    return controversy(walks)


def _top(graph: Graph, degree: Ints, k: float) -> Ints:
    places = [np.flatnonzero(graph.side == s) for s in (0, 1)]
    sizes = seeds_a_side(k, (len(places[0]), len(places[1])))
    return np.concatenate([
        place[np.lexsort((place, -degree[place]))[:n]] for place, n in zip(places, sizes, strict=True)
    ])  # fmt: skip


def _mean_ends(ends: Floats, side: Ints) -> Floats:
    known = np.isfinite(ends).all(axis=1)
    of_side = [ends[known & (side == s)] for s in (0, 1)]
    return np.stack([part.sum(axis=0) / max(1, len(part)) for part in of_side])


def _quadratic_forms(solver: object, rows: sparse.csr_array) -> Floats:
    """b M^-1 b' for each sparse row b, from the factors of a symmetric matrix M: sum of (L^-1 b)^2 / D.

    The factor L is 1 - N with N below the diagonal, so L^-1 = (1 + N)(1 + N^2)(1 + N^4)...; all stays sparse.
    """
    lower, order, pivots = solver.L, solver.perm_r, solver.U.diagonal()  # type: ignore[attr-defined]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    made = sparse.csr_array(rows.T)[place]
    power = sparse.eye_array(len(order), format="csr") - sparse.csr_array(lower)
    power.eliminate_zeros()
    while power.nnz:
        made = made + power @ made
        power = power @ power
        power.eliminate_zeros()
    forms: Floats = np.asarray(made.multiply(made).multiply(1.0 / pivots[:, None]).sum(axis=0)).ravel()
    return forms
