"""What the readers of code found in the scripts of a model. Equal scripts are read once."""

from functools import cache

from adobe_nb.analysis.code.inspection import inspect
from adobe_nb.analysis.code.script_secrets import secrets_in_code
from adobe_nb.analysis.code.script_uses import uses_in
from adobe_nb.analysis.code.script_variables import variables_in
from adobe_nb.analysis.model import Model, once_per_model


class Readings:
    """The readers. Each keeps its results."""

    def __init__(self) -> None:
        self.inspect = cache(inspect)
        self.secrets_in_code = cache(secrets_in_code)
        self.uses_in = cache(uses_in)
        self.variables_in = cache(variables_in)


@once_per_model
def readings(_: Model) -> Readings:
    """Return the readers of a model. Their memory ends with it."""
    return Readings()
