"""The text layer beside the libraries a study would otherwise call: posts a second, ratios and memory from one run.

    python benchmarks/text/speed.py [--posts 100000] [--rounds 3] [--texts FILE] [--json]

Posts are those of the demonstration corpus, or the lines of FILE, each text once. Every line runs in a process of its
own, in turns, so many rounds; the middle one counts. "work" is the processor time of the task alone, on one thread and
after a first call with a few posts (imports, tables and compiled code are there); "whole" is that of the whole process.
On a machine that others use too, processor time is steadier than the clock, which says nothing then. Peers get the same
texts one by one, as they ask for; a slow one gets fewer (`SHARE`) and is compared a post. pycld2 and py3langid are no
dependencies of the project: install them where this runs, or their lines are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Task: what is timed, beside which peer, on which of the texts.
TASKS = {
    "sentiment": ("vader", "english"),
    "language": ("pycld2", "all"),
    "normal form": ("nltk", "all"),
    "tokens": ("nltk", "all"),
}
PEERS = {"vader": "vaderSentiment", "pycld2": "pycld2", "py3langid": "py3langid", "nltk": "nltk"}
SHARE = {"vader": 10, "py3langid": 20, "nltk": 5, "worst row, vader": 1}
WORST = 1_000
"""Emoji in the worst row that the package is given; its time grows with the square and more."""


def posts(file: Path | None, wanted: int) -> list[str]:
    """Distinct texts, as many as wanted; where there are fewer, posts with another ending each."""
    if file is not None:
        texts = file.read_text(encoding="utf-8", errors="replace").splitlines()
    else:
        from discourse import Key, read_posts

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            corpus = read_posts(ROOT / "corpora" / "demo" / "posts.jsonl.zst", key=Key.made_up("benchmark"))
        texts = corpus.posts["text"].to_list()
    distinct = [text for text in dict.fromkeys(texts) if text]
    random.Random(1).shuffle(distinct)
    made = distinct[:wanted]
    for at in range(len(made), wanted):
        made.append(f"{distinct[at % len(distinct)]} {at}")
    return made


def english(texts: Sequence[str]) -> list[str]:
    """The English ones among texts."""
    from discourse.text import detect_language

    langs = detect_language(texts)["lang"].to_list()
    return [text for text, lang in zip(texts, langs, strict=True) if lang == "en"]


def work(name: str, threads: int) -> Callable[[Sequence[str]], object]:
    """The function that a line times."""
    if name == "sentiment":
        from discourse.text.valence import compounds

        return lambda texts: compounds(texts, threads=threads)
    if name == "language":
        from discourse.text.language import identify_columns

        return lambda texts: identify_columns(texts, threads=threads)
    if name == "normal form":
        from discourse.text.normal_form import normal_forms

        return lambda texts: normal_forms(texts, ["ur"] * len(texts))
    if name == "tokens":
        from discourse.text.tokens import tokens

        return tokens
    return _peer(name)


def _peer(name: str) -> Callable[[Sequence[str]], object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "vader":
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

            analyzer = SentimentIntensityAnalyzer()
            return lambda texts: [analyzer.polarity_scores(text)["compound"] for text in texts]
        if name == "pycld2":
            import pycld2

            return lambda texts: [pycld2.detect(text) for text in texts]
        if name == "py3langid":
            import py3langid

            return lambda texts: [py3langid.classify(text) for text in texts]
        from nltk.tokenize import TweetTokenizer

        tokenizer = TweetTokenizer()
        return lambda texts: [tokenizer.tokenize(text) for text in texts]


def one_line(name: str, threads: int, texts: Sequence[str]) -> dict[str, float]:
    """Time one line in this process: microseconds a post, seconds of the whole process, peak memory in MB."""
    function = work(name, threads)
    function(texts[:2500] if name in TASKS else texts[:50])
    start, clock = time.process_time(), time.perf_counter()
    function(texts)
    spent, passed = time.process_time() - start, time.perf_counter() - clock
    return {
        "posts": len(texts),
        "us": spent / len(texts) * 1e6,
        "clock_us": passed / len(texts) * 1e6,
        "whole_s": time.process_time(),
        "peak_mb": peak_memory(),
    }


def peak_memory() -> float:
    """Most memory of this process so far in MB; Linux counts it from the start of the program, others from the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fresh(name: str, plain: bool, threads: int, file: Path) -> dict[str, float]:
    """`one_line` in a process of its own."""
    asked = [sys.executable, __file__, "--line", name, "--threads", str(threads), "--texts", str(file)]
    environment = {**os.environ, "DISCOURSE_PLAIN": "1" if plain else "0", "NUMBA_NUM_THREADS": str(threads)}
    done = subprocess.run(asked, check=True, capture_output=True, text=True, env=environment)
    made: dict[str, float] = json.loads(done.stdout)
    return made


