"""Posts a second that the default classifier predicts, beside scikit-learn's: the speed table of `docs/framing.md`.

    python benchmarks/framing_speed.py DATA [NAME ...]

DATA as in `benchmarks/framing.py`; sets without a test part are cut into halves. The peer is tf-idf of char_wb(2-5)
with logistic regression, trained on the same texts. Both predict the same raw texts in turn, five times, on one thread:
processor time, so that other work on the machine counts less. "new words" are made-up texts of 8 words that no other
text has, the worst case, with made-up labels: it has no F1. Texts are read, never printed.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from framing import Data, Pairs, sets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from discourse import FramingClassifier

ROUNDS = 5
MADE_UP = "new words"


def halves(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """A training and a test part of one size, dealt out."""
    order = list(range(len(pairs[0])))
    random.Random(0).shuffle(order)
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    one, other = (([pairs[0][at] for at in part], [pairs[1][at] for at in part]) for part in (first, second))
    return one, other


def made_up() -> Data:
    """16,000 texts of 8 made-up words each, a quarter of them for training."""
    draw = random.Random(3)
    syllables = [first + second for first in "bcdfghjklmnprstvwyz" for second in "aeiou"]
    texts = [" ".join("".join(draw.choices(syllables, k=draw.randint(2, 4))) for _ in range(8)) for _ in range(16_000)]
    labels = [draw.choice("abcd") for _ in texts]
    return (texts[:4_000], labels[:4_000]), (texts[4_000:], labels[4_000:])


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def row(name: str, data: Data) -> str:
    """Posts a second of both, the median ratio of the rounds with its least and most, and macro-F1 of both."""
    train, test = data if data[1] is not None else halves(data[0])
    assert test is not None
    texts, labels = test
    ours = FramingClassifier(seed=0).fit(*train)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5))
    theirs = make_pipeline(vectorizer, LogisticRegression(max_iter=1000, class_weight="balanced")).fit(*train)
    guesses = [model.predict(texts) for model in (ours, theirs)]
    spent = [[seconds(lambda m=model: m.predict(texts)) for model in (ours, theirs)] for _ in range(ROUNDS)]  # type: ignore[misc]
    ratios = sorted(peer / own for own, peer in spent)
    rates = [len(texts) / statistics.median(column) for column in zip(*spent, strict=True)]
    scores = ["-", "-"] if name == MADE_UP else [f"{f1_score(labels, one, average='macro'):.3f}" for one in guesses]
    spread = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})"
    return f"| {name} | {len(texts)} | {rates[0]:,.0f} | {rates[1]:,.0f} | {spread} | {' | '.join(scores)} |"


def main() -> None:
    """Print a row a set."""
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    print("| set | posts | default, posts/s | char_wb(2-5), posts/s | ratio | default F1 | char_wb F1 |")
    print("|---|---|---|---|---|---|---|")
    for name, read in {**sets(folder), MADE_UP: made_up}.items():
        if not wanted or name in wanted:
            with threadpool_limits(1):
                print(row(name, read()), flush=True)


if __name__ == "__main__":
    main()
