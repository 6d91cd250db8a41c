"""The default classifier on public labelled sets beside plain tf-idf: the table of `docs/framing.md`.

    python benchmarks/framing.py DATA [NAME ...]

DATA is a folder with roman_urdu_ruhsold, urdu_script_labelled, pk_politics_na404_2022 and ruw_russia_ukraine_stance.
Official test parts where a set has one, else five folds of distinct texts, dealt out three times (seeds 0, 1 and 2):
macro-F1 is then the mean of the three. Intervals are percentile bootstraps over the tested texts, since these sets name
no authors. Texts are read, never printed.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from discourse import FramingClassifier

SEED = 0
DEALS = (0, 1, 2)
Pairs = tuple[list[str], list[str]]
Data = tuple[Pairs, Pairs | None]


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(encoding=encoding) as file:
        return list(csv.DictReader(file))


def ruhsold(folder: Path, task: int, part: str) -> Pairs:
    """Texts and labels of a part of RUHSOLD."""
    lines = (folder / "roman_urdu_ruhsold" / f"task_{task}_{part}.tsv").read_text(encoding="utf-8").split("\n")
    pairs = [line.rsplit("\t", 1) for line in lines if line]
    return [text for text, _ in pairs], [label for _, label in pairs]


def ruw(folder: Path, target: int, part: str) -> Pairs:
    """Texts and stances towards one target of a part of RUW."""
    read = rows(folder / "ruw_russia_ukraine_stance" / f"raw_{part}_Russia_Ukraine.csv", "latin-1")
    return [row["Tweet"] for row in read], [row[f"Stance {target}"] for row in read]


def distinct(read: list[dict[str, str]], text: str, label: str) -> Pairs:
    """The first row of each text that is not empty."""
    first = {row[text]: row[label] for row in reversed(read) if row[text].strip()}
    return list(first), list(first.values())


def sets(folder: Path) -> dict[str, Callable[[], Data]]:
    """Every set by name: training part and test part, or one part for folds."""
    urdu = folder / "urdu_script_labelled" / "urdu_youtube_hate_offensive.csv"
    party = folder / "pk_politics_na404_2022" / "tweets.csv"
    return {
        "RUHSOLD coarse": lambda: (ruhsold(folder, 1, "train"), ruhsold(folder, 1, "test")),
        "RUHSOLD fine": lambda: (ruhsold(folder, 2, "train"), ruhsold(folder, 2, "test")),
        "Urdu YouTube hate": lambda: (distinct(rows(urdu), "Text", "Label"), None),
        "PK politics party": lambda: (distinct(rows(party), "text", "party"), None),
        "PK politics sentiment": lambda: (distinct(rows(party), "text", "sentiment"), None),
        "RUW Russia": lambda: (ruw(folder, 1, "train"), ruw(folder, 1, "test")),
        "RUW Ukraine": lambda: (ruw(folder, 2, "train"), ruw(folder, 2, "test")),
    }


def plain() -> object:
    """Untuned word and character tf-idf with logistic regression."""
    from sklearn.pipeline import FeatureUnion

    both = FeatureUnion(
        [
            ("word", TfidfVectorizer(ngram_range=(1, 2))),
            ("char", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5))),
        ]
    )
    return make_pipeline(both, LogisticRegression(max_iter=1000, class_weight="balanced"))


def predicted(made: Callable[[], object], data: Data) -> tuple[list[str], list[list[str]], float]:
    """True labels of the tested texts, the labels predicted for them in each deal, and the seconds of one training."""
    (texts, labels), test = data
    if test is not None:
        start = time.perf_counter()
        model = made().fit(texts, labels)  # type: ignore[attr-defined]
        return test[1], [list(model.predict(test[0]))], time.perf_counter() - start
    deals, spent, fits = [], 0.0, 0
    for seed in DEALS:
        found = np.empty(len(texts), object)
        for train, tested in StratifiedKFold(5, shuffle=True, random_state=seed).split(texts, labels):
            start = time.perf_counter()
            model = made().fit([texts[i] for i in train], [labels[i] for i in train])  # type: ignore[attr-defined]
            spent, fits = spent + time.perf_counter() - start, fits + 1
            found[tested] = model.predict([texts[i] for i in tested])
        deals.append(found.tolist())
    return labels, deals, spent / fits


def interval(true: Sequence[str], deals: Sequence[Sequence[str]]) -> str:
    """Macro-F1, mean of the deals, with a percentile interval over 500 draws of the tested texts."""
    code = {name: at for at, name in enumerate(sorted(set(true)))}
    a, found = np.array([code[one] for one in true]), [np.array([code[one] for one in names]) for names in deals]
    draw = np.random.default_rng(SEED)
    drawn = [np.arange(len(a)), *(draw.integers(0, len(a), len(a)) for _ in range(500))]
    scores = [np.mean([f1_score(a[at], b[at], average="macro") for b in found]) for at in drawn]
    low, high = np.percentile(scores[1:], [2.5, 97.5])
    return f"{scores[0]:.3f} ({low:.3f}-{high:.3f})"


def main() -> None:
    """Print a row a set."""
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    print("| set | tested | default classifier | plain tf-idf | train s |\n|---|---|---|---|---|")
    for name, read in sets(folder).items():
        if wanted and name not in wanted:
            continue
        data = read()
        true, ours, spent = predicted(lambda: FramingClassifier(seed=SEED), data)
        _, theirs, _ = predicted(plain, data)
        print(f"| {name} | {len(true)} | {interval(true, ours)} | {interval(true, theirs)} | {spent:.1f} |", flush=True)
    first, second = (folder / "roman_urdu_ruhsold" / f"task_2_{part}.tsv" for part in ("train", "validation"))
    if first.read_bytes() == second.read_bytes():
        print("\nRUHSOLD task 2: train and validation are the same file; nothing may be tuned on the validation part.")


if __name__ == "__main__":
    main()
