"""Posts to tokens, in Latin and Arabic script alike.

One pattern, tried left to right, no nested repetition that could backtrack. What it keeps whole: links, mentions,
hashtags, emoji (with skin tone, variation selector, joiners and flags), words with their marks, ZWNJ, apostrophes and
inner hyphens, numbers with separators. Every other visible character is a token of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import regex

from discourse.errors import UsageError
from discourse.text.chunks import MAX_CHARACTERS, Memo
from discourse.text.noise import HASHTAG, MENTION, URL

__all__ = ["EMOJI", "WORDS", "hashtag_words", "tokens"]

_TAGS: Final = ("whole", "split", "both")

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
            r"\d++(?:[.,:/٫٬]\d++)++[\w\u200c]*+",
            r"\w[\w\u200c]*+(?:['’\-](?=\w)[\w\u200c]++)*+",
            r"[:;=]['\-]?[)(\]\[DPpO/|\\](?!\w)",
            r"<3(?!\w)",
            r"\.{2,}+|۔{2,}+",
            r"\S",
        )
    )
)


_WHOLE_TAG = regex.compile(HASHTAG)
_PART = regex.compile(
    r"\p{Lu}\p{M}*+(?:\p{Lu}\p{M}*+)*(?!\p{Ll})"  # PSL of PSLFinal
    r"|(?:\p{Lu}\p{M}*+)?+\p{Ll}[\p{Ll}\p{M}]*+"  # Final, final
    r"|\p{N}[\p{N}\p{M}]*+"
    r"|[\p{L}--[\p{Lu}\p{Ll}]][[\p{L}--[\p{Lu}\p{Ll}]]\p{M}]*+",  # scripts without capitals
    regex.VERSION1,
)


def tokens(texts: Sequence[str | None], hashtags: str = "whole") -> list[list[str]]:
    """The tokens of each of n texts in order, punctuation included; case and spelling as given; None has none.

    `hashtags` is "whole" (`#GetOut`), "split" (`get` and `out` of it stand in its place, as written: `Get`, `Out`) or
    "both". Reads 10,000 characters a text. Raises `UsageError` for another word.

    >>> tokens(["نوجوان چیئرمین، #get_out!", None])
    [['نوجوان', 'چیئرمین', '،', '#get_out', '!'], []]
    >>> tokens(["don't go to https://example.org/x. 3.5% :)"])[0]
    ["don't", 'go', 'to', 'https://example.org/x', '.', '3.5', '%', ':)']
    >>> tokens(["#GetOutOfAfghanistan now"], "both")[0]
    ['#GetOutOfAfghanistan', 'Get', 'Out', 'Of', 'Afghanistan', 'now']
    """
    if hashtags not in _TAGS:
        raise UsageError(f"hashtags is {hashtags!r}; it must be one of {', '.join(map(repr, _TAGS))}")
    memo: Memo[list[str]] = Memo(_TOKEN.findall if hashtags == "whole" else partial(_with_parts, hashtags=hashtags))
    out: list[list[str]] = []
    for text in texts:
        found: list[str] = []
        if text is not None:
            for chunk in text[:MAX_CHARACTERS].split():
                found += memo[chunk]
        out.append(found)
    return out


def hashtag_words(hashtag: str) -> list[str]:
    """The words of one hashtag as written: at underscores, capitals, figures, ZWNJ and changes of script.

    A hashtag in small letters only, or of Arabic letters without a joint, is one word: nothing is guessed.

    >>> hashtag_words("#GetOutOfAfghanistan2021"), hashtag_words("#افغانستان_پریږدئ"), hashtag_words("#PSLFinal")
    (['Get', 'Out', 'Of', 'Afghanistan', '2021'], ['افغانستان', 'پریږدئ'], ['PSL', 'Final'])
    """
    return _PART.findall(hashtag)


def _with_parts(chunk: str, hashtags: str) -> list[str]:
    out: list[str] = []
    for token in _TOKEN.findall(chunk):
        if _WHOLE_TAG.fullmatch(token) is None:
            out.append(token)
        else:
            out += hashtag_words(token) if hashtags == "split" else [token, *hashtag_words(token)]
    return out
