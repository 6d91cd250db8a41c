"""Scored posts on disk: what measuring needs of every post, without its text; and the file that names all parts.

A folder of scores holds `scores.json`, which names every part with its hash, `parts/` with the parts (Parquet with page
checksums, each named after its content) and `done/` with one small file a partition: which part holds its scores, and
from what they were made. It holds pseudonyms and is its owner's alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from discourse.errors import BadInput, MissingData
from discourse.schema import FRAMES, FRAMINGS, KINDS, LANGUAGES, POSTS, Table
from discourse.whole import write_whole

__all__ = ["SCORED", "ScoredPart", "Scores", "finish_part", "finished_part", "read_part", "read_scores", "write_scores"]

SCORED = Table(
    "scored",
    {
        **{name: POSTS.columns[name] for name in ("post_id", "author_id", "created_at", "side", "lang", "platform",
                                                  "kind", "sentiment")},
        **{f"p_{frame}": pl.Float64 for frame in FRAMES},
        "predicted": pl.String,
        "copy_id": pl.String,
    },
    required=frozenset({"post_id", "author_id", "created_at", "side", "lang", "platform", "kind", "predicted"}),
    values={"kind": KINDS, "lang": LANGUAGES, "predicted": FRAMINGS.values["predicted"]},
    key=("post_id",),
)  # fmt: skip

_LAYOUT: Final = "discourse-scores-1"
_NAME: Final = "scores.json"
_PARTS, _DONE = "parts", "done"
_REPEATED: Final = ["author_id", "side", "lang", "platform", "kind", "sentiment", "predicted"]


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """The scores of one partition: its file, what it was made from (`fingerprint`) and the buckets that it covers.

    >>> ScoredPart("a.parquet", "00", 10, 1, "ff", 0, 65535).rows
    1
    """

    name: str
    sha256: str
    bytes: int
    rows: int
    fingerprint: str
    low: int
    high: int


@dataclass(frozen=True)
class Scores:
    """All parts of a folder of scores, and the model that made them.

    >>> Scores("linear@00", ()).rows
    0
    """

    model: str
    parts: tuple[ScoredPart, ...]

    @property
    def rows(self) -> int:
        """How many posts are scored."""
        return sum(part.rows for part in self.parts)


def finish_part(folder: Path, frame: pl.DataFrame, made: str, low: int, high: int) -> ScoredPart:
    """Write the scores of a partition, then what says that they are there; both whole or not at all."""
    sink = BytesIO()
    pq.write_table(
        SCORED.require(frame).select(list(SCORED.columns)).sort("post_id").to_arrow(), sink,
        compression="zstd", write_page_checksum=True, write_statistics=False, use_dictionary=_REPEATED,
    )  # fmt: skip
    content = sink.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    part = ScoredPart(f"{digest[:40]}.parquet", digest, len(content), frame.height, made, low, high)
    write_whole(folder / _PARTS / part.name, content, private=True)
    write_whole(_done(folder, low, high), _json(asdict(part)), private=True)
    return part


def finished_part(folder: Path, made: str, low: int, high: int) -> ScoredPart | None:
    """The scores of a partition if they are there, undamaged, and were made from the same; None otherwise.

    >>> finished_part(Path("no-such-folder"), "ff", 0, 65535) is None
    True
    """
    try:
        part = ScoredPart(**json.loads(_done(folder, low, high).read_bytes()))
        if (part.fingerprint, part.low, part.high) != (made, low, high):
            return None
        content = (folder / _PARTS / Path(part.name).name).read_bytes()
    except (OSError, ValueError, TypeError):
        return None
    return part if hashlib.sha256(content).hexdigest() == part.sha256 else None


def write_scores(folder: Path, scores: Scores) -> None:
    """Name the parts that make the scores, and remove files that belong to none of them."""
    body = {"layout": _LAYOUT, "model": scores.model, "parts": [asdict(part) for part in scores.parts]}
    write_whole(folder / _NAME, _json(body), private=True)
    kept = {folder / _PARTS / part.name for part in scores.parts}
    kept |= {_done(folder, part.low, part.high) for part in scores.parts}
    for place in (_PARTS, _DONE):
        for path in (folder / place).glob("*"):
            if path not in kept:
                path.unlink(missing_ok=True)


def read_scores(folder: str | Path) -> Scores:
    """The scores of a folder. Raises `MissingData` where there are none, `BadInput` when their file is damaged.

    >>> read_scores("no-such-folder")
    Traceback (most recent call last):
    discourse.errors.MissingData: there are no scores in 'no-such-folder'; make them with discourse score
    """
    place = Path(folder)
    try:
        body = json.loads((place / _NAME).read_bytes())
        if body["layout"] != _LAYOUT:
            raise ValueError("layout")
        return Scores(str(body["model"]), tuple(ScoredPart(**part) for part in body["parts"]))
    except (FileNotFoundError, NotADirectoryError):
        raise MissingData(f"there are no scores in {place.name!r}; make them with discourse score") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f"{_NAME} in {place.name!r} is damaged; type discourse score again") from None


def read_part(folder: str | Path, part: ScoredPart, columns: Sequence[str]) -> pl.DataFrame:
    """Columns of one part, their pages checked. Raises `BadInput` when it is damaged or gone.

    >>> read_part("no-such-folder", ScoredPart("a.parquet", "00", 10, 1, "ff", 0, 65535), ["side"])
    Traceback (most recent call last):
    discourse.errors.BadInput: 'a.parquet' of the scores is damaged or gone; type discourse score again
    """
    try:
        with pq.ParquetFile(Path(folder) / _PARTS / part.name, page_checksum_verification=True) as file:
            found: Any = pl.from_arrow(file.read(columns=list(columns)))
    except (OSError, ValueError, KeyError, pa.ArrowException, pl.exceptions.PolarsError):
        raise BadInput(f"{part.name!r} of the scores is damaged or gone; type discourse score again") from None
    made: pl.DataFrame = found.select(pl.col(name).cast(SCORED.columns[name]) for name in columns)
    return made


def _done(folder: Path, low: int, high: int) -> Path:
    return folder / _DONE / f"{low:05}-{high:05}.json"


def _json(body: Any) -> bytes:
    return f"{json.dumps(body, sort_keys=True, indent=1)}\n".encode()
