"""How large and how heavy figures are drawn, and the fonts of their text. Nothing global is changed at import.

Text in Arabic script is set in the font that comes along, in the style "paper" as in any other, so that a figure does
not hang on the fonts of a machine. matplotlib looks fonts up by name in its list of fonts, and only a name in that list
lets Latin letters beside Arabic ones come from another font. So the first figure adds one entry to the list, under a
name that no other font has: no figure of anybody else can look different for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from discourse.schema import one_of

__all__ = ["NASKH", "STYLES", "figure_of_size", "font_of", "lettered", "look", "scaled", "size", "style", "thick"]


@dataclass(frozen=True)
class Style:
    """Factors of letters, lines with their markers, and width and height of a figure, all 1 on paper."""

    letters: float = 1.0
    lines: float = 1.0
    width: float = 1.0
    height: float = 1.0


STYLES: Final = {
    "paper": Style(),
    "slides": Style(letters=1.5, lines=1.6, width=1.3, height=1.35),
    "thesis": Style(letters=0.9, lines=0.9, width=0.775, height=0.9),
}
"""Figures 8 inches wide to be reduced, 10.4 inches for a screen, and 6.2 inches for the text of an A4 page."""

NASKH: Final = Path(__file__).with_name("fonts") / "naskh.ttf"
_NAME: Final = "discourse naskh"
_FAMILIES: Final = (_NAME, "DejaVu Sans")
_GROUPS: Final = ("agg", "axes", "date", "errorbar", "figure", "font", "grid", "hatch", "image", "legend", "lines",
                  "markers", "mathtext", "patch", "path", "pdf", "savefig", "svg", "text", "timezone", "xtick",
                  "ytick")  # fmt: skip
_LOOK: Final[dict[str, Any]] = {
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "grid.color": "#dddddd",
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "discourse",
}
_HEAVY: Final = (
    "axes.linewidth", "grid.linewidth", "hatch.linewidth", "patch.linewidth", "xtick.major.width", "xtick.major.size",
    "ytick.major.width", "ytick.major.size",
)  # fmt: skip
_chosen: ContextVar[str] = ContextVar("figure_style", default="paper")


@contextmanager
def style(name: str) -> Iterator[None]:
    """Draw and save figures for "paper" (the default), "slides" or "thesis" for the length of a block.

    Sizes of letters, widths of lines and the figure change; what is drawn does not. Other threads and tasks keep their
    own style. Raises `SchemaError` for another name.

    >>> with style("slides"):
    ...     size(9.0)
    13.5
    >>> size(9.0)
    9.0
    """
    token = _chosen.set(one_of(name, STYLES, "style"))
    try:
        yield
    finally:
        _chosen.reset(token)


@contextmanager
def look() -> Iterator[None]:
    """The settings of the figures for the length of a block, whatever the user's own settings are.

    >>> before = matplotlib.rcParams["font.size"]
    >>> with look():
    ...     matplotlib.rcParams["font.size"]
    9.0
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    wanted: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if k.split(".")[0] in _GROUPS}
    wanted |= _LOOK
    wanted |= {"font.size": size(wanted["font.size"])} | {key: thick(wanted[key]) for key in _HEAVY}
    _know_naskh()
    with matplotlib.rc_context(wanted):
        yield


def size(points: float) -> float:
    """A size of letters in the style of now, in points.

    >>> with style("thesis"):
    ...     size(10.0)
    9.0
    """
    return points * STYLES[_chosen.get()].letters


def thick(points: float) -> float:
    """A width of a line, or a size of a marker, in the style of now, in points.

    >>> with style("slides"):
    ...     thick(1.0)
    1.6
    """
    return points * STYLES[_chosen.get()].lines


def scaled(inches: float) -> float:
    """A width in the style of now.

    >>> scaled(8.0)
    8.0
    """
    return inches * STYLES[_chosen.get()].width


def figure_of_size(width: float, height: float) -> Figure:
    """A new figure, of so many inches on paper; it belongs to no window and to no list of figures.

    >>> with style("slides"):
    ...     figure_of_size(8.0, 4.0).get_size_inches().tolist()
    [10.4, 5.4]
    """
    factor = STYLES[_chosen.get()].height
    return Figure(figsize=(scaled(width), factor * height), layout="constrained")


def font_of(text: str) -> dict[str, Any]:
    """The fonts for a text with Arabic script; nothing to say for any other text.

    Letters that the font of the Arabic script lacks, as Latin ones and brackets, come from the font of all other text.

    >>> font_of("Pakistan"), font_of("امن (peace)")
    ({}, {'fontfamily': ['discourse naskh', 'DejaVu Sans']})
    """
    if not any("\u0600" <= c <= "\u08ff" or "\ufb50" <= c <= "\ufeff" for c in text):
        return {}
    _know_naskh()
    return {"fontfamily": list(_FAMILIES)}


def lettered(texts: Sequence[Text]) -> None:
    """Give every text of a figure the fonts that it needs.

    >>> label = Text(text="امن")
    >>> lettered([label])
    >>> label.get_fontfamily()
    ['discourse naskh', 'DejaVu Sans']
    """
    for text in texts:
        if fonts := font_of(text.get_text()):
            text.set(**fonts)


def _know_naskh() -> None:
    """The entry of the font in matplotlib's list, made once."""
    fonts = font_manager.fontManager.ttflist
    if not any(entry.name == _NAME for entry in fonts):
        fonts.append(font_manager.FontEntry(fname=str(NASKH), name=_NAME, style="normal", variant="normal", weight=400,
                                            stretch="normal", size="scalable"))  # fmt: skip
