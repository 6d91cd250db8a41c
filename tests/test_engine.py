from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from discourse.engine import backend
from discourse.engine.backend import Engine
from discourse.errors import BadInput, MissingData, UsageError

TLS = ("ca_file", "cert_file", "key_file")


def _square(number: int) -> int:
    return number * number


def _where(_: int) -> int:
    return os.getpid()


def _refuse(number: int) -> int:
    if number == 3:
        raise UsageError("three is refused")
    return number


def _die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name in TLS:
        (tmp_path / name).write_text("pem")
    return {name: tmp_path / name for name in TLS}


@pytest.mark.parametrize("engine", [Engine("serial"), Engine("threads", 2), Engine("processes", 1)])
def test_answers_come_in_the_order_of_the_items(engine: Engine) -> None:
    assert list(engine.map(_square, range(20))) == [n * n for n in range(20)]
    assert list(engine.map(_square, [])) == []
    with pytest.raises(UsageError, match=r"^three is refused$"):
        list(engine.map(_refuse, range(6)))


def test_processes_are_others_in_order_and_their_death_is_one_sentence() -> None:
    engine = Engine("processes", 2)
    assert list(engine.map(_square, range(20))) == [n * n for n in range(20)]
    assert os.getpid() not in set(engine.map(_where, range(4)))
    with pytest.raises(UsageError, match=r"^three is refused$"):
        list(engine.map(_refuse, range(6)))
    with pytest.raises(BadInput, match=r"^a worker died at its work.*take fewer workers and give the same command"):
        list(engine.map(_die, range(6)))


def test_threads_and_the_serial_engine_stay_in_this_process() -> None:
    for engine in (Engine("serial"), Engine("threads", 2)):
        assert set(engine.map(_where, range(4))) == {os.getpid()}


def test_answers_are_given_out_before_all_work_is_done() -> None:
    asked: list[int] = []
    answers: Iterator[int] = Engine("serial").map(lambda n: asked.append(n) or n, range(9))
    assert next(answers) == 0
    assert asked == [0]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"backend": "spark"}, "backend of the engine is 'spark'; it must be 'processes', 'threads', 'serial' or"),
        ({"workers": 0}, "workers is 0; it must be a whole number from 1 on, or left out"),
        ({"workers": True}, "workers is True"),
        ({"backend": "dask"}, "the engine names no address of a scheduler; write backend = 'dask' with address ="),
        ({"address": "tcp://127.0.0.1:8786"}, "the engine has an address and is not dask; write"),
        ({"backend": "dask", "address": "127.0.0.1:8786"}, "is '127.0.0.1:8786'; it must be like 'tls://host:8786'"),
        ({"backend": "dask", "address": "tcp://127.0.0.1"}, "must be like"),
        ({"backend": "dask", "address": "tcp://127.0.0.1:many"}, "must be like"),
        ({"backend": "dask", "address": "inproc://127.0.0.1:1"}, "must be like"),
        ({"backend": "dask", "address": "tcp://10.0.0.5:8786"}, "off this machine it must begin with tls:// and have"),
        ({"backend": "dask", "address": "tcp://0.0.0.0:8786"}, "off this machine it must begin with tls:// and have"),
        ({"backend": "dask", "address": "tcp://localhost.example.org:8786"}, "off this machine it must begin with"),
        ({"backend": "dask", "address": "tls://10.0.0.5:8786"}, "with tls:// it must have ca_file, cert_file and"),
        ({"backend": "dask", "address": "tls://127.0.0.1:8786"}, "with tls:// it must have ca_file, cert_file and"),
    ],
)
def test_an_impossible_engine_is_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Engine(**given)
    assert sentence in str(caught.value)


def test_tls_wants_all_three_files_and_tls_in_the_address(files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"^the engine has ca_file alone; TLS needs ca_file, cert_file and key_file$"):
        Engine("dask", address="tls://10.0.0.5:8786", ca_file=files["ca_file"])
    with pytest.raises(UsageError, match="must begin with tls://"):
        Engine("dask", address="tcp://10.0.0.5:8786", **files)
    assert Engine("dask", address="tls://10.0.0.5:8786", **files).key_file == files["key_file"]
    files["cert_file"].unlink()
    with pytest.raises(MissingData, match=r"^there is no cert_file at 'cert_file'; the engine needs it for TLS$"):
        Engine("dask", address="tls://10.0.0.5:8786", **files)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "[::1]", "localhost"])
def test_on_this_machine_no_tls_is_needed(host: str) -> None:
    assert Engine("dask", address=f"tcp://{host}:8786").address.endswith(":8786")


def test_a_table_gives_an_engine_with_files_beside_it(files: dict[str, Path], tmp_path: Path) -> None:
    table = {"backend": "dask", "address": "tls://10.0.0.5:8786", **{name: name for name in TLS}}
    assert Engine.from_table(table, tmp_path) == Engine("dask", address="tls://10.0.0.5:8786", **files)
    text = "\n".join(f'{key} = "{value}"' for key, value in table.items())
    (tmp_path / "engine.toml").write_text(f"[engine]\n{text}\n")
    assert Engine.from_toml(tmp_path / "engine.toml") == Engine.from_table(table, tmp_path)
    assert Engine.from_table({}) == Engine("processes", None)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"worker": 2}, "a key of [engine] is 'worker'; it must be 'backend', 'workers', 'address', 'ca_file', "),
        ({"backend": 3}, "[engine] has backend = 3"),
        ({"workers": "2"}, "workers of [engine] is '2'; it must be a whole number from 1 on"),
        ({"workers": 0}, "workers is 0"),
        (["processes"], "[engine] is list; it must be a table"),
    ],
)
def test_a_table_that_is_wrong_is_one_sentence(table: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Engine.from_table(table)
    assert sentence in str(caught.value)


def test_a_cluster_that_does_not_answer_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(backend, "PATIENCE", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = Engine("dask", address=f"tcp://127.0.0.1:{port}")
    with pytest.raises(MissingData, match=f"^no Dask scheduler answers at 'tcp://127.0.0.1:{port}'; start one"):
        list(engine.map(abs, [1]))
