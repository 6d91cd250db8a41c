"""Networks: mixing measures, the absorbing chain and guards on where sides come from."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from conftest import shared_file
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.networks.graph import Graph, graph_of, mixing_matrix
from discourse.networks.network import (
    BASES,
    DERIVED,
    NetworkPlan,
    assortativity,
    ei_index,
    modularity,
    network,
    rwc,
)
from discourse.networks.rewiring import rewired
from discourse.networks.walks import Chain, controversy, top_controversy

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


# ---- mixing


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_mixing_measures_are_those_of_their_definitions(seed: int) -> None:
    ends, sides = drawn(seed, 12, 20)
    graph = graph_of(ends, sides)
    pairs = [(sides[a], sides[b]) for a, b in keys(graph)]
    internal = sum(a == b for a, b in pairs)
    external = len(pairs) - internal
    assert ei_index(ends, sides) == ei_index(mixing_matrix(graph, weighted=True))
    assert ei_index(mixing_matrix(graph)) == pytest.approx((external - internal) / (external + internal), abs=1e-12)
    # Modularity from degrees: share inside minus what degrees alone expect.
    degree = graph.degree
    of_side = np.array([degree[sides == name].sum() for name in ("a", "b")]) / degree.sum()
    expected = internal / len(pairs) - float((of_side**2).sum())
    assert modularity(mixing_matrix(graph)) == pytest.approx(expected, abs=1e-12)
    if (of_side**2).sum() < 1:
        scaled = expected / (1 - float((of_side**2).sum()))
        assert assortativity(mixing_matrix(graph)) == pytest.approx(scaled, abs=1e-12)
    # Once or twice, upper or lower: the same undirected edges.
    once = np.triu(mixing_matrix(graph))
    once[[0, 1], [0, 1]] /= 2
    for form in (once, once.T, mixing_matrix(graph)):
        assert ei_index(form) == pytest.approx((external - internal) / len(pairs), abs=1e-12)
        assert modularity(form) == pytest.approx(expected, abs=1e-12)


def test_assortativity_is_the_correlation_of_the_ends() -> None:
    # For two sides and directed edges it is the phi coefficient of source and target when the margins are equal.
    rng = np.random.default_rng(2)
    ends, sides = rng.integers(0, 40, (400, 2)), np.array(["a"] * 20 + ["b"] * 20)
    both = np.vstack([ends, ends[:, ::-1]])
    graph = graph_of(both, sides, directed=True)
    x, y = (graph.side[end].astype(float) for end in (graph.source, graph.target))
    expected = float(np.corrcoef(x, y)[0, 1])
    assert assortativity(mixing_matrix(graph), directed=True) == pytest.approx(expected, abs=1e-12)
    assert assortativity([[5, 0], [0, 7]]) == 1.0
    assert assortativity([[0, 3], [4, 0]]) == -1.0
    assert assortativity([[1, 2], [3, 6]], directed=True) == pytest.approx(0.0, abs=1e-12)
    empty = np.zeros((2, 2))
    assert np.isnan([ei_index(empty), assortativity(empty), assortativity([[3, 0], [0, 0]])]).all()


def test_weights_count_when_they_are_given() -> None:
    edges = [(0, 1, 3.0), (1, 2, 1.0)]
    assert ei_index(edges, ["a", "a", "b"]) == pytest.approx((1 - 3) / 4)
    assert ei_index([edge[:2] for edge in edges], ["a", "a", "b"]) == 0.0
    with pytest.raises(
        UsageError, match=r"^the edges have shape \(2, 3\); give a square matrix of edges between sides"
    ):
        ei_index(edges)


# ---- random-walk controversy


def walked(graph: Graph, seeds: list[int], start: int, walks: int) -> Array:
    """Shares of walks from a node that end on either side, step by step."""
    rng = np.random.default_rng(start)
    neighbours: dict[int, list[int]] = {}
    for a, b in keys(graph):
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    ended = np.zeros(2)
    for _ in range(walks):
        at = int(rng.choice(neighbours[start]))
        while at not in seeds:
            at = int(rng.choice(neighbours[at]))
        ended[graph.side[at]] += 1
    return ended / walks


def test_where_walks_end_is_where_drawn_walks_end() -> None:
    ends, sides = drawn(3, 14, 10)
    graph = graph_of(ends, sides)
    seeds = [0, 5, 9, 13]
    chain = Chain.of(graph.adjacency(), graph.side, np.array(seeds), returns=True)
    np.testing.assert_allclose(chain.ends.sum(axis=1), 1.0, atol=1e-12)
    for start in (0, 2, 7, 13):
        seen = walked(graph, seeds, start, 3000)
        np.testing.assert_allclose(chain.ends[start], seen, atol=4 * 0.5 / 3000**0.5)


def test_the_chance_to_return_is_that_of_a_dense_solution() -> None:
    ends, sides = drawn(5, 60, 40)
    graph = graph_of(ends, sides)
    adjacency = graph.adjacency().toarray()
    seeds = np.arange(0, 60, 4)
    others = np.setdiff1d(np.arange(60), seeds)
    step = adjacency / adjacency.sum(axis=1, keepdims=True)
    hit = np.linalg.solve(np.eye(len(others)) - step[np.ix_(others, others)], step[np.ix_(others, seeds)])
    expected = np.einsum("st,ts->s", step[np.ix_(seeds, others)], hit)
    chain = Chain.of(graph.adjacency(), graph.side, seeds, returns=True)
    assert chain.returns is not None
    np.testing.assert_allclose(chain.returns, expected, atol=1e-12)


def test_nodes_that_reach_no_seed_start_no_walk() -> None:
    triangles = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (0, 3)]
    sides = ["a"] * 3 + ["b"] * 3
    alone = [*triangles, (6, 7)]
    assert rwc(alone, [*sides, "a", "b", "b"], 1) == pytest.approx(rwc(triangles, sides, 1), abs=1e-12)
    apart = [edge for edge in triangles if edge != (0, 3)]
    assert rwc(apart, sides, 1) == pytest.approx(1.0, abs=1e-12)
    assert controversy(np.array([[0.5, 0.5], [0.5, 0.5]])) == 0.0
    assert np.isnan(controversy(np.array([[1.0, 0.0], [1.0, 0.0]])))


def test_seeds_are_the_highest_degrees_and_ties_go_by_id() -> None:
    # A hexagon with ids as words: all degrees are 2, so "a" and "d" are the seeds.
    ring = list("abcdef")
    table = pl.DataFrame({"source": ring, "target": ring[1:] + ring[:1]})
    sides = dict(zip(ring, ["x", "x", "x", "y", "y", "y"], strict=True))
    # b, c lie between a and d: 2/3 and 1/3 to a; f, e likewise. a and d step to b, f or c, e.
    from_x = (2 / 3 + 2 / 3 + 1 / 3) / 3
    expected = from_x**2 - (1 - from_x) ** 2
    assert rwc(table, sides, 1) == pytest.approx(expected, abs=1e-12)
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=3)
    assert rwc(shuffled, dict(sorted(sides.items(), reverse=True)), 1) == pytest.approx(expected, abs=1e-12)
    assert rwc(table, sides, 0.34) == rwc(table, sides, 1)
    ends, labels = drawn(14, 40, 40)
    graph = graph_of(ends, labels)
    values = []
    for tie in (1, -1):
        seeds = [sorted(np.flatnonzero(graph.side == s), key=lambda v: (-graph.degree[v], tie * v))[:4] for s in (0, 1)]
        chain = Chain.of(graph.adjacency(), graph.side, np.concatenate(seeds))
        values.append(controversy(np.stack([chain.ends[graph.side == s].mean(axis=0) for s in (0, 1)])))
    assert rwc(ends, labels, 4) == pytest.approx(values[0], abs=1e-12)
    assert abs(values[0] - values[1]) > 1e-3


def test_random_seeds_end_at_another_seed() -> None:
    # Two nodes and one seed a side: from either seed the only other seed is across.
    pair = [(0, 1)]
    assert rwc(pair, ["a", "b"], 1, seeds="random", draws=2, seed=1) == -1.0
    ends, sides = drawn(6, 40, 60)
    one, again, other = (rwc(ends, sides, 0.4, seeds="random", draws=30, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    assert one == pytest.approx(other, abs=0.1)


@pytest.mark.parametrize("k", [0, -1, 1.5, 99, 0.01])
def test_seeds_that_do_not_exist_are_refused(k: float) -> None:
    ends, sides = drawn(7)
    with pytest.raises(UsageError, match=rf"^k is {k} and the sides have \d+ and \d+ nodes; give a whole number"):
        rwc(ends, sides, k)


def test_what_draws_needs_a_seed() -> None:
    ends, sides = drawn(7)
    for options in ({"null": "rewire"}, {"seeds": "random"}):
        with pytest.raises(
            UsageError, match=r"^random seeds and rewired networks are drawn; give a seed, like seed=1$"
        ):
            rwc(ends, sides, 2, **options)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match=r"^the authors stand on 3 sides; these measures compare two$"):
        rwc(ends, ["a", "b", "c"] * 10, 1)
    with pytest.raises(SchemaError, match=r"^null is 'shuffle'; it must be 'rewire'"):
        rwc(ends, sides, 2, "shuffle", seed=1)  # type: ignore[call-overload]


# ---- the study's function


def sided(seed: int, home: float, n: int = 120, m: int = 500) -> tuple[Array, Array]:
    """Edges of which a share stays at home, besides chance."""
    rng = np.random.default_rng(seed)
    sides = np.array(["pakistan"] * (n // 2) + ["afghanistan"] * (n // 2))
    ends = rng.integers(0, n, (m, 2))
    stay = rng.random(m) < home
    ends[stay, 1] = (ends[stay, 1] % (n // 2)) + np.where(ends[stay, 0] < n // 2, 0, n // 2)
    return ends, sides


def test_a_network_without_sides_lies_inside_its_null() -> None:
    z = []
    for seed in range(16):
        ends, sides = sided(seed, 0.0)
        made = network(ends, sides, basis="country", seed=seed, plan=NetworkPlan(rewirings=25))
        z.append(made["z"].to_numpy())
    assert (np.abs(np.mean(z, axis=0)) < 3.5 / 4).all()
    assert (np.abs(z) > 2).mean(axis=0).max() <= 0.2
    assert 0.6 < np.std(z) < 1.5


def test_a_network_that_stays_at_home_is_found() -> None:
    ends, sides = sided(1, 0.5)
    made = network(ends, sides, basis="country:account", seed=1, plan=NetworkPlan(rewirings=40))
    assert made["measure"].to_list() == ["E-I index", "assortativity", "modularity", "random-walk controversy"]
    assert made["value"][0] == pytest.approx(ei_index(mixing_matrix(graph_of(ends, sides))), abs=1e-12)
    assert made["value"][3] == pytest.approx(rwc(ends, sides, 10), abs=1e-12)
    assert made["z"][0] < -5
    assert (made["z"].to_numpy()[1:] > 4).all()
    assert (made["null_low"] < made["null_mean"]).all()
    assert (made["null_mean"] < made["null_high"]).all()
    graph = graph_of(ends, sides)
    assert made["n_edges"].unique().to_list() == [len(graph.source)]
    assert made["n_first"][0] + made["n_second"][0] == int((graph.degree > 0).sum())
    assert made["basis"].unique().to_list() == ["country:account"]
    assert made["parameters"][0] == "directed=False weighted=False seed=1"
    assert made["parameters"][3] == "k=10 seeds=top seed=1"
    assert made["flags"].to_list() == [""] * 4
    mixed = ends[np.random.default_rng(1).permutation(len(ends))]
    assert network(mixed, sides, basis="country:account", seed=1, plan=NetworkPlan(rewirings=40)).equals(made)
    alone = rwc(ends, sides, 10, null="rewire", rewirings=40, seed=1)
    assert alone.value == made["value"][3]
    assert alone.null_mean == pytest.approx(made["null_mean"][3], abs=3 * alone.null_sd)


def test_no_author_is_named() -> None:
    names = [f"x:secret{i}" for i in range(120)]
    ends, sides = sided(2, 0.3)
    edges = pl.DataFrame({"source": [names[a] for a, _ in ends], "target": [names[b] for _, b in ends]})
    made = network(edges, dict(zip(names, sides, strict=True)), basis="author", seed=1, plan=NetworkPlan(rewirings=2))
    assert "secret" not in made.write_csv()
    assert "secret" not in repr(graph_of(edges, dict(zip(names, sides, strict=True))))


def test_directed_and_weighted_networks_say_so() -> None:
    ends, sides = sided(3, 0.3)
    plan = NetworkPlan(rewirings=20, directed=True, weighted=True)
    made = network(np.column_stack([ends, np.arange(len(ends)) % 5 + 1]), sides, basis="country", seed=1, plan=plan)
    assert made["parameters"][1] == "directed=True weighted=True seed=1"
    graph = graph_of(np.column_stack([ends, np.arange(len(ends)) % 5 + 1]), sides, directed=True)
    matrix = mixing_matrix(graph, weighted=True)
    assert made["value"][1] == pytest.approx(assortativity(matrix, directed=True), abs=1e-12)
    assert made["z"][1] > 3


@pytest.mark.parametrize("basis", DERIVED)
def test_sides_of_a_network_are_not_measured_on_a_network(basis: str) -> None:
    ends, sides = sided(4, 0.0)
    with pytest.raises(MeaningError) as caught:
        network(ends, sides, basis=basis, seed=1)
    assert str(caught.value) == (
        f"the sides come from {basis!r}, so every measure of a network must find them apart; "
        "take sides that the network did not make, like basis='country'"
    )


def test_a_basis_must_be_known() -> None:
    ends, sides = sided(4, 0.0)
    with pytest.raises(SchemaError, match=r"^basis is 'louvain'; it must be 'author', 'country', "):
        network(ends, sides, basis="louvain", seed=1)
    assert not set(BASES) & set(DERIVED)
    with pytest.raises(UsageError, match=r"^rewirings is 1; give 100 or more$"):
        network(ends, sides, basis="country", seed=1, plan=NetworkPlan(rewirings=1))


def test_few_authors_keep_their_rows_without_numbers() -> None:
    ends, sides = sided(5, 0.3, n=58)
    made = network(ends, sides, basis="country", seed=1)
    assert made["value"].null_count() == made["z"].null_count() == 4
    assert made["flags"].to_list() == ["withheld"] * 4
    assert made["n_first"].to_list() == [29] * 4
    forced = network(ends, sides, basis="country", seed=1, plan=NetworkPlan(rewirings=5, force=True))
    assert forced["flags"].to_list() == ["forced"] * 4
    assert forced["value"].null_count() == 0
    many = network(ends, sides, basis="country", seed=1, plan=NetworkPlan(rewirings=5, force=True, k=30))
    assert many["value"].null_count() == 1


# ---- published networks

PUBLISHED = {"baltimore": (0.869, 20), "beefban": (0.873, 60), "gunsense": (0.851, 20)}


def read(topic: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    edges = pl.read_csv(shared_file("rwc_retweet_networks", f"{topic}_edges.csv"))
    sides = pl.read_csv(shared_file("rwc_retweet_networks", f"{topic}_sides.csv"))
    return edges, sides.rename({"node": "author_id"})


@pytest.mark.parametrize("topic", PUBLISHED)
def test_published_controversy_is_reproduced(topic: str) -> None:
    published, draws = PUBLISHED[topic]
    made = rwc(*read(topic), 0.3, seeds="random", draws=draws, seed=1)
    assert made == pytest.approx(published, abs=0.01)


def test_published_sides_hold_nothing_against_themselves_but_much_against_rewired_networks() -> None:
    edges, sides = read("beefban")
    made = rwc(edges, sides, 0.3, "rewire", seeds="random", draws=3, rewirings=10, seed=1)  # type: ignore[call-overload]
    assert abs(made.null_mean) < 0.1
    assert made.z > 10
    assert made.parameters == "k=0.3 seeds=random draws=3 seed=1"
    with pytest.raises(MeaningError):
        network(edges, sides, basis="retweet graph", seed=1)


def thinnest(graph: Graph, seed: int) -> Graph:
    """The largest connected part, cut in half along the slowest mode of a lazy random walk."""
    adjacency = graph.adjacency()
    _, part = connected_components(adjacency, directed=False)
    kept = np.flatnonzero(part == np.bincount(part).argmax())
    inner = adjacency[kept][:, kept]
    degree = np.asarray(inner.sum(axis=1)).ravel()
    vector = np.random.default_rng(seed).normal(size=len(kept))
    for _ in range(200):
        vector = (vector + inner @ vector / degree) / 2.0
        vector -= vector @ degree / degree.sum()
        vector /= np.abs(vector).max()
    cells = inner.tocoo()
    return graph_of(np.column_stack([cells.row, cells.col]), np.where(vector > np.median(vector), "first", "second"))


def test_the_control_shows_what_a_null_is_for() -> None:
    """Germanwings, a plane crash without two camps, whose published sides are a cut of its own network."""
    edges, sides = read("germanwings")
    # An independent Monte Carlo gave 0.840: as high as the controversies, for the cut alone.
    assert rwc(edges, sides, 0.3, seeds="random", draws=2, seed=1) == pytest.approx(0.840, abs=0.015)
    against = rwc(edges, sides, 10, null="rewire", rewirings=2, seed=1)
    assert abs(against.null_mean) < 0.01
    assert float(against) > 0.6
    # Sides from outside that have nothing to do with the talk: nothing is found, against either null.
    by_lot = sides.with_columns(side=pl.Series(np.random.default_rng(2).choice(["a", "b"], sides.height)))
    assert abs(rwc(edges, by_lot, 10)) < 0.02
    assert abs(ei_index(edges, by_lot)) < 0.02
    assert abs(assortativity(edges, by_lot)) < 0.02
    # The fair null of sides from a cut is a network without structure, cut the same way.
    chance = rewired(graph_of(edges, sides), np.random.default_rng(3))
    assert top_controversy(thinnest(chance, 4), 10) > 0.15
