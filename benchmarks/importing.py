"""How fast an import is and how much memory it takes, beside `pandas.read_json(lines=True)` on the same file.

    python benchmarks/importing.py [POSTS [POSTS ...]]

Makes flattened tweets of the X API v2 (about 1 kB each, no person's), imports them in a fresh process, reads them with
pandas in another, and prints posts per second, peak memory and the ratio of the two: whole processes, imports included.
pandas keeps no account of rows, checks nothing and holds the file in memory; where that fails it says so. A limit on
how many posts pandas is given can be set with PANDAS_UP_TO (default 1000000).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

_IMPORT = """
import sys
from discourse import Key
from discourse.store.importing import import_posts
if __name__ == "__main__":
    done = import_posts(sys.argv[1], sys.argv[2], key=Key.made_up("benchmark"))
    print(done.inputs[0].accepted)
"""
_PANDAS = """
import sys
import pandas as pd
print(len(pd.read_json(sys.argv[1], lines=True)))
"""
_WORDS = ["امن", "جنگ", "سرحد", "ملک", "border", "peace", "trade", "دوستی", "صلح",
          "people", "war", "کابل", "اسلام", "آباد", "friendship", "ورور", "ښه"]  # fmt: skip
_EPOCH = 1_288_834_974_657
_FIRST = 1_733_000_000_000


def write_tweets(path: Path, posts: int) -> None:
    """Flattened tweets with the fields that twarc writes, one a line, by one author in twenty posts."""
    dice = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for number in range(posts):
            at = _FIRST + number * 500
            native = str(((at - _EPOCH) << 22) | (number % 4096))
            author = str(9_000_000_000 + dice.randrange(max(1, posts // 20)))
            tweet = {
                "id": native,
                "author_id": author,
                "created_at": datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "lang": "ur",
                "text": " ".join(dice.choices(_WORDS, k=24)),
                "edit_history_tweet_ids": [native],
                "conversation_id": native,
                "reply_settings": "everyone",
                "possibly_sensitive": False,
                "entities": {"hashtags": [{"start": 1, "end": 5, "tag": "demo"}]},
                "public_metrics": {
                    "retweet_count": dice.randrange(9), "reply_count": 0, "like_count": dice.randrange(99),
                    "quote_count": 0, "bookmark_count": 0, "impression_count": dice.randrange(999),
                },
                "author": {
                    "id": author, "username": f"demo_{author}", "name": "Demo", "location": "Kabul",
                    "description": "made up " * 8, "created_at": "2015-01-01T00:00:00.000Z",
                    "public_metrics": {"followers_count": 1, "following_count": 1, "tweet_count": 1},
                },
                "__twarc": {"url": "https://example.org", "version": "2.14.0", "retrieved_at": "2025-06-01T00:00:00Z"},
            }  # fmt: skip
            file.write(json.dumps(tweet, ensure_ascii=False) + "\n")


def run(code: str, *given: str) -> tuple[float, float, str]:
    """Seconds and peak megabytes of a fresh process, and what it printed last or how it failed."""
    peak = "\nimport pathlib; print(pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code + peak, *given], capture_output=True, text=True, check=False)
    took = time.monotonic() - started
    lines = done.stdout.split()
    if done.returncode or len(lines) < 2:
        return took, float("nan"), f"failed with {done.returncode}"
    return took, int(lines[-1]) / 1024, lines[-2]


def main() -> None:
    """Print one line for each number of posts."""
    most = int(os.environ.get("PANDAS_UP_TO", "1000000"))
    print("posts        size MB   import posts/s   peak MB   pandas posts/s   peak MB   ratio of times")
    for posts in [int(word) for word in sys.argv[1:]] or [1_000_000]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "tweets.jsonl"
            write_tweets(file, posts)
            took, peak, accepted = run(_IMPORT, str(file), f"{folder}/corpus")
            if accepted != str(posts):
                raise SystemExit(f"the import of {posts} posts {accepted}")
            line = f"{posts:<11}{file.stat().st_size / 1e6:9.0f}{posts / took:17.0f}{peak:10.0f}"
            if posts <= most:
                other, other_peak, _ = run(_PANDAS, str(file))
                line += f"{posts / other:17.0f}{other_peak:10.0f}{took / other:17.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
