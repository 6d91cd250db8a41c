"""Random-walk controversy of published networks beside three kinds of chance: the tables of docs/network.md.

    python benchmarks/network.py ../shared/data/rwc_retweet_networks --rewirings 30

1. The published numbers, with the seeds that the published code draws.
2. The same networks rewired with the same degrees: with the sides they had, and cut anew where they are thinnest. The
   published sides come from such a cut (of another program), so only the last says what a network of these degrees
   would have scored; the observed network is cut anew by the same program to be compared.
3. Seconds for a rewiring and for a controversy.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse
from scipy.sparse.linalg import splu

from discourse.networks.graph import Graph, graph_of, mixing_matrix
from discourse.networks.network import ei_index
from discourse.networks.rewiring import rewired
from discourse.networks.walks import random_seeds_controversy, top_controversy

TOPICS = ("baltimore", "beefban", "gunsense", "germanwings")


def read(folder: Path, topic: str) -> Graph:
    sides = pl.read_csv(folder / f"{topic}_sides.csv").rename({"node": "author_id"})
    return graph_of(pl.read_csv(folder / f"{topic}_edges.csv"), sides)


def cut_in_two(graph: Graph, rng: np.random.Generator) -> Graph:
    """Sides by the median of the Fiedler vector (normalised, inverse iteration) of the largest connected part."""
    adjacency = graph.adjacency()
    part, label = sparse.csgraph.connected_components(adjacency, directed=False)
    keep = np.flatnonzero(label == np.bincount(label, minlength=part).argmax())
    inner = adjacency[keep][:, keep]
    degree = np.asarray(inner.sum(axis=1)).ravel()
    system = sparse.csc_array(sparse.diags_array(degree * (1 + 1e-6)) - inner)
    solver = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    vector = rng.normal(size=len(keep))
    for _ in range(60):
        vector -= (vector @ degree) / degree.sum()
        vector = solver.solve(degree * vector)
        vector /= np.linalg.norm(vector)
    side = (vector > np.median(vector)).astype(np.int64)
    place = np.full(len(graph.side), -1)
    place[keep] = np.arange(len(keep))
    inside = (place[graph.source] >= 0) & (place[graph.target] >= 0)
    return replace(
        graph, source=place[graph.source[inside]], target=place[graph.target[inside]], weight=graph.weight[inside],
        side=side,
    )  # fmt: skip


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} (sd {np.std(values, ddof=1):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--rewirings", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    known = json.loads((asked.folder / "expected.json").read_text("utf-8"))["values"]
    graphs = {topic: read(asked.folder, topic) for topic in TOPICS}

    print("| network | nodes | edges | published | here, 30 % random seeds | seconds a draw | 10 highest degrees |")
    print("|---|---|---|---|---|---|---|")
    for topic, graph in graphs.items():
        begun = time.perf_counter()
        draws = asked.draws if topic != "germanwings" else max(5, asked.draws // 10)
        made = random_seeds_controversy(graph, 0.3, draws, np.random.default_rng(asked.seed))
        each = (time.perf_counter() - begun) / draws
        said = known[topic]["published_sequential"]
        print(f"| {topic} | {len(graph.side):,} | {len(graph.source):,} | {said or '-'} | {made:.3f} | {each:.2f} | "
              f"{top_controversy(graph, 10):.3f} |", flush=True)  # fmt: skip

    print("\n| network | sides | observed | rewired, sides kept | rewired and cut anew | E-I observed | E-I cut anew |")
    print("|---|---|---|---|---|---|---|")
    for topic, graph in graphs.items():
        rng = np.random.default_rng(asked.seed)
        begun = time.perf_counter()
        others = [rewired(graph, rng) for _ in range(asked.rewirings)]
        each = (time.perf_counter() - begun) / asked.rewirings
        cuts = [cut_in_two(one, rng) for one in others]
        anew = cut_in_two(graph, rng)
        kept = spread([top_controversy(one, 10) for one in others])
        scored = spread([top_controversy(one, 10) for one in cuts])
        external = spread([ei_index(mixing_matrix(one)) for one in cuts])
        for name, one in (("published", graph), ("cut anew", anew)):
            null = (kept, "-") if name == "published" else ("-", scored)
            print(f"| {topic} | {name} | {top_controversy(one, 10):.3f} | {null[0]} | {null[1]} | "
                  f"{ei_index(mixing_matrix(one)):.3f} | {external if name == 'cut anew' else '-'} |")  # fmt: skip
        print(f"<!-- {topic}: {each:.2f} s a rewiring -->", flush=True)


if __name__ == "__main__":
    main()
