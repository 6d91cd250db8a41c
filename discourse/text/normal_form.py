"""One spelling for one word: the normal form of a post, by language.

The same Urdu, Persian or Pashto word reaches us from different keyboards with different code points. The normal form
brings them together *within* a language and never across: Pashto ye letters carry grammar and stay five letters.

| language | letters folded |
|---|---|
| ur | ي ى to ی, ك ڪ to ک, ه ە to ہ (ھ stays, it marks aspirates), ة to ۃ, ۀ to ۂ |
| fa | ي ى ے to ی, ۓ to ئ, ك ڪ to ک, ہ ھ ە ۀ ۂ ۃ ة to ه: one ye and one he, without the ezafe mark, as most writers do |
| ps | ى to ی, ك ڪ to ک, گ to ګ, ہ ھ ە ة to ه, ٹ ڈ ڑ to ټ ډ ړ; ي ی ې ۍ ئ and ښ ږ ټ ډ ړ ڼ ځ څ are untouched |
| all others | none |

ٱ counts as ا and ی with a hamza above as ئ in the three languages, Pashto ه with a hamza above as ۀ; their vowel and
Quranic signs go. Every language: NFC, presentation forms opened (save ﷺ and ﷻ, which stand for whole phrases), tatweel
and invisible controls out, digits of all scripts to ASCII, lower case, one space between words. ZWNJ (part of Persian
spelling) stays inside words, ZWJ inside emoji. HTML entities are left as they are. Only the standard library is used,
and the raw text is kept beside the normal form.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from discourse.kernels.compiled import wanted
from discourse.schema import LANGUAGES, one_of
from discourse.text.chunks import MAX_CHARACTERS, changed, parts

__all__ = ["align", "folds_letters", "normal_form", "normal_forms"]

Place = tuple[int, int]

MAX_MARKS: Final = 30
MAX_REPEATS: Final = 64

_ARABIC_SCRIPT: Final = frozenset({"ur", "fa", "ps"})
_FOLDS: Final = {
    "ur": ("يىكڪهەةۀٱ", "ییککہہۃۂا"),
    "fa": ("يىےۓكڪہھەۀۂۃةٱ", "یییئککههههههها"),
    "ps": ("ىكڪگہھەةٹڈڑٱ", "یککګههههټډړا"),
}


def _code_points(*spans: tuple[int, int]) -> str:
    return "".join(chr(code) for first, last in spans for code in range(first, last + 1))


# Vowel signs, honorific signs over names, Quranic signs; not madda and hamza (0653 to 0655), which make letters.
_SIGNS: Final = _code_points(
    (0x0610, 0x061A), (0x064B, 0x0652), (0x0656, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E8),
    (0x06EA, 0x06ED), (0x0898, 0x089F), (0x08CA, 0x08E1), (0x08E3, 0x08FF),
)  # fmt: skip
# Controls that are no white space, soft hyphen, tatweel, bidi marks, embeddings and isolates, zero-width space,
# invisible operators, annotation anchors, byte order mark. Not the tag characters, which some flags need.
_INVISIBLE: Final = "\u00ad\u0640\u061c\u180e\u200b\u200e\u200f\ufeff" + _code_points(
    (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFFF9, 0xFFFB),
)  # fmt: skip

_PRESENTATION = re.compile(r"[\uFB50-\uFDF9\uFDFC-\uFDFF\uFE70-\uFEFE]+")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
# A generous reading of "pictograph": arrows, signs and symbols too. Ⓜ has a lower case, so it anchors no joiner.
_PICTURE: Final = (
    "\u00a9\u00ae\u203c-\u21ff\u2300-\u23ff\u2460-\u24c1\u24c3-\u27bf\u2900-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
_FLAG: Final = "[\U0001f1e6-\U0001f1ff]"
_EMOJI: Final = f"[{_PICTURE}\u24c2][\ufe0f\U0001f3fb-\U0001f3ff]?"
_REPEATED = re.compile(rf"([0-9]|{_FLAG}{{2}}|{_EMOJI}(?:\u200d{_EMOJI}){{0,7}}+)\1{{{MAX_REPEATS},}}+")
_STRAY_JOINER = re.compile(rf"(?<![{_PICTURE}\ufe0f])\u200d+|\u200d+(?![{_PICTURE}\u200d])")
_NON_JOINERS = re.compile(r"(?<=\u200c)\u200c+|^\u200c+|\u200c+$")
# Letters, figures and signs to which only the folds of a language and lower case apply, in a chunk too short to be cut.
_PLAIN: Final = (
    "!-~\u0621-\u063a\u0641-\u064a\u0671-\u06d3\u060c\u061b\u061f\u06d4\u00a1-\u00ac\u00ae-\u012f\u0131-\u017f\u2013-\u2027\u2600-\u27bf\ufe0f"
    "\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff"
)
_SINGLE: Final = _PLAIN + "\U0001f1e6-\U0001f1ff\U0001fa70-\U0001faff"
_NOT_PLAIN = re.compile(rf"(?m)^[{_PLAIN}]{{0,{MAX_MARKS}}}+[^\n].*$")
_CHUNK = re.compile(r"\S+")
_HAMZA_ON_YE = re.compile("ی\u0654")
_PERSIAN_EZAFE = re.compile("(?<=ه)\u0654+")
_PASHTO_EZAFE = re.compile("ه\u0654")


class _Step:
    """One change of a chunk: the text alone, or the text with the places in the raw text that it comes from."""

    def plain(self, text: str) -> str:
        raise NotImplementedError

    def pieces(self, text: str) -> Iterator[tuple[int, int, str]]:
        """What changes: from where, up to where, into what. Characters in no piece stay."""
        raise NotImplementedError

    def tracked(self, text: str, places: list[Place]) -> tuple[str, list[Place]]:
        out: list[str] = []
        spans: list[Place] = []
        end = 0
        for first, last, made in self.pieces(text):
            out += text[end:first], made
            spans += places[end:first]
            inside = places[first:last]
            spans += inside if len(made) == len(inside) else [(inside[0][0], inside[-1][1])] * len(made)
            end = last
        return "".join(out) + text[end:], spans + places[end:]


@dataclass(frozen=True)
class _Replace(_Step):
    """Each match of a pattern becomes what `change` makes of it."""

    pattern: re.Pattern[str]
    change: Callable[[str], str]

    def plain(self, text: str) -> str:
        return self.pattern.sub(lambda found: self.change(found[0]), text)

    def pieces(self, text: str) -> Iterator[tuple[int, int, str]]:
        return ((found.start(), found.end(), self.change(found[0])) for found in self.pattern.finditer(text))


@dataclass(frozen=True)
class _Letters(_Step):
    """Single characters become others or go."""

    table: dict[int, str | None]

    def plain(self, text: str) -> str:
        return text.translate(self.table)

    def pieces(self, text: str) -> Iterator[tuple[int, int, str]]:
        return ((at, at + 1, self.table[ord(char)] or "") for at, char in enumerate(text) if ord(char) in self.table)


class _CutMarks(_Step):
    """Runs of combining marks end after 30 (the stream-safe format of Unicode Annex 15)."""

    def plain(self, text: str) -> str:
        if len(text) <= MAX_MARKS or text.isascii():
            return text
        return "".join(char for char, kept in zip(text, self._kept(text), strict=True) if kept)

    def pieces(self, text: str) -> Iterator[tuple[int, int, str]]:
        return ((at, at + 1, "") for at, kept in enumerate(self._kept(text)) if not kept)

    @staticmethod
    def _kept(text: str) -> list[bool]:
        kept, run = [], 0
        for char in text:
            run = run + 1 if _is_mark(char) else 0
            kept.append(run <= MAX_MARKS)
        return kept


class _Compose(_Step):
    """NFC."""

    def plain(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)

    def pieces(self, text: str) -> Iterator[tuple[int, int, str]]:
        starts = [at for at, char in enumerate(text) if at == 0 or not _joins_the_one_before(char)]
        for first, last in itertools.pairwise([*starts, len(text)]):
            made = self.plain(text[first:last])
            if made != text[first:last]:
                yield first, last, made


class _Lower(_Step):
    """Lower case; İ becomes a plain i, so that no letter becomes two."""

    def plain(self, text: str) -> str:
        return text.replace("İ", "i").lower()

    def pieces(self, text: str) -> Iterator[tuple[int, int, str]]:
        yield 0, len(text), self.plain(text)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _joins_the_one_before(char: str) -> bool:
    """Whether canonical composition may join a character to what stands before it: marks, and Korean vowels and
    ends."""
    return _is_mark(char) or "\u1160" <= char <= "\u11ff"


def _open(forms: str) -> str:
    # The isolated form of a sign is written over a space; a sign alone belongs to the letter before it.
    return unicodedata.normalize("NFKC", forms).replace(" ", "")


def _ascii_digit(digit: str) -> str:
    return str(unicodedata.decimal(digit))


def _cut_repeats(run: str) -> str:
    found = _REPEATED.match(run)
    return run if found is None else found[1] * MAX_REPEATS


@cache
def _folds(lang: str) -> dict[int, str | None]:
    return dict(zip(map(ord, _FOLDS[lang][0]), _FOLDS[lang][1], strict=True)) if lang in _ARABIC_SCRIPT else {}


@cache
def _steps(lang: str) -> tuple[_Step, ...]:
    """What a chunk goes through, in order."""
    signs = _SIGNS if lang in _ARABIC_SCRIPT else ""
    steps: list[_Step] = [
        _Replace(_PRESENTATION, _open),
        _Letters({ord(char): None for char in _INVISIBLE + signs}),
        _Replace(_STRAY_JOINER, lambda _: ""),
        _Replace(_NON_JOINERS, lambda _: ""),
        _Replace(_FOREIGN_DIGIT, _ascii_digit),
        _CutMarks(),
        _Replace(_REPEATED, _cut_repeats),
        _Compose(),
    ]
    if lang in _ARABIC_SCRIPT:
        steps += [_Letters(_folds(lang)), _Replace(_HAMZA_ON_YE, lambda _: "ئ")]
    if lang == "fa":
        steps.append(_Replace(_PERSIAN_EZAFE, lambda _: ""))
    if lang == "ps":
        steps.append(_Replace(_PASHTO_EZAFE, lambda _: "ۀ"))
    return (*steps, _Lower(), _Compose(), _CutMarks())


def _chunk(chunk: str, lang: str) -> str:
    if chunk.isascii() and chunk.isprintable():
        chunk = chunk.lower()
        return chunk if len(chunk) <= MAX_REPEATS else _REPEATED.sub(lambda run: run[1] * MAX_REPEATS, chunk)
    for step in _steps(lang):
        chunk = step.plain(chunk)
    return chunk


def _folded(column: str, lang: str) -> str:
    """Lines of plain chunks in their normal form."""
    folds = _folds(lang)
    return (column.translate(folds) if folds else column).lower()


def _characters(lang: str) -> dict[str, str]:
    """What becomes of single characters to which no rule applies that looks at their neighbours in a short chunk."""
    removed = _INVISIBLE + (_SIGNS if lang in _ARABIC_SCRIPT else "")
    known = re.compile(rf"[\d{_SINGLE}]").findall("".join(map(chr, range(0x20000))))
    return {char: _chunk(char, lang) for char in known} | dict.fromkeys(removed, "")


def normal_form(text: str, lang: str) -> str:
    """The normal form of one post in a language of `schema.LANGUAGES`; at most 10,000 characters.

    Idempotent, and linear in the length of the text: the text is cut at 10,000 characters, runs of combining marks
    at 30 and runs of one digit or emoji at 64 (longer ones make Unicode normalisation and later steps quadratic).
    Raises `SchemaError` for an unknown language.

    >>> normal_form("كيا  يہ ١٢ ہے؟", "ur")
    'کیا یہ 12 ہے؟'
    >>> normal_form("سړي او سړی", "ps")
    'سړي او سړی'
    >>> normal_form("Peace\tNOW", "en")
    'peace now'
    """
    return normal_forms([text], [lang])[0] or ""


def normal_forms(texts: Sequence[str | None], langs: Sequence[str]) -> list[str | None]:
    """`normal_form` of n texts in n languages; None stays None.

    >>> normal_forms(["A  b", None, "ك"], ["en", "en", "ur"])
    ['a b', None, 'ک']
    """
    out: list[str | None] = [None] * len(texts)
    places: dict[str, list[int]] = {}
    for at, (text, lang) in enumerate(zip(texts, langs, strict=True)):
        of_lang = places.setdefault(lang, [])
        if text is not None:
            of_lang.append(at)
    for lang, own in places.items():
        one_of(lang, LANGUAGES, "lang")
        made = _of_one_language([(texts[at] or "")[:MAX_CHARACTERS] for at in own], lang)
        for at, form in zip(own, made, strict=True):
            out[at] = form
    return out


def _of_one_language(texts: Sequence[str], lang: str) -> Iterable[str]:
    if wanted(len(texts)):
        from discourse.text.normal_form_tables import forms, table_of

        limits = (MAX_CHARACTERS, MAX_MARKS, MAX_REPEATS)
        return forms(texts, table_of(lang, _characters), limits, lambda left: list(_by_chunks(left, lang)))
    return _by_chunks(texts, lang)


def _by_chunks(texts: Sequence[str], lang: str) -> Iterator[str]:
    for some in parts(texts):
        split = [text.split() for text in some]
        distinct = dict.fromkeys(itertools.chain.from_iterable(split))
        forms = changed(distinct, partial(_folded, lang=lang), _NOT_PLAIN, partial(_chunk, lang=lang))
        kept = partial(filter, None) if "" in forms.values() else iter  # to filter costs more than to join
        for chunks in split:
            yield _cut(" ".join(kept(map(forms.__getitem__, chunks))))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rstrip(" \u200c\u200d")


def folds_letters(text: str, lang: str) -> bool:
    """Whether a text has letters that fold in a language, or characters whose going joins what stood apart.

    >>> folds_letters("كيا", "ur"), folds_letters("کیا", "ur"), folds_letters("Peace ١٢", "en")
    (True, False, False)
    """
    return not text.isascii() and _folding(lang).search(text) is not None


@cache
def _folding(lang: str) -> re.Pattern[str]:
    return re.compile("[" + re.escape("".join(map(chr, _folds(lang))) + _INVISIBLE) + "\u0654\u200c\u200d]")


def align(text: str, lang: str) -> tuple[str, list[Place]]:
    """The normal form of a text, and for each of its characters the span `(start, end)` of the raw text it comes from.

    Where several characters became one (ا with a madda above) or a run was cut, the span covers them all; the space
    between two words has the white space it stands for. Starts and ends never go back. Raises `SchemaError` for an
    unknown language.

    >>> align("كـم  B", "ur")
    ('کم b', [(0, 1), (2, 3), (3, 5), (5, 6)])
    """
    one_of(lang, LANGUAGES, "lang")
    out: list[str] = []
    spans: list[Place] = []
    for found in _CHUNK.finditer(text[:MAX_CHARACTERS]):
        chunk, places = found[0], [(at, at + 1) for at in range(found.start(), found.end())]
        for step in _steps(lang):
            chunk, places = step.tracked(chunk, places)
        if not chunk:
            continue
        if out:
            out.append(" ")
            spans.append((spans[-1][1], places[0][0]))
        out.append(chunk)
        spans += places
    normal = _cut("".join(out))
    return normal, spans[: len(normal)]
