"""The cells of a label file: all strings, with row numbers, so that an error can say where it is."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import polars as pl

from discourse.errors import BadInput, MissingData, SchemaError
from discourse.labels.codebook import Codebook
from discourse.schema import one_of

__all__ = ["ROW", "check_ids", "check_values", "read_cells", "refuse_missing", "with_chances"]

ROW = "row"
_FIRST_ROW = 2
_FLOAT_ID = r"^\d+(?:\.\d+)?[eE]\+?\d+$|^\d+\.0+$"


def read_cells(path: str | Path, needed: tuple[str, ...]) -> pl.DataFrame:
    """The cells of a CSV as stripped strings, empty ones null, and in the column "row" the number of each row.

    Raises `MissingData`, `BadInput` when it is no CSV, and `SchemaError` when a `needed` column is not there.

    >>> read_cells("no-such.csv", ())
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no label file 'no-such.csv'; give the path of a CSV file
    """
    name = Path(path).name
    if not Path(path).is_file():
        raise MissingData(f"there is no label file {str(path)!r}; give the path of a CSV file")
    try:
        cells = pl.read_csv(path, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise BadInput(
            f"the label file {name!r} cannot be read as CSV in UTF-8 with a header; each row needs the same fields"
        ) from None
    for column in needed:
        if column not in cells.columns:
            close = get_close_matches(column, cells.columns, n=1)
            hint = f". Did you mean {close[0]!r}?" if close else ""
            raise SchemaError(f"the label file has no column {column!r}; it has {', '.join(cells.columns)}{hint}")
    stripped = cells.with_columns(pl.all().str.strip_chars().replace("", None))
    return stripped.with_row_index(ROW, offset=_FIRST_ROW)


def refuse_missing(rows: pl.DataFrame, column: str) -> None:
    """Nothing, if every row has `column`; else raises `SchemaError` naming the first row.

    >>> refuse_missing(pl.DataFrame({"row": [2], "coder": ["a"]}), "coder")
    """
    for row in rows.filter(pl.col(column).is_null())[ROW].head(1):
        raise SchemaError(f"row {row} of the label file has no {column}; every row needs one")


def check_values(rows: pl.DataFrame, column: str, variable: str, codebook: Codebook) -> None:
    """Nothing, if the codebook has every value of `column`; else raises `SchemaError` naming the first row.

    >>> from discourse.labels.codebook import Value, Variable
    >>> book = Codebook("framing", 1, (Variable("frame", "nominal", (Value("both", "one and the other"),)),))
    >>> check_values(pl.DataFrame({"row": [2], "value": ["bath"]}), "value", "frame", book)
    Traceback (most recent call last):
    discourse.errors.SchemaError: frame in row 2 is 'bath'; it must be 'both'. Did you mean 'both'?
    """
    allowed = codebook.values(variable)
    wrong = rows.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(allowed))
    for row, value in wrong.select(ROW, column).head(1).rows():
        one_of(value, allowed, f"{variable} in row {row}")


def check_ids(rows: pl.DataFrame, column: str) -> None:
    """Nothing, unless an id looks like "1.36E+18" or "136.0": then raises `SchemaError`, for digits are lost.

    >>> check_ids(pl.DataFrame({"row": [2], "post_id": ["x:9000000000000000001"]}), "post_id")
    """
    bare = pl.col(column).str.split(":").list.last()
    for row in rows.filter(bare.str.contains(_FLOAT_ID))[ROW].head(1):
        raise SchemaError(
            f"the id in row {row} of the label file was turned into a decimal number, probably by a spreadsheet, and "
            "has lost digits; export the file again with ids as text"
        )


def with_chances(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows with `column` as numbers; raises `SchemaError` naming the first row that holds something else.

    >>> with_chances(pl.DataFrame({"row": [2], "inclusion_p": ["0.25"]}), "inclusion_p")["inclusion_p"].to_list()
    [0.25]
    """
    chance = pl.col(column).cast(pl.Float64, strict=False)
    for row in rows.filter(pl.col(column).is_not_null() & chance.is_null())[ROW].head(1):
        raise SchemaError(f"{column} in row {row} of the label file is not a number; write for instance 0.25")
    return rows.with_columns(chance)
