"""What many records of one post come to: which is counted as what, which is kept, and which one stands.

All records of a post are joined by rules that do not ask which came first: the greatest in a fixed order is kept.
So a corpus is the same whatever the order of its files, however they are cut and by how many processes they are read.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from discourse.corpus.privacy import Key, tombstone
from discourse.schema import POSTS

__all__ = [
    "ITEM",
    "NAMING",
    "OBSERVED",
    "Tombstones",
    "as_live",
    "greatest",
    "join_records",
    "split_deleted",
    "with_gone",
    "without_rivals",
]

ITEM = "item"
READ = (
    "post_id", "platform", "author_id", "created_at", "text", "kind", "parent_id", "lang_declared", "country",
    "country_basis", "location", "handle_id", "likes", "replies", "reposts", "quotes", "edited_at", "collected_at",
    "version_of", "community", "source_file", "source_line",
)  # fmt: skip
OBSERVED: dict[str, pl.DataType] = {name: POSTS.columns[name] for name in READ}
NAMING = ["post_id", "author_id", "handle_id", "kind", "parent_id", "version_of"]
_CONTENT = ["post_id", "author_id", "text"]
_NEWEST = ["edited_at", "collected_at", "likes", "replies", "reposts", "quotes"]
_SOURCE = ["source_file", "source_line"]
_OTHERS = [name for name in READ if name not in {*_CONTENT, *_NEWEST, *_SOURCE}]


class Tombstones(NamedTuple):
    """What must never be live: posts and authors, by their keyed hashes, and all posts that they keep out.

    `subjects` holds hashes of `privacy.tombstone` (posts) and pseudonyms (authors); `seen` hashes of posts that were
    read and are gone, and of their first versions.

    >>> Tombstones().subjects
    frozenset()
    """

    subjects: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()


def join_records(stored: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The stored records with the new ones, one row for each text of a post, and what each new record counted as.

    Both frames have the columns of `OBSERVED`; `new` also `item`, the record's number in its file. The second
    frame has source_file, source_line and outcome: "accepted" for the first record of a post, "duplicate" for
    one with a text and author already known, "edit" for another text whose time of editing is another,
    "conflicting_duplicate" for another text without one; that one is kept too, and which of a post's texts stands is
    for `as_live` to say. Of records with one text the newest stands: the
    greatest by time of editing and of collection, counts and all else, with the least file and line. Neither frame is
    in a certain order.

    >>> import datetime as dt
    >>> row = {"post_id": "x:1", "platform": "x", "author_id": "x:a", "kind": "original", "text": "peace",
    ...        "created_at": dt.datetime(2025, 5, 7, tzinfo=dt.timezone.utc), "source_file": "a", "likes": 1}
    >>> new = pl.DataFrame([{**row, "source_line": 1, "item": 1}, {**row, "source_line": 2, "item": 2, "likes": 3}])
    >>> new = pl.concat([pl.DataFrame(schema={**OBSERVED, "item": pl.Int64}), new], how="diagonal_relaxed")
    >>> joined, outcomes = join_records(pl.DataFrame(schema=OBSERVED), new)
    >>> joined["likes"].to_list(), outcomes["outcome"].to_list()
    ([3], ['accepted', 'duplicate'])
    """
    again = new["post_id"].is_duplicated()
    if stored.height:
        again |= new["post_id"].is_in(stored["post_id"].unique().implode())
    once = new.filter(~again)
    accepted = once.select(*_SOURCE, ITEM, pl.lit("accepted").alias("outcome"))
    if once.height == new.height and not stored.height:
        return once.select(READ), accepted
    joined, outcomes = _join_repeated(stored, new.filter(again))
    return pl.concat([joined, once.select(READ)]), pl.concat([outcomes, accepted])


