"""What is published, and what libraries hold."""

import pandas as pd

from adobe_nb.analysis.publishing import libraries
from adobe_nb.analysis.questions.base import Questions


class Publishing(Questions):
    """What is published, and what libraries hold."""

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
            (numbers), updated_by (of a rule also who updated the components that differ),
            columns_changed (``rule_components`` for a rule's components), libraries (the names of
            those that are not published and hold a revision of it). The state is one of

            - ``dirty``: it holds changes that no revision has;
            - ``ahead``: a newer revision holds the changes;
            - ``never in a library``;
            - ``in development only``: in a library, but in none that the environment delivers;
            - ``deleted but live``.

        Raises
        ------
        ArgumentError
            For an unknown environment, for the revisions of a library or build, and without
            ``libraries`` and ``library_rules``, ``library_data_elements``, ``library_extensions``.
            Without ``rule_revision_components``, rules are judged by their flag and revision
            numbers.

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
        return self._named("unpublished", libraries.unpublished(self.model, environment))

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
        return self._named("library_contents", libraries.library_contents(self.model))
