"""Normal forms by a compiled loop: what becomes of single characters as a table, and the plain path for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import batches, in_threads
from discourse.kernels.normal import JOINT, LEFT, SPACE, rewritten
from discourse.kernels.packed import packed, unpacked

__all__ = ["forms", "table_of"]

_CODES: Final = 0x20000

Table = npt.NDArray[np.int32]


def forms(
    texts: Sequence[str], table: Table, limits: tuple[int, int, int], plain: Callable[[list[str]], Sequence[str]]
) -> list[str]:
    """The normal forms of n texts in one language; `plain` does the few that need more than a table.

    `limits` are the characters read of a text, and those of a chunk, and of one of ASCII, for which a table is enough.

    >>> table = table_of("en", lambda lang: {"A": "a", "b": "b"})
    >>> forms(["A  b", "é"], table, (10_000, 30, 64), lambda texts: ["?" for _ in texts])
    ['a b', '?']
    """
    column = packed(texts)

    def work(first: int, last: int) -> tuple[list[str], npt.NDArray[np.bool_]]:
        content, starts, left = rewritten(column.content, column.offsets, (first, last), table, limits)
        return unpacked(content, starts), left

    made: list[str] = []
    open_: list[int] = list(column.broken)
    for some, left in in_threads(work, batches(column.offsets)):
        open_ += (np.flatnonzero(left) + len(made)).tolist()
        made += some
    for at, form in zip(open_, plain([texts[at] for at in open_]), strict=True):
        made[at] = form
    return made


@cache
def table_of(lang: str, characters: Callable[[str], Mapping[str, str]]) -> Table:
    """`characters(lang)`, which has for a character another one or none, as an array; it is made once.

    >>> table_of("en", lambda lang: {"A": "a", "\u0640": ""})[[0x41, 0x640, 0x42, 0x20]].tolist()
    [97, 0, -1, -2]
    """
    table = np.full(_CODES, LEFT, np.int32)
    for char, made in characters(lang).items():
        if len(made) <= 1 and len(made.encode()) <= len(char.encode()):
            table[ord(char)] = ord(made or "\0")
    table[[code for code in range(0x4000) if chr(code).isspace()]] = SPACE
    table[0x200C] = JOINT
    return table
