"""What a codebook is made of: variables with their values, rules for hard cases, made-up examples.

Each says what it says in English, and in other languages where somebody has translated it: `in_language` gives the
same thing with the words of one language, and English where there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

__all__ = ["EXAMPLE_KINDS", "LEVELS", "Example", "HardCase", "Value", "Variable", "Words"]

LEVELS = ("nominal", "ordinal", "interval", "ratio")
EXAMPLE_KINDS = ("positive", "borderline", "negative")
_Said_co = TypeVar("_Said_co", covariant=True)


class Words(Mapping[str, _Said_co]):
    """Words under keys, such as one name a language. Nobody can change them, so they can be hashed.

    >>> names = Words({"en": "both", "fa": "هر دو"})
    >>> names["en"], len(names), names == {"fa": "هر دو", "en": "both"}
    ('both', 2, True)
    """

    __slots__ = ("_pairs",)

    def __init__(self, words: Mapping[str, _Said_co] | Iterable[tuple[str, _Said_co]] = ()) -> None:
        self._pairs = tuple(dict(words).items())

    def __getitem__(self, key: str) -> _Said_co:
        return dict(self._pairs)[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self._pairs))

    def __repr__(self) -> str:
        return f"Words({dict(self._pairs)!r})"


_NO_WORDS: Words[str] = Words()
_NO_LISTS: Words[tuple[str, ...]] = Words()


@dataclass(frozen=True, slots=True)
class Example:
    """A made-up post: its language, whether it is a plain, a borderline or a negative case, and why.

    `codes` says how it is coded where its place does not: variable to value, any mapping. `whys` says why in other
    languages than English.

    >>> Example("en", "Talk, please.", "positive", "asks for talks").kind
    'positive'
    >>> Example("en", "Good morning.", "negative", "a greeting", {"frame": "neither"}).codes["frame"]
    'neither'
    """

    lang: str
    text: str
    kind: str
    why: str
    codes: Mapping[str, str] = _NO_WORDS
    whys: Mapping[str, str] = _NO_WORDS

    def __post_init__(self) -> None:
        _fix(self, "codes", "whys")

    def in_language(self, lang: str) -> Example:
        """The example with its reason in a language; its text stays.

        >>> Example("ur", "امن", "positive", "peace", whys={"fa": "صلح"}).in_language("fa").why
        'صلح'
        """
        return replace(self, why=self.whys.get(lang, self.why))


@dataclass(frozen=True, slots=True)
class HardCase:
    """A kind of post on which careful coders differ, the rule that decides it, and examples that anchor the rule.

    >>> HardCase("grief", "Grief that blames nobody is neither.").examples
    ()
    """

    name: str
    rule: str
    examples: tuple[Example, ...] = ()
    names: Mapping[str, str] = _NO_WORDS
    rules: Mapping[str, str] = _NO_WORDS

    def __post_init__(self) -> None:
        _fix(self, "names", "rules")

    def in_language(self, lang: str) -> HardCase:
        """The hard case with its name, rule and reasons in a language.

        >>> HardCase("grief", "It blames nobody.", names={"ur": "غم"}).in_language("ur").name
        'غم'
        """
        return replace(
            self,
            name=self.names.get(lang, self.name),
            rule=self.rules.get(lang, self.rule),
            examples=_all_in(self.examples, lang),
        )


@dataclass(frozen=True, slots=True)
class Value:
    """One value a coder can choose, with what belongs to it and what does not.

    `names` is what it is called in each language, any mapping; `definitions`, `includes` and `excludes` are what
    `definition`, `include` and `exclude` say in other languages than English.

    >>> Value("neither", "takes no stance").include
    ()
    """

    value: str
    definition: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    names: Mapping[str, str] = _NO_WORDS
    definitions: Mapping[str, str] = _NO_WORDS
    includes: Mapping[str, tuple[str, ...]] = _NO_LISTS
    excludes: Mapping[str, tuple[str, ...]] = _NO_LISTS

    def __post_init__(self) -> None:
        _fix(self, "names", "definitions", "includes", "excludes")

    def name_in(self, lang: str) -> str:
        """What it is called in a language; the value itself where it has no name.

        >>> both = Value("both", "one and the other", names={"ps": "دواړه"})
        >>> both.name_in("ps"), both.name_in("fa")
        ('دواړه', 'both')
        """
        return self.names.get(lang, self.value)

    def in_language(self, lang: str) -> Value:
        """The value with its definition, rules and reasons in a language; what is coded stays.

        >>> Value("both", "the one and the other", definitions={"fa": "این و آن"}).in_language("fa").definition
        'این و آن'
        """
        return replace(
            self,
            definition=self.definitions.get(lang, self.definition),
            include=self.includes.get(lang, self.include),
            exclude=self.excludes.get(lang, self.exclude),
            examples=_all_in(self.examples, lang),
        )


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to code: its level of measurement and its values, in ascending order if the level has one.

    `names` and `questions` are what it is called and asked by in each language, any mapping; `question` is in
    English.

    >>> Variable("hostility", "ordinal", (Value("0", "none"), Value("1", "some"))).level
    'ordinal'
    """

    name: str
    level: str
    values: tuple[Value, ...]
    question: str = ""
    names: Mapping[str, str] = _NO_WORDS
    questions: Mapping[str, str] = _NO_WORDS

    def __post_init__(self) -> None:
        _fix(self, "names", "questions")

    def name_in(self, lang: str) -> str:
        """What it is called in a language; its own name where it has no other.

        >>> target = Variable("target", "nominal", (), names={"ur": "ہدف"})
        >>> target.name_in("ur"), target.name_in("en")
        ('ہدف', 'target')
        """
        return self.names.get(lang, self.name)

    def in_language(self, lang: str) -> Variable:
        """The variable with its question and its values in a language; names of values and codes stay.

        >>> Variable("target", "nominal", (), "Whom?", questions={"ur": "کس کو؟"}).in_language("ur").question
        'کس کو؟'
        """
        return replace(self, question=self.questions.get(lang, self.question), values=_all_in(self.values, lang))


_Part = TypeVar("_Part", Example, Value)


def _all_in(parts: tuple[_Part, ...], lang: str) -> tuple[_Part, ...]:
    return tuple(part.in_language(lang) for part in parts)


def _fix(part: object, *names: str) -> None:
    """Keep mappings as `Words`, so that nobody can change them afterwards."""
    for name in names:
        object.__setattr__(part, name, Words(getattr(part, name)))
