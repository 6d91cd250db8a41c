"""What people coded: one row for each post, coder and variable, and the sample the posts were drawn in.

Labels a classifier learns from and labels an estimate is corrected with are two types. A post has one role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from warnings import warn

import polars as pl

from discourse.corpus.links import linked_groups
from discourse.errors import GoldWarning, MeaningError, SchemaError, UsageError
from discourse.labels.cells import ROW, check_ids, check_values, read_cells, refuse_missing, with_chances
from discourse.labels.codebook import Codebook
from discourse.schema import LABELS, Table, one_of

__all__ = [
    "ADJUDICATED",
    "ROLES",
    "SAMPLE",
    "GoldLabels",
    "Labels",
    "TrainingLabels",
    "read_labels",
    "read_wide_labels",
    "split_roles",
]

ADJUDICATED = ("agreed", "adjudicated")
ROLES = ("training", "gold")
SAMPLE = Table(
    "sample",
    {"post_id": pl.String, "inclusion_p": pl.Float64, "stratum": pl.String, "role": pl.String},
    required=frozenset({"post_id"}),
    values={"role": ROLES},
    key=("post_id",),
)
_DECIDED = Table(
    "decided labels",
    {"post_id": pl.String, "value": pl.String, "inclusion_p": pl.Float64},
    required=frozenset({"post_id", "value"}),
    key=("post_id",),
)


@dataclass(frozen=True, repr=False, eq=False)
class TrainingLabels:
    """Labels to learn from, one a post: `frame` has post_id, value, inclusion_p (may be null), by post_id.

    Raises `SchemaError` for a post without a value or in two rows.

    >>> TrainingLabels(pl.DataFrame({"post_id": ["x:1"], "value": ["neither"]}))
    TrainingLabels(1 post: neither 1)
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _DECIDED.frame(self.frame).sort("post_id"))

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        counts = self.frame.group_by("value").len().sort("len", "value", descending=[True, False]).rows()
        listed = f": {', '.join(f'{value} {count}' for value, count in counts)}" if counts else ""
        return f"{type(self).__name__}({len(self)} post{'' if len(self) == 1 else 's'}{listed})"


