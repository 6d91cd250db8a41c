"""Posts that must never stand on both sides of a split: those of one author, and those that repeat one text."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["linked_groups"]


def linked_groups(posts: pl.DataFrame) -> pl.Series:
    """A group number for each of n posts: equal for posts tied by a chain of shared authors and copies.

    Needs author_id and copy_id (null: the text repeats no other). Groups are numbered by first appearance in
    the order of author_id, so the result does not depend on the order of rows.

    >>> linked_groups(pl.DataFrame({"author_id": ["a", "b", "c"], "copy_id": ["t", "t", None]})).to_list()
    [0, 0, 1]
    """
    author = posts["author_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    authors = int(author.max()) + 1 if len(author) else 0
    has_copy = posts["copy_id"].is_not_null().to_numpy()
    copy = posts["copy_id"].rank("dense").fill_null(1).cast(pl.Int64).to_numpy() - 1
    nodes = authors + (int(copy.max()) + 1 if len(copy) else 0)
    edges = coo_array(
        (np.ones(int(has_copy.sum())), (author[has_copy], authors + copy[has_copy])), shape=(nodes, nodes)
    )
    _, component = connected_components(edges, directed=False)
    return pl.Series("group", component[author]).rank("dense").cast(pl.Int64) - 1
