"""A text is worked on in the pieces between its white space, and each distinct piece is worked out once.

Normal form, tokens, languages and valences are all made of answers for such chunks: no rule of theirs looks across
white space. So a column costs one look-up a chunk, whatever the rule costs, and the answers are the same as one by
one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from discourse.errors import SchemaError

__all__ = ["MAX_CHARACTERS", "Memo", "changed", "parts", "strings"]

MAX_CHARACTERS: Final = 10_000
"""What is read of one text, in code points."""

_AT_ONCE: Final = 1_000_000
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


def parts(texts: Sequence[str], characters: int = _AT_ONCE) -> Iterator[Sequence[str]]:
    """Texts in runs of about so many characters, one text at least: what is worked on at once, whatever the column.

    >>> list(parts(["ab", "cd", "efghi", "j"], 4))
    [['ab', 'cd'], ['efghi'], ['j']]
    """
    first = size = 0
    for at, text in enumerate(texts):
        size += len(text)
        if size > characters and at > first:
            yield texts[first:at]
            first, size = at, len(text)
    if first < len(texts):
        yield texts[first:]


def changed(
    chunks: Iterable[str], together: Callable[[str], str], apart: re.Pattern[str], alone: Callable[[str], str]
) -> dict[str, str]:
    """n distinct chunks, none empty, and what each becomes: most in one string, the few that need more one by one.

    `together` changes the chunks as lines of one string and leaves the ends of lines as they are. A line that `apart`
    matches, from its first character to its last, is changed by `alone` in its place.

    >>> changed(["One", "2", "Three"], str.lower, re.compile(r"(?m)^\\d+$"), lambda chunk: chunk * 2)
    {'One': 'one', '2': '22', 'Three': 'three'}
    """
    column = "\n".join(chunks)
    made = dict(zip(chunks, together(column).split("\n"), strict=True)) if column else {}
    for chunk in apart.findall(column):
        made[chunk] = alone(chunk)
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
