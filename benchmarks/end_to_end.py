"""From an export to a series with intervals: the naive notebook beside this package, on the same made-up posts.

    python benchmarks/end_to_end.py [--posts 200000] [--runs 3] [--backend processes] [--workers 2] [--alone] [--json]

Makes the export (`making.py`) and trains both classifiers first, which no time counts. Then each pipeline runs in fresh
processes, compiled loops warm; the run with the median work time counts. Printed are work time, whole process,
processor time (which others on the machine move least), stages, peak memory, bytes on disk and ratios; with `--alone`
the notebook is left out. Outputs are compared: compounds of English posts and sides, counts of each side and day, and
our means and net tone against a pandas group-by.
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from making import training, write_export

HERE = Path(__file__).parent
TRAINED_ON = 8_000


def train(place: Path) -> None:
    """Both classifiers on the same posts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from discourse.framing.classifier import FramingClassifier
    from discourse.framing.store import save_model

    texts, frames = training(TRAINED_ON)
    save_model(FramingClassifier(seed=7).fit(texts, frames), place / "model.safetensors")
    naive = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2), LogisticRegression(max_iter=300))
    (place / "model.pickle").write_bytes(pickle.dumps(naive.fit(texts, frames)))


def timed(script: str, *words: str, runs: int, out: Path) -> dict[str, Any]:
    """The median run of a script by its work time, with the seconds of its whole process."""
    found = []
    for _ in range(runs):
        shutil.rmtree(out, ignore_errors=True)
        begun = time.perf_counter()
        ran = subprocess.run([sys.executable, HERE / script, *words], capture_output=True, text=True, check=False)
        whole = time.perf_counter() - begun
        if ran.returncode:
            raise SystemExit(ran.stderr[-2000:])
        found.append({**json.loads(ran.stdout.splitlines()[-1]), "whole": whole})
    median = statistics.median_low([one["work"] for one in found])
    return next(one for one in found if one["work"] == median)


def scored(out: Path) -> pd.DataFrame:
    """What we scored, by the posts' names in the export's order: ids are pseudonyms, so posts stand by their time."""
    return pd.concat(pd.read_parquet(path) for path in (out / "scores/parts").glob("*.parquet")).sort_values(
        "created_at"
    )


def compare(naive: Path, ours: Path) -> dict[str, Any]:
    """How far the outputs are apart, where they mean the same."""
    made, theirs = scored(ours), pd.read_parquet(naive / "posts.parquet")
    by_id = made.assign(native=made["post_id"].str.partition(":")[2]).set_index("native")
    names = {name: f"{name}_ours" for name in ("side", "sentiment")}
    both = theirs.set_index("id")[list(names)].join(by_id[list(names)].rename(columns=names), how="inner")
    english = both[both["sentiment"].notna() & both["sentiment_ours"].notna()]
    made["day"] = made["created_at"].dt.strftime("%Y-%m-%d")
    made["tone"] = (made["predicted"] == "nationalist") * 1.0 - (made["predicted"] == "conciliatory") * 1.0
    cells = made.groupby(["side", "day"]).agg(n=("tone", "size"), tone=("tone", "mean"), mean=("sentiment", "mean"))
    series = pd.read_parquet(ours / "series.parquet").query("measure == 'NetTone()'").set_index(["side", "window"])
    means = pd.read_parquet(ours / "sentiment.parquet").set_index(["side", "window"])
    counts = pd.read_parquet(naive / "cells.parquet").set_index(["side", "day"])["n"]
    at = cells.index
    return {
        "posts": len(made), "posts of the notebook": len(theirs), "posts joined": len(both),
        "compounds compared": len(english),
        "compounds that differ": int((english["sentiment"] != english["sentiment_ours"]).sum()),
        "sides that differ": int((both["side"] != both["side_ours"]).sum()),
        "counts that differ": int((counts.reindex(at).fillna(0) != series.loc[at, "n_posts"].to_numpy()).sum()),
        "net tone, largest difference": float(abs(series.loc[at, "estimate"].to_numpy() - cells["tone"]).max()),
        "mean sentiment, largest difference": float(abs(means.loc[at, "mean"].to_numpy() - cells["mean"]).max()),
    }  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    ask.add_argument("--posts", type=int, default=200_000)
    ask.add_argument("--runs", type=int, default=3)
    ask.add_argument("--backend", default="processes")
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("--alone", action="store_true")
    ask.add_argument("--json", action="store_true")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_export(place / "export.jsonl", given.posts)
        train(place)
        out = place / "ours"
        words = (str(place / "export.jsonl"), str(place / "model.safetensors"), str(out), given.backend)
        timed("engine.py", *words, str(given.workers), runs=1, out=out)
        found = {"ours": timed("engine.py", *words, str(given.workers), runs=given.runs, out=out)}
        if not given.alone:
            words = (str(place / "export.jsonl"), str(place / "model.pickle"), str(place / "naive"))
            found["naive"] = timed("naive_notebook.py", *words, runs=given.runs, out=place / "naive")
            found["compared"] = compare(place / "naive", out)
            ours, naive = found["ours"], found["naive"]
            found["ratios"] = {
                "work": naive["work"] / ours["work"], "whole process": naive["whole"] / ours["whole"],
                "processor time": naive["cpu"] / ours["cpu"],
                "memory": ours["peak_mb"] / naive["peak_mb"],
            }  # fmt: skip
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, one in found.items():
        print(name)
        for key, value in one.items():
            print(f"  {key}: {round(value, 3) if isinstance(value, float) and key[0] not in 'nm' else value}")


if __name__ == "__main__":
    main()
