"""Imports one file after the other, each into a corpus of its own, and prints what became of it: a JSON line a file.

Run by tests/test_bad_inputs.py: `python importing_all.py FOLDER FILE...`, with a limit on memory.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

from discourse.corpus.privacy import Key
from discourse.store.importing import import_posts
from discourse.store.reading import digest_of, read_corpus

KEY = Key.made_up("bad inputs")


def _peak() -> float:
    """Highest memory of this process in MB; `ru_maxrss` would begin with that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    place, *files = sys.argv[1:]
    for name in files:
        shutil.rmtree(place, ignore_errors=True)
        started = time.monotonic()
        done = import_posts(name, place, key=KEY)
        took = time.monotonic() - started
        peak = _peak()
        told = done.to_json()["files"][0]
        stored = None
        if done.generation:
            posts = read_corpus(place).posts.sort("post_id")
            stored = {"ids": posts["post_id"].to_list(), "texts": posts["text"].to_list(), "digest": digest_of(place)}
        made = sorted(path.name for path in Path(place).iterdir())
        print(
            json.dumps({"name": name, **told, "seconds": took, "mb": peak, "stored": stored, "made": made}), flush=True
        )
