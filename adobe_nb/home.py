"""Folders of the user's own. An account of a container may have none: no HOME, and no entry in
passwd.
"""

from collections.abc import Callable
from pathlib import Path

from platformdirs import user_config_path, user_state_path


def config_folder() -> Path | None:
    """Where profiles are kept; None when the account has no home folder."""
    return _own_folder(user_config_path, appauthor=False)


def state_folder() -> Path | None:
    """Where the journal is kept; None when the account has no home folder."""
    return _own_folder(user_state_path)


def _own_folder(find: Callable[..., Path], **options: bool) -> Path | None:
    try:
        path = find("adobe_nb", **options)
    except RuntimeError:
        return None
    # Some versions of platformdirs keep the ~ when there is no home folder: do not create a folder
    # named ~.
    return None if path.parts[:1] == ("~",) else path
