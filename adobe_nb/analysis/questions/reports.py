"""Reports that leave the notebook."""

import os
from datetime import UTC, datetime
from pathlib import Path

from adobe_nb.analysis.audit.notes import Source
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.reports.earlier import read_earlier
from adobe_nb.analysis.reports.report import build_report
from adobe_nb.analysis.reports.workbook import write_workbook
from adobe_nb.api.files import target_file


class Reports(Questions):
    """Reports that leave the notebook."""

    def to_excel(
        self,
        path: str | os.PathLike[str],
        *,
        notes: str | os.PathLike[str] | None = None,
        suppress: Source | None = None,
        code: bool = False,
    ) -> Path:
        """Write the documentation."""
        target = target_file(path, ".xlsx")
        earlier = read_earlier(target, notes)
        report = build_report(
            self.model, earlier, suppress=suppress, code=code, now=datetime.now(UTC)
        )
        return write_workbook(report, target)
