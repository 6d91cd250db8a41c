"""The study as a notebook does it: pandas, a VADER loop, tf-idf with logistic regression, and a resampling loop.

    python benchmarks/naive_notebook.py EXPORT.jsonl MODEL.pickle OUT

Writes posts.parquet and cells.parquet into OUT and prints its stages' seconds and its peak memory as JSON. Run by
`end_to_end.py`; the classifier was trained beforehand, and English is what the platform says is English.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

REPLICATES = 1_000


def main(export: str, model_file: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model = pickle.loads(Path(model_file).read_bytes())
    clock = [time.perf_counter()]
    posts = pd.read_json(export, lines=True, dtype={"id": str, "author_id": str})
    clock.append(time.perf_counter())
    analyzer = SentimentIntensityAnalyzer()
    english = posts["lang"] == "en"
    posts.loc[english, "sentiment"] = posts.loc[english, "text"].apply(
        lambda text: analyzer.polarity_scores(text)["compound"]
    )
    clock.append(time.perf_counter())
    shares = model.predict_proba(posts["text"])
    for i, name in enumerate(model.classes_):
        posts[f"p_{name}"] = shares[:, i]
    posts["predicted"] = model.classes_[shares.argmax(axis=1)]
    posts["side"] = posts["author"].apply(lambda author: author["location"].lower() or "unknown")
    posts["day"] = pd.to_datetime(posts["created_at"]).dt.strftime("%Y-%m-%d")
    posts["tone"] = (posts["predicted"] == "nationalist") * 1.0 - (posts["predicted"] == "conciliatory") * 1.0
    kept = ["id", "author_id", "day", "side", "lang", "sentiment", "predicted", "tone"]
    posts[[*kept, *(f"p_{name}" for name in model.classes_)]].to_parquet(out / "posts.parquet")
    clock.append(time.perf_counter())
    cells = measured(posts)
    cells.to_parquet(out / "cells.parquet")
    clock.append(time.perf_counter())
    names = ("read", "sentiment", "frames and write", "measure")
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({
        "stages": dict(zip(names, np.diff(clock).round(3).tolist(), strict=True)), "work": clock[-1] - clock[0],
        "cpu": sum(os.times()[:2]), "peak_mb": int(peak.split()[1]) / 1024, "posts": len(posts),
    }))  # fmt: skip


def measured(posts: pd.DataFrame) -> pd.DataFrame:
    """Net tone and mean sentiment of each side and day, with intervals over resampled authors."""
    rng = np.random.default_rng(7)
    codes, authors = pd.factorize(posts["author_id"])
    cells = posts.groupby(["side", "day"]).agg(
        n=("tone", "size"), tone=("tone", "mean"), sentiment=("sentiment", "mean"), scored=("sentiment", "count")
    )
    small = posts[["side", "day", "tone", "sentiment"]].copy()
    scored = small["sentiment"].notna()
    tones, sentiments = [], []
    for _ in range(REPLICATES):
        weight = rng.poisson(1.0, len(authors))[codes]
        small["w"], small["wt"] = weight, weight * small["tone"]
        small["ws"], small["wn"] = weight * small["sentiment"], weight * scored
        sums = small.groupby(["side", "day"])[["w", "wt", "ws", "wn"]].sum()
        tones.append((sums["wt"] / sums["w"]).to_numpy())
        sentiments.append((sums["ws"] / sums["wn"]).to_numpy())
    for name, values in (("tone", tones), ("sentiment", sentiments)):
        low, high = np.nanpercentile(np.array(values), [2.5, 97.5], axis=0)
        cells[f"{name}_low"], cells[f"{name}_high"] = low, high
    return cells.reset_index()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
