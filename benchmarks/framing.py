"""The default classifier on public labelled sets beside plain tf-idf: the table of `docs/framing.md`.

    python benchmarks/framing.py DATA [NAME ...]

DATA is a folder with roman_urdu_ruhsold, urdu_script_labelled, pk_politics_na404_2022 and ruw_russia_ukraine_stance.
Official test parts where a set has one, else five folds of distinct texts (seed 0). Intervals are percentile bootstraps
over the tested texts, since these sets name no authors. Texts are read, never printed.
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


def predicted(made: Callable[[], object], data: Data) -> tuple[list[str], list[str], float]:
    """True and predicted labels of the tested texts, and the seconds that training took in all."""
    (texts, labels), test = data
    spent, true, found = 0.0, [], []
    parts: Sequence[tuple[Pairs, Pairs]]
    if test is not None:
        parts = [((texts, labels), test)]
    else:
        split = StratifiedKFold(5, shuffle=True, random_state=SEED).split(texts, labels)
        pick = lambda at: ([texts[i] for i in at], [labels[i] for i in at])  # noqa: E731
        parts = [(pick(train), pick(tested)) for train, tested in split]
    for train, tested in parts:
        start = time.perf_counter()
        model = made().fit(*train)  # type: ignore[attr-defined]
        spent += time.perf_counter() - start
        true += tested[1]
        found += list(model.predict(tested[0]))
    return true, found, spent


def interval(true: Sequence[str], found: Sequence[str]) -> str:
    """Macro-F1 with a percentile interval over 500 draws of the tested texts."""
    classes = sorted(set(true))
    code = {name: at for at, name in enumerate(classes)}
    a, b = (np.array([code[name] for name in names]) for names in (true, found))
    draw = np.random.default_rng(SEED)
    drawn = []
    for _ in range(500):
        at = draw.integers(0, len(a), len(a))
        drawn.append(f1_score(a[at], b[at], average="macro"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{f1_score(a, b, average='macro'):.3f} ({low:.3f}-{high:.3f})"


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
