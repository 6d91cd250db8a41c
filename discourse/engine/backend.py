"""Where the work on partitions is done: in processes or threads of this machine, or on a Dask cluster that is there.

This is a choice, not a scheduler: joblib and Dask start, order and (Dask) repeat the work. What was finished before a
run broke off is kept on disk by those who work (`engine.scoring`), so that the next run goes on from there.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from discourse.errors import BadInput, MissingData, SchemaError, UsageError
from discourse.schema import one_of
from discourse.settings import only_keys, read_toml, word

__all__ = ["BACKENDS", "Engine"]

BACKENDS: Final = ("processes", "threads", "serial", "dask")
PATIENCE: Final = 10.0
"""Seconds within which a scheduler must answer."""

_JOBLIB: Final = {"processes": "loky", "threads": "threading"}
_FILES: Final = ("ca_file", "cert_file", "key_file")
_DIED: Final = (
    "a worker died at its work, perhaps for want of memory; what was finished is kept: take fewer workers and "
    "give the same command again"
)

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Engine:
    """How partitions are worked on; whatever it is, the results are the same bytes.

    `backend` is "processes" (of this machine), "threads", "serial" (this thread alone) or "dask" (the cluster whose
    scheduler is at `address`). `workers` is how many work at the same time; without it, as many as the machine has
    cores; a cluster has its own. Off this machine an address begins with tls:// and `ca_file`, `cert_file` and
    `key_file` are needed, for whoever may talk to a scheduler can run any code on it.

    >>> list(Engine("serial").map(abs, [-1, 2]))
    [1, 2]
    >>> Engine("dask", address="tcp://203.0.113.7:8786")
    Traceback (most recent call last):
    discourse.errors.UsageError: the address of the cluster is 'tcp://203.0.113.7:8786'; off this machine it must begin
    with tls:// and have ca_file, cert_file and key_file
    """

    backend: str = "processes"
    workers: int | None = None
    address: str = ""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        try:
            one_of(self.backend, BACKENDS, "backend of the engine")
        except SchemaError as error:
            raise UsageError(str(error)) from None
        if self.workers is not None and (isinstance(self.workers, bool) or self.workers < 1):
            raise UsageError(f"workers is {self.workers!r}; it must be a whole number from 1 on, or left out")
        if (self.backend == "dask") != bool(self.address):
            wanted = "names no address of a scheduler" if self.backend == "dask" else "has an address and is not dask"
            raise UsageError(
                f"the engine {wanted}; write backend = 'dask' with address = 'tls://host:8786', or neither"
            )
        if self.backend == "dask":
            self._check_address()

    def _check_address(self) -> None:
        given = [name for name in _FILES if getattr(self, name) is not None]
        if given and len(given) < len(_FILES):
            raise UsageError(f"the engine has {' and '.join(given)} alone; TLS needs ca_file, cert_file and key_file")
        try:
            place = urlsplit(self.address)
            known, secured = place.port is not None and bool(place.hostname), place.scheme == "tls"
        except ValueError:
            known, secured = False, False
        if not known or place.scheme not in ("tcp", "tls"):
            raise UsageError(f"the address of the cluster is {self.address!r}; it must be like 'tls://host:8786'")
        if secured != bool(given) or not (secured or _is_here(place.hostname or "")):
            where = "with tls:// it must" if secured else "off this machine it must begin with tls:// and"
            raise UsageError(
                f"the address of the cluster is {self.address!r}; {where} have ca_file, cert_file and key_file"
            )
        for name in _FILES:
            if (path := getattr(self, name)) is not None and not Path(path).is_file():
                raise MissingData(f"there is no {name} at {Path(path).name!r}; the engine needs it for TLS")

    @classmethod
    def from_table(cls, table: Any, folder: str | Path = ".") -> Engine:
        """The engine of the table `[engine]` in a settings file; files in it are found from `folder`.

        Raises `UsageError` naming what is wrong, `MissingData` for a file that is not there.

        >>> Engine.from_table({"backend": "threads", "workers": 2}).workers
        2
        """
        where = "[engine]"
        given = dict(only_keys(table, ("backend", "workers", "address", *_FILES), where))
        for key in given.keys() - {"workers"}:
            word(given, key, where)
        if not isinstance(given.get("workers", 1), int):
            raise UsageError(f"workers of {where} is {given['workers']!r}; it must be a whole number from 1 on")
        paths = {name: Path(folder) / given.pop(name) for name in _FILES if name in given}
        return cls(**(given | paths))

    @classmethod
    def from_toml(cls, path: str | Path) -> Engine:
        """The engine of a TOML file with the one table `[engine]`. Raises as `from_table`, and where there is none.

        >>> Engine.from_toml("no-such.toml")
        Traceback (most recent call last):
        discourse.errors.MissingData: there is no engine file 'no-such.toml'; give the path of a TOML file
        """
        data = only_keys(read_toml(path, "engine file"), ("engine",), "the engine file")
        return cls.from_table(data.get("engine", {}), Path(path).parent)

    def map(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
        """What `function` makes of each item, in their order, given out as soon as it is there.

        Function and items travel to the workers, so both are small and of importable modules. An error of the function
        is raised here; raises `BadInput` when a worker died and could not be replaced, `MissingData` when the cluster
        or the extra `distributed` is not there.
        """
        if self.backend == "dask":
            return self._on_dask(function, items)
        if self.backend == "serial" or self.workers == 1 or len(items) < 2:
            return map(function, items)
        return self._on_joblib(function, items)

    def _on_joblib(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.process_executor import BrokenProcessPool

        with parallel_config(backend=_JOBLIB[self.backend]):
            run = Parallel(n_jobs=self.workers or -1, return_as="generator", batch_size=1, pre_dispatch="2 * n_jobs")
        try:
            yield from run(delayed(function)(item) for item in items)
        except BrokenProcessPool:
            raise BadInput(_DIED) from None

    def _on_dask(self, function: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
        # Dask's own client and not joblib's backend for it, which waits for ever once a task has lost four workers.
        try:
            import distributed
        except ImportError:
            raise MissingData("the backend dask needs the extra: pip install 'discourse[distributed]'") from None
        dask: Any = distributed
        security = dask.Security(
            tls_ca_file=str(self.ca_file), tls_client_cert=str(self.cert_file), tls_client_key=str(self.key_file),
            require_encryption=True,
        ) if self.ca_file else None  # fmt: skip
        try:
            client = dask.Client(self.address, security=security, timeout=PATIENCE, set_as_default=False)
        except (OSError, TimeoutError):
            raise MissingData(f"no Dask scheduler answers at {self.address!r}; start one or mend the address") from None
        with client:
            ahead = 2 * max(1, sum(client.ncores().values()))
            waiting = iter(items)
            running = deque(client.submit(function, item, pure=False) for item in islice(waiting, ahead))
            try:
                while running:
                    answer = running.popleft().result()
                    running.extend(client.submit(function, item, pure=False) for item in islice(waiting, 1))
                    yield answer
            except dask.KilledWorker:
                raise BadInput(_DIED) from None


def _is_here(host: str) -> bool:
    """Whether a host is this machine, by its name or number alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
