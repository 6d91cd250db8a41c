"""Graphs from every form of edges, and rewiring after which all graphs with the same degrees are equally likely."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from discourse.errors import DiscourseError, SchemaError, UsageError
from discourse.networks.graph import Graph, graph_of, mixing_matrix
from discourse.networks.network import (
    ei_index,
)
from discourse.networks.rewiring import _accepted, rewired

Array = np.ndarray


def drawn(seed: int, n: int = 30, m: int = 80) -> tuple[Array, Array]:
    """Random edges and two sides, every node with an edge."""
    rng = np.random.default_rng(seed)
    ends = np.vstack([rng.integers(0, n, (m, 2)), np.column_stack([np.arange(n), (np.arange(n) + 1) % n])])
    sides = np.where(rng.random(n) < 0.4, "a", "b")
    sides[:2] = "a", "b"
    return ends, sides


def keys(graph: Graph) -> frozenset[tuple[int, int]]:
    return frozenset(zip(graph.source.tolist(), graph.target.tolist(), strict=True))


# ---- a graph from anything


def test_every_form_of_edges_and_sides_makes_the_same_graph() -> None:
    ends, sides = drawn(1)
    whole = graph_of(ends, sides)
    names = np.array([f"x:{i:03d}" for i in range(30)])
    table = pl.DataFrame({"source": names[ends[:, 0]], "target": names[ends[:, 1]]})
    of_authors = pl.DataFrame({"author_id": names, "side": sides}).sample(fraction=1.0, shuffle=True, seed=1)
    matrix = np.zeros((30, 30))
    np.add.at(matrix, (ends[:, 0], ends[:, 1]), 1.0)
    matrix = matrix + matrix.T - np.diag(np.diag(matrix))

    class Drawn:
        """What networkx shows of a graph."""

        nodes = range(30)

        def edges(self, data: str, default: float) -> list[tuple[int, int, float]]:
            assert data == "weight"
            return [(int(a), int(b), default) for a, b in ends]

    forms: list[tuple[Any, Any]] = [
        (ends.tolist(), sides.tolist()),
        (np.column_stack([ends, np.ones(len(ends))]), dict(enumerate(sides))),
        (table, of_authors),
        (table.to_pandas(), of_authors.to_pandas()),
        (table.lazy(), dict(zip(names, sides, strict=True))),
        (matrix, sides),
        (tuple(map(tuple, matrix)), tuple(sides)),
        (sparse.csr_array(matrix), sides),
        (Drawn(), sides),
    ]
    for edges, given_sides in forms:
        made = graph_of(edges, given_sides)
        assert keys(made) == keys(whole)
        np.testing.assert_array_equal(made.weight, whole.weight)
        np.testing.assert_array_equal(made.side, whole.side)
        assert made.sides == ("a", "b")
    by_set = graph_of(Drawn(), {i for i in range(30) if sides[i] == "a"})
    np.testing.assert_array_equal(by_set.side, whole.side)
    # Without a list of nodes they are those of the edges; here every node has one.
    np.testing.assert_array_equal(graph_of(ends, {i for i in range(30) if sides[i] == "a"}).side, whole.side)


def test_no_edge_is_lost_without_being_counted() -> None:
    edges = pl.DataFrame({
        "source": ["a", "b", "a", "a", "c", "z", "d"], "target": ["b", "a", "b", "a", "d", "a", "c"],
        "weight": [1.0, 2.0, 4.0, 9.0, 1.0, 1.0, 1.0],
    })  # fmt: skip
    sides = pl.DataFrame({"author_id": ["d", "c", "b", "a", "z"], "side": ["r", "r", "l", "l", None]})
    made = graph_of(edges, sides)
    assert keys(made) == {(0, 1), (2, 3)}
    assert made.weight.tolist() == [7.0, 2.0]
    assert dict(made.dropped) == {"loops": 1, "no_side": 1, "merged": 3}
    assert len(made.weight) + sum(made.dropped.values()) == edges.height
    unknown = sides.with_columns(pl.col("side").fill_null("unknown"))
    assert keys(graph_of(edges, unknown)) == keys(made)
    assert len(graph_of(edges, unknown).side) == 4
    one_way = graph_of(edges, sides, directed=True)
    assert keys(one_way) == {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert mixing_matrix(one_way, weighted=True).tolist() == [[7.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    ("edges", "sides", "message"),
    [
        ([(0, 1, 2, 3)], ["a", "b"],
         "the edges have shape (1, 4); give rows of (source, target) or with a weight behind"),
        ([(0, 1)], ["a", "a"], "the authors stand on 1 side; a network needs two or more"),
        ([(0, 1)], np.array([["a", "b"]]), "there are 1 nodes and sides of shape (1, 2); give one side a node"),
        (pl.DataFrame({"source": [1]}), ["a", "b"],
         "the edges have no column 'target'; they need source, target and if wanted weight"),
        (pl.DataFrame({"source": ["x", None], "target": ["y", "x"]}), ["a", "b"],
         "the edges have 1 rows without 'source'; drop them first"),
        ([(0, 1)], pl.DataFrame({"author": [1]}), "the sides have no column 'author_id'; they need author_id and side"),
        ([(0, 1)], pl.DataFrame({"author_id": [0, 0, 1], "side": ["a", "b", "b"]}),
         "1 authors have more than one row of sides; give each one"),
    ],
)  # fmt: skip
def test_edges_and_sides_that_do_not_fit_are_refused(edges: Any, sides: Any, message: str) -> None:
    with pytest.raises(DiscourseError) as caught:
        graph_of(edges, sides)
    assert isinstance(caught.value, UsageError | SchemaError)
    assert str(caught.value) == message


# ---- rewiring


@pytest.mark.parametrize("directed", [False, True])
def test_rewiring_keeps_degrees_and_simplicity(directed: bool) -> None:
    rng = np.random.default_rng(8)
    hubs = np.minimum(rng.zipf(1.6, (3000, 2)), 300) - 1
    graph = graph_of(hubs, np.where(np.arange(300) % 3 == 0, "a", "b"), directed=directed)
    before = keys(graph)
    made = rewired(graph, np.random.default_rng(9))
    np.testing.assert_array_equal(made.degree, graph.degree)
    if directed:
        np.testing.assert_array_equal(np.bincount(made.source, minlength=300), np.bincount(graph.source, minlength=300))
    assert len(keys(made)) == len(before)
    assert (made.source != made.target).all()
    assert directed or (made.source < made.target).all()
    assert made.weight.sum() == graph.weight.sum()
    assert len(keys(made) & before) < 0.9 * len(before)
    assert keys(graph) == before
    assert keys(rewired(graph, np.random.default_rng(9))) == keys(made)


def realisations(degrees: tuple[int, ...], directed: bool) -> int:
    """How many simple graphs have these degrees, by looking at all."""
    n = len(degrees)
    places = list(itertools.permutations(range(n), 2)) if directed else list(itertools.combinations(range(n), 2))
    found = 0
    for some in itertools.combinations(places, sum(degrees) // (1 if directed else 2)):
        ends = Counter(a for a, _ in some) if directed else Counter(itertools.chain(*some))
        into = Counter(b for _, b in some)
        found += all(ends[i] == d for i, d in enumerate(degrees)) and (
            not directed or all(into[i] == d for i, d in enumerate(degrees))
        )
    return found


@pytest.mark.parametrize(
    ("start", "n", "directed"),
    [
        ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)], 6, False),
        ([(0, 1), (0, 2), (0, 3), (1, 2), (3, 4), (4, 5)], 6, False),
        ([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (2, 0)], 4, True),
    ],
)
def test_all_graphs_with_the_degrees_are_equally_likely(start: list[tuple[int, int]], n: int, directed: bool) -> None:
    graph = graph_of(start, ["a", "b"] * (n // 2), directed=directed)
    rng = np.random.default_rng(10)
    seen = Counter(keys(rewired(graph, rng, rounds=8)) for _ in range(1500))
    into = np.bincount(graph.target, minlength=n)
    out = np.bincount(graph.source, minlength=n)
    degrees = tuple(int(d) for d in (out if directed else graph.degree))
    if directed:
        np.testing.assert_array_equal(into, out)
    assert len(seen) == realisations(degrees, directed)
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.booleans())
def test_proposals_are_taken_in_order_one_after_the_other(seed: int, directed: bool) -> None:
    rng = np.random.default_rng(seed)
    graph = graph_of(rng.integers(0, 9, (24, 2)), ["a", "b", "a"] * 3, directed=directed)
    order = rng.permutation(len(graph.source))
    half = len(order) // 2
    i, j = order[:half], order[half : 2 * half]

    def key(a: Array, b: Array) -> Array:
        made: Array = a * 9 + b if directed else np.minimum(a, b) * 9 + np.maximum(a, b)
        return made

    new = key(graph.source[i], graph.target[j]), key(graph.source[j], graph.target[i])
    able = (graph.source[i] != graph.target[j]) & (graph.source[j] != graph.target[i])
    held = key(graph.source, graph.target)
    made = _accepted(able, new, (i, j), held)
    now = set(held.tolist())
    for t in range(half):
        wanted = {int(new[0][t]), int(new[1][t])}
        goes = bool(able[t]) and not wanted & now
        assert bool(made[t]) == goes
        if goes:
            now = (now - {int(held[i[t]]), int(held[j[t]])}) | wanted
    assert len(now) == len(held)


def test_the_rewired_mean_is_what_degrees_alone_expect() -> None:
    rng = np.random.default_rng(11)
    ends = rng.integers(0, 400, (3000, 2))
    sides = np.where(np.arange(400) < 150, "a", "b")
    graph = graph_of(ends, sides)
    share = np.array([graph.degree[graph.side == s].sum() for s in (0, 1)]) / graph.degree.sum()
    expected = 4 * share[0] * share[1] - 1
    values = [ei_index(mixing_matrix(rewired(graph, rng))) for _ in range(30)]
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / 30**0.5 + 2 / 400)
