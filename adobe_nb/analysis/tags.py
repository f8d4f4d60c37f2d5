"""``Tags``: the resources of some properties, and the questions about them."""

from collections.abc import Callable, Iterable

import pandas as pd

from adobe_nb.analysis import (
    custom_code,
    dangling,
    duplicates,
    impact,
    inventory,
    publishing,
    references,
    search,
    unused,
)
from adobe_nb.analysis.lookup import Target
from adobe_nb.analysis.model import REQUIRED, Model


class Tags:
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
        self.model = Model(given, limits=limits, as_of=as_of, redact=redact)
        """The resources, parsed: for questions of your own."""

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

    def _named(self, question: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Say in ``attrs`` what a frame answers, for its display in a notebook."""
        frame.attrs.update(
            service=self.model.service, path=f"tags.{question}()", columns=len(frame.columns)
        )
        return frame

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

    # -- overview

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
        what: duplicates.What = "data_elements",
        *,
        by: duplicates.By = "definition",
        constants: bool = False,
    ) -> pd.DataFrame:
        """Find resources that exist more than once, also in different properties.

        Parameters
        ----------
        what
            ``data_elements``, ``rules``, ``extensions`` or ``rule_components``.
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
        return self._named(
            "duplicates", duplicates.duplicates(self.model, what, by=by, constants=constants)
        )

    def custom_code(self) -> pd.DataFrame:
        """Return the code in the settings of any extension, one row for each piece.

        ``analysis.to_files`` writes it to files.

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

    # -- uses

    def references(
        self, to: Target | None = None, *, verdicts: Iterable[str] | str | None = None
    ) -> pd.DataFrame:
        """List every place where one resource refers to another.

        Parameters
        ----------
        to
            Only references to this name or id; or to the resource in this row.
        verdicts
            Only references with these verdicts: ``certain`` (the engine looks the name up),
            ``conditional`` (only if the build puts the code of an action into the main library),
            ``possible`` (an alias, a string near a dynamic call, an event of that name),
            ``dynamic`` (the name is put together while the page runs), ``commented``, and
            ``masked`` (written as a token, but an earlier percent sign hides it).

        Returns
        -------
        DataFrame
            ``source_type``, ``source_id``, ``source_name``, ``rule_id``, ``rule_name``: what holds
            the reference. ``kind`` is token, getVar, setVar, track, direct-call, name-setting,
            id-setting, instance, event-token, edge-token, secret, stored-value, custom-event,
            data-layer-push or relation. ``name`` is the name in it, with ``*`` for unknown parts.
            ``target_type`` and ``target_id`` are NA when nothing has that name. ``path`` is
            the place in the settings, ``line`` (Int64) the line of code, NA elsewhere. ``verdict``,
            ``evidence`` (at most 200 characters). ``property_id`` comes first when there are
            several properties. ``attrs["limits"]`` says what could not be seen.

        Raises
        ------
        ArgumentError
            For an unknown verdict.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> "getVar" in set(tags.references("Campaign Code")["kind"])
        True
        """
        return self._named("references", references.references(self.model, to, verdicts))

    def unused(self, what: str = "data_elements", *, all: bool = False) -> pd.DataFrame:
        """List what nothing in the property uses, and what may be unused.

        Parameters
        ----------
        what
            ``data_elements``, ``rules``, ``extensions``, ``secrets`` or ``instances`` (of Web SDK).
        all
            Whether to list what is used, too, with the reason.

        Returns
        -------
        DataFrame
            ``id``, ``name``, ``type``, ``verdict``, ``reason``, ``mentioned_in`` (Int64: the number
            of references, whatever their verdict), ``updated_at`` (UTC), ``in_library`` (boolean:
            whether a library holds a revision of it; NA when the libraries are missing). The
            verdicts of data elements are ``used``, ``possibly used``, ``cannot tell``, ``used by
            disabled rules only``, ``unreachable``, ``unused (mentioned in a comment)`` and
            ``unused``.

            "Unused" means that nothing in this property uses it. The code of the pages is not part
            of a property, and can use everything.

        Raises
        ------
        ArgumentError
            For an unknown kind, and when one of the four tables of content is missing: what it
            uses would look unused.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> "Campaign Code" in set(tags.unused()["name"])
        False
        """
        return self._named("unused", unused.unused(self.model, what, all=all))

    def dangling(self, *, all: bool = False) -> pd.DataFrame:
        """List references that do not work.

        Parameters
        ----------
        all
            Whether to list texts that only look like tokens, too, such as ``%20``.

        Returns
        -------
        DataFrame
            The columns of ``references`` without the target; and ``reason``: no such element,
            target_disabled, target_not_in_library, other property (the id of a data element of
            another one), masked, possibly set by page code, no such instance, no such secret, no
            such extension, not a name. ``did_you_mean`` is the data element whose name differs
            only in case, blanks or punctuation.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.dangling().columns[:3].tolist()
        ['source_type', 'source_id', 'source_name']
        """
        return self._named("dangling", dangling.dangling(self.model, all=all))

    def impact(self, target: Target) -> pd.DataFrame:
        """List what breaks if something is renamed or deleted, directly or through others.

        Parameters
        ----------
        target
            The name or id of a data element, rule or extension, or its row; the id of a rule
            component. With several properties, a name means the one in each.

        Returns
        -------
        DataFrame
            ``level`` (Int64: 1 refers to it, 2 refers to something on level 1, …), ``via`` (the
            kind of the reference, and what it names), the source columns, ``path``, ``line``,
            ``verdict``, ``evidence``, ``rule_enabled`` and ``in_production`` (boolean: whether a
            published library holds it; NA when not known). What an action writes into a variable
            of Web SDK counts for those who read the variable. References by dynamic names are
            not listed, but named in ``attrs["limits"]``.

        Raises
        ------
        ArgumentError
            When nothing has that name or id, and when several things have that name.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> int(tags.impact("XDM Commerce")["level"].max())
        1
        """
        return self._named("impact", impact.impact(self.model, target))

    # -- publishing

    def unpublished(self, environment: str = "production") -> pd.DataFrame:
        """List the rules, data elements and extensions that are not live as they are.

        Each head is compared, by content, with the revision in the newest library that the
        environment delivers. A resource whose content is live is not listed, whatever its ``dirty``
        says. The components of a rule belong to its content.

        Parameters
        ----------
        environment
            ``"production"`` compares with published libraries, ``"staging"`` also with submitted
            and approved ones, ``"development"`` with all of them.

        Returns
        -------
        DataFrame
            type, id, name, state, head_updated_at (UTC), published_revision, latest_revision
            (numbers), updated_by, columns_changed (``rule_components`` for a rule's components).
            The state is one of

            - ``dirty``: it holds changes that no revision has;
            - ``ahead``: a newer revision holds the changes;
            - ``never in a library``;
            - ``in development only``: in a library, but in none that the environment delivers;
            - ``deleted but live``.

        Raises
        ------
        ArgumentError
            For an unknown environment, and without ``libraries`` and ``library_rules``,
            ``library_data_elements``, ``library_extensions``. Without
            ``rule_revision_components``, rules are judged by their flag and revision numbers.

        Notes
        -----
        What changed in a resource: compare what is live with the heads,
        ``analysis.diff(analysis.read(build=…), tags)``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Magazine")
        >>> tags = analysis.read(site, session=session)
        >>> changed = tags.unpublished().set_index("name")["state"]
        >>> changed["XDM Article"]
        'in development only'
        """
        return self._named("unpublished", publishing.unpublished(self.model, environment))

    def library_contents(self) -> pd.DataFrame:
        """List the revisions that each library delivers: its own, and those that it inherits.

        Returns
        -------
        DataFrame
            library_id, library_name, state, environment (its name), type, revision_id, origin_id,
            name, revision_number, origin_latest (number of the latest revision of the head),
            behind (by how many revisions), inherited_from (the id of the library upstream, NA for
            its own).

        Raises
        ------
        ArgumentError
            Without ``libraries`` and ``library_rules``, ``library_data_elements``,
            ``library_extensions``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Magazine")
        >>> contents = analysis.read(site, session=session).library_contents()
        >>> contents["library_name"].unique().tolist()
        ['Launch', 'Read to end', 'Shop the look']
        """
        return self._named("library_contents", publishing.library_contents(self.model))
