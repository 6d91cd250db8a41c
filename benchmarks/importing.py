"""How fast posts are read and imported, beside what a notebook would use on the same file.

    python benchmarks/importing.py [--posts 200000] [--runs 3] [--json] [--pandas]

Makes flattened tweets of the X API v2 (about 1.1 kB each, no person's: replies, quotes and reposts, handles and links,
escapes) in four files, and takes each way in fresh processes, the median of `runs`. All but `import, 2 jobs`
are held to one core and measured by the processor time of the work; what is imported before is not counted. The last
columns are the ratio to `json.loads` with the fields picked, and the greatest memory. `pandas.read_json` needs 16 kB a
post, so it is left out unless it is asked for. `import again` is the second import of the same files: all duplicates.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_START = """
import glob, os, pathlib, sys, time
if __name__ == "__main__":
    files, folder, cores = sorted(glob.glob(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    ready = lambda: None
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
"""
_END = """
    whole, files = files, files[:1]
    work()  # loads and compiles what is needed
    files = whole
    ready()
    clock, spent = time.perf_counter(), sum(os.times()[:4])
    posts = work()
    clock, spent = time.perf_counter() - clock, sum(os.times()[:4]) - spent
    print(posts, clock, spent, pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])
"""
_JSON = """
    import json
    def work():
        posts = []
        for file in files:
            for line in open(file, encoding="utf-8"):
                tweet = json.loads(line)
                counts = tweet["public_metrics"]
                posts.append((tweet["id"], tweet["author_id"], tweet["created_at"], tweet["text"], tweet["lang"],
                              tweet["author"]["username"], counts["like_count"], counts["retweet_count"]))
        return len(posts)
"""
_PANDAS = """
    import pandas as pd
    def work():
        return sum(len(pd.read_json(file, lines=True)) for file in files)
"""
_OURS = """
    import shutil, warnings
    from discourse import Key, read_posts
    from discourse.readers import columnar
    from discourse.store.importing import import_posts
    warnings.simplefilter("ignore")
    columnar.FROM_BYTES = {from_bytes}
    key = Key.made_up("benchmark")
    def clear():
        shutil.rmtree(folder, ignore_errors=True)
    def work():
        {call}
    ready = {ready}
"""
_READ = "return sum(read_posts(files, key=key).files['read'])"
_IMPORT = "return sum(one.read for one in import_posts(files, folder, key=key, jobs=cores).inputs)"
_ALONE = 1 << 60  # no file is so large: line by line

WAYS: dict[str, tuple[str, int]] = {
    "json.loads, fields picked": (_JSON, 1),
    "pandas.read_json": (_PANDAS, 1),
    "read_posts": (_OURS.format(ready="clear", call=_READ, from_bytes=0), 1),
    "read_posts, record by record": (_OURS.format(ready="clear", call=_READ, from_bytes=_ALONE), 1),
    "import": (_OURS.format(ready="clear", call=_IMPORT, from_bytes=0), 1),
    "import, record by record": (_OURS.format(ready="clear", call=_IMPORT, from_bytes=_ALONE), 1),
    "import again": (_OURS.format(ready="work", call=_IMPORT, from_bytes=0), 1),
    "import, 2 jobs": (_OURS.format(ready="clear", call=_IMPORT, from_bytes=0), 2),
}
_WORDS = ["امن", "جنگ", "سرحد", "ملک", "border", "peace", "trade", "دوستی", "صلح",
          "people", "war", "کابل", "اسلام", "آباد", "friendship", "ورور", "ښه"]  # fmt: skip
_EPOCH = 1_288_834_974_657
_FIRST = 1_733_000_000_000
_FILES = 4


def write_tweets(path: Path, posts: int, first: int = 0) -> None:
    """Flattened tweets with the fields that twarc writes, one a line, by one author in twenty posts."""
    dice = random.Random(7 + first)
    with path.open("w", encoding="utf-8") as file:
        for number in range(first, first + posts):
            tweet = _tweet(number, 9_000_000_000 + dice.randrange(max(1, posts * _FILES // 20)), dice)
            file.write(json.dumps(tweet, ensure_ascii=False) + "\n")


def _tweet(number: int, author: int, dice: random.Random) -> dict[str, Any]:
    at = _FIRST + number * 500
    native = str(((at - _EPOCH) << 22) | (number % 4096))
    words = dice.choices(_WORDS, k=20)
    kind = dice.choices(["", "replied_to", "quoted", "retweeted"], [5, 3, 1, 2])[0]
    if kind == "replied_to":
        words.insert(0, f"@demo_{9_000_000_000 + dice.randrange(5000)}")
    if dice.random() < 0.3:
        words.append(f"https://t.co/{dice.randrange(1 << 40):x}")
    if dice.random() < 0.03:
        words.append(dice.choice(["&amp;", "demo@example.org", "https://example.org/a", "@demo_one's @demo_two"]))
    tweet: dict[str, Any] = {
        "id": native,
        "author_id": str(author),
        "created_at": datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "lang": "ur",
        "text": " ".join(words),
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
            "id": str(author), "username": f"demo_{author}", "name": "Demo", "location": "Kabul",
            "description": "made up " * 8, "created_at": "2015-01-01T00:00:00.000Z",
            "public_metrics": {"followers_count": 1, "following_count": 1, "tweet_count": 1},
        },
        "__twarc": {"url": "https://example.org", "version": "2.14.0", "retrieved_at": "2025-06-01T00:00:00Z"},
    }  # fmt: skip
    if kind:
        tweet["referenced_tweets"] = [{"type": kind, "id": str(int(native) - 99), "text": " ".join(words[:9])}]
    return tweet


def run(way: str, pattern: str, folder: str) -> dict[str, float]:
    """One fresh process: posts, seconds by the clock and of the processor, and megabytes at most."""
    code, cores = WAYS[way]
    done = subprocess.run(
        [sys.executable, "-c", _START + code + _END, pattern, folder, str(cores)],
        capture_output=True, text=True, check=False, env={**os.environ, "POLARS_MAX_THREADS": str(cores)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-2000:]}")
    posts, clock, spent, peak = done.stdout.split()[-4:]
    return {"posts": int(posts), "clock": float(clock), "processor": float(spent), "mb": int(peak) / 1024}


def measured(posts: int, runs: int, ways: list[str]) -> list[dict[str, Any]]:
    """One row a way: the medians of its runs, and the ratio of its speed to the first way's."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        for part in range(_FILES):
            write_tweets(Path(place) / f"tweets-{part}.jsonl", posts // _FILES, part * (posts // _FILES))
        size = sum(file.stat().st_size for file in Path(place).iterdir())
        for way in ways:
            taken = [run(way, f"{place}/*.jsonl", f"{place}/corpus") for _ in range(runs)]
            row = {name: statistics.median(one[name] for one in taken) for name in taken[0]}
            rows.append({"way": way, "megabytes": size / 1e6, **row})
    base = rows[0]
    for row in rows:
        unit = "clock" if WAYS[row["way"]][1] > 1 else "processor"
        row["posts_per_second"] = row["posts"] / row[unit]
        row["ratio"] = base["processor"] / row[unit]
    return rows


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pandas", action="store_true")
    given = parser.parse_args()
    ways = [way for way in WAYS if given.pandas or way != "pandas.read_json"]
    rows = measured(given.posts, given.runs, ways)
    if given.json:
        print(json.dumps(rows, indent=1))
        return
    print("| way | posts/s | times `json.loads` | peak MB |\n|---|---:|---:|---:|")
    for row in rows:
        print(f"| {row['way']} | {row['posts_per_second']:,.0f} | {row['ratio']:.2f} | {row['mb']:.0f} |")


if __name__ == "__main__":
    main()
