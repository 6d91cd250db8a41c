"""Processes of their own that register and promote, and die at a chosen step or are killed while others work.

Run by tests/test_registry.py: `python registering.py PLAN.json`. Each attempt is a fork of a process that has started
no thread. What is printed is JSON.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from discourse.errors import MeaningError
from discourse.framing.store import load_model
from discourse.registry import folder
from discourse.registry.decision import Check, Comparison
from discourse.registry.facts import Facts
from discourse.registry.folder import current, entry, history, register, versions
from discourse.registry.loading import verify_registry
from discourse.registry.promotion import promote
from discourse.store import disk

NAME = "framing"
STEPS = ("write_bytes", "fsync", "rename", "link", "sync_folder", "remove")
FACTS = Facts(training=None, codebook="framing 2")
WHEN = datetime(2025, 1, 6, tzinfo=UTC)
_PLAIN = {name: getattr(disk, name) for name in STEPS}
_SAVE = folder.save_model  # type: ignore[attr-defined]


class Fault:
    """Counts the steps on the disk and kills this process before one of them, or after half of a file's bytes."""

    def __init__(self, number: int, when: str) -> None:
        self.number, self.when, self.count = number, when, 0

    def wrap(self, function: Callable[..., Any], writes: bool) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:
            counted = writes or self.when == "before"
            self.count += counted
            if counted and self.count == self.number:
                if self.when == "within":
                    function(*given, **named)
                    file = next(one for one in given if isinstance(one, Path))
                    data = file.read_bytes()
                    file.write_bytes(data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*given, **named)

        return step

    def __enter__(self) -> Fault:
        for name in STEPS:
            setattr(disk, name, self.wrap(_PLAIN[name], name == "write_bytes"))
        folder.save_model = self.wrap(_SAVE, True)  # type: ignore[attr-defined]
        return self

    def __exit__(self, *_: object) -> None:
        for name in STEPS:
            setattr(disk, name, _PLAIN[name])
        folder.save_model = _SAVE  # type: ignore[attr-defined]


def comparison(place: str, version: str, better: bool = True) -> Comparison:
    """A comparison with what is current, as if it had been made."""
    check = Check(
        what="macro_f1", group="all", incumbent=0.5, candidate=0.6 if better else 0.4, difference=0.1, low=0.05,
        high=0.15, posts=500, authors=200, judged=True, passed=better, said="macro-F1 of all",
    )  # fmt: skip
    now = current(place, NAME)
    assert now is not None
    return Comparison(
        incumbent=now.model_sha256, candidate=entry(place, NAME, version).card.model_sha256, margin=0.02, level=0.95,
        replicates=200, seed=7, posts=500, authors=200, left_out=0, only_incumbent_right=1, only_candidate_right=2,
        mcnemar_p=1.0, checks=(check,),
    )  # fmt: skip


OPERATIONS: dict[str, Callable[[str, str], Any]] = {
    "register": lambda place, file: register(load_model(file), place, NAME, FACTS, created=WHEN),
    "promote": lambda place, version: promote(place, NAME, version, comparison(place, version), at=WHEN),
}


def forked(work: Callable[[], Any], wait: float | None = None) -> int:
    """Do work in a fork; its exit code, below 0 when it was killed, 6 when it was refused."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except MeaningError:
            code = 6
        finally:
            os._exit(code)
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def answer(work: Callable[[], Any]) -> Any:
    """What work gives, worked out in a fork, so that this process never starts a thread."""
    read, write = os.pipe()
    code = forked(lambda: os.write(write, json.dumps(work()).encode()))
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    return json.loads(told) if code == 0 else {"failed": code}


def state(place: str) -> dict[str, Any]:
    found = verify_registry(place)
    return {
        "versions": versions(place, NAME),
        "models": [entry(place, NAME, one).card.model_id for one in versions(place, NAME)],
        "decided": [one.version for one in history(place, NAME)],
        "faults": [str(one) for one in found.faults],
        "leftovers": list(found.leftovers),
    }


def each_step(plan: dict[str, Any]) -> dict[str, Any]:
    """One attempt for each step and moment: the state right after, and after the same again."""
    operation, given, tried = OPERATIONS[plan["operation"]], plan["given"], []
    for when in ("before", "within"):
        for number in range(1, 1000):
            place = plan["place"]
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(plan["base"], place)

            def work(place: str = place, number: int = number, when: str = when) -> None:
                with Fault(number, when) as fault:
                    operation(place, given)
                os._exit(99 if fault.count < number else 0)

            code = forked(work)
            if code == 99:
                break
            then = answer(partial(state, place))
            again = forked(partial(operation, place, given))
            last = answer(partial(state, place))
            tried.append({"when": when, "step": number, "code": code, "then": then, "again": again, "last": last})
    return {"tried": tried}


def writers(plan: dict[str, Any]) -> dict[str, Any]:
    """Several processes at once, each with things to register or promote, some of them killed and begun again."""
    dice = random.Random(plan["seed"])
    operation, place = OPERATIONS[plan["operation"]], plan["place"]

    def work(given: list[str]) -> None:
        for one in given:
            operation(place, one)

    def begun(given: list[str]) -> int:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(given)
                code = 0
            except MeaningError:
                code = 6
            finally:
                os._exit(code)
        return child

    children = {begun(given): given for given in plan["given"]}
    codes, kills = [], 0
    while children:
        if plan["kills"] > kills:
            time.sleep(dice.random() * 0.3)
            victim = dice.choice(sorted(children))
            os.kill(victim, signal.SIGKILL)
            kills += 1
        done, status = os.wait()
        given, code = children.pop(done), os.waitstatus_to_exitcode(status)
        if code < 0:
            children[begun(given)] = given
        else:
            codes.append(code)
    return {"codes": sorted(codes), "kills": kills, "last": answer(lambda: state(place))}


if __name__ == "__main__":
    for one in json.loads(Path(sys.argv[1]).read_text()):
        print(json.dumps(writers(one) if one["kind"] == "writers" else each_step(one)), flush=True)
