"""What sets, sends and clears variables."""

from collections.abc import Iterable, Mapping

import pandas as pd

from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.variables import design as designs
from adobe_nb.analysis.variables import listing, sends
from adobe_nb.analysis.variables.design_files import Design


class Variables(Questions):
    """What sets, sends and clears variables."""

    def variables(self, variable: str | None = None) -> pd.DataFrame:
        """List every place that sets, reads, declares or clears a variable of Adobe Analytics.

        Parameters
        ----------
        variable
            Only this one, in any spelling: ``eVar5``, ``v5``, ``"Evar 5"``, ``pageName``,
            ``scAdd``, ``contextData.key``. Places that may mean it are included: ``eVar*``, ``*``, and
            misspelled names.

        Returns
        -------
        DataFrame
            ``variable`` (``eVar*`` when the number is not known; ``*`` for all at once;
            ``xdm.PATH`` for a field that Adobe does not map), ``family`` (eVar, prop, event, list,
            hier, products, page, xdm, contextData; NA for ``*``), ``number`` (Int64), ``access``
            (set, read, declare, clear), ``how`` (settings, code, products string, doPlugins, xdm,
            data object, other extension), the source columns, ``path``, ``line`` (Int64, NA outside
            code), ``value`` (what is assigned, when it can be read), ``data_elements`` (the names
            of those in the value), ``condition_count`` (Int64) and ``rule_enabled`` (boolean) of
            the rule, ``verdict`` (certain, possible, dynamic, commented, misspelled, out of range)
            and ``evidence`` (at most 200 characters).

            A copy such as ``D=v10`` is two rows: it sets one variable and reads the other. Code of
            data elements counts, too, whenever they are read.

        Raises
        ------
        ArgumentError
            For a name that is not a variable.

        References
        ----------
        https://experienceleague.adobe.com/en/docs/analytics/implementation/aep-edge/xdm-var-mapping

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.variables("v5")[["variable", "access", "value"]].to_dict("records")[0]
        {'variable': 'eVar5', 'access': 'set', 'value': '%Login Status%'}
        """
        return self._named("variables", listing.variables(self.model, variable))

    def sends(self) -> pd.DataFrame:
        """List every place that sends variables, with what its rule has set until then.

        Returns
        -------
        DataFrame
            ``rule_id``, ``rule_name``, ``component_id``, ``kind`` (s.t, s.tl, sendEvent, other, or
            none for a rule that sets variables and sends nothing), ``link_name``, ``event_type``,
            ``sets_in_same_rule`` (variables in order of their first setting), ``payload_element``
            (the data elements in xdm and data of Web SDK), ``cleared_after`` (boolean: whether the
            rule clears variables later), ``rule_enabled`` (boolean), ``path`` and ``line`` (Int64)
            of code that sends. By rule, in the order in which a rule runs.

            All rules of a page share one tracker: what a rule sets and does not clear goes out with
            the next beacon of any rule.

        Raises
        ------
        ArgumentError
            Without the table of rule components.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store DE"))
        >>> tags.sends().loc[0, ["kind", "sets_in_same_rule"]].to_dict()
        {'kind': 's.t', 'sets_in_same_rule': 'eVar1, eVar2, eVar7'}
        """
        return self._named("sends", sends.sends(self.model))

    def sdr(
        self, design: Design, *, column: str | None = None, report_suite: str | None = None
    ) -> pd.DataFrame:
        """Compare a solution design with what the tags set.

        Parameters
        ----------
        design
            A frame, or the path of a CSV or Excel file, with a column of variables in any spelling:
            ``eVar005``, ``v5``, ``"eVar 5 (Visit)"``, ``c3``, ``event12``, ``variables/evar5``.
            The column is found by its name (variable, eVar, id, …) or by its contents. Columns
            with names, with expected values, and with a switch such as ``enabled`` are used when
            they exist.
        column
            The column with the variables, when it is not found.
        report_suite
            Which report suite counts, when the design has several: a value of its column, or the
            name of a column for one of them.

        Returns
        -------
        DataFrame
            One row for each variable: ``variable``, ``in_design``, ``in_tags`` (boolean),
            ``design_name``, ``tag_value`` (what it is set to), ``rules`` (those that set it),
            ``verdict``: both, only design, only tags, differs (the design expects another value or
            data element), disabled rules only, out of range (eVar251), not a variable (a row of the
            design, with its text as ``variable``); ``found_in`` (the names of the rules, data
            elements and extensions that set it). Comments and misspelled names in the tags do not
            count. ``attrs["limits"]`` names the rows of the design that are not variables, out of
            range, or repeated, by their label in a frame, or their number in a file.

        Raises
        ------
        ArgumentError
            When no column has variables, when there are several report suites, or none to choose
            from, for a file that is empty or cannot be read, and when one of the four tables of
            content is missing.

        Examples
        --------
        >>> import adobe_nb, pandas as pd
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store DE"))
        >>> design = pd.DataFrame({"eVar": ["Evar 5", "v99"], "name": ["Search term", "Coupon"]})
        >>> tags.sdr(design).set_index("variable")["verdict"].loc[["eVar5", "eVar99"]].tolist()
        ['both', 'only design']
        """
        frame = designs.sdr(self.model, design, column=column, report_suite=report_suite)
        return self._named("sdr", frame)

    def free_variables(
        self,
        design: Design | None = None,
        *,
        family: str | Iterable[str] | None = None,
        limits: Mapping[str, int] | None = None,
        column: str | None = None,
        report_suite: str | None = None,
    ) -> pd.DataFrame:
        """List which eVars, props, events, list variables and hierarchies nothing uses yet.

        Parameters
        ----------
        design, column, report_suite
            As in ``sdr``: what the design names is not free. Alone, the name of a family is taken
            for ``family``.
        family
            Only variables of this family, or of these: eVar, prop, event, list, hier. By default
            all, or those of ``limits``.
        limits
            How many of a family the report suite has: ``{"eVar": 100, "prop": 75}``. By default as
            many as Analytics can have.

        Returns
        -------
        DataFrame
            ``variable``, ``free`` (boolean; NA when code sets variables of its family whose numbers
            only the page knows), ``reason``; sorted by family and number. ``attrs["limits"]`` names
            the rows of the design that are not variables, as in ``sdr``.

        Raises
        ------
        ArgumentError
            For an unknown family or an impossible limit, and as in ``sdr``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> free = tags.free_variables("prop")
        >>> free.loc[free["free"].fillna(False), "variable"].head(3).tolist()
        ['prop1', 'prop2', 'prop4']
        """
        frame = designs.free_variables(
            self.model,
            design,
            family=family,
            limits=limits,
            column=column,
            report_suite=report_suite,
        )
        return self._named("free_variables", frame)
