"""`check_up`: what is installed here, what is missing, what that would give, and what to type.

Versions come from the metadata of the installed packages: nothing heavy is imported, unless a check of the
libraries themselves is asked for.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from discourse.corpus.privacy import KEY_BYTES, default_key_path

__all__ = ["EXTRAS", "LIBRARIES", "Checkup", "Library", "check_up", "fits"]

EXTRAS = {
    "speed": "numba: intervals, sentiment, language and import of large corpora two to six times as fast, same bytes",
    "notebooks": "Jupyter, to open and run the notebooks",
    "stats": "statsmodels, to compare event models with an independent library",
    "distributed": "Dask, to spread a study over a cluster",
    "embeddings": "sentence encoders beside the words as features of the classifier (gigabytes)",
    "transformers": "torch and transformers, to use an encoder from a folder as the classifier (gigabytes)",
}
"""What each extra gives. `dev` and `docs` are for those who work on the package itself."""
LIBRARIES = {
    "speed": ("numba",), "notebooks": ("jupyter", "jupytext", "nbclient"), "stats": ("statsmodels",),
    "distributed": ("distributed",), "embeddings": ("model2vec", "sentence-transformers"),
    "transformers": ("torch", "transformers"),
}  # fmt: skip
"""The libraries of each extra, as pyproject.toml names them."""
_MODULES = {"scikit-learn": "sklearn", "backports-zstd": "backports.zstd", "vadersentiment": "vaderSentiment"}
_NEED = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?\s*([^;]*?)\s*(?:;\s*(.*))?", re.ASCII)
_EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")
_BELOW = re.compile(r"python_version < ['\"](\d+)\.(\d+)['\"]")
_BOUND = re.compile(r"(>=|<=|==|!=|<|>|~=)\s*([\w.]+)")
_PYTHON = (3, 11)
_PACKAGE = Path(__file__).resolve().parents[1]
_FONTS = {"figures": "plots/fonts/naskh.ttf", "coding pages": "sheets/fonts/naskh.woff2"}


@dataclass(frozen=True)
class Library:
    """One library: the version that is installed (None: it is not), what is wanted of it, and the extra it is for.

    `problem` says in words what is wrong, and is empty where nothing is.
    """

    name: str
    version: str | None
    wanted: str
    extra: str | None
    problem: str


@dataclass(frozen=True)
class Checkup:
    """What was found. `problems` pairs each thing that must be mended with the line to type; memory is in bytes.

    `extras` tells of each extra whether all its libraries are there; `fonts` of each use; `key` is "there", "made on
    first use" or a problem in words.
    """

    python: str
    package: str | None
    libraries: tuple[Library, ...]
    extras: dict[str, bool]
    fonts: dict[str, bool]
    key_path: str
    key: str
    writable: bool
    cores: int
    memory: int | None
    problems: tuple[tuple[str, str], ...]


def check_up(folder: str | Path = ".", *, load: bool = False) -> Checkup:
    """Look at Python, the package, its libraries, fonts, the key's place and the folder that results would go to.

    With `load` each core library is imported too, in a process of its own: that takes seconds and finds a library
    that is installed and broken. Nothing is written but one empty file, which is removed; no key is read.

    >>> list(check_up().extras) == list(EXTRAS)
    True
    """
    package = _version("discourse")
    libraries = tuple(_libraries())
    if load:
        libraries = tuple(_loaded(libraries))
    fonts = {use: (_PACKAGE / name).is_file() for use, name in _FONTS.items()}
    key_path = default_key_path()
    key, cores, memory, writable = _key(key_path), _cores(), _memory(), _writable(Path(folder))
    problems = [*_of_python(package), *_of_libraries(libraries)]
    problems += [(f"the font of {use} for Arabic letters is missing", _again()) for use, there in fonts.items()
                 if not there]  # fmt: skip
    if key not in ("there", "made on first use"):
        problems.append((f"the key file {_shown(key_path)} {key}", _key_line(key, key_path)))
    if not writable:
        problems.append(
            ("this folder cannot be written to", "cd into a folder of your own, or give --work and --figures")
        )
    extras = {name: all(one.version and not one.problem for one in libraries if one.extra == name) for name in EXTRAS}
    return Checkup(
        platform.python_version(), package, libraries, extras, fonts, _shown(key_path), key, writable, cores, memory,
        tuple(problems),
    )  # fmt: skip


def fits(version: str, wanted: str) -> bool:
    """Whether a version is within bounds like ">=2.1,<3", by its numbers alone.

    >>> fits("2.1.0", ">=2.1,<3"), fits("3.0", ">=2.1,<3"), fits("2.0.9", ">=2.1,<3")
    (True, False, False)
    """
    have = _numbers(version)
    for sign, bound in _BOUND.findall(wanted):
        want = _numbers(bound)
        size = max(len(have), len(want))
        a, b = have + (0,) * (size - len(have)), want + (0,) * (size - len(want))
        held = {">=": a >= b, "~=": a >= b, ">": a > b, "<=": a <= b, "<": a < b, "==": a == b, "!=": a != b}[sign]
        if not held:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else (0,)


def _libraries() -> Iterator[Library]:
    """Core libraries as the metadata of the package names them, then those of each extra."""
    bounds: dict[tuple[str, str | None], str] = {}
    for name, wanted, marker in _needs():
        below, extra = _BELOW.search(marker), _EXTRA.search(marker)
        if not (below and sys.version_info[:2] >= (int(below[1]), int(below[2]))):
            bounds[name, extra[1] if extra else None] = wanted
    for name in sorted(name for name, extra in bounds if extra is None):
        yield _library(name, bounds[name, None], None)
    for of, names in LIBRARIES.items():
        for name in names:
            yield _library(name, bounds.get((name, of), ""), of)


def _needs() -> Iterator[tuple[str, str, str]]:
    """Name, bounds and marker of each requirement; names in the one form that they are compared in."""
    try:
        needs = metadata.requires("discourse") or []
    except metadata.PackageNotFoundError:
        return
    for match in filter(None, map(_NEED.fullmatch, needs)):
        yield re.sub(r"[-_.]+", "-", match[1]).casefold(), match[2].strip("() "), match[3] or ""


def _library(name: str, wanted: str, extra: str | None) -> Library:
    version = _version(name)
    problem = ""
    if version is None:
        problem = "is not installed"
    elif not fits(version, wanted):
        problem = f"is {version}, wanted is {wanted}"
    elif not _is_there(_module(name)):
        problem = "is listed as installed, and its files are gone"
    return Library(name, version, wanted, extra, problem)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name) or None
    except metadata.PackageNotFoundError:
        return None


def _module(name: str) -> str:
    return _MODULES.get(name, name.replace("-", "_"))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _loaded(libraries: tuple[Library, ...]) -> Iterator[Library]:
    """The libraries again; a core one that cannot be imported has a problem."""
    for one in libraries:
        if one.problem or one.extra is not None:
            yield one
            continue
        done = subprocess.run(  # noqa: S603 (the interpreter at work, a module of a fixed list)
            [sys.executable, "-c", f"import {_module(one.name)}"], capture_output=True, text=True, check=False
        )
        said = (done.stderr.strip().splitlines() or ["it stopped without a word"])[-1]
        problem = f"is {one.version} and cannot be loaded ({said[:120]})" if done.returncode else ""
        yield Library(one.name, one.version, one.wanted, one.extra, problem)


def _of_python(package: str | None) -> Iterator[tuple[str, str]]:
    if sys.version_info[:2] < _PYTHON:
        yield f"Python is {platform.python_version()}, wanted is 3.11 or later", "python3.11 -m venv .venv"
    if package is None:
        yield "the package is run from its files and is not installed", "pip install ."


def _of_libraries(libraries: tuple[Library, ...]) -> Iterator[tuple[str, str]]:
    """Core libraries must be there; one of an extra may be missing, and may not be too old."""
    for one in libraries:
        if one.problem and (one.extra is None or one.version is not None):
            yield f"{one.name} {one.problem}", f'pip install --force-reinstall "{one.name}{one.wanted}"'


def _again() -> str:
    return "pip install --force-reinstall --no-deps ."


def _key(path: Path) -> str:
    """What there is to say of the key file, without reading it."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return "made on first use" if _may_be_made(path) else "cannot be made there"
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if not path.is_file() or status.st_size != KEY_BYTES:
        return "is no key"
    if os.name == "posix" and status.st_mode & 0o077:
        return "can be read by others"
    return "there"


def _key_line(key: str, path: Path) -> str:
    if key == "can be read by others":
        return f"chmod 600 {_shown(path)}"
    return "export DISCOURSE_KEY_FILE=a-place-of-your-own.key"


def _may_be_made(path: Path) -> bool:
    nearest = next((one for one in path.absolute().parents if one.exists()), None)
    return nearest is not None and nearest.is_dir() and os.access(nearest, os.W_OK)


def _shown(path: Path) -> str:
    """A path without the name of the home directory."""
    try:
        return (Path("~") / path.relative_to(Path.home())).as_posix()
    except (ValueError, RuntimeError):
        return path.as_posix()


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _memory() -> int | None:
    """Bytes of memory of the machine, or of what this process may use of it; None where the system does not say."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return whole
    return min(whole, int(limit)) if limit.isdigit() else whole
