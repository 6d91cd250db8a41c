"""Formulae as MathML, made while the site is built.

Every current browser draws MathML itself. So a page needs no script and no font from elsewhere (MathJax would be
two megabytes of script to carry along), and a build needs no TeX (pictures of formulae would, and cannot be read
aloud). A formula that cannot be read stops the build.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

__all__ = ["setup"]


def _written(latex: str, display: str) -> str:
    """The <math> element of a formula, with the formula as it was typed as its label."""
    return str(convert(latex, display=display))


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_written(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula" tabindex="0">{_written(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Make `mathml` a renderer of formulae."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
