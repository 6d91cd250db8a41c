"""A process of its own that changes a corpus and dies at a chosen step, or again and again at random times.

Run by tests/test_store_crash.py: `python crashing.py PLAN.json`. Each attempt is a fork, killed with SIGKILL by itself
(before or after the Nth step on the disk) or by its parent. What is printed is JSON.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from discourse.corpus.privacy import Key
from discourse.errors import BadInput
from discourse.store import disk
from discourse.store.checking import gc, verify
from discourse.store.forgetting import forget
from discourse.store.importing import import_posts
from discourse.store.joining import join_parts
from discourse.store.reading import digest_of, read_corpus
from discourse.store.requeue import requeue

KEY = Key.made_up("crash")
STEPS = ("write_bytes", "fsync", "rename", "link", "sync_folder", "remove")
OPERATIONS: dict[str, Callable[[str, list[str]], Any]] = {
    "import": lambda corpus, files: import_posts(files, corpus, key=KEY),
    "forget": lambda corpus, ids: forget(corpus, posts=ids, key=KEY),
    "requeue": lambda corpus, _: requeue(corpus, key=KEY),
    "join": lambda corpus, _: join_parts(corpus),
    "gc": lambda corpus, _: gc(corpus),
}


class Fault:
    """Counts the steps on the disk and does harm before one of them, or "within": after half of a file's bytes."""

    def __init__(self, number: int, when: str, kind: str) -> None:
        self.number, self.when, self.kind, self.count = number, when, kind, 0

    def harm(self) -> None:
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        counted = {"within": name == "write_bytes", "before": self.kind == "kill" or name != "remove"}[self.when]

        def step(*given: Any, **named: Any) -> Any:
            self.count += counted
            if counted and self.count == self.number:
                if self.when == "within":
                    Path(given[0]).write_bytes(given[1][: len(given[1]) // 2])
                self.harm()
            return function(*given, **named)

        return step

    def __enter__(self) -> Fault:
        for name in STEPS:
            setattr(disk, name, self.wrap(name, _PLAIN[name]))
        pq.ParquetWriter.write_table = self.wrap("write_table", _TABLE)
        return self

    def __exit__(self, *_: object) -> None:
        for name in STEPS:
            setattr(disk, name, _PLAIN[name])
        pq.ParquetWriter.write_table = _TABLE


_PLAIN = {name: getattr(disk, name) for name in STEPS}
_TABLE = pq.ParquetWriter.write_table


def forked(work: Callable[[], Any], wait: float | None = None) -> int:
    """Do work in a fork; its exit code, below 0 when it was killed. After `wait` seconds it is killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BadInput as error:
            code = 4 if "the disk is full" in str(error) else 5
        finally:
            os._exit(code)
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def answer(work: Callable[[], Any]) -> Any:
    """What work gives, worked out in a fork, so that this process never starts a thread."""
    read, write = os.pipe()

    def tell() -> None:
        os.write(write, json.dumps(work()).encode())

    code = forked(tell)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    return json.loads(told) if code == 0 else {"failed": code}


def state(corpus: str) -> dict[str, Any]:
    found = verify(corpus)
    return {
        "digest": digest_of(corpus),
        "rows": len(read_corpus(corpus)),
        "problems": [str(one) for one in found.problems],
        "leftovers": len(found.leftovers),
    }


def prepared(place: Path, plan: dict[str, Any]) -> str:
    shutil.rmtree(place, ignore_errors=True)
    if plan.get("base"):
        shutil.copytree(plan["base"], place)
    return str(place)


def each_step(plan: dict[str, Any], kind: str) -> dict[str, Any]:
    """One attempt for each step and moment: the state right after, and after the same again and gc."""
    operation, given = OPERATIONS[plan["operation"]], plan["given"]
    tried = []
    for when in ("before", "within"):
        for number in range(1, 1000):
            corpus = prepared(Path(plan["place"]), plan)

            def work(corpus: str = corpus, number: int = number, when: str = when) -> None:
                with Fault(number, when, kind) as fault:
                    operation(corpus, given)
                os._exit(99 if fault.count < number else 0)

            def finish(corpus: str = corpus) -> dict[str, Any]:
                operation(corpus, given)
                gc(corpus)
                return state(corpus)

            code = forked(work)
            if code == 99:
                break
            then = answer(lambda corpus=corpus: state(corpus)) if generation(corpus) else None
            tried.append({"when": when, "step": number, "code": code, "then": then, "last": answer(finish)})
    return {"tried": tried}


def generation(corpus: str) -> bool:
    return any((Path(corpus) / "manifests").glob("*.json")) if Path(corpus, "manifests").is_dir() else False


def at_random(plan: dict[str, Any]) -> dict[str, Any]:
    """Kill the operation at random times until it has been killed often enough; always the same corpus goes on."""
    operation, given = OPERATIONS[plan["operation"]], plan["given"]
    dice = random.Random(plan["seed"])
    corpus = prepared(Path(plan["place"]), plan)
    started = time.monotonic()
    forked(lambda: operation(prepared(Path(plan["place"] + "-timed"), plan), given))
    length = time.monotonic() - started
    killed = wrong = 0
    for number in range(plan["kills"]):
        if number % 10 == 0:
            corpus = prepared(Path(plan["place"]), plan)
        killed += forked(partial(operation, corpus, given), dice.random() * length) < 0
        found = answer(partial(state, corpus)) if generation(corpus) else {"problems": []}
        wrong += found.get("problems") != []
    forked(lambda: operation(corpus, given))
    return {"killed": killed, "wrong": wrong, "last": answer(lambda: state(corpus))}


def writers(plan: dict[str, Any]) -> dict[str, Any]:
    """Several writers at once, each with its own files one by one, in half of the rounds killed now and then."""
    dice = random.Random(plan["seed"])
    corpus = prepared(Path(plan["place"]), plan)

    def work(files: list[str]) -> None:
        for file in files:
            import_posts(file, corpus, key=KEY)

    children = {}
    for files in plan["given"]:
        child = os.fork()
        if child == 0:
            try:
                work(files)
                os._exit(0)
            except BaseException as error:  # noqa: BLE001
                print(type(error).__name__, error, file=sys.stderr)
                os._exit(1)
        children[child] = files
    failed = kills = 0
    while children:
        if plan["kills"] > kills and dice.random() < 0.5:
            time.sleep(dice.random() * 0.05)
            victim = dice.choice(sorted(children))
            os.kill(victim, signal.SIGKILL)
            kills += 1
        done, status = os.wait()
        files = children.pop(done)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            child = os.fork()
            if child == 0:
                work(files)
                os._exit(0)
            children[child] = files
        failed += code > 0
    return {"failed": failed, "kills": kills, "last": answer(lambda: state(corpus))}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for one in json.loads(Path(sys.argv[1]).read_text()):
        kind = one["kind"]
        found = at_random(one) if kind == "random" else writers(one) if kind == "writers" else each_step(one, kind)
        print(json.dumps(found), flush=True)
