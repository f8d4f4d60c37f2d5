"""What ``%load_ext adobe_nb`` registers: magics and completion that are imported when first used, and the display.

The session, and requests below it, cost a quarter of a second; a notebook that only shows frames needs neither.
"""

from typing import Any

import pandas as pd
from IPython.core.completer import CompletionContext, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand

from adobe_nb.notebook.display import frame_html, frame_text


@no_var_expand  # type: ignore[untyped-decorator]
def adobe_auth(*given: Any) -> None:
    """Sign in to Adobe's tags API, and show the panel. %adobe_auth --help lists sub-commands and options."""
    from adobe_nb.notebook.magics import adobe_auth as auth  # noqa: PLC0415

    auth(*given)


@no_var_expand  # type: ignore[untyped-decorator]
def reactor(*given: Any) -> None:
    """List resources of the Reactor API as a table. %reactor --help shows how."""
    from adobe_nb.notebook.reactor_magic import reactor_magic  # noqa: PLC0415

    reactor_magic(*given)


@context_matcher(identifier="adobe_nb")  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """Completion of the magics."""
    from adobe_nb.notebook import completion  # noqa: PLC0415

    return completion.matcher(context)


@context_matcher(identifier="adobe_nb keywords")  # type: ignore[untyped-decorator]
def keywords(context: CompletionContext) -> SimpleMatcherResult:
    """Completion of keywords."""
    from adobe_nb.notebook import completion  # noqa: PLC0415

    return completion.keywords(context)


MATCHERS = (matcher, keywords)
# Names hold dollar signs and backslashes. What is merged or grouped out of our frames has forgotten that it is ours, so
# pandas is told for all of them; to see formulas in tables of your own, set the option again after loading.
_TYPESETTING = ("display.html.use_mathjax", "styler.html.mathjax")
_typesetting_before: dict[str, bool] = {}
_MAGICS = {"adobe_auth": adobe_auth, "reactor": reactor}


def load(shell: InteractiveShell) -> None:
    """Register the magics with their completion, and the display of our frames."""
    for name, magic in _MAGICS.items():
        shell.register_magic_function(magic, "line_cell", name)
    found = shell.Completer.custom_matchers
    found += [each for each in MATCHERS if each not in found]
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(pd.DataFrame, frame_html)
    formatters["text/plain"].for_type(pd.DataFrame, frame_text)
    for option in _TYPESETTING:
        _typesetting_before.setdefault(option, pd.get_option(option))
        pd.set_option(option, False)


def unload(shell: InteractiveShell) -> None:
    """Take them away."""
    for name in _MAGICS:
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(name, None)
    shell.Completer.custom_matchers = [each for each in shell.Completer.custom_matchers if each not in MATCHERS]
    for mime, ours in (("text/html", frame_html), ("text/plain", frame_text)):
        formatter = shell.display_formatter.formatters[mime]
        if formatter.type_printers.get(pd.DataFrame) is ours:
            formatter.pop(pd.DataFrame)
    while _typesetting_before:
        option, before = _typesetting_before.popitem()
        pd.set_option(option, before)
