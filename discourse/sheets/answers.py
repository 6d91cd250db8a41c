"""What coders answered, wherever they worked, on its way into `Labels`: and what of a post they were given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import polars as pl

from discourse.errors import PrivacyError, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.labels import SAMPLE, Labels
from discourse.schema import LABELS, LANGUAGES, Table, as_polars, one_of

__all__ = ["POSTS_TO_CODE", "Answer", "Names", "as_labels", "posts_to_code", "with_names"]

ROUND = "1"
POSTS_TO_CODE = Table(
    "sample",
    {"post_id": pl.String, "text": pl.String, "lang": pl.String},
    required=frozenset({"post_id", "text"}),
    values={"lang": LANGUAGES},
    key=("post_id",),
)
Names = str | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One value that one coder chose for one variable of one post; `place` says where it stands, for errors.

    >>> Answer("x:1", "a", "frame", "both", "row 2").value
    'both'
    """

    post_id: str
    coder: str
    variable: str
    value: str
    place: str


def posts_to_code(sample: Any) -> pl.DataFrame:
    """All that coders get of a sample: post_id, text, lang, in an order that says nothing, whatever the order before.

    Stratum, role, probability and every other column stay behind. Raises `SchemaError` for a post in two rows
    or without text, `UsageError` for a sample without posts.

    >>> posts_to_code(pl.DataFrame({"post_id": ["x:1"], "text": ["peace"], "stratum": ["rare"]})).columns
    ['post_id', 'text', 'lang']
    """
    given = as_polars(sample)
    for name in ("post_id", "text"):
        if name not in given.columns:
            raise SchemaError(f"the sample has no column {name!r}; join the posts to it, coders need post_id and text")
    posts = POSTS_TO_CODE.frame(given)
    if posts.is_empty():
        raise UsageError("the sample has no posts; draw some before they are handed to coders")
    blank = posts.filter(pl.col("text").str.strip_chars() == "").height
    if blank:
        raise SchemaError(f"{blank} posts of the sample have an empty text; leave them out before the sample is drawn")
    order = [blake2b(post.encode(), digest_size=8, person=b"discourse-order").digest() for post in posts["post_id"]]
    return posts.with_columns(pl.Series("order", order)).sort("order", "post_id").drop("order")


def with_names(answers: Iterable[Answer], names: Names) -> list[Answer]:
    """The answers under the names that coders have in the study.

    `names` is one name, if the file is of one coder, or maps what the tool calls a coder to a name; with None the
    tool's own stay. Raises `UsageError` when a name is needed and `PrivacyError` for an e-mail address as a name.

    >>> with_names([Answer("x:1", "7", "frame", "both", "row 2")], {"7": "anna"})[0].coder
    'anna'
    """
    given = list(answers)
    coders = sorted({answer.coder for answer in given})
    if isinstance(names, str):
        if len(coders) > 1:
            raise UsageError(
                f"the file holds answers of {len(coders)} coders and one name was given; map each to a name, as in "
                'coder={"1": "anna", "2": "bilal"}'
            )
        return [replace(answer, coder=names) for answer in given]
    if names is not None:
        unnamed = sum(coder not in names for coder in coders)
        if unnamed:
            raise UsageError(f"{unnamed} coders of the file have no name in coder={{...}}; map each of {len(coders)}")
        return [replace(answer, coder=names[answer.coder]) for answer in given]
    if "" in coders:
        raise UsageError("the file does not say who coded; give a name, as in coder='anna'")
    if any("@" in coder for coder in coders):
        raise PrivacyError("the file names coders by e-mail addresses; map each to a name, as in coder={...: 'anna'}")
    return given


def as_labels(answers: Iterable[Answer], codebook: Codebook, sample: Any) -> Labels:
    """The answers as labels of the sample; the same answer twice counts once, a post without any stays in it.

    Raises `SchemaError` for a variable or value the codebook does not have, a post outside the sample, and two
    different answers of one coder to one question.

    >>> answer = Answer("x:1", "a", "frame", "bath", "row 2")
    >>> from discourse.labels.codebook import Value, Variable
    >>> book = Codebook("framing", 1, (Variable("frame", "nominal", (Value("both", "one and the other"),)),))
    >>> as_labels([answer], book, pl.DataFrame({"post_id": ["x:1"]}))
    Traceback (most recent call last):
    discourse.errors.SchemaError: frame in row 2 is 'bath'; it must be 'both'. Did you mean 'both'?
    """
    known = SAMPLE.frame(as_polars(sample))
    posts = set(known["post_id"])
    said: dict[tuple[str, str, str], Answer] = {}
    for answer in answers:
        one_of(answer.variable, [one.name for one in codebook.variables], f"the variable in {answer.place}")
        one_of(answer.value, codebook.values(answer.variable), f"{answer.variable} in {answer.place}")
        if answer.post_id not in posts:
            raise SchemaError(
                f"the post in {answer.place} is not in the sample; give the sample that was handed to the coders"
            )
        first = said.setdefault((answer.post_id, answer.coder, answer.variable), answer)
        if first.value != answer.value:
            raise SchemaError(
                f"coder {answer.coder!r} chose {answer.variable} {first.value!r} in {first.place} and "
                f"{answer.value!r} in {answer.place} for one post; keep one of them"
            )
    rows = [
        {"post_id": one.post_id, "coder": one.coder, "variable": one.variable, "value": one.value, "round": ROUND,
         "codebook": codebook.identity}
        for one in said.values()
    ]  # fmt: skip
    return Labels(LABELS.frame(rows) if rows else LABELS.empty(), known, codebook)
