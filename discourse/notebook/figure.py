"""A figure that shows itself in a notebook, with its title for those who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

__all__ = ["ShownFigure"]

_DPI = 110


@dataclass(frozen=True, repr=False)
class ShownFigure:
    """A figure as a notebook shows it, without matplotlib's own notebook mode: the bytes of a PNG, and its title.

    >>> ShownFigure("Shares over time", b"")
    Figure: Shares over time
    """

    title: str
    png: bytes

    @classmethod
    def of(cls, figure: Any) -> ShownFigure:
        """Of a matplotlib figure, which stays as it is. The same figure gives the same bytes."""
        made = BytesIO()
        figure.savefig(made, format="png", dpi=_DPI, metadata={"Software": None})
        return cls(figure.get_suptitle().replace("\n", " "), made.getvalue())

    def __repr__(self) -> str:
        return f"Figure: {self.title}" if self.title else "Figure"

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png, {"alt": self.title}
