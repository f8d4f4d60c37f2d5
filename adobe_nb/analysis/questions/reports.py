"""Reports that leave the notebook."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from adobe_nb.analysis.audit.notes import Source
from adobe_nb.analysis.code.code_files import to_files
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.reports.earlier import read_earlier
from adobe_nb.analysis.reports.page import check_target, write_page
from adobe_nb.analysis.reports.report import build_report, diagrams
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
        """Document the tags in an Excel workbook: a solution design reference.

        The sheets: Summary (contents, findings by severity, inventory, limits), Findings, Variable
        map, Rules, Data elements, Extensions, Custom code, References, Libraries, Environments.
        Names lead to their row in another sheet, and the arrow at the top left back to the
        contents. A sheet that requires a table which is missing says so. Texts are always plain
        text, never formulas, and values that look like secrets are hidden.

        Parameters
        ----------
        path
            The workbook, ending in ``.xlsx``. An earlier report is replaced when the new one is
            complete, and keeps what people wrote: the columns Friendly name, Notes and Note, and
            columns that they added to Variable map and Findings.
        notes
            An earlier report in another file, to take over what people wrote; or a workbook of your
            own with a column Variable and one called Friendly name or Notes. A report of another
            property is replaced only when it is named here, too.
        suppress
            Findings to leave out, as in ``tags.audit``.
        code
            Whether Custom code has the code itself, up to 32,767 characters of each piece.

        Returns
        -------
        Path
            The path of the workbook.

        Raises
        ------
        ArgumentError
            When the path cannot be written, for example while Excel has it open on Windows; when
            the file there is not a report, is one of another property, or has sheets, or columns of
            other sheets, that people added and a new report would lose; and when XlsxWriter or
            openpyxl is not installed.

        Notes
        -----
        Rows are found again by the variable, and by the fingerprint of the finding, so the sheets
        may be sorted, filtered and renamed. Notes about rows that are gone move to the sheet Earlier
        notes, and return with them. Colors and comments of cells are not kept, and a formula becomes
        its text.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.to_excel("site.xlsx").name
        'site.xlsx'
        """
        target = target_file(path, ".xlsx")
        earlier = read_earlier(target, notes, self.model.property_ids)
        now = datetime.now(UTC)
        report = build_report(self.model, earlier, suppress=suppress, code=code, now=now)
        return write_workbook(report, target)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        notes: str | os.PathLike[str] | None = None,
        suppress: Source | None = None,
        code: bool = False,
    ) -> Path:
        """Document the tags in one HTML file, to search, sort and print.

        It has the tables of ``to_excel``, without empty columns for notes, and diagrams
        in the language Mermaid. It loads nothing from a network. A link such as ``site.html#eVar5``
        or ``site.html#RL…`` leads to a row.

        Parameters
        ----------
        path
            The file, ending in ``.html``. An earlier report is replaced.
        notes
            A workbook of ``to_excel`` with notes and friendly names to show.
        suppress
            Findings to leave out, as in ``tags.audit``.
        code
            Whether Custom code has the code itself.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        ArgumentError
            When the path cannot be written, when the file there is not a report, and when ``notes``
            cannot be read.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.to_html("site.html").name
        'site.html'
        """
        target = target_file(path, ".html")
        check_target(target)
        earlier = read_earlier(None, notes, self.model.property_ids)
        now = datetime.now(UTC)
        report = build_report(self.model, earlier, suppress=suppress, code=code, now=now)
        return write_page(report, diagrams(self.model), target)

    def to_files(self, folder: str | os.PathLike[str], *, prune: bool = False) -> pd.DataFrame:
        """Write each piece of custom code to a file of its own, and an index of them.

        ``analysis.to_files`` describes the files and the errors, and writes some of the code.

        Parameters
        ----------
        folder
            Created when missing. Only this user can read the files, because code can hold secrets.
        prune
            Whether to remove files of earlier runs whose code no longer exists.

        Returns
        -------
        DataFrame
            The index: ``file`` (relative to the folder), then the columns of ``custom_code()``
            without the code itself.

        Raises
        ------
        ArgumentError
            When the folder cannot be written, or holds a file of that name that is not in the index
            of an earlier run.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read("Web Store US")
        >>> tags.to_files("code").columns[:2].tolist()
        ['file', 'source_type']
        """
        return to_files(self, folder, prune=prune)
