"""The content of a property: counts, duplicates, code."""

from collections.abc import Iterable

import pandas as pd

from adobe_nb.analysis import inventory
from adobe_nb.analysis.code import custom_code, search
from adobe_nb.analysis.compare import duplicates
from adobe_nb.analysis.questions.base import Questions


class Overview(Questions):
    """The content of a property: counts, duplicates, code."""

    def inventory(self) -> pd.DataFrame:
        """Count the resources of each kind, and the code.

        Returns
        -------
        DataFrame
            One row for each property and kind: ``property_id, what, total, enabled, disabled,
            unpublished, dirty, last_updated_at``. ``what`` is a table, or ``custom_code`` (pieces),
            ``code_lines`` and ``code_characters``. ``unpublished`` counts what ``unpublished()`` lists,
            without what was deleted; NA without the tables that it requires. Numbers that the frames do not show
            are NA; rule components have no switch of their own.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> site = reactor.find("properties", "Web Store US")
        >>> tags = analysis.Tags(rules=reactor.rules(site))
        >>> tags.inventory()["what"].tolist()[:4]
        ['rules', 'rule_components', 'data_elements', 'extensions']
        """
        return self._named("inventory", inventory.inventory(self.model))

    def delegates(self) -> pd.DataFrame:
        """Count how often each event, condition, action and data element type is used.

        Returns
        -------
        DataFrame
            One row for each property and delegate, the most frequent of each kind first:
            ``delegate_descriptor_id, extension_name, kind, name, used_by, rules``. ``kind`` is
            event, condition, action, data_element or configuration. ``used_by`` counts resources,
            ``rules`` the rules that they belong to (NA outside rules). An extension without
            settings has no descriptor.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> site = reactor.find("properties", "Web Store US")
        >>> tags = analysis.Tags(rule_components=reactor.rule_components(site))
        >>> tags.delegates().loc[0, ["kind", "name"]].to_dict()
        {'kind': 'event', 'name': 'click'}
        """
        return self._named("delegates", inventory.delegates(self.model))

    def duplicates(
        self,
        what: str | Iterable[str] = "data_elements",
        *,
        by: duplicates.By = "definition",
        constants: bool = False,
    ) -> pd.DataFrame:
        """Find resources that exist more than once, also in different properties.

        Parameters
        ----------
        what
            One or some of ``data_elements``, ``rules``, ``extensions``, ``rule_components``; or
            ``"all"`` of them but components, many of which are meant to be equal.
        by
            ``definition``: same delegate and same settings, whatever the order of members, the
            comments and blank space of code, and what the build removes; rules with the same
            components. ``name``: same name but for case and blanks. ``path``: data elements that
            read the same variable, cookie or parameter.
        constants
            Whether constants of the same value count, too. By name they always do.

        Returns
        -------
        DataFrame
            ``group, type, id, name, property_id, same_settings, differs_in, used_by``, by group.
            ``same_settings`` and ``differs_in`` compare with the first of the group: its columns,
            and members of its settings such as ``settings.path``.

        Raises
        ------
        ArgumentError
            For an unknown ``what`` or ``by``, and when the table is missing.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> stores = reactor.properties(filter={"name": "CONTAINS Web Store"})
        >>> tags = analysis.Tags(data_elements=reactor.data_elements(stores))
        >>> tags.duplicates(by="path").loc[:1, ["group", "name"]].to_dict("records")
        [{'group': 1, 'name': 'Campaign Code'}, {'group': 1, 'name': 'Campaign Code'}]
        """
        frame = duplicates.duplicates(self.model, what, by=by, constants=constants)
        sentences = []
        if what == "data_elements":
            sentences.append(
                'Compares the definitions of data elements, unless told otherwise: duplicates("all") '
                'compares all types, by="name" names.'
            )
        return self._named("duplicates", frame, *sentences)

    def custom_code(self) -> pd.DataFrame:
        """Return the code in the settings of any extension, one row for each piece.

        ``analysis.to_files`` writes it to files. The code is as it is: secrets in it are not masked.

        Returns
        -------
        DataFrame
            ``source_type, source_id, source_name, rule_id, rule_name, delegate_descriptor_id, path,
            language, code, chars, lines, hash, minified, inline_in_library, same_as``.
            ``hash`` does not depend on indentation and blank lines; ``same_as`` is the id of the
            first source with the same hash, NA for that source itself. ``inline_in_library`` says
            whether the code is part of the main library: that of an action is so only if its rule
            has the event Library Loaded or Page Bottom; NA where that is unknown.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> site = reactor.find("properties", "Web Store US")
        >>> tags = analysis.Tags(data_elements=reactor.data_elements(site))
        >>> code = tags.custom_code().set_index("source_name")
        >>> code.loc["Login Status", "code"]
        "return window.hh && window.hh.customer ? 'logged in' : 'guest';"
        """
        return self._named("custom_code", custom_code.custom_code(self.model))

    def search_code(
        self,
        pattern: str,
        *,
        regex: bool = False,
        where: search.Where = "code",
        comments: bool = True,
    ) -> pd.DataFrame:
        """Search code and settings as they are, not as JSON writes them.

        Secrets are found, and shown with a mask unless ``show_secrets=True`` was passed to
        ``analysis.read`` or ``Tags``.

        Parameters
        ----------
        pattern
            A text, with upper and lower case told apart; with ``regex`` a regular expression of
            Python, in which ``^`` and ``$`` match at every line, and ``(?i)`` ignores case.
        where
            ``code``, ``settings`` (all the rest) or ``all``.
        comments
            False leaves out matches inside comments of code.

        Returns
        -------
        DataFrame
            One row for each match: ``source_type, source_id, source_name, rule_id, rule_name, path,
            line, column, match, evidence``. Lines and columns start at 1. Outside code, ``line`` is
            NA and ``column`` counts from the start of the setting.

        Raises
        ------
        ArgumentError
            For an empty pattern, an invalid regular expression, and an unknown ``where``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> site = reactor.find("properties", "Web Store US")
        >>> tags = analysis.Tags(data_elements=reactor.data_elements(site))
        >>> tags.search_code("'logged in'")[["source_name", "line", "column"]].to_dict("records")
        [{'source_name': 'Login Status', 'line': 1, 'column': 42}]
        """
        return self._named(
            "search_code",
            search.search_code(self.model, pattern, regex=regex, where=where, comments=comments),
        )
