"""A public name that stands in a page as code, such as `over_time`, leads to its place in the reference."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import discourse

__all__ = ["named", "setup"]

_CALLED = re.compile(r"(?:ds\.|discourse\.)?([A-Za-z][A-Za-z_0-9]*)((?:\.[a-z_0-9]+)*)(?:\(.*\))?", re.DOTALL)
# Words that are also something else on these pages: columns, settings, commands, methods of a study file.
_OTHERWISE = frozenset({
    "acc", "agreement", "balance", "bots", "cc", "compare", "conversion", "coverage", "drift", "dsl", "events",
    "evaluate", "isotonic", "network", "pacc", "pcc", "platt", "ppi", "promote", "register", "sld", "smooth", "total",
    "validate", "variance", "poststrat", "net_tone",
})  # fmt: skip


def named(text: str) -> str | None:
    """The public name that a piece of code is, if it is one and cannot be anything else."""
    found = _CALLED.fullmatch(text)
    if not found or found[1] not in discourse.__all__:
        return None
    sure = found[1] not in _OTHERWISE or text != found[1]
    return found[1] if sure else None


class Linked(SphinxTransform):
    """Wraps code that is a public name into a reference to it."""

    default_priority = 300

    def apply(self, **_: Any) -> None:
        """Look at every piece of code of the page that is in no link and no heading."""
        for literal in list(self.document.findall(nodes.literal)):
            name = named(literal.astext())
            up, inside = literal.parent, False
            while up is not None and not inside:
                inside = isinstance(up, nodes.reference | pending_xref | nodes.title | desc_signature)
                up = up.parent
            if name is None or inside:
                continue
            link = pending_xref("", refdomain="py", reftype="obj", reftarget=f"discourse.{name}", refexplicit=True,
                                refwarn=True, refdoc=self.env.docname)  # fmt: skip
            literal.replace_self(link)
            link += literal


def setup(app: Sphinx) -> dict[str, Any]:
    """Let the transform run on every page."""
    app.add_transform(Linked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
