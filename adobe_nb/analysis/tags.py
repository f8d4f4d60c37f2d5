"""``Tags``: the resources of some properties, and the questions about them."""

from collections.abc import Callable, Iterable

import pandas as pd

from adobe_nb.analysis.frames import normalized
from adobe_nb.analysis.model import REQUIRED, Model
from adobe_nb.analysis.pictures import Pictures
from adobe_nb.analysis.questions.audit import Audit
from adobe_nb.analysis.questions.governance import Governance
from adobe_nb.analysis.questions.history import History
from adobe_nb.analysis.questions.overview import Overview
from adobe_nb.analysis.questions.publishing import Publishing
from adobe_nb.analysis.questions.reports import Reports
from adobe_nb.analysis.questions.rules import Rules
from adobe_nb.analysis.questions.uses import Uses
from adobe_nb.analysis.questions.variables import Variables


class Tags(Overview, Uses, Variables, Rules, Governance, Publishing, History, Audit, Reports):
    """The tags of one or several properties, ready for questions.

    Usually made by ``analysis.read``. It takes plain frames by the name of their table, as
    ``reactor`` and ``snapshot.load`` return them; every question names the ones it requires.

    Frames from CSV, Excel or Parquet get the dtypes of the service: texts and numbers that stand for
    switches, numbers and dates (UTC without a zone), settings as dicts, categories, any index, and
    rows that are there twice.

    Parameters
    ----------
    rules, rule_components, data_elements, extensions
        The content. Heads only where a frame has heads and revisions; deleted resources are left out.
    limits
        Sentences about what the frames do not show, added to ``attrs["limits"]`` of every answer.
    as_of
        When the frames were read, for ``attrs["as_of"]``.
    redact
        A function that every text passes through that an answer quotes, to hide what should not be
        shown. Names are such texts; ids are not.
    show_secrets
        By default, what looks like a secret is masked in every answer. True shows it, for whoever
        has to find or replace it. ``custom_code`` returns the code as it is in any case.
    tables
        Further frames: ``properties``, ``libraries``, ``extension_packages``, …

    Raises
    ------
    ArgumentError
        For an unknown table, for a frame without a column that it must have, and for a value that is
        missing or ambiguous. It names the table, the column and the row, but not the value.
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
        show_secrets: bool = False,
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
        self.model = Model(
            normalized(given), limits=limits, as_of=as_of, redact=redact, show_secrets=show_secrets
        )

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The frames by table."""
        return self.model.frames

    @property
    def as_of(self) -> str | None:
        """When the frames were read."""
        return self.model.as_of

    @property
    def limits(self) -> list[str]:
        """Sentences about what the frames do not show."""
        return self.model.limits

    @property
    def plot(self) -> Pictures:
        """Pictures of the resources: ``tags.plot.triggers()``, ``most_used``, ``code``, …"""
        return Pictures(self.model)

    def __repr__(self) -> str:
        counts = []
        for table in REQUIRED:
            if table in self.frames:
                counts.append(f"{len(getattr(self.model, table))} {table.replace('_', ' ')}")
        names = [str(row.get("name")) for row in self.model.rows("properties")]
        title = ", ".join(names[:3])
        if len(names) > 3:
            title += f" and {len(names) - 3} more"
        return f"<Tags {title}: {', '.join(counts)}>"
