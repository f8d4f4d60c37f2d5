"""Where the journal is kept."""

from adobe_nb.auth.profiles import state_folder

__all__ = ["state_folder"]
