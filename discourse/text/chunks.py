"""A text is worked on in the pieces between its white space, and each distinct piece is worked out once.

Normal form, tokens, languages and valences are all made of answers for such chunks: no rule of theirs looks across
white space. So a column costs one look-up a chunk, whatever the rule costs, and the answers are the same as one by
one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from discourse.errors import SchemaError

__all__ = ["MAX_CHARACTERS", "Memo", "strings"]

MAX_CHARACTERS: Final = 10_000
"""What is read of one text, in code points."""

_MOST: Final = 400_000
_LONGEST: Final = 60

Answer = TypeVar("Answer")


class Memo(dict[str, Answer]):
    """Chunk to answer, filled in when a chunk is first asked for.

    It starts again at 400,000 chunks and never keeps one of more than 60 characters, so that no column, however odd,
    makes it grow. Made for one call and dropped with it: nothing is shared between threads.
    """

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, chunk: str) -> Answer:
        made = self._answer(chunk)
        if len(chunk) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[chunk] = made
        return made


def strings(texts: Iterable[object], name: str = "texts") -> list[str | None]:
    """A sequence of n strings as a list; null, None and NaN become None.

    Takes lists, tuples, numpy arrays and columns of polars and pandas. Raises `SchemaError` for one bare string and for
    anything in it that is no string.

    >>> strings(["a", None, float("nan")])
    ['a', None, None]
    """
    if isinstance(texts, str | bytes):
        raise SchemaError(f"{name} is one {type(texts).__name__}; give a sequence of strings, such as [{name[:-1]}]")
    out: list[str | None] = []
    for at, text in enumerate(texts):
        if isinstance(text, str):
            out.append(str(text))
        elif text is None or type(text).__name__ == "NAType" or (isinstance(text, float) and math.isnan(text)):
            out.append(None)
        else:
            raise SchemaError(f"{name}[{at}] is {type(text).__name__}; every one must be a string or None")
    return out
