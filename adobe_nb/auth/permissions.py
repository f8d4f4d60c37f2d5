"""Files with secrets: who else can read them."""

import os
import stat
import warnings
from pathlib import Path

from adobe_nb.errors import InsecureFileWarning


def warn_if_readable_by_others(path: Path) -> None:
    """A warning when other accounts of this machine can read the file."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        warnings.warn(
            f"{path} holds secrets and other accounts of this machine can read it. Run: chmod 600 {path}",
            InsecureFileWarning,
            stacklevel=2,
        )
