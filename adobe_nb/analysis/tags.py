"""``Tags``: the resources of some properties, and the questions that can be asked of them."""

from collections.abc import Callable, Iterable

import pandas as pd

from adobe_nb.analysis.model import Model


class Tags(Model):
    """The tags of one or several properties, ready for questions.

    Usually made by ``analysis.read``. It takes plain frames by the name of their table, as
    ``reactor`` and ``snapshot.load`` return them; every question names the ones it requires.

    Parameters
    ----------
    rules, rule_components, data_elements, extensions
        The content. Heads only where a frame has heads and revisions; deleted resources are left out.
    limits
        Sentences about what the frames do not show, added to ``attrs["limits"]`` of every answer.
    as_of
        When the frames were read, for ``attrs["as_of"]``.
    redact
        A function that every piece of evidence passes through, to hide what should not be shown.
    tables
        Further frames: ``properties``, ``libraries``, ``extension_packages``, …

    Raises
    ------
    ArgumentError
        For an unknown table, and for a frame without a column that it must have.
    """

    def __init__(
        self,
        *,
        rules: pd.DataFrame | None = None,
        rule_components: pd.DataFrame | None = None,
        data_elements: pd.DataFrame | None = None,
        extensions: pd.DataFrame | None = None,
        limits: Iterable[str] = (),
        as_of: str | None = None,
        redact: Callable[[str], str] | None = None,
        **tables: pd.DataFrame | None,
    ) -> None:
        frames = {
            "rules": rules,
            "rule_components": rule_components,
            "data_elements": data_elements,
            "extensions": extensions,
            **tables,
        }
        given = {table: frame for table, frame in frames.items() if frame is not None}
        super().__init__(given, limits=limits, as_of=as_of, redact=redact)
