"""The user's own folders. An account, for example in a container, may have no home folder."""

from collections.abc import Callable
from pathlib import Path

from platformdirs import user_config_path, user_state_path


def config_folder() -> Path | None:
    """Return the folder of profiles, or None if the account has no home folder."""
    return _own_folder(user_config_path, appauthor=False)


def state_folder() -> Path | None:
    """Return the folder of the journal, or None if the account has no home folder."""
    return _own_folder(user_state_path)


def _own_folder(find: Callable[..., Path], **options: bool) -> Path | None:
    try:
        path = find("adobe_nb", **options)
    except RuntimeError:
        return None
    # Without a home folder, some versions of platformdirs keep the ~, which would become a folder.
    if path.parts[:1] == ("~",):
        return None
    return path
