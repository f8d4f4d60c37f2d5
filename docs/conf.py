"""How the documentation site is built: ``just docs``.

Two kinds of pages are written when the site is built and are not kept in the repository: the
tutorials, which are copied from ``notebooks/``, and those of the reference that follow from the
registry, the parsers, the error catalogs and the docstrings.
"""

import json
import re
import runpy
import shutil
from pathlib import Path

from sphinx.application import Sphinx

import adobe_nb

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"

project = "adobe_nb"
author = "The adobe_nb developers"
copyright = "2026, the adobe_nb developers"  # noqa: A001 - Sphinx's own name
version = release = adobe_nb.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build"]

# The tutorials keep the outputs of their last run on the simulator, which the tests compare.
nb_execution_mode = "off"
# Widgets need a kernel: the page shows the text beside them.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
# CommonMark, the default, does not have tables.
nb_render_markdown_format = "myst"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = f"adobe_nb {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_search_scorer = str(HERE / "search.js")
html_theme_options = {
    "navigation_with_keys": False,
    # Error codes and questions are headings of the second level.
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}


def alternative_text(code: str) -> str:
    """Return the text in place of a chart that this code draws: its title, or else its call."""
    title = re.search(r'title=f?"([^"]+)"', code)
    if title is None:
        return f"Chart of {code.strip().rstrip(';')}"
    return f"Chart: {re.sub(r'{.*?}', '…', title[1])}"


def copy_tutorials(_: Sphinx) -> None:
    """Copy the notebooks and their images into the site, where Sphinx looks for its sources."""
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        content = json.loads(notebook.read_text(encoding="utf-8"))
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                alternative = alternative_text("".join(cell["source"]))
                cell["metadata"]["mystnb"] = {"image": {"alt": alternative}}
        copy = HERE / "tutorials" / notebook.name
        copy.write_text(json.dumps(content), encoding="utf-8")
    shutil.copytree(NOTEBOOKS / "images", HERE / "tutorials" / "images", dirs_exist_ok=True)


def link_tutorials(_: Sphinx, name: str, source: list[str]) -> None:  # noqa: ARG001 - Sphinx's
    """Lead links to notebooks of the repository to their copies in the site."""
    source[0] = source[0].replace("](../../notebooks/", "](../tutorials/")


def write_reference(_: Sphinx) -> None:
    """Write the pages that the scripts in ``reference/`` return."""
    for script in (HERE / "reference").glob("*.py"):
        for name, text in runpy.run_path(str(script))["pages"]().items():
            (HERE / "reference" / name).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Write the generated pages before Sphinx collects its sources."""
    app.connect("builder-inited", copy_tutorials)
    app.connect("builder-inited", write_reference)
    app.connect("source-read", link_tutorials)
