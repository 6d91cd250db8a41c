"""A process with bounds: what it may give, what it must not do, and that nothing it does reaches this one."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import limited_work as work
import numpy as np
import pytest

from discourse.errors import BadInput, MeaningError, UsageError
from discourse.registry.limited import run_limited

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process in all of this")


def test_json_and_arrays_come_back_and_what_a_library_prints_does_not() -> None:
    made = run_limited(work.echo, "a", 2, None, [1.5, {"b": False}])
    assert made["given"] == ["a", 2, None, [1.5, {"b": False}]]
    assert made["words"] == "امن"
    assert made["array"].tolist() == [0, 1, 2]
    assert made["array"].dtype == np.int64


def test_it_works_in_an_empty_folder_with_a_bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOURSE_KEY_FILE", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    made = run_limited(work.where, "")
    assert made["files"] == []
    assert not {"DISCOURSE_KEY_FILE", "PYTHONPATH", "HOME"} & set(made["names"])


def test_an_error_of_the_package_comes_back_as_it_is() -> None:
    with pytest.raises(MeaningError, match=r"^both are one$"):
        run_limited(work.refuse, "both are one")


def test_any_other_error_comes_back_without_its_words() -> None:
    with pytest.raises(BadInput) as caught:
        run_limited(work.fail, "a secret of the file")
    assert str(caught.value) == "could not be used (ValueError)"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("function", "bounds", "said"),
    [
        (work.crash, {}, r"^crashed the process that opened it \(SIGSEGV\)$"),
        (work.hang, {"cpu_seconds": 1}, r"^took more than 1 seconds of the processor"),
        (work.sleep, {"wall_seconds": 2.0}, r"^took longer than 2 seconds and was stopped$"),
        (work.gorge, {"memory": 2**29}, r"^needs more than 512 MiB of memory and was stopped$"),
        (work.end, {}, r"^ended the process that opened it without a word$"),
    ],
)
def test_what_goes_wrong_there_is_one_sentence_here(
    function: Callable[..., Any], bounds: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        run_limited(function, **({"wall_seconds": 60.0} | bounds))


@pytest.mark.parametrize("function", [work.write, work.write_low, work.shell, work.start, work.fork])
def test_no_file_is_written_and_no_process_started(function: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^could not be used \(PermissionError\)$"):
        run_limited(function, str(tmp_path / "harm"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("function", [work.connect, work.fetch])
def test_no_connection_is_opened(function: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        with pytest.raises(BadInput, match="PermissionError"):
            run_limited(function, server.getsockname()[1])
        with pytest.raises(TimeoutError):
            server.accept()


def test_what_cannot_be_sent_is_refused_before_a_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(UsageError, match="a function at the top of a module"):
        run_limited(lambda: {})
    with pytest.raises(UsageError, match="not what JSON can say"):
        run_limited(work.echo, object())
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(UsageError, match="cannot bound a process"):
        run_limited(work.echo)


def test_the_work_does_harm_where_nobody_stops_it(tmp_path: Path) -> None:
    """So that what is refused above is refused by the bounds, not by chance."""
    for function in (work.write, work.write_low, work.shell, work.start):
        place = tmp_path / function.__name__
        function(str(place))
        assert place.exists()
    assert "limited_work" in sys.modules
