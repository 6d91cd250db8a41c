"""Figures of the page that are pictures: drawn by matplotlib, held inside the file, and small enough for it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from discourse.errors import UsageError

__all__ = ["Picture", "ReportFigure", "pictures"]

_CSV = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.csv")
ROOM: Final = 2_950_000
"""Bytes of a whole page."""


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the page: its SVG (and PNG, if there is one), its words, and the name of the CSV with its rows."""

    title: str
    caption: str
    alt: str
    svg: bytes = field(repr=False)
    csv: str = ""
    png: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Picture:
    """A figure ready for the page, and its number there.

    `src` is "" where there was no room for it, so that its file must be opened.
    """

    title: str
    caption: str
    alt: str
    csv: str
    src: str
    place: int = 1

    @property
    def name(self) -> str:
        """The name of the figure's files, without their ending."""
        return self.csv.removesuffix(".csv")


def pictures(figures: Iterable[ReportFigure], room: int = ROOM) -> tuple[Picture, ...]:
    """The figures as data inside the page, each in the smaller of its forms, as far as `room` goes.

    Raises `UsageError` for a figure that is no SVG or a CSV name that is not a plain file name.

    >>> pictures([ReportFigure("t", "c", "a", b"<svg/>", "a.csv")])[0].src
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    made: list[Picture] = []
    for figure in figures:
        if not figure.svg.lstrip().startswith((b"<?xml", b"<svg")):
            raise UsageError(
                f"the figure {figure.title!r} is no SVG; give the bytes of the .svg file save_figure wrote"
            )
        if figure.csv and not _CSV.fullmatch(figure.csv):
            raise UsageError(f"the CSV name of figure {figure.title!r} must be a plain file name like 'shares.csv'")
        kind, least = ("svg+xml", figure.svg)
        if figure.png and len(figure.png) < len(figure.svg):
            kind, least = "png", figure.png
        src = f"data:image/{kind};base64,{base64.b64encode(least).decode('ascii')}"
        if len(src) > room and figure.csv:
            src = ""
        room -= len(src)
        made.append(Picture(figure.title, figure.caption, figure.alt, figure.csv, src, len(made) + 1))
    return tuple(made)
