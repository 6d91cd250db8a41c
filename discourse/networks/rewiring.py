"""Random graphs with the same degrees: what a network measure is held against.

Two edges a-b and c-d become a-d and c-b (or a-c and b-d) when that makes neither a loop nor a second edge between two
nodes. In each round the edges are paired off at random and every pair is proposed once, in order. A swap is as likely
as its reverse, whatever the pairing, so all simple graphs with these degrees stay equally likely. Directed edges change
their targets alone. A weight stays with the source of its edge, without directions with one end drawn by lot.

Pairs whose new edges nobody else holds or proposes do not depend on the order and are swapped all at once; the few
others go one by one.

Source: Fosdick, Larremore, Nishimura and Ugander (2018), *Configuring Random Graph Models with Fixed Degree
Sequences*, SIAM Review 60.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from discourse.networks.graph import Graph

__all__ = ["ROUNDS", "rewired"]

ROUNDS = 20

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def rewired(graph: Graph, rng: np.random.Generator, rounds: int = ROUNDS) -> Graph:
    """A random simple graph with the degrees (in and out, if directed) and sides of `graph`.

    `rounds` proposals an edge; with 20 the graph has forgotten where it came from.

    >>> from discourse.networks.graph import graph_of
    >>> square = graph_of([(0, 1), (1, 2), (2, 3), (3, 0)], ["a", "a", "b", "b"])
    >>> rewired(square, np.random.default_rng(1)).degree.tolist()
    [2, 2, 2, 2]
    """
    source, target, n = graph.source.copy(), graph.target.copy(), len(graph.side)
    half = len(source) // 2
    if not graph.directed:
        flipped = rng.random(len(source)) < 0.5
        source, target = np.where(flipped, target, source), np.where(flipped, source, target)
    for _ in range(rounds if half else 0):
        order = rng.permutation(len(source))
        i, j = order[:half], order[half : 2 * half]
        # Without directions, which end of the second edge is its target is drawn by lot.
        turned = np.zeros(half, dtype=bool) if graph.directed else rng.random(half) < 0.5
        from_j, to_j = np.where(turned, target[j], source[j]), np.where(turned, source[j], target[j])
        new_i, new_j = _keys(source[i], to_j, n, graph.directed), _keys(from_j, target[i], n, graph.directed)
        able = (source[i] != to_j) & (from_j != target[i])
        done = _accepted(able, (new_i, new_j), (i, j), _keys(source, target, n, graph.directed))
        i, j, from_j, to_j = i[done], j[done], from_j[done], to_j[done]
        target_i = target[i].copy()
        target[i] = to_j
        source[j], target[j] = from_j, target_i
    if not graph.directed:
        source, target = np.minimum(source, target), np.maximum(source, target)
    return replace(graph, source=source, target=target)


def _keys(source: Ints, target: Ints, n: int, directed: bool) -> Ints:
    """One number an edge."""
    if directed:
        return source * n + target
    return np.minimum(source, target) * n + np.maximum(source, target)


def _accepted(able: Bools, new: tuple[Ints, Ints], pair: tuple[Ints, Ints], held: Ints) -> Bools:
    """Which proposals go through when they are taken in order, one after the other."""
    half = len(able)
    order = np.argsort(held)
    place = np.minimum(np.searchsorted(held[order], np.stack(new)), len(held) - 1)
    holder = np.where(held[order][place] == np.stack(new), order[place], -1)  # the edge that holds a new key now
    _, which, times = np.unique(np.where(able, np.stack(new), -1), return_inverse=True, return_counts=True)
    wanted = times[which.reshape(2, half)] > 1
    clean = able & (holder < 0).all(axis=0) & ~wanted.any(axis=0)
    done = clean.copy()
    turn = np.full(len(held), half)  # when each edge is proposed; an edge left over never is
    turn[pair[0]] = turn[pair[1]] = np.arange(half)
    contested = np.flatnonzero(able & ~clean)
    # The turn in which the holder of a wanted key lets go of it; -1 where nobody holds it, `half` where nobody will.
    lets_go = np.where(holder >= 0, turn[holder], -1)[:, contested]
    made: set[int] = set()
    went = set(np.flatnonzero(clean).tolist())
    went.add(-1)
    for t, one, other, first, second in zip(
        contested.tolist(), new[0][contested].tolist(), new[1][contested].tolist(), *lets_go.tolist(), strict=True
    ):
        if first < t and second < t and first in went and second in went and one not in made and other not in made:
            went.add(t)
            made.add(one)
            made.add(other)
            done[t] = True
    return done
