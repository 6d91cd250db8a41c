"""Texts of X with the names in them hidden, many at once: the same as `corpus.mentions.hide_people` gives of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.mentions import hide_people
from discourse.readers.columnar import Found, Pseudonyms, as_strings, compiled_loops
from discourse.readers.values import unescape

__all__ = ["hidden_texts"]

_CODE = 26  # letters of a pseudonym, as `people_kernels` writes them
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Spans = npt.NDArray[np.int32]


def hidden_texts(found: Found, spans: Spans, names: Pseudonyms) -> pl.Series:
    """The texts that some spans hold, X's escapes undone and people hidden; null where there is none.

    Plain handles are replaced as columns, each name's pseudonym worked out once. A text that could hold anything else
    is given to `hide_people`.
    """
    texts, data, offsets = found.strings(spans)
    room = int(np.count_nonzero(data[: offsets[-1]] == ord("@")))
    starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
    marks = np.empty(len(texts), np.uint8)
    count = compiled_loops().find_handles(data, offsets, marks, starts, ends)
    plain = texts
    if count:
        data, offsets = _with_codes(data, offsets, starts[:count], ends[:count], names)
        plain = as_strings(data, offsets, texts.is_not_null().to_numpy())
    left = np.flatnonzero(marks == 2)
    if not len(left):
        return plain
    read = [hide_people(names.key, names.platform, unescape(text)) for text in texts.gather(left)]
    return plain.scatter(left, pl.Series(read, dtype=pl.String))


def _with_codes(data: Bytes, offsets: Places, starts: Places, ends: Places, names: Pseudonyms) -> tuple[Bytes, Places]:
    spans = np.stack([np.full(len(starts), 2), starts, ends]).astype(np.int32)
    room: Any = np.empty(int((ends - starts).sum()), np.uint8)
    borders = np.empty(len(starts) + 1, np.int64)
    compiled_loops().copy_strings(data, spans, borders, room)
    hidden = names.of_handles(as_strings(room, borders).str.to_lowercase()).str.tail(_CODE)
    codes = np.frombuffer("".join(hidden).encode(), np.uint8)
    out = np.empty(int(offsets[-1] + _CODE * len(starts)), np.uint8)
    new = np.empty(len(offsets), np.int64)
    compiled_loops().put_codes(data, offsets, (starts, ends, codes), new, out)
    return out, new
