"""What the page carries with it: its style, its script, a font for Arabic script, and the policy that allows no more.

The charts are drawn by a script of our own rather than by Vega. A page must be read on a telephone, on paper, from a
mailed file and in twenty years: what the charts do (lines with bands, gaps, a few switches, keys, a table) takes 24 KB
that anybody can read, against 0.9 MB of Vega, Vega-Lite and Vega-Embed. Vega compiles its expressions with `new
Function`, which the strict policy of this page forbids unless its slower interpreter is loaded too; its drawings are
empty before the script ran, cannot follow the reader's light or dark scheme by style sheet, and give a keyboard
nothing to hold. The price is that the drawing is written twice, in Python for the page without a script and in
JavaScript for all other views; a test compares the two mark by mark.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from typing import Any, Final

from markupsafe import Markup

__all__ = ["as_json", "policy", "script", "style"]

SCRIPTS: Final = ("chart_scales.js", "chart_draw.js", "chart_table.js", "chart_control.js")
_SAFE: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_ARABIC: Final = re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")


def as_json(data: Any) -> Markup:
    r"""Data for a script element of JSON: it can neither end the element nor open another.

    >>> as_json({"a": "</script>\u2028"})
    Markup('{"a":"\\u003c/script\\u003e\\u2028"}')
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_SAFE))  # noqa: S704 no sign of markup is left in it


def style(words: str) -> Markup:
    """The style sheet of the page; with the font of Arabic script if `words`, the text of the page, holds any.

    >>> "@font-face" in style("سلام"), "@font-face" in style("hello")
    (True, False)
    """
    font = _font() if _ARABIC.search(words) else ""
    return Markup(font + _read("page.css"))  # noqa: S704 our own files


def script() -> Markup:
    """The script of the charts, in one piece that leaves no name behind."""
    inside = "\n".join(_read(name) for name in SCRIPTS)
    return Markup(f"(() => {{\n'use strict';\n{inside}}})();\n")  # noqa: S704 our own files


def policy(style_text: str, script_text: str) -> str:
    """The content security policy: nothing from anywhere, and inside only this style and this script.

    >>> policy("a", "")[:60]
    "default-src 'none'; style-src 'sha256-ypeBEsobvcr6wjGzmiPcTa"
    """
    scripts = f"script-src '{_hash(script_text)}'; " if script_text else ""
    return (
        f"default-src 'none'; style-src '{_hash(style_text)}'; {scripts}img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _read(name: str) -> str:
    return resources.files("discourse.page").joinpath(name).read_text(encoding="utf-8")


@cache
def _font() -> str:
    data = resources.files("discourse.sheets").joinpath("fonts", "naskh.woff2").read_bytes()
    source = f"url(data:font/woff2;base64,{base64.b64encode(data).decode()}) format('woff2')"
    letters = "U+0600-06FF, U+0750-077F, U+200C-200F"
    return f"@font-face {{ font-family: Naskh; src: {source}; unicode-range: {letters}; }}\n"
