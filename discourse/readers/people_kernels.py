"""The loops of `hiding`, compiled: handles that stand alone in a text, and texts in which more than those may stand.

Which names are hidden, and how, is said by `corpus.mentions.hide_people`. These loops know only its plainest case, a
handle of X between spaces; a text that could hold any other is left to it. A text has the value 0 when nothing is to be
hidden in it, 1 when some plain handles are, 2 when it is to be read by `hide_people`.

Needs numba (`pip install 'discourse[speed]'`), which compiles on first use and keeps the result on disk.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from discourse.readers.line_kernels import Bytes, Places, compiled
from discourse.readers.value_kernels import copied

__all__ = ["CODE", "find_handles", "put_codes"]

CODE: Final = 26  # letters of a pseudonym
_LONGEST: Final = 49  # letters of a handle that is surely whole
_TO_LOOK_AT: Final = np.array([byte in b"@/&\xef" for byte in range(256)])
_IN_NAME: Final = np.array([byte < 128 and (chr(byte).isalnum() or byte == 0x5F) for byte in range(256)])
_BEFORE: Final = np.array([not (_IN_NAME[byte] or byte in b"/@") for byte in range(256)])


@compiled
def find_handles(data: Bytes, offsets: Places, texts: Bytes, starts: Places, ends: Places) -> int:
    """Fill `texts` with 0, 1 or 2 for each text, `starts` and `ends` with the handles of those that have 1, in order.

    Text i is `data[offsets[i]:offsets[i + 1]]`. Returns the number of handles; there is room for one an @.
    """
    count = 0
    for text in range(len(texts)):
        texts[text] = 0
        kept = count
        at, end = offsets[text], offsets[text + 1]
        while at < end:
            if not _TO_LOOK_AT[data[at]]:
                at += 1
                continue
            if data[at] == 0x40:
                first = at + 1
                behind = _past_name(data, first, end)
                if not _stands_alone(data, offsets[text], first, behind, end):
                    texts[text] = 2
                    break
                if behind > first:
                    starts[count], ends[count] = first, behind
                    count += 1
                    texts[text] = 1
                at = behind
            elif data[at] == 0x2F:
                at = _past_short_link(data, offsets[text], at, end)
                if at < 0:
                    texts[text] = 2
                    break
            elif data[at] == 0x26 or (at + 2 < end and data[at + 1] == 0xBC and data[at + 2] == 0xA0):
                texts[text] = 2  # an escape of X, or the full-width @
                break
            else:
                at += 1
        if texts[text] == 2:
            count = kept
    return count


@compiled
def _past_name(data: Bytes, at: int, end: int) -> int:
    while at < end and _IN_NAME[data[at]]:
        at += 1
    return at


@compiled
def _stands_alone(data: Bytes, begin: int, first: int, behind: int, end: int) -> bool:
    """Whether an @ before `first` begins a handle that ends at `behind` and no longer one, or none at all."""
    if first - 1 > begin and not _BEFORE[data[first - 2]]:
        return False
    if behind - first > _LONGEST or behind - first == CODE:
        return False
    if behind == end:
        return True
    following = data[behind]
    if behind == first:  # no name, unless an invisible mark stands before it
        return bool(following < 0x80 and following != 0x40)
    return following not in (0x40, 0xEF)


@compiled
def _past_short_link(data: Bytes, begin: int, at: int, end: int) -> int:
    """The place behind a link of the form https://t.co/abc whose first slash is at `at`; -1 for any other slash."""
    lead, tail = b"https:", b"/t.co/"
    if at - begin < 6 or at + 7 >= end:
        return -1
    for place in range(6):
        if data[at - 6 + place] != lead[place] or data[at + 1 + place] != tail[place]:
            return -1
    at += 7
    behind = _past_name(data, at, end)
    return behind if behind > at else -1


@compiled
def put_codes(
    data: Bytes, offsets: Places, handles: tuple[Places, Places, Bytes], new_offsets: Places, out: Bytes
) -> None:
    """Write the texts anew with `CODE` letters in the place of each handle; text i ends at `new_offsets[i + 1]`.

    `handles` are (starts, ends, codes) in order; handle h has the letters `codes[CODE * h : CODE * (h + 1)]`.
    """
    starts, ends, codes = handles
    at, to, handle = 0, 0, 0
    new_offsets[0] = 0
    for text in range(len(offsets) - 1):
        end = offsets[text + 1]
        while handle < len(starts) and starts[handle] < end:
            to = copied(data, at, starts[handle], out, to)
            to = copied(codes, CODE * handle, CODE * (handle + 1), out, to)
            at = ends[handle]
            handle += 1
        to = copied(data, at, end, out, to)
        at = end
        new_offsets[text + 1] = to
