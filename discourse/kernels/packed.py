"""A column of texts as kernels read it: UTF-8 bytes end to end, and where each text starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Packed", "packed", "unpacked"]


class Packed(NamedTuple):
    """n texts: text i is `content[offsets[i]:offsets[i + 1]]`; missing ones are empty."""

    content: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    broken: list[int]
    """Texts with half of a surrogate pair, which UTF-8 cannot hold: they stand here empty, for the plain path."""


def packed(texts: Sequence[str | None]) -> Packed:
    """The texts as one block of bytes.

    >>> column = packed(["ab", None, "ہ"])
    >>> column.content.tobytes().decode(), column.offsets.tolist(), column.broken
    ('abہ', [0, 2, 2, 4], [])
    """
    broken: list[int] = []
    try:
        column = pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        broken = [at for at, text in enumerate(texts) if text is not None and _is_broken(text)]
        without = list(texts)
        for at in broken:
            without[at] = None
        column = pa.array(without, pa.large_string())
    _, offsets, content = column.buffers()
    return Packed(
        np.frombuffer(content or b"", np.uint8),
        np.frombuffer(offsets, np.int64)[: len(texts) + 1] if len(texts) else np.zeros(1, np.int64),
        broken,
    )


def unpacked(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> list[str]:
    """The texts of bytes that stand end to end: what `packed` took apart.

    >>> unpacked(*packed(["ab", "ہ"])[:2])
    ['ab', 'ہ']
    """
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    made: list[str] = pa.LargeStringArray.from_buffers(len(offsets) - 1, buffers[1], buffers[2]).to_pylist()
    return made


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
