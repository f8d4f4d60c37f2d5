"""``Tags``: the resources of some properties, and the questions that can be asked of them."""

from collections.abc import Callable, Iterable

import pandas as pd

from adobe_nb.analysis import dangling, impact, publishing, references, unused
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

    # -- who uses it

    def references(
        self, to: str | None = None, *, verdicts: Iterable[str] | str | None = None
    ) -> pd.DataFrame:
        """List every place where one resource refers to another.

        Parameters
        ----------
        to
            Only references to this name or id.
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
            data-layer-push or relation. ``name`` is what it names, ``*`` for what is not known.
            ``target_type`` and ``target_id``: what that is, NA when it does not exist. ``path`` is
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
        return references.references(self, to, verdicts)

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
            For an unknown kind.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> "Campaign Code" in set(tags.unused()["name"])
        False
        """
        return unused.unused(self, what, all=all)

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
        return dangling.dangling(self, all=all)

    def impact(self, name_or_id: str) -> pd.DataFrame:
        """List what breaks if something is renamed or deleted, directly or through others.

        Parameters
        ----------
        name_or_id
            A data element, rule, extension or rule component.

        Returns
        -------
        DataFrame
            ``level`` (Int64: 1 refers to it, 2 refers to something on level 1, …), ``via`` (the
            kind of the reference, and what it names), the source columns, ``path``, ``line``,
            ``verdict``, ``evidence``, ``rule_enabled`` and ``in_production`` (boolean; NA when not
            known). References by dynamic names are not listed, but named in ``attrs["limits"]``.

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
        return impact.impact(self, name_or_id)

    # -- what is published

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

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Magazine")
        >>> tags = analysis.read(site, session=session)
        >>> tags.unpublished()[["name", "state"]].to_dict("records")
        [{'name': 'XDM Article', 'state': 'in development only'}]
        """
        return publishing.unpublished(self, environment)

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
        return publishing.library_contents(self)
