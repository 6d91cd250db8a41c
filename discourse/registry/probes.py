"""Probe texts: fifty made-up posts whose probabilities a model's card keeps, asked again when the model is loaded.

A model rebuilt from the same file gives other numbers when the text layer, a library or the machine differs. The
probes say so before a share is computed with it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

__all__ = ["TOLERANCE", "probe_texts"]

TOLERANCE = 1e-6


@cache
def probe_texts() -> tuple[tuple[str, str], ...]:
    """Pairs of a language and a text, ten texts in each of the five languages, in a fixed order.

    >>> [language for language, _ in probe_texts()][::10]
    ['en', 'ur', 'ur-Latn', 'ps', 'fa']
    """
    book = tomllib.loads(files("discourse.registry").joinpath("probes.toml").read_text("utf-8"))
    return tuple((language, text) for language, texts in book.items() for text in texts)