def lines() -> list[tuple[str, str, bool, int]]:
    """What is run: label, name, plain path or not, threads."""
    made = []
    for task, (peer, _) in TASKS.items():
        made.append((f"{task}: compiled", task, False, 1))
        if task in ("sentiment", "language"):
            made.append((f"{task}: compiled, two threads", task, False, 2))
        made.append((f"{task}: plain path", task, True, 1))
        peers = [peer, "py3langid"] if task == "language" else [peer]
        made += [(f"{task}: {one}", one, False, 1) for one in peers if importlib.util.find_spec(PEERS[one])]
    return made


def worst_row() -> dict[str, float]:
    """Seconds of a post of `WORST` emoji by the package and by ours, and of 8,000 by ours; work, no imports."""
    theirs, ours = _peer("vader"), work("sentiment", 1)
    ours(["good"] * 2500)
    made = {}
    for label, function, count in (("vader", theirs, WORST), ("ours", ours, WORST), ("ours_8000", ours, 8_000)):
        start = time.process_time()
        function(["😂" * count])
        made[label] = time.process_time() - start
    return made


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--posts", type=int, default=100_000)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--texts", type=Path)
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--line", help=argparse.SUPPRESS)
    ask.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.line:
        print(json.dumps(one_line(given.line, given.threads, json.loads(given.texts.read_text()))))
        return
    import tempfile

    texts = posts(given.texts, given.posts)
    own = english(texts)
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.rounds):
            for label, name, plain, threads in lines():
                some = own if label.startswith("sentiment") else texts
                file = Path(folder) / "texts.json"
                file.write_text(json.dumps(some[: len(some) // SHARE.get(name, 1)]))
                found.setdefault(label, []).append(fresh(name, plain, threads, file))
    middle = {
        label: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for label, runs in found.items()
    }
    report(middle, len(texts), len(own), given.json)


def report(middle: dict[str, dict[str, float]], n: int, n_english: int, as_json: bool) -> None:
    """Print the table, or all of it as JSON."""
    for label, numbers in middle.items():
        task = label.split(":")[0]
        numbers["posts_s"] = 1e6 / numbers["us"]
        peer = middle.get(f"{task}: {TASKS[task][0]}")
        if peer is not None:
            numbers["ratio"] = peer["us"] / numbers["us"]
            numbers["clock_ratio"] = peer["clock_us"] / numbers["clock_us"]
    worst = worst_row()
    if as_json:
        print(json.dumps({"posts": n, "english": n_english, "lines": middle, "worst_row": worst}, indent=1))
        return
    print(f"{n} distinct posts, {n_english} of them English\n")
    print("| task | posts/s a core | beside the peer | by the clock | posts | whole process, s | peak MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for label, one in middle.items():
        print(
            f"| {label} | {one['posts_s']:,.0f} | {one.get('ratio', 0):.2f} | {one.get('clock_ratio', 0):.2f} "
            f"| {one['posts']:.0f} | {one['whole_s']:.1f} | {one['peak_mb']:.0f} |"
        )
    print(
        f"\nworst row, {WORST} emoji: vaderSentiment {worst['vader']:.2f} s, here {worst['ours'] * 1e3:.2f} ms; "
        f"8,000 emoji here {worst['ours_8000'] * 1e3:.2f} ms"
    )


if __name__ == "__main__":
    main()
