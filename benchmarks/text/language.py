"""How right the language identifier is: the tables of `docs/language.md`.

    python benchmarks/text/language.py [--campaign rtweet.ndjson.zst]

Held-out posts are those of `tests/fixtures/language`, which no fit has seen. With the file of get-out-2021 it prints
its answers too, beside the platform's tags, counts alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from discourse.readers.files import open_lines
from discourse.text.language import identify

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
FIVE = ("en", "ur", "ur-Latn", "ps", "fa")
ANSWERS = (*FIVE, "mixed", "other", "und")


def table(first: str, rows: dict[str, Counter[str]]) -> None:
    """A confusion table in Markdown: a row a true language, a column an answer."""
    print(f"| {first} | posts | " + " | ".join(ANSWERS) + " |\n|---|" + "---|" * (len(ANSWERS) + 1))
    for name, counts in rows.items():
        cells = [str(counts[answer] or "") for answer in ANSWERS]
        print(f"| {name} | {sum(counts.values())} | " + " | ".join(cells) + " |")
    print()


def held_out(part: str) -> None:
    """Confusion, calibration and error by shape of post."""
    from test_language import SHAPES, calibration_error
    from test_language import held_out as posts_of

    for shape, (change, _) in SHAPES.items():
        rows: dict[str, Counter[str]] = {}
        sure: list[float] = []
        right: list[bool] = []
        for lang in FIVE:
            found = identify([change(text, at) for at, text in enumerate(posts_of(lang, part))])
            rows[lang] = Counter(one.lang for one in found)
            sure += [one.confidence for one in found]
            right += [one.lang == lang for one in found]
        print(f"### {part} half, {shape}\n")
        table("true", rows)
        error = calibration_error(np.array(sure), np.array(right))
        print(
            f"right {np.mean(right):.3f}, mean confidence {np.mean(sure):.3f}, expected calibration error {error:.3f}\n"
        )
    for name in ("other-latin", "other-arabic-script", "mixed-latin", "mixed-arabic"):
        texts = [line.split("\t")[-1] for line in posts_of(name, part)]
        print(f"{name}: {dict(Counter(one.lang for one in identify(texts)))}")
    print()


def campaign(path: Path) -> None:
    """The platform's tag of each distinct text against the answer."""
    rows = [json.loads(line) for _, line in open_lines(path) if line]
    texts = {row["text"]: row["lang"] for row in rows}
    by_tag: dict[str, Counter[str]] = {}
    for found, tag in zip(identify(list(texts)), texts.values(), strict=True):
        name = tag if tag in (*FIVE, "und", "ar", "tr") else "all others"
        by_tag.setdefault(name, Counter())[found.lang] += 1
    print("### get-out-2021, distinct texts\n")
    table("platform's tag", dict(sorted(by_tag.items(), key=lambda item: -sum(item[1].values()))))


def main() -> None:
    """Print all tables."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--campaign", type=Path)
    given = ask.parse_args()
    for part in ("dev", "test"):
        held_out(part)
    if given.campaign is not None:
        campaign(given.campaign)


if __name__ == "__main__":
    main()