@dataclass(frozen=True, repr=False, eq=False)
class GoldLabels:
    """Labels to correct and to judge with, never to learn from: post_id, value, inclusion_p in (0, 1].

    Raises `MeaningError` when a post's probability of having been drawn is not known, `SchemaError` for a
    post without a value or in two rows.

    >>> GoldLabels(pl.DataFrame({"post_id": ["x:1"], "value": ["neither"], "inclusion_p": [0.25]}))
    GoldLabels(1 post: neither 1)
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        frame = _DECIDED.frame(self.frame).sort("post_id")
        chance = frame["inclusion_p"].fill_nan(None)
        wrong = int((~chance.is_between(0, 1, closed="right")).fill_null(True).sum())
        if wrong:
            raise MeaningError(
                f"gold labels need known inclusion probabilities in (0, 1]; {wrong} of {frame.height} have none or "
                "another value: give inclusion_p, the chance with which each post was drawn"
            )
        object.__setattr__(self, "frame", frame)

    __len__ = TrainingLabels.__len__
    __repr__ = TrainingLabels.__repr__


@dataclass(frozen=True, repr=False, eq=False)
class Labels:
    """All labels of a study, coder by coder.

    `table` has the columns of `schema.LABELS`; `sample` has one row for each post that was given to coders:
    post_id, inclusion_p, stratum, role ("training", "gold" or null). A post of the sample may lack a label.
    The codebook, if given, says which values there are and of what level. Raises `SchemaError` when a label is
    of a post outside the sample.

    >>> table = [{"post_id": "x:1", "coder": c, "variable": "frame", "value": "both"} for c in ("a", "b")]
    >>> labels = Labels(LABELS.frame(table), SAMPLE.frame([{"post_id": "x:1"}, {"post_id": "x:2"}]))
    >>> labels
    Labels(2 posts, 2 coders, 1 undecided; frame: both 1)
    """

    table: pl.DataFrame
    sample: pl.DataFrame
    codebook: Codebook | None = None

    def __post_init__(self) -> None:
        table = LABELS.frame(self.table).sort(LABELS.key)
        sample = SAMPLE.frame(self.sample).sort("post_id")
        outside = table.join(sample, on="post_id", how="anti")["post_id"].n_unique()
        if outside:
            raise SchemaError(f"{outside} labelled posts are not in the sample; give every labelled post a row in it")
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "sample", sample)

    def __len__(self) -> int:
        return self.sample.height

    def __repr__(self) -> str:
        coders = self.table.filter(~pl.col("coder").is_in(ADJUDICATED))["coder"].n_unique()
        counts = self.decided()["value"].value_counts().sort("count", "value", descending=[True, False]).rows()
        listed = ", ".join(f"{value} {count}" for value, count in counts) or "none"
        return f"Labels({len(self)} posts, {coders} coders, {self.undecided} undecided; frame: {listed})"

    def latest(self, variable: str) -> pl.DataFrame:
        """Each coder's last word on each post: columns post_id, coder, value, sorted by the first two.

        Rounds are compared as numbers where they are numbers; no round comes before any.

        >>> rows = [{"post_id": "x:1", "coder": "a", "variable": "frame", "value": v, "round": r}
        ...         for v, r in (("both", "9"), ("neither", "10"))]
        >>> Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}])).latest("frame")["value"].to_list()
        ['neither']
        """
        number = pl.col("round").cast(pl.Float64, strict=False)
        rows = self.table.filter(pl.col("variable") == variable).sort(number, "round", nulls_last=False)
        last = rows.group_by("post_id", "coder", maintain_order=True).agg(pl.col("value").last())
        return last.sort("post_id", "coder")

    def decided(self, variable: str = "frame") -> pl.DataFrame:
        """One value a post: columns post_id, value, sorted by post_id.

        It is the agreed (adjudicated) value where there is one, else the value all coders of the post gave.
        Posts about which coders differ are left out; `undecided` counts them.

        >>> rows = [{"post_id": "x:1", "coder": c, "variable": "frame", "value": v}
        ...         for c, v in (("a", "both"), ("b", "neither"))]
        >>> Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}])).decided().height
        0
        """
        rows = self.latest(variable)
        agreed = rows.filter(pl.col("coder").is_in(ADJUDICATED))
        others = rows.join(agreed, on="post_id", how="anti")
        settled = (
            pl.concat([agreed, others])
            .group_by("post_id")
            .agg(pl.col("value").first(), pl.col("value").n_unique().alias("different"))
            .filter(pl.col("different") == 1)
        )
        return settled.select("post_id", "value").sort("post_id")

    @property
    def undecided(self) -> int:
        """How many posts of the sample have no decided frame: coders differ, or nobody coded them.

        >>> Labels(LABELS.empty(), SAMPLE.frame([{"post_id": "x:1"}])).undecided
        1
        """
        return self.sample.height - self.decided().height

    @property
    def training(self) -> TrainingLabels:
        """The decided frames of the posts with the role "training".

        Raises `MeaningError` when no post has that role.

        >>> Labels(LABELS.empty(), SAMPLE.frame([{"post_id": "x:1", "role": "training"}])).training
        TrainingLabels(0 posts)
        """
        return TrainingLabels(self._of("training"))

    @property
    def gold(self) -> GoldLabels:
        """The decided frames of the posts with the role "gold".

        Raises `MeaningError` when no post has that role, or an inclusion probability is not known.

        >>> Labels(LABELS.empty(), SAMPLE.frame([{"post_id": "x:1", "role": "gold"}])).gold
        GoldLabels(0 posts)
        """
        return GoldLabels(self._of("gold"))

    def _of(self, role: str) -> pl.DataFrame:
        posts = self.sample.filter(pl.col("role") == role)
        if posts.is_empty():
            raise MeaningError(
                f"no post has the role {role!r}; give a column role, or type "
                "split_roles(labels, corpus.posts, training_share=0.5, seed=7)"
            )
        return posts.join(self.decided(), on="post_id", how="inner").select("post_id", "value", "inclusion_p")


def read_labels(path: str | Path, codebook: Codebook) -> Labels:
    """Labels from a CSV with the columns post_id, coder, variable, value and, if there, round, inclusion_p,
    stratum, role.

    Everything is read as a string, an empty cell is missing: a row without a value says that the post is in
    the sample. Other columns are not read. Raises `MissingData`, `BadInput` when it is no CSV, and
    `SchemaError`, naming the row (the header is row 1), for a value the codebook does not have.

    >>> read_labels("no-such.csv", Codebook("framing", 1, ()))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no label file 'no-such.csv'; give the path of a CSV file
    """
    rows = read_cells(path, ("post_id", "coder", "variable", "value"))
    for name in ("post_id", "coder", "variable"):
        refuse_missing(rows, name)
    for variable in rows["variable"].unique().sort():
        check_values(rows.filter(pl.col("variable") == variable), "value", variable, codebook)
    check_ids(rows, "post_id")
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in SAMPLE.columns if name not in rows.columns]
    rows = rows.with_columns(absent)
    if "round" not in rows.columns:
        rows = rows.with_columns(pl.lit("1").alias("round"))
    for row, role in rows.filter(pl.col("role").is_not_null()).select(ROW, "role").rows():
        one_of(role, ROLES, f"role in row {row}")
    sample = rows.select(*SAMPLE.columns, ROW).pipe(with_chances, "inclusion_p").drop(ROW).unique()
    twice = sample["post_id"].is_duplicated()
    if twice.any():
        count = sample.filter(twice)["post_id"].n_unique()
        raise SchemaError(
            f"{count} posts have more than one inclusion_p, stratum or role; write the same in each row of a post"
        )
    table = rows.filter(pl.col("value").is_not_null()).with_columns(pl.lit(codebook.identity).alias("codebook"))
    return Labels(LABELS.frame(table), sample, codebook)


def read_wide_labels(
    path: str | Path,
    codebook: Codebook,
    *,
    id_column: str,
    platform: str,
    coders: Mapping[str, str],
    agreed: str | None = None,
    inclusion: str | None = None,
    stratum: str | None = None,
) -> Labels:
    """Labels from a CSV with one row a post and one column a coder; `coders` maps a column to its variable.

    `agreed` is the column of values that were settled among coders: of the variable of that name, else of
    "frame". `post_id` becomes "platform:id". Everything is read as a string and an empty cell is missing; the
    post stays in the sample. Raises as `read_labels` does.

    >>> read_wide_labels("no-such.csv", Codebook("framing", 1, ()), id_column="id", platform="x", coders={})
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no label file 'no-such.csv'; give the path of a CSV file
    """
    columns = {column: (column, variable) for column, variable in coders.items()}
    if agreed is not None:
        named = {variable.name for variable in codebook.variables}
        columns[agreed] = (ADJUDICATED[0], agreed if agreed in named else "frame")
    rows = read_cells(path, (id_column, *columns, *(name for name in (inclusion, stratum) if name)))
    refuse_missing(rows, id_column)
    check_ids(rows, id_column)
    rows = rows.with_columns((pl.lit(f"{platform}:") + pl.col(id_column)).alias("post_id"))
    parts = []
    for column, (coder, variable) in columns.items():
        check_values(rows, column, variable, codebook)
        said = {"coder": coder, "variable": variable, "round": "1", "codebook": codebook.identity}
        part = rows.filter(pl.col(column).is_not_null()).select("post_id", pl.col(column).alias("value"))
        parts.append(part.with_columns(pl.lit(text).alias(name) for name, text in said.items()))
    nothing = pl.lit(None, dtype=pl.String)
    sample = rows.select(
        "post_id",
        (pl.col(inclusion) if inclusion else nothing).alias("inclusion_p"),
        (pl.col(stratum) if stratum else nothing).alias("stratum"),
        nothing.alias("role"),
        ROW,
    ).pipe(with_chances, "inclusion_p")
    table = pl.concat(parts) if parts else LABELS.empty()
    return Labels(LABELS.frame(table), sample.drop(ROW), codebook)


def split_roles(labels: Labels, corpus_posts: pl.DataFrame, *, training_share: float, seed: int) -> Labels:
    """The labels with a role for each post: "training" with probability `training_share`, else "gold".

    Posts that share an author or a text, directly or through other labelled posts, get one role. The role
    hangs on their ids and the seed alone. A gold post's inclusion_p is multiplied by `1 - training_share`, the
    chance that it came to the gold side. Posts outside the corpus get no role (`GoldWarning`).
    Raises `UsageError` for a share outside [0, 1) and `MeaningError` when roles were given before.

    >>> from discourse.schema import POSTS
    >>> split_roles(Labels(LABELS.empty(), SAMPLE.empty()), POSTS.empty(), training_share=0.5, seed=7)
    Labels(0 posts, 0 coders, 0 undecided; frame: none)
    """
    if not 0 <= training_share < 1:
        raise UsageError(f"training_share is {training_share}; it must be from 0 to below 1, as in 0.5")
    if not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")
    if labels.sample["role"].is_not_null().any():
        raise MeaningError("the labels have roles already; a second split would spoil the inclusion probabilities")
    known = corpus_posts.select("post_id", "author_id", "copy_id").join(
        labels.sample.select("post_id"), on="post_id", how="semi"
    )
    outside = labels.sample.height - known.height
    if outside:
        warn(f"{outside} labelled posts are not in the corpus and get no role", GoldWarning, stacklevel=2)
    key = seed.to_bytes(8, "little")
    first = known.with_columns(linked_groups(known)).select(
        "post_id", pl.col("post_id").min().over("group").alias("first")
    )
    roles = ["training" if _uniform(name, key) < training_share else "gold" for name in first["first"]]
    given = first.select("post_id").with_columns(pl.Series("role", roles, dtype=pl.String))
    chance = pl.when(pl.col("role") == "gold").then(pl.col("inclusion_p") * (1 - training_share))
    sample = (
        labels.sample.drop("role")
        .join(given, on="post_id", how="left")
        .with_columns(chance.otherwise(pl.col("inclusion_p")).alias("inclusion_p"))
    )
    return replace(labels, sample=sample)


def _uniform(name: str, key: bytes) -> float:
    digest = blake2b(name.encode(), digest_size=8, key=key, person=b"discourse-split").digest()
    return int.from_bytes(digest, "little") / 2**64