def _join_repeated(stored: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`join_records` of posts that may have more than one record."""
    ordered = new.sort(*_SOURCE, ITEM)
    before = stored.select(*READ, pl.lit(-1, dtype=pl.Int64).alias(ITEM))
    both = pl.concat([before, ordered.select(*READ, ITEM)])
    both = both.with_columns(pl.int_range(pl.len()).alias("_place"))
    first_of_post = pl.col("_place") == pl.col("_place").min().over("post_id")
    first_of_text = pl.col("_place") == pl.col("_place").min().over(_CONTENT)
    edited = pl.col("edited_at").ne_missing(pl.col("edited_at").first().over("post_id", order_by="_place"))
    outcome = (
        pl.when(first_of_post)
        .then(pl.lit("accepted"))
        .when(~first_of_text)
        .then(pl.lit("duplicate"))
        .when(edited)
        .then(pl.lit("edit"))
        .otherwise(pl.lit("conflicting_duplicate"))
    )
    told = both.with_columns(pl.when(pl.col(ITEM) < 0).then(pl.lit("stored")).otherwise(outcome).alias("outcome"))
    rival = pl.col("outcome").first().over(_CONTENT, order_by="_place") == "conflicting_duplicate"
    told = told.with_columns(pl.when(rival).then(pl.lit("conflicting_duplicate")).otherwise("outcome").alias("outcome"))
    return greatest(both), told.tail(new.height).select(*_SOURCE, ITEM, "outcome")


def greatest(records: pl.DataFrame) -> pl.DataFrame:
    """One record for each text of a post: the greatest, null least, with the least file and line of them all.

    >>> greatest(pl.DataFrame(schema=OBSERVED)).columns == list(OBSERVED)
    True
    """
    order = [*_CONTENT, *_NEWEST, *_OTHERS]
    kept = records.sort(order, nulls_last=False).unique(_CONTENT, keep="last", maintain_order=True).drop(_SOURCE)
    sources = records.sort(*_SOURCE).unique(_CONTENT, keep="first").select(*_CONTENT, *_SOURCE)
    return kept.join(sources, on=_CONTENT, how="left", nulls_equal=True).select(READ)


def as_live(joined: pl.DataFrame) -> pl.DataFrame:
    """One record a post: the last edited, else the last collected, else the first by file and line.

    >>> as_live(pl.DataFrame(schema=OBSERVED)).height
    0
    """
    if not joined["post_id"].is_duplicated().any():
        return joined.sort("post_id")
    order = ["post_id", "edited_at", "collected_at", *_SOURCE, "author_id", "text"]
    descending = [False, True, True, False, False, False, False]
    ranked = joined.sort(order, descending=descending, nulls_last=[False, True, True, False, False, False, False])
    return ranked.unique("post_id", keep="first", maintain_order=True)


def without_rivals(versions: pl.DataFrame) -> frozenset[str]:
    """The ids of posts that a later version replaced, where an edit makes a new id (`version_of`).

    `versions` has post_id, version_of and created_at of all posts that are or have a first version.

    >>> import datetime as dt
    >>> day = [dt.datetime(2025, 5, 7, hour, tzinfo=dt.timezone.utc) for hour in (9, 10)]
    >>> without_rivals(pl.DataFrame({"post_id": ["x:1", "x:2"], "version_of": [None, "x:1"], "created_at": day}))
    frozenset({'x:1'})
    """
    if versions["version_of"].null_count() == versions.height:
        return frozenset()
    chained = versions.with_columns(pl.coalesce("version_of", "post_id").alias("chain"))
    chained = chained.filter(pl.col("chain").is_in(versions["version_of"].drop_nulls().unique().implode()))
    ranked = chained.sort("chain", "created_at", pl.col("post_id").str.len_bytes(), "post_id")
    last = ranked.group_by("chain").agg(pl.col("post_id").last())["post_id"]
    return frozenset(set(ranked["post_id"].to_list()) - set(last.to_list()))


def split_deleted(rows: pl.DataFrame, graves: Tombstones, key: Key) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that may stand, and those that a tombstone of the post, its author or a repost's original keeps out.

    With a post go all its records, its reposts and all versions of it, whichever of them was named. A reply or quote
    of it stands, and names it by its keyed hash only. The second frame has the column `grave`, the keyed hash of the
    post itself.

    >>> split_deleted(pl.DataFrame(schema=OBSERVED), Tombstones(), Key.made_up("demo"))[1].columns[-1]
    'grave'
    """
    if not any(graves) or not rows.height:
        return rows, rows.clear().with_columns(pl.lit(None, dtype=pl.String).alias("grave"))
    marks = _marks(rows, key)
    gone = _spread(marks, graves)
    buried = graves.subjects | gone
    mask = pl.Series([not buried.isdisjoint(mark.names) for mark in marks], dtype=pl.Boolean)
    parents = [
        f"{platform}:{mark.parent}" if mark.parent in buried else parent
        for mark, platform, parent in zip(marks, rows["platform"], rows["parent_id"], strict=True)
    ]
    marked = rows.with_columns(pl.Series("grave", [mark.own for mark in marks], dtype=pl.String))
    named = rows.with_columns(pl.Series("parent_id", parents, dtype=pl.String))
    return named.filter(~mask), marked.filter(mask)


def with_gone(rows: pl.DataFrame, graves: Tombstones, key: Key) -> Tombstones:
    """The tombstones with those of all posts among `rows` that they keep out, and of these posts' first versions.

    `rows` needs the columns of `NAMING`.

    >>> with_gone(pl.DataFrame(schema=OBSERVED), Tombstones(), Key.made_up("demo"))
    Tombstones(subjects=frozenset(), seen=frozenset())
    """
    return Tombstones(graves.subjects, _spread(_marks(rows, key), graves)) if any(graves) else graves


class _Mark(NamedTuple):
    """The keyed hashes by which one row may be kept out, of the post, its first version and its parent."""

    own: str
    first: str | None
    parent: str | None
    names: frozenset[str | None]


def _marks(rows: pl.DataFrame, key: Key) -> list[_Mark]:
    made = []
    for post, author, handle, kind, parent, version in rows.select(NAMING).iter_rows():
        own = tombstone(key, post)
        first = None if version is None else tombstone(key, version)
        above = None if parent is None else tombstone(key, parent)
        names = frozenset((own, author, handle, first, above if kind == "repost" else own))
        made.append(_Mark(own, first, above, names - {None}))
    return made


def _spread(marks: list[_Mark], graves: Tombstones) -> frozenset[str]:
    """The hashes of all posts that are gone. One that goes may take others with it, so it is asked again."""
    buried: set[str | None] = {*graves.subjects, *graves.seen}
    seen: set[str | None] = set(graves.seen)
    while True:
        before = len(seen)
        for mark in marks:
            if not buried.isdisjoint(mark.names):
                seen |= {mark.own, mark.first}
                buried |= {mark.own, mark.first}
        seen.discard(None)
        buried.discard(None)
        if len(seen) == before:
            return frozenset(one for one in seen if one is not None)
