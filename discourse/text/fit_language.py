"""Fits the language identifier: texts in, `language.npz` out. Run by hand when the texts change; needs scikit-learn.

    python -m discourse.text.fit_language corpora/language --roman-urdu task_1_train.tsv

The texts are the project's own (`corpora/language`, invented) and, for Roman Urdu, the training part of RUHSOLD (MIT
licence, Rizwan, Shakeel and Karim 2020), of which only fitted numbers end in the file. One multinomial logistic
regression a script, on counts of letter groups; it learns from whole posts, from windows of a few words and from word
lists, so that short posts are judged by what they are; and from the same posts as other keyboards type them.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.text.language_model import PURE, SCALE, Family, Model, save
from discourse.text.letters import ARABIC, BUCKETS, LATIN, groups, plain_words, script_of

__all__ = ["fit", "read_texts"]

SEED: Final = 20_241_201
WINDOWS: Final = (1, 2, 3, 3, 4, 4, 4, 5, 6, 8)
REGULARISATION: Final = 0.05
LEAST: Final = 3
"""A letter group that fewer samples hold gets no weight."""

Texts = Mapping[str, tuple[list[str], list[str]]]

LATIN_FIRST: Final = ("en", "ur-Latn")
ARABIC_FIRST: Final = ("ur", "ps", "fa")
# How often a study of this conflict meets the other languages, against its own: log odds added to what is fitted, -2
# for those not named here. English words stand in Roman Urdu posts, Urdu words seldom in English: a tie goes to Urdu.
RARE: Final = {
    "en": -0.3,
    "other-ar": -1.0,
    "other-ps-Latn": -1.0,
    "other-pnb": -4.0,
    "other-az-Arab": -4.0,
    "other-bal": -4.0,
}
SHARE_OF_OTHERS: Final = 0.25

# One keyboard's letters for another's. Pashto on an Urdu keyboard, without its own letters; Urdu on an Arabic and on a
# Pashto keyboard; Persian on an Arabic one.
RESPELLED: Final[Mapping[str, tuple[dict[int, str], ...]]] = {
    "ps": (
        str.maketrans(dict(zip("یيېگګټډړهڼۍكښځڅ", "ییےگگٹڈڑہںئکشزس", strict=True))),
        str.maketrans(dict(zip("یيېګټډړهڼۍك", "ییےگٹڈڑہنئک", strict=True))),
        str.maketrans(dict(zip("يېګڼۍئك", "ییگنییک", strict=True))),
        str.maketrans(dict(zip("يېګټډړښځڅڼۍ", "ییگتدرشزسنی", strict=True))),
    ),
    "ur": (
        str.maketrans(dict(zip("یکہے", "يكهے", strict=True))),
        str.maketrans(dict(zip("یکہگٹڈڑےں", "يکهګټډړېن", strict=True))),
        str.maketrans(dict(zip("ہٹڈڑگ", "هټډړګ", strict=True))),
    ),
    "fa": (
        str.maketrans(dict(zip("یک", "يك", strict=True))),
        str.maketrans(dict(zip("گیک", "ګيک", strict=True))),
        str.maketrans({"\u200c": " "}),
    ),
}


def read_texts(folder: Path, roman_urdu: Path | None = None) -> dict[str, tuple[list[str], list[str]]]:
    """Posts and listed words of each language in a folder of `<lang>.posts.txt` and `<lang>.words.txt`."""
    texts: dict[str, tuple[list[str], list[str]]] = {}
    for file in sorted(folder.glob("*.posts.txt")):
        lang = file.name.removesuffix(".posts.txt")
        listed = folder / f"{lang}.words.txt"
        found = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
        texts[lang] = (file.read_text(encoding="utf-8").splitlines(), found)
    if roman_urdu is not None:
        lines = roman_urdu.read_text(encoding="utf-8").split("\n")
        texts["ur-Latn"][0].extend(line.rsplit("\t", 1)[0] for line in lines if line)
    return texts


def fit(texts: Texts) -> Model:
    """The model of both scripts from posts and words by language.

    Languages other than the five are named `other-<code>`. Beside one family a script, `PURE` tells English from Roman
    Urdu word by word: it learns from Roman Urdu without the English words in it, where a whole post counts with them.
    """
    latin = {lang for lang in texts if script_of(texts[lang][0][0]) == LATIN}
    named = {
        LATIN: [*LATIN_FIRST, *sorted(latin - set(LATIN_FIRST))],
        ARABIC: [*ARABIC_FIRST, *sorted(texts.keys() - latin - set(ARABIC_FIRST))],
    }
    english, urdu = (frozenset(texts[lang][1]) for lang in LATIN_FIRST)

    def pure(sample: list[str]) -> list[list[str]]:
        return [[word for word in sample if word in urdu or word not in english]]

    def mixed(sample: list[str]) -> list[list[str]]:
        # Roman Urdu as it comes, with English words in it, and without them; "so I tried" in such a post is English.
        foreign = sum(word in english and word not in urdu for word in sample)
        return [sample, *pure(sample)] if 2 * foreign <= len(sample) else pure(sample)

    return Model(
        {
            LATIN: _fit_family(LATIN, named[LATIN], texts, mixed),
            ARABIC: _fit_family(ARABIC, named[ARABIC], texts, mixed),
            PURE: _fit_family(LATIN, named[LATIN], texts, pure),
        }
    )


def _fit_family(
    script: str, names: list[str], texts: Texts, of_roman_urdu: Callable[[list[str]], list[list[str]]]
) -> Family:
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression

    samples: list[list[str]] = []
    labels: list[int] = []
    weights: list[float] = []
    for at, name in enumerate(names):
        drawn = list(_samples(name, script, *texts[name]))
        if name == "ur-Latn":
            drawn = [(kept, weight) for sample, weight in drawn for kept in of_roman_urdu(sample) if kept]
        total = sum(weight for _, weight in drawn)
        share = SHARE_OF_OTHERS if name.startswith("other") else 1.0
        samples += [sample for sample, _ in drawn]
        labels += [at] * len(drawn)
        weights += [weight / total * share * 10_000 for _, weight in drawn]
    distinct = list(dict.fromkeys(word for sample in samples for word in sample))
    index = {word: at for at, word in enumerate(distinct)}
    rows = [index[word] for sample in samples for word in sample]
    ends = np.concatenate([[0], np.cumsum([len(sample) for sample in samples])])
    held = csr_array((np.ones(len(rows), np.float32), rows, ends), (len(samples), len(distinct)))
    counted = held @ groups(distinct).astype(np.float32)
    columns = np.flatnonzero(np.bincount(counted.indices, minlength=BUCKETS) >= LEAST)
    model = LogisticRegression(C=REGULARISATION, max_iter=150, tol=1e-3)
    model.fit(counted[:, columns], labels, sample_weight=weights)
    fitted: npt.NDArray[np.float64] = model.coef_
    full = np.zeros((BUCKETS, len(names)), np.int32)
    full[columns] = np.clip(np.rint(fitted.T * SCALE), -32_000, 32_000)
    offset = model.intercept_ + [RARE.get(name, -2.0 if name.startswith("other") else 0.0) for name in names]
    return Family(tuple(names), full, np.rint(offset * SCALE).astype(np.int64))


def _samples(name: str, script: str, posts: list[str], listed: list[str]) -> Iterator[tuple[list[str], float]]:
    """Samples of words with their weight, drawn with a seed of the language's own."""
    draw = random.Random(f"{SEED}{name}")  # noqa: S311
    respelled = RESPELLED.get(name, ())
    for post in posts:
        found = plain_words(post, script)
        yield from _windows(found, draw, 1.0)
        if respelled:
            table = draw.choice(respelled)
            yield from _windows(plain_words(post.translate(table), script), draw, 0.3)
    listed_words = [word for one in listed for word in plain_words(one, script)]
    for word in listed_words:
        yield [word], 0.2
        yield draw.choices(listed_words, k=draw.choice((2, 3, 4, 5))), 0.3
        if respelled:
            yield [word.translate(draw.choice(respelled))], 0.05


def _windows(found: list[str], draw: random.Random, weight: float) -> Iterator[tuple[list[str], float]]:
    if not found:
        return
    yield found, weight
    for _ in range(3):
        size = draw.choice(WINDOWS)
        start = draw.randrange(max(1, len(found) - size + 1))
        yield found[start : start + size], weight


def main() -> None:
    """Fit on the folder that is named and write the model into the package."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    ask.add_argument("folder", type=Path, help="<lang>.posts.txt and <lang>.words.txt")
    ask.add_argument("--roman-urdu", type=Path, help="task_1_train.tsv of RUHSOLD")
    ask.add_argument("--out", type=Path, default=Path(__file__).with_name("language.npz"))
    given = ask.parse_args()
    given.out.write_bytes(save(fit(read_texts(given.folder, given.roman_urdu))))


if __name__ == "__main__":
    main()
