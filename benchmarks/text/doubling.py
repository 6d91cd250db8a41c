"""What the oddest legal post costs: each function on hostile texts of 5,000 and 10,000 characters.

    python benchmarks/text/doubling.py

Prints the milliseconds at 10,000 characters (the most that is read of a post) and the ratio to 5,000: 2 is linear,
4 is quadratic. The least of five calls counts.
"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable

from discourse.text import detect_language, language_spans, normalize, sentiment, tokenize
from discourse.text.normal_form import align

UNITS = {
    "digits": "1",
    "foreign digits": "۱",
    "emoji": "😂",
    "flags": "🇵🇰",
    "families": "👨‍👩‍👧",
    "skin tones": "👍🏽",
    "marks": "\u0323",
    "alternating marks": "\u0323\u0301",
    "a with marks": "a\u0323\u0301",
    "tatweel": "ـ",
    "presentation forms": "ﻻ",
    "bidi": "\u200f",
    "ZWNJ": "ب\u200c",
    "ZWJ": "\u200d",
    "at": "@",
    "hash": "#",
    "hash a": "#a",
    "names": "@ab ",
    "links": "https://t.co/a ",
    "link in link": "http://",
    "dots": "a.",
    "dashes": "a-",
    "quotes": "a'",
    "entities": "&amp;",
    "angles": "<",
    "ands": "&",
    "English": "not so good but ",
    "bad": "bad ",
    "capitals": "VERY GOOD! ",
    "but": "but ",
    "one word": "a",
    "camel": "aB",
    "caps": "AB",
    "Urdu": "ہم امن چاہتے ہیں ",
    "Pashto": "موږ سوله غواړو ",
    "glued Urdu": "امن",
    "both scripts": "امنpeace",
    "stretch": "aaab",
    "mixed clauses": "we want no more war today ہم سب مل کر امن چاہتے ہیں ",
}
FUNCTIONS: dict[str, Callable[[str], object]] = {
    "normalize": lambda text: normalize([text], "ur"),
    "normalize, detected": lambda text: normalize([text]),
    "align": lambda text: align(text, "ur"),
    "tokenize": lambda text: tokenize([text], "both"),
    "detect_language": lambda text: detect_language([text]),
    "language_spans": lambda text: language_spans([text]),
    "sentiment": lambda text: sentiment([text], "en"),
}


def different_words(n: int) -> str:
    """Words that no look-up has seen before."""
    draw = random.Random(1)
    return " ".join("".join(draw.choices("abcdefghijkامنسولهږ", k=5)) for _ in range(n // 6))[:n]


def least(function: Callable[[str], object], text: str) -> float:
    """Milliseconds of the quickest of five calls."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(text)
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def main() -> None:
    """Print the worst three inputs of each function."""
    warnings.simplefilter("ignore")
    texts = {name: (unit * 10_000)[:10_000] for name, unit in UNITS.items()} | {
        "all words new": different_words(10_000)
    }
    for name, function in FUNCTIONS.items():
        function("warm ہم امن")
        timed = sorted(((least(function, text), kind, text) for kind, text in texts.items()), reverse=True)[:3]
        said = [f"{kind} {ms:.1f} ms (x{ms / least(function, text[:5_000]):.1f})" for ms, kind, text in timed]
        print(f"{name:<20} {', '.join(said)}")


if __name__ == "__main__":
    main()
