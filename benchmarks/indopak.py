"""The 100 hand-labelled users of Pulwama and Balakot, 2019: the tables of `docs/evidence.md`.

    python benchmarks/indopak.py DATA

DATA is a folder with indopak_pulwama_2019. A row is one user's tweets; no user is named, so rows are taken for authors,
and equal texts stay in one fold. The classifier with its default settings, out of fold: five folds, five deals of them
(seeds 0 to 4), each number the mean of the deals. Intervals: percentiles over 2,000 draws of the rows, the same in all
deals; what another training set would have given is not in them. Texts are read, never printed.
"""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline, make_union

from discourse import FramingClassifier
from discourse.framing.bank import bank_scores
from discourse.framing.features import count, texts_of
from discourse.judging.scores import confusion_scores
from discourse.schema import FRAMES

DEALS, FOLDS, DRAWS = 5, 5, 2000
OWN = {"Unclassified": "neutral", "Neutral": "neutral"}
AS_FRAMES = {"nationalist": "pro_war", "conciliatory": "anti_war", "both": "neutral", "neither": "neutral"}
Names = Sequence[str]
Codes = npt.NDArray[np.int64]


def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of both sets, the second after the first."""
    made = []
    for part in (1, 2):
        path = folder / "indopak_pulwama_2019" / f"annotations_set{part}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            made += list(csv.DictReader(file))
    return made


def plain() -> object:
    """Untuned word and character tf-idf with logistic regression."""
    both = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)))
    return make_pipeline(both, LogisticRegression(max_iter=1000, class_weight="balanced"))


def out_of_fold(made: Callable[[int], object], texts: Names, labels: Names, seed: int) -> list[str]:
    """What a fresh model says of each text when it has seen neither the text nor its copy."""
    found = [""] * len(texts)
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(texts, labels, groups=texts)
    for train, test in split:
        model = made(seed).fit([texts[at] for at in train], [labels[at] for at in train])  # type: ignore[attr-defined]
        for at, said in zip(test, model.predict([texts[at] for at in test]), strict=True):
            found[at] = str(said)
    return found


def scored(true: Names, deals: Sequence[Names]) -> dict[str, str]:
    """Accuracy and macro-F1 as words, each the mean over the deals with its interval."""
    classes = sorted({*true, *(name for said in deals for name in said)})
    k, place = len(classes), {name: at for at, name in enumerate(classes)}
    draw = np.random.default_rng(0).multinomial(len(true), np.full(len(true), 1 / len(true)), size=DRAWS)
    weights = np.vstack([np.ones(len(true)), draw])
    parts = []
    for said in deals:
        cells = np.zeros((len(true), k * k))
        cells[np.arange(len(true)), [place[a] * k + place[b] for a, b in zip(true, said, strict=True)]] = 1
        parts.append(confusion_scores((weights @ cells).reshape(-1, k, k)))
    made = {}
    for metric in ("accuracy", "macro_f1"):
        values = np.mean([part[metric] for part in parts], axis=0)
        low, high = np.percentile(values[1:], [2.5, 97.5])
        made[metric] = f"{values[0]:.3f} ({low:.3f}-{high:.3f})"
    return made


def judged(texts: Names, labels: Names, ready: dict[str, Names]) -> dict[str, dict[str, str]]:
    """Scores of everything that is compared on one labelling; `ready` are predictions that learnt nothing here."""
    learnt: dict[str, Callable[[int], object]] = {
        "default classifier": lambda seed: FramingClassifier(seed=seed),
        "default classifier, no bank": lambda seed: FramingClassifier(seed=seed, beside=()),
        "plain tf-idf": lambda _: plain(),
        "most frequent label": lambda _: DummyClassifier(),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        deals = {name: [out_of_fold(of, texts, labels, seed) for seed in range(DEALS)] for name, of in learnt.items()}
    deals |= {name: [list(said)] for name, said in ready.items()}
    return {name: scored(labels, said) for name, said in deals.items()}


def main() -> None:
    """Print a table a labelling."""
    read = rows(Path(sys.argv[1]))
    texts = [row["status_text"].replace("NEXT_TWEET", "\n") for row in read]
    by_bank = [AS_FRAMES[FRAMES[at]] for at in bank_scores(count(texts_of(texts))).argmax(axis=1)]
    for variable in ("stance", "country"):
        gold = [row[f"{variable}_gold"] for row in read]
        method = [OWN.get(row[f"predicted_{variable}"], row[f"predicted_{variable}"]) for row in read]
        merged = ["neutral" if label == "cant_say" else label for label in gold]
        ready: dict[str, Names] = {"the paper's method": method}
        if variable == "stance":
            ready["the bank alone, frames read as stances"] = by_bank
        for what, labels in (("as they are", gold), ("cant_say as neutral", merged)):
            print(f"\n{variable}, labels {what} ({len(set(labels))} classes)\n")
            print("| | accuracy | macro-F1 |\n|---|---|---|")
            for name, made in judged(texts, labels, ready).items():
                print(f"| {name} | {made['accuracy']} | {made['macro_f1']} |", flush=True)


if __name__ == "__main__":
    main()
