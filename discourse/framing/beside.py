"""What stands beside a post's words in the classifier: a few dense columns, each with a name.

| columns | what they say |
|---|---|
| `bank:<frame>` | scores of the model of the constructed bank |
| `lexicon:<pole>` | h / (1 + h) of h terms of the lexicon |
| `script:latin`, `script:arabic`, `script:other` | shares of the letters in each script |
| `language:<code>` | 1 for the text's language, by the identifier or the table's `lang` |
| `name:<hash>` | 1 where the text mentions this account, which many address |
| `latent:<number>` | scores on the directions of posts without labels |

Columns of the first four kinds are centred and brought to one spread, as in training, since a post's words have length
1: so the regularisation means the same for both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from discourse.errors import BadInput, UsageError
from discourse.framing.bank import bank_scores
from discourse.framing.features import Counted, Reading, count, languages, read
from discourse.framing.latent import Latent
from discourse.framing.lexicon_counts import POLES, lexicon_said
from discourse.schema import FRAMES, LANGUAGES
from discourse.text.letters import ARABIC, LATIN, OTHER, script_of

__all__ = ["KINDS", "PUBLIC_FROM", "Beside", "fit_beside", "kinds_of", "public_names"]

KINDS: Final = ("bank", "lexicon", "script", "language")
PUBLIC_FROM: Final = 10
"""By how many an account must be mentioned before its name is a column."""

_SCRIPTS: Final = (LATIN, ARABIC, OTHER)
_COLUMNS: Final = {
    "bank": tuple(f"bank:{frame}" for frame in FRAMES),
    "lexicon": tuple(f"lexicon:{pole}" for pole in POLES),
    "script": tuple(f"script:{script}" for script in _SCRIPTS),
    "language": tuple(f"language:{lang}" for lang in LANGUAGES),
}
_SPREAD: Final = {"bank": 0.3, "lexicon": 0.3, "script": 0.03, "language": 0.03}
_LEAST_SPREAD: Final = {"bank": 1e-6, "lexicon": 0.1, "script": 0.25, "language": 0.25}
"""Below this spread in training a column is not stretched: what is in one post of a hundred must not shout."""

_MASKS: Final = frozenset({"url", "user"})
_PLACE: Final = {script: at for at, script in enumerate(_SCRIPTS)}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beside:
    """The dense columns of a trained classifier: what kinds, their centre and spread, public names, directions.

    `center` and `spread` have a number for each column of `kinds`; `public` holds hashes of names, ascending.
    """

    kinds: tuple[str, ...]
    center: Floats
    spread: Floats
    public: npt.NDArray[np.int64]
    latent: Latent | None

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each of the e columns, in their order."""
        latent = 0 if self.latent is None else self.latent.basis.shape[1]
        return (
            *(name for kind in self.kinds for name in _COLUMNS[kind]),
            *(f"name:{name:012x}" for name in self.public.tolist()),
            *(f"latent:{at:02d}" for at in range(latent)),
        )

    def of(self, texts: Sequence[str], reading: Reading | None = None, counted: Counted | None = None) -> Floats:
        """The columns of n texts as `texts_of` gives them, n x e. Of other strings the language is detected.

        `reading` and `counted` are what `read` and `count` give of these texts, where they are there already.
        """
        reading = read(texts) if reading is None else reading
        if counted is None and ("bank" in self.kinds or self.latent is not None):
            counted = reading.count()
        made = [(_raw(self.kinds, texts, reading, counted) - self.center) / self.spread]
        if len(self.public):
            made.append(_mentioned(texts, self.public))
        if self.latent is not None and counted is not None:
            made.append(self.latent.of(counted))
        return np.hstack(made)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        latent = {} if self.latent is None else self.latent.arrays()
        return {"beside.center": self.center, "beside.spread": self.spread, "beside.public": self.public, **latent}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], kinds: Iterable[str], latent: int) -> Beside:
        """The columns of `arrays`; raises `BadInput` when they do not fit these kinds and K latent directions."""
        try:
            center, spread, public = (arrays[f"beside.{name}"] for name in ("center", "spread", "public"))
        except KeyError as error:
            raise BadInput(f"the model lacks the array {error}") from None
        kinds = kinds_of(kinds)
        shape = (sum(len(_COLUMNS[kind]) for kind in kinds),)
        for array in (center, spread):
            if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
                raise BadInput("centre and spread of the dense columns do not fit them, or are no finite numbers")
        if (spread <= 0).any():
            raise BadInput("a dense column of the model has no spread")
        in_order = public.ndim == 1 and public.dtype == np.int64 and (np.diff(public) > 0).all()
        if not in_order or (public < 0).any() or (public >= 1 << 48).any():
            raise BadInput("the public names of the model are no hashes in order")
        return cls(kinds, center, spread, public, Latent.from_arrays(arrays, latent) if latent else None)


