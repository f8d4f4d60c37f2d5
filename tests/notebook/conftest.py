"""A real IPython shell with the extension loaded."""

import atexit
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

import adobe_nb


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    adobe_nb.load_ipython_extension(shell)
    yield shell
    adobe_nb.unload_ipython_extension(shell)
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()
    # Else every shell lives until the process ends, with all that its tests made, and makes each
    # later test slower.
    atexit.unregister(shell.atexit_operations)
