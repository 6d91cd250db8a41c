"""Work on a stranger's file in a process of its own, with bounds on its memory, its processor time and the clock.

A crash, a loop without end or a bomb takes that process with it and no other. What comes back is JSON and arrays,
never an object that the process made. Inside it no other process can be started, no connection opened and no file
written (an audit hook refuses); that keeps data from becoming more than data, it is no prison for running code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from discourse import errors
from discourse.errors import BadInput, DiscourseError, UsageError

__all__ = ["run_limited"]

_START: Final = (
    "import sys; sys.path += [one for one in sys.argv[1:] if one not in sys.path]; "
    "from discourse.registry import limited; limited.serve()"
)
_ANSWER_BYTES: Final = 256 * 2**20
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
_REFUSED: Final = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.kill", "shutil.", "tempfile.", "ctypes.dlopen", "pickle.find_class",
    "webbrowser.", "urllib.",
)  # fmt: skip
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def run_limited(
    function: Callable[..., Mapping[str, Any]],
    *args: Any,
    memory: int = 2**30,
    cpu_seconds: int = 10,
    wall_seconds: float = 30.0,
) -> dict[str, Any]:
    """What `function(*args)` returns, worked out by a new process with bounds.

    `function` stands at the top of a module; its arguments are what JSON can say, its result a mapping of names to
    what JSON can say or to arrays of numbers. `memory` is in bytes of address space, `cpu_seconds` of the processor,
    `wall_seconds` by the clock; the start of the process counts. An error of this package is raised here again;
    anything else that ends the process raises `BadInput` with the reason and no word of the file. Raises `UsageError`
    for a function or argument that cannot be sent and where the system cannot bound a process.

    >>> run_limited(sizes, [3, 4])["array"].shape
    (3, 4)
    """
    if os.name != "posix":
        raise UsageError("this system cannot bound a process; open the file on Linux")
    module, name = function.__module__, function.__qualname__
    where = getattr(sys.modules.get(module), "__file__", None)
    if "." in name or "<" in name or where is None:
        raise UsageError(f"{name} cannot be sent to another process; give a function at the top of a module")
    request = {"module": module, "name": name, "args": list(args), "memory": memory, "cpu": cpu_seconds}
    try:
        told = json.dumps(request).encode()
    except (TypeError, ValueError):
        raise UsageError(f"an argument of {name} is not what JSON can say; give words, numbers and lists") from None
    roots = [str(Path(one).resolve().parents[depth]) for one, depth in
             ((__file__, 2), (np.__file__, 1), (where, module.count(".")))]  # fmt: skip
    command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, *roots]
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile() as answer:
        code = _wait(command, told, answer, Path(empty), wall_seconds)
        if code is None:
            raise BadInput(f"took longer than {wall_seconds:g} seconds and was stopped")
        answer.seek(0)
        return _answer(answer.read(_ANSWER_BYTES), code, memory, cpu_seconds)


def sizes(shape: list[int]) -> dict[str, Any]:
    """An array of zeros of a shape: for the example above.

    >>> sizes([2])["array"].tolist()
    [0.0, 0.0]
    """
    return {"array": np.zeros(shape)}


def _wait(command: list[str], told: bytes, answer: IO[bytes], empty: Path, seconds: float) -> int | None:
    """The exit code of a process that is given words and writes its answer; None when it had to be stopped."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | dict.fromkeys(_THREADS, "1")
    process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
        command, stdin=subprocess.PIPE, stdout=answer, stderr=subprocess.DEVNULL, cwd=empty, env=environment,
        start_new_session=True,
    )  # fmt: skip
    try:
        process.communicate(told, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    except BrokenPipeError:
        pass
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _answer(data: bytes, code: int, memory: int, cpu_seconds: int) -> dict[str, Any]:
    """The result that a process wrote, or the error that it ended with."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if code < 0:
        raise BadInput(_ending(-code, cpu_seconds))
    try:
        arrays = dict(load(data))
        told = json.loads(arrays.pop("json").tobytes())
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError):
        raise BadInput("ended the process that opened it without a word") from None
    if "kind" not in told:
        return {**told["values"], **arrays}
    if told["kind"] == "MemoryError":
        raise BadInput(f"needs more than {memory // 2**20} MiB of memory and was stopped")
    kind = getattr(errors, told["kind"], None)
    if told["said"] and isinstance(kind, type) and issubclass(kind, DiscourseError):
        raise kind(told["said"])
    raise BadInput(f"could not be used ({told['kind']})")


def _ending(number: int, cpu_seconds: int) -> str:
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return f"took more than {cpu_seconds} seconds of the processor, or more memory than there is, and was stopped"
    return f"crashed the process that opened it ({signal.Signals(number).name})"


def serve() -> None:
    """The other process: read what is asked for, bound itself, work, answer, end."""
    request = json.load(sys.stdin.buffer)
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        answer = _worked(request)
    except MemoryError:
        answer = {"kind": "MemoryError", "said": ""}
    except DiscourseError as error:
        answer = {"kind": type(error).__name__, "said": str(error)}
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's file brings about
        answer = {"kind": type(error).__name__, "said": ""}
    data = memoryview(_packed(answer))
    while data:
        data = data[os.write(out, data) :]
    os._exit(0)


def _worked(request: dict[str, Any]) -> dict[str, Any]:
    import importlib

    _bound(request["memory"], request["cpu"])
    function = getattr(importlib.import_module(request["module"]), request["name"])
    sys.addaudithook(_watch)
    return {"values": dict(function(*request["args"]))}


def _bound(memory: int, cpu_seconds: int) -> None:
    import resource

    for what, most in (
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _ANSWER_BYTES), (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
    ):  # fmt: skip
        try:
            resource.setrlimit(what, (most, most + (what == resource.RLIMIT_CPU)))
        except (ValueError, OSError):
            raise UsageError("this system cannot bound a process; open the file on Linux") from None


def _watch(event: str, given: tuple[Any, ...]) -> None:
    """Refuse what work on a file has no need of."""
    if event.startswith(_REFUSED) or (event == "open" and (given[2] or 0) & _WRITES):
        raise PermissionError(event)


def _packed(answer: dict[str, Any]) -> bytes:
    from safetensors.numpy import save

    values = answer.get("values", {})
    arrays = {name: np.ascontiguousarray(one) for name, one in values.items() if isinstance(one, np.ndarray)}
    plain = {**answer, "values": {name: one for name, one in values.items() if name not in arrays}}
    told = json.dumps(plain).encode()
    return bytes(save({**arrays, "json": np.frombuffer(told, dtype=np.uint8)}))
