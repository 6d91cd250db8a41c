"""Who replied to or reposted whom, with the side of every author: edges as arrays of places, no names.

Edges come as a table (source, target, weight), as pairs in an array, as a square matrix or as a graph of networkx;
sides as a table (author_id, side), a mapping, a sequence in the order of places, or the set of one side's authors.
Several edges between two authors become one with the sum of the weights, an author's edges to themselves are dropped,
and so are edges of an author without a side; the graph says how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from discourse.errors import SchemaError, UsageError
from discourse.schema import UNKNOWN, as_polars

__all__ = ["Graph", "graph_of", "mixing_matrix"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Graph:
    """m edges between n nodes, simple: `source`, `target`, `weight` (m,), `side` (n,) as places in `sides`.

    Nodes stand in the order of their ids; the ids are gone. An undirected edge has its smaller place as `source`.
    `dropped` counts what did not become an edge: "loops", "no_side" and "merged" with another edge.
    """

    source: Ints
    target: Ints
    weight: Floats
    side: Ints
    sides: tuple[str, ...]
    directed: bool
    dropped: Mapping[str, int]

    @property
    def degree(self) -> Ints:
        """Number of edges at each node (n,), both directions together."""
        ends = np.concatenate([self.source, self.target])
        return np.bincount(ends, minlength=len(self.side))

    def adjacency(self) -> sparse.csr_array:
        """Symmetric 0/1 matrix (n, n) of who is joined to whom, directions and weights left out."""
        n = len(self.side)
        one = sparse.csr_array((np.ones(len(self.source)), (self.source, self.target)), shape=(n, n))
        both = sparse.csr_array(one + one.T)
        both.data[:] = 1.0
        return both


def graph_of(edges: Any, sides: Any, *, directed: bool = False) -> Graph:
    """The graph of edges and sides, in any of the forms of this module.

    >>> made = graph_of([(0, 1), (1, 0), (1, 2), (2, 2)], ["a", "a", "b"])
    >>> made.source.tolist(), made.target.tolist(), made.weight.tolist(), dict(made.dropped)
    ([0, 1], [1, 2], [2.0, 1.0], {'loops': 1, 'no_side': 0, 'merged': 1})
    """
    source, target, weight, nodes = _edges(edges)
    ids, labels = _sides(sides, nodes, np.concatenate([source, target]))
    names = tuple(sorted({str(label) for label in labels}))
    if len(names) < 2:
        raise UsageError(f"the authors stand on {len(names)} side; a network needs two or more")
    side = np.searchsorted(names, labels.astype(str)).astype(np.int64)
    if ids.dtype.kind != source.dtype.kind and len(source):
        ids, source, target = ids.astype(str), source.astype(str), target.astype(str)
    order = np.argsort(ids, kind="stable")
    ids, side = ids[order], side[order]
    if (ids[1:] == ids[:-1]).any():
        raise SchemaError(f"{int((ids[1:] == ids[:-1]).sum())} authors have more than one row of sides; give each one")
    a, b = (np.minimum(np.searchsorted(ids, end), len(ids) - 1) for end in (source, target))
    known = (ids[a] == source) & (ids[b] == target)
    a, b, weight = a[known].astype(np.int64), b[known].astype(np.int64), weight[known]
    loops = a == b
    a, b, weight = a[~loops], b[~loops], weight[~loops]
    if not directed:
        a, b = np.minimum(a, b), np.maximum(a, b)
    keys, where = np.unique(a * len(ids) + b, return_inverse=True)
    dropped = {"loops": int(loops.sum()), "no_side": int((~known).sum()), "merged": len(a) - len(keys)}
    total = np.bincount(where, weights=weight, minlength=len(keys)).astype(np.float64)
    return Graph(keys // len(ids), keys % len(ids), total, side, names, directed, dropped)


def mixing_matrix(graph: Graph, *, weighted: bool = False) -> Floats:
    """Edges between sides (s, s), from row to column; an undirected edge stands there in both directions.

    >>> mixing_matrix(graph_of([(0, 1), (1, 2)], ["a", "a", "b"])).tolist()
    [[2.0, 1.0], [1.0, 0.0]]
    """
    s = len(graph.sides)
    at = graph.side[graph.source] * s + graph.side[graph.target]
    weight = graph.weight if weighted else np.ones(len(at))
    made = np.bincount(at, weights=weight, minlength=s * s).reshape(s, s).astype(np.float64)
    return made if graph.directed else made + made.T


def _edges(edges: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Floats, npt.NDArray[Any] | None]:
    """Ends and weights of edges, and the nodes in order where the form says them."""
    if isinstance(edges, pl.DataFrame | pl.LazyFrame) or type(edges).__module__.split(".")[0] == "pandas":
        table = as_polars(edges)
        for name in ("source", "target"):
            if name not in table.columns:
                raise SchemaError(f"the edges have no column {name!r}; they need source, target and if wanted weight")
            if table[name].null_count():
                raise SchemaError(f"the edges have {table[name].null_count()} rows without {name!r}; drop them first")
        weight = table["weight"].to_numpy() if "weight" in table.columns else np.ones(table.height)
        return table["source"].to_numpy(), table["target"].to_numpy(), weight.astype(np.float64), None
    if hasattr(edges, "nodes") and hasattr(edges, "edges"):
        nodes = np.array(list(edges.nodes))
        ends = list(edges.edges(data="weight", default=1.0))
        a, b, w = ([end[i] for end in ends] for i in range(3))
        return np.array(a, dtype=nodes.dtype), np.array(b, dtype=nodes.dtype), np.array(w, dtype=np.float64), nodes
    if sparse.issparse(edges) or (np.ndim(edges) == 2 and np.shape(edges)[0] == np.shape(edges)[1] > 3):
        matrix = sparse.csr_array(edges if sparse.issparse(edges) else np.asarray(edges))
        symmetric = abs(matrix - matrix.T).sum() == 0
        cells = (sparse.triu(matrix) if symmetric else matrix).tocoo()
        return cells.row, cells.col, cells.data.astype(np.float64), np.arange(matrix.shape[0])
    rows = np.asarray(edges)
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
        raise UsageError(f"the edges have shape {rows.shape}; give rows of (source, target) or with a weight behind")
    weight = rows[:, 2].astype(np.float64) if rows.shape[1] == 3 else np.ones(len(rows))
    pairs = rows[:, :2].astype(np.int64) if rows.dtype.kind in "iuf" else rows[:, :2]
    return pairs[:, 0], pairs[:, 1], weight, None


def _sides(
    sides: Any, nodes: npt.NDArray[Any] | None, ends: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Ids and labels of the authors whose side is known."""
    if isinstance(sides, pl.DataFrame | pl.LazyFrame) or type(sides).__module__.split(".")[0] == "pandas":
        table = as_polars(sides)
        for name in ("author_id", "side"):
            if name not in table.columns:
                raise SchemaError(f"the sides have no column {name!r}; they need author_id and side")
        table = table.filter(pl.col("side").is_not_null() & (pl.col("side").cast(pl.String) != UNKNOWN))
        return table["author_id"].to_numpy(), table["side"].to_numpy()
    if isinstance(sides, Mapping):
        kept = {node: label for node, label in sides.items() if label is not None and label != UNKNOWN}
        return np.array(list(kept)), np.array(list(kept.values()))
    if isinstance(sides, AbstractSet):
        named = np.unique(ends) if nodes is None else nodes
        return named, np.array(["first" if node in sides else "second" for node in named.tolist()])
    labels = np.asarray(sides)
    ids = np.arange(len(labels)) if nodes is None else nodes
    if labels.ndim != 1 or len(ids) != len(labels):
        raise UsageError(f"there are {len(ids)} nodes and sides of shape {labels.shape}; give one side a node")
    known = np.array([label is not None and label != UNKNOWN for label in labels.tolist()], dtype=bool)
    return ids[known], labels[known]
