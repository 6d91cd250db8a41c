"""Runs that are killed or lose a worker, each in a process of its own: `python cluster_work.py WHAT PLAN.json`.

What is printed is JSON. Run by tests/test_scoring.py and tests/test_engine_dask.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from discourse.corpus.privacy import Key
from discourse.corpus.sides import Sides
from discourse.engine.backend import Engine
from discourse.engine.scoring import score_corpus
from discourse.errors import DiscourseError


def score(plan: dict[str, Any], engine: Engine) -> dict[str, int]:
    """Score the corpus of a plan."""
    done = score_corpus(
        plan["corpus"], plan["to"], sides=Sides.from_toml(plan["sides"]), model=plan["model"], engine=engine,
        key=Key.made_up("tiny"), posts_each=plan["posts_each"],
    )  # fmt: skip
    return {"worked": done.worked, "found": done.found, "rows": done.scores.rows, "parts": len(done.scores.parts)}


def finished(plan: dict[str, Any]) -> int:
    return len(list((Path(plan["to"]) / "done").glob("0*.json")))


def when_finished(plan: dict[str, Any], count: int, pid: int) -> threading.Thread:
    """A thread that kills a process as soon as so many partitions are finished."""

    def wait() -> None:
        while finished(plan) < count:
            time.sleep(0.001)
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def killed(plan: dict[str, Any]) -> dict[str, int]:
    """Score, and be killed in the middle."""
    when_finished(plan, 3, os.getpid())
    return score(plan, Engine("serial"))


def _refuse(number: int) -> int:
    if number == 3:
        raise DiscourseError("three is refused")
    return number


def cluster(plan: dict[str, Any]) -> dict[str, Any]:
    """Score on a Dask cluster of two worker processes, one of which is killed in the middle."""
    from distributed import Client, LocalCluster

    made: dict[str, Any] = {}
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as local:
        engine = Engine("dask", address=local.scheduler_address)
        with Client(local) as client:
            workers = client.run(os.getpid)
            made["processes"] = len(set(workers.values()) - {os.getpid()})
            victim = when_finished(plan, 2, sorted(workers.values())[0])
            made |= score(plan, engine)
            victim.join(timeout=60)
            made["killed"] = not Path(f"/proc/{sorted(workers.values())[0]}").exists()
        try:
            list(engine.map(_refuse, range(6)))
        except DiscourseError as error:
            made["refused"] = str(error)
        made["order"] = list(engine.map(abs, range(-9, 9)))
    return made


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({"killed": killed, "cluster": cluster}[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text()))))