def kinds_of(kinds: Iterable[str]) -> tuple[str, ...]:
    """Kinds of dense columns in the order of their columns; raises `UsageError` for what is no kind.

    >>> kinds_of(["language", "bank"])
    ('bank', 'language')
    """
    given = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in given:
        if kind not in KINDS:
            raise UsageError(f"beside holds {kind!r}; it takes a tuple of {', '.join(map(repr, KINDS))}, or ()")
    return tuple(kind for kind in KINDS if kind in given)


def fit_beside(
    kinds: Iterable[str], texts: Sequence[str], public: npt.NDArray[np.int64], latent: Latent | None,
    counted: Counted | None = None,
) -> Beside:  # fmt: skip
    """The columns of n training texts: centre and spread are theirs.

    >>> made = fit_beside(["lexicon"], ["peace now", "rain"], np.empty(0, np.int64), None)
    >>> made.names, made.of(["peace now", "rain"]).mean(axis=0).round(9).tolist()
    (('lexicon:nationalist', 'lexicon:conciliatory'), [0.0, 0.0])
    """
    kinds = kinds_of(kinds)
    raw = _raw(kinds, texts, read(texts), counted if counted is not None or "bank" not in kinds else count(texts))
    sizes = [len(_COLUMNS[kind]) for kind in kinds]
    least = np.repeat([_LEAST_SPREAD[kind] for kind in kinds], sizes)
    wanted = np.repeat([_SPREAD[kind] for kind in kinds], sizes)
    return Beside(kinds, raw.mean(axis=0), np.maximum(raw.std(axis=0), least) / wanted, public, latent)


def public_names(texts: Sequence[str], authors: Sequence[str | None] | None = None) -> npt.NDArray[np.int64]:
    """Hashes of the accounts that at least 10 authors mention; where authors are unknown, at least 10 distinct texts.

    An account that many address is a public matter; one that few do is a private person, and no column.

    >>> from discourse.framing.features import Text
    >>> texts = [Text.of(f"<user> {at}", (5,)) for at in range(10)]
    >>> public_names(texts).tolist(), public_names(texts, ["a"] * 10).tolist()
    ([5], [])
    """
    by: dict[int, set[str]] = defaultdict(set)
    for text, author in zip(texts, authors if authors is not None else [None] * len(texts), strict=True):
        for name in getattr(text, "names", ()):
            by[name].add(f"text {text}" if author is None else f"author {author}")
    return np.array(sorted(name for name, who in by.items() if len(who) >= PUBLIC_FROM), np.int64)


def _raw(kinds: tuple[str, ...], texts: Sequence[str], reading: Reading, counted: Counted | None) -> Floats:
    """The columns of `kinds` before they are centred."""
    made: list[Floats] = [np.zeros((len(texts), 0))]
    if "bank" in kinds and counted is not None:
        made.append(bank_scores(counted))
    if "lexicon" in kinds:
        made.append(lexicon_said(reading))
    if "script" in kinds:
        made.append(_scripts(reading))
    if "language" in kinds:
        made.append(np.array([[lang == one for one in LANGUAGES] for lang in languages(texts)], np.float64))
        made[-1] = made[-1].reshape(len(texts), len(LANGUAGES))
    return np.hstack(made)


def _scripts(reading: Reading) -> Floats:
    """Shares of the letters of n texts in each script, n x 3; all 0 without letters.

    A word counts for the script of its first letter; what stands for links and names counts for none.
    """
    first = [word[0] for word in reading.words]
    none = len(_SCRIPTS)
    place = {sign: _PLACE[script_of(sign)] if sign.isalpha() else none for sign in set(first)}
    places = np.array([place[sign] for sign in first], np.int64)
    places[[at for at, word in enumerate(reading.words) if word in _MASKS]] = none
    counts = np.zeros((len(first), none + 1))
    counts[np.arange(len(first)), places] = np.fromiter(map(len, reading.words), np.float64, len(first))
    total = reading.sums(counts[:, :none])
    shares: Floats = total / np.maximum(total.sum(axis=1, keepdims=True), 1.0)
    return shares


def _mentioned(texts: Sequence[str], public: npt.NDArray[np.int64]) -> Floats:
    """1 where a text mentions a public name, n x as many as there are."""
    index = {name: at for at, name in enumerate(public.tolist())}
    made = np.zeros((len(texts), len(public)))
    for row, text in enumerate(texts):
        for name in getattr(text, "names", ()):
            if name in index:
                made[row, index[name]] = 1.0
    return made
