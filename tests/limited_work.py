"""What a limited process is given to do by tests/test_registry_limited.py."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from discourse.errors import MeaningError


def echo(*given: Any) -> dict[str, Any]:
    print("a library that talks")
    return {"given": list(given), "array": np.arange(3), "words": "امن"}


def where(_: str) -> dict[str, Any]:
    return {"files": os.listdir("."), "names": sorted(os.environ)}


def crash() -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def hang() -> dict[str, Any]:
    while True:
        pass


def sleep() -> dict[str, Any]:
    time.sleep(600)
    return {}


def gorge() -> dict[str, Any]:
    held = []
    while True:
        held.append(bytearray(2**24))


def end() -> dict[str, Any]:
    os._exit(0)


def fail(secret: str) -> dict[str, Any]:
    raise ValueError(secret)


def refuse(said: str) -> dict[str, Any]:
    raise MeaningError(said)


def write(path: str) -> dict[str, Any]:
    Path(path).write_text("harm")
    return {}


def write_low(path: str) -> dict[str, Any]:
    os.open(path, os.O_WRONLY | os.O_CREAT)
    return {}


def shell(path: str) -> dict[str, Any]:
    os.system(f"touch {path}")
    return {}


def start(path: str) -> dict[str, Any]:
    subprocess.run(["touch", path], check=True)
    return {}


def fork(path: str) -> dict[str, Any]:
    if os.fork() == 0:
        os._exit(0)
    return {}


def connect(port: int) -> dict[str, Any]:
    socket.create_connection(("127.0.0.1", port))
    return {}


def fetch(port: int) -> dict[str, Any]:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/")
    return {}
