"""One run of the engine on an export, stage by stage: import, score, measure.

    python benchmarks/engine.py EXPORT.jsonl MODEL.safetensors OUT [BACKEND [WORKERS]]

Writes the corpus, the scores, series.parquet and sentiment.parquet into OUT and prints its stages' seconds, its peak
memory (of all its processes, each at its own peak) and bytes on disk as JSON. Run by `end_to_end.py`.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path


def main(export: str, model: str, out: Path, backend: str = "threads", workers: int = 2) -> None:
    begun = time.perf_counter()
    from discourse.corpus.gazetteer import Gazetteer
    from discourse.corpus.privacy import Key
    from discourse.corpus.sides import Rule, Sides
    from discourse.engine.backend import Engine
    from discourse.engine.measuring import Selection, measure_scores
    from discourse.engine.scoring import score_corpus
    from discourse.indices.polarization import NetTone
    from discourse.measure.prevalence import Prevalence
    from discourse.measure.timeline import Plan
    from discourse.schema import KINDS
    from discourse.store.importing import import_posts

    warnings.simplefilter("ignore")
    sides = Sides(("pakistan", "afghanistan"), (Rule("location", gazetteer=Gazetteer.builtin()),))
    engine, key = Engine(backend, workers), Key.made_up("benchmark")
    clock = [time.perf_counter()]
    done = import_posts(export, out / "corpus", key=key, format="x_api")
    clock.append(time.perf_counter())
    score_corpus(out / "corpus", out / "scores", sides=sides, model=model, key=key, engine=engine,
                 posts_each=min(250_000, -(-done.inputs[0].accepted // workers)))  # fmt: skip
    clock.append(time.perf_counter())
    made = measure_scores(
        out / "scores", (NetTone(), Prevalence("nationalist")), seed=7, engine=engine, selection=Selection(kinds=KINDS),
        plan=Plan(every="1d", zones={}, weight="post", method="cc", replicates=1_000, force=True),
    )  # fmt: skip
    made.series.write_parquet(out / "series.parquet")
    made.means.write_parquet(out / "sentiment.parquet")
    clock.append(time.perf_counter())
    stages = {
        name: round(b - a, 3) for name, a, b in zip(("import", "score", "measure"), clock, clock[1:], strict=False)
    }
    alive = [Path("/proc/self"), *(Path(f"/proc/{one}") for one in children())]
    size = {name: sum(one.stat().st_size for one in (out / name).rglob("*") if one.is_file())
            for name in ("corpus", "scores")}  # fmt: skip
    print(json.dumps({
        "stages": stages, "work": clock[-1] - clock[0], "imports": clock[0] - begun,
        "cpu": sum(map(seconds, alive)), "posts": made.posts,
        "accepted": done.inputs[0].accepted, "peak_mb": sum(map(peak, alive)), "bytes": size,
    }))  # fmt: skip


def children() -> list[str]:
    """The worker processes, which wait for more work a while after the last."""
    return [one for file in Path("/proc/self/task").glob("*/children") for one in file.read_text().split()]


def peak(process: Path) -> float:
    """The most memory that a process has held, in MiB."""
    line = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def seconds(process: Path) -> float:
    """Processor time of a process."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:5], *map(int, sys.argv[5:6]))
