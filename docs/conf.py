"""How the site is built: `make docs`. It loads nothing from another machine, and any warning stops the build."""

from __future__ import annotations

import sys
from pathlib import Path

import discourse

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "discourse"
author = "The discourse developers"
release = version = discourse.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "plain_docstrings",
    "public_names",
    "table_columns",
    "mathml",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
# README.md of formats is the list of the cards, as on a code host.
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
nitpicky = True
# Types in signatures are words where they have no entry here: those of other packages have their pages on other
# machines, and inner ones are not called by anybody. Names in texts (obj) must lead somewhere.
nitpick_ignore_regex = [("py:class", r".*"), ("py:(data|exc|func)", r"(?!discourse\.).*")]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence", "attrs_block"]
myst_heading_anchors = 4
myst_number_code_blocks = []
# The changelog starts with its own title; a page that includes another begins where that one does.
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# What these stand for takes three lines to write out and says less.
autodoc_type_aliases = {
    one: one for one in ("Floats", "Ints", "Bools", "npt.ArrayLike", "ArrayLike", "Path", "Measure", "Observed")
}
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = "discourse"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    "navigation_with_keys": False,
    "light_css_variables": {"color-code-background": "#f3f5f8"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
