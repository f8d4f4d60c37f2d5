"""Folders of the user's own. An account of a container may have none: no HOME, and no entry in passwd."""

from pathlib import Path

from platformdirs import user_config_path, user_state_path

from adobe_nb.errors import ArgumentError


def config_folder() -> Path | None:
    """Where profiles are kept; None when the account has no home folder."""
    try:
        return _absolute(user_config_path("adobe_nb", appauthor=False))
    except RuntimeError:
        return None


def state_folder() -> Path | None:
    """Where the journal is kept; None when the account has no home folder."""
    try:
        return _absolute(user_state_path("adobe_nb"))
    except RuntimeError:
        return None


def expanded(path: str | Path) -> Path:
    """The path with ~ replaced. Raises ArgumentError where ~ stands for no folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        problem = f"{path} has a ~ that stands for no folder here. Give the whole path."
    raise ArgumentError(problem)


def _absolute(path: Path) -> Path | None:
    """Some versions of platformdirs leave the ~ where there is no home: a folder of that name is not meant."""
    return None if path.parts[:1] == ("~",) else path
