"""Posts a second of the text layer beside the libraries a study would otherwise call: ratios from one run.

    python benchmarks/text/speed.py [--posts 100000] [--rounds 5] [--texts FILE]

Posts are those of the demonstration corpus, or the lines of FILE. Each function gets the distinct texts as one column,
the library the same texts one by one, as it asks for; both are warmed first and take turns. py3langid is no dependency
of the project: `pip install py3langid` in the environment that runs this.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from discourse import Key, read_posts
from discourse.text import detect_language, normalize, sentiment, tokenize

ROOT = Path(__file__).resolve().parents[2]


def posts(file: Path | None, wanted: int) -> list[str]:
    """Distinct texts, as many as wanted; where there are fewer, posts with another ending each."""
    if file is not None:
        texts = file.read_text(encoding="utf-8", errors="replace").splitlines()
    else:
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


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], n: int, rounds: int) -> None:
    """Print posts a second of both and the ratio of each round, least, median and most."""
    ours(), theirs()
    pairs = [(clock(ours), clock(theirs)) for _ in range(rounds)]
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    rate, other = (n / statistics.median(times) for times in zip(*pairs, strict=True))
    spread = f"{ratios[0]:.2f} {statistics.median(ratios):.2f} {ratios[-1]:.2f}"
    print(f"{name:<58} {rate:>9,.0f} {other:>9,.0f}   {spread}")


def clock(function: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def english(texts: Sequence[str]) -> list[str]:
    """The English ones among texts."""
    langs = detect_language(texts)["lang"].to_list()
    return [text for text, lang in zip(texts, langs, strict=True) if lang == "en"]


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--posts", type=int, default=20_000)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--texts", type=Path)
    given = ask.parse_args()
    texts = posts(given.texts, given.posts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nltk.tokenize import TweetTokenizer
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    analyzer, tweets = SentimentIntensityAnalyzer(), TweetTokenizer()
    print(f"{len(texts)} distinct posts, {sum(map(len, texts)) / len(texts):.0f} characters each on average")
    print(f"{'':<58} {'posts/s':>9} {'theirs':>9}   ratio: least, median, most")
    n, rounds = len(texts), given.rounds
    theirs = lambda: [tweets.tokenize(text) for text in texts]  # noqa: E731
    compare("normalize + tokenize : nltk TweetTokenizer", lambda: tokenize(normalize(texts, "ur")), theirs, n, rounds)
    compare("the same, languages detected", lambda: tokenize(normalize(texts)), theirs, n, rounds)
    try:
        import py3langid
    except ImportError:
        print("language: py3langid is not installed")
    else:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        four = LanguageIdentifier.from_model_file(MODEL_FILE)
        four.set_languages(["en", "ur", "ps", "fa"])
        ours = lambda: detect_language(texts)  # noqa: E731
        compare("detect_language : py3langid", ours, lambda: [py3langid.classify(text) for text in texts], n, rounds)
        restricted = lambda: [four.classify(text) for text in texts]  # noqa: E731
        compare("detect_language : py3langid of en, ur, ps, fa only", ours, restricted, n, rounds)
    differ = sum(
        ours != analyzer.polarity_scores(text)["compound"]
        for ours, text in zip(sentiment(texts, lang="en"), texts, strict=True)
    )
    print(f"scores that differ from vaderSentiment's, all posts taken as English: {differ}")
    own = english(texts)
    known = lambda: [analyzer.polarity_scores(text)["compound"] for text in own]  # noqa: E731
    print(f"{len(own)} English posts")
    compare("sentiment : vaderSentiment", lambda: sentiment(own, lang="en"), known, len(own), rounds)


if __name__ == "__main__":
    main()
