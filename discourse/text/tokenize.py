"""Posts to tokens, in Latin and Arabic script alike.

One pattern, tried left to right, no nested repetition that could backtrack. What it keeps whole: links, mentions,
hashtags, emoji (with skin tone, variation selector, joiners and flags), words with their marks, ZWNJ, apostrophes and
inner hyphens, numbers with separators. Every other visible character is a token of its own.
"""

from __future__ import annotations

from typing import Final

import regex

from discourse.text.normalize import HASHTAG, MAX_CHARACTERS, MENTION, URL

__all__ = ["EMOJI", "WORDS", "tokenize"]

WORDS: Final = r"\w[\w\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u200c]*"
"""A `token_pattern` for scikit-learn's vectorisers (standard library `re`, where `\\w` holds no combining mark).

Words of one letter count (Pashto `د`). Hashtags come out without their `#`.

>>> import re
>>> re.findall(WORDS, "اُردو می\u200cخواهیم don't")
['اُردو', 'می\u200cخواهیم', 'don', 't']
"""

_PICTOGRAPH: Final = r"\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?+[\U000E0020-\U000E007F]*+"
EMOJI: Final = rf"\p{{RI}}\p{{RI}}|[0-9#*]\uFE0F?\u20E3|{_PICTOGRAPH}(?:\u200d{_PICTOGRAPH})*+"

_TOKEN = regex.compile(
    "|".join(
        (
            r"<(?:url|user)>",
            rf"(?i:{URL})",
            MENTION,
            EMOJI,
            HASHTAG,
            r"\d++(?:[.,:/٫٬]\d++)*+(?![\w\u200c])",
            r"\w[\w\u200c]*+(?:['’\-](?=\w)[\w\u200c]++)*+",
            r"[:;=]['\-]?[)(\]\[DPpO/|\\](?!\w)",
            r"<3(?!\w)",
            r"\.{2,}+|۔{2,}+",
            r"\S",
        )
    )
)


def tokenize(text: str) -> list[str]:
    """The tokens of a text in order, punctuation included; case and spelling as given. Reads 10,000 characters.

    >>> tokenize("نوجوان چیئرمین، #get_out!")
    ['نوجوان', 'چیئرمین', '،', '#get_out', '!']
    >>> tokenize("don't go to https://example.org/x. 3.5% :)")
    ["don't", 'go', 'to', 'https://example.org/x', '.', '3.5', '%', ':)']
    """
    return _TOKEN.findall(text[:MAX_CHARACTERS])
