"""``Tags``: the resources of some properties, and the questions that can be asked of them."""

from collections.abc import Callable, Iterable

import pandas as pd

from adobe_nb.analysis import publishing
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

    # Publishing: changes that are not live yet, and the contents of libraries.

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
