"""The history of a property: who changed what, what was published when."""

import pandas as pd

from adobe_nb.analysis.history import changed, published, sizes, versions
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.times import Time


class History(Questions):
    """The history of a property: who changed what, what was published when."""

    def who_changed(self, since: Time | None = None) -> pd.DataFrame:
        """List who changed what, from the audit events, the latest change first.

        Parameters
        ----------
        since
            Only changes from this date or datetime on, in ISO format (UTC). Earlier events are still what later
            ones are compared with.

        Returns
        -------
        DataFrame
            One row for each event: ``when`` (UTC), ``who`` (a name, else an email address, as the
            log has it), ``action``, ``type``, ``id``, ``name``, ``property_id``,
            ``columns_changed``, ``before``, ``after``; for rule components ``rule_id``,
            ``rule_name``. The action is created, updated, deleted, ``revised`` (a revision of this
            resource was made), or ``reverted`` (an update that restores content of an earlier
            event).

            ``columns_changed`` lists paths such as ``enabled, settings.path``. Settings are compared
            by content. Dates, flags such as ``dirty``, and revision numbers do not count. ``before``
            and ``after`` are JSON objects with the values at these paths; NA where nothing else
            changed. For an update without a readable event before, ``columns_changed`` is
            ``unknown``, ``before`` is NA, and ``after`` is the whole content, as for a new
            resource; that of a deleted resource is in ``before``.

        Raises
        ------
        ArgumentError
            For an invalid date, and without the table ``audit_events``, which
            ``analysis.read(…, audit_events=True)`` reads.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Web Store US")
        >>> tags = analysis.read(site, audit_events=True, session=session)
        >>> changes = tags.who_changed(since="2026-07-01")
        >>> changes[changes["action"] == "reverted"][["who", "name", "after"]].to_dict("records")
        [{'who': 'Ana Ortiz', 'name': 'Wishlist - Add', 'after': '{"enabled": true}'}]
        """
        return self._named("who_changed", changed.who_changed(self.model, since))

    def publish_history(self) -> pd.DataFrame:
        """List the libraries with the times of their states, and their builds.

        Returns
        -------
        DataFrame
            One row for each library, the oldest first: ``library_id``, ``name``, ``created_at``,
            ``submitted_at``, ``approved_at`` (the last time; NA when the audit events do not show
            it), ``published_at`` (all UTC), ``lead_time_h`` (hours from creation to publication),
            ``builds``, ``failed_builds``, ``resources`` (that it holds itself),
            ``published_by`` (who started the build that published it; NA without audit events),
            ``state``.

        Raises
        ------
        ArgumentError
            Without the tables ``libraries`` and ``builds``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Web Store US")
        >>> tags = analysis.read(site, audit_events=True, session=session)
        >>> history = tags.publish_history()
        >>> history.loc[history["failed_builds"] > 0, ["name", "builds"]].to_dict("records")
        [{'name': 'Release 2026-05', 'builds': 2}]
        """
        return self._named("publish_history", published.publish_history(self.model))

    def extension_versions(self, packages: pd.DataFrame | None = None) -> pd.DataFrame:
        """Compare each extension with the latest version of its package.

        Parameters
        ----------
        packages
            Further packages: ``reactor.extension_packages()`` has the newest versions, which frames
            of a snapshot lack; ``reactor.extension_packages.versions(…)`` has all, so that
            ``behind`` can be counted.

        Returns
        -------
        DataFrame
            One row for each extension: ``extension_id``, ``name``, ``display_name``, ``version``,
            ``latest_version``, ``behind`` (by how many versions; NA when not all are known),
            ``platform``, ``availability`` (public, private or development). For extensions that are
            behind, ``upgrade_blocked_by`` names the submitted and approved libraries that deliver
            the extension: they cannot be built after the upgrade, so publish or reject them first.
            ``delegates_removed`` are delegates that the property uses and the latest version lacks;
            ``settings_new_required`` are members of settings that it requires for the first time,
            after their delegate. All three are NA when there are none. ``is_latest`` (boolean) is
            known even where ``behind`` is not.

            Versions are compared as versions: 2.10 is newer than 2.9, and than 2.10-beta.

        Raises
        ------
        ArgumentError
            Without the table ``extensions``, and for a frame of something else.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Web Store DE")
        >>> versions = analysis.read(site, session=session).extension_versions().set_index("name")
        >>> versions.loc["adobe-analytics", ["version", "latest_version"]].tolist()
        ['1.9.2', '2.0.1']
        """
        return self._named("extension_versions", versions.extension_versions(self.model, packages))

    def library_size(self) -> pd.DataFrame:
        """Estimate the size of what each library delivers, with what it inherits.

        The API does not show the bytes of a build. Characters of settings and code tell which
        resources are large.

        Returns
        -------
        DataFrame
            One row for each library: ``library_id``, ``components`` (rule components),
            ``settings_chars`` (without code and what the build removes), ``code_chars``,
            ``largest`` (the name of the resource with the most characters; a rule has those of its
            components), ``share`` (its share of all characters, 0 to 1), ``library_name``,
            ``state``. All numbers are NA for an older published library whose components were not
            read.

        Raises
        ------
        ArgumentError
            Without ``libraries``, ``rule_revision_components``, and ``library_rules``,
            ``library_data_elements``, ``library_extensions``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> site = session.reactor.find("properties", "Magazine")
        >>> sizes = analysis.read(site, session=session).library_size()
        >>> sizes[["library_name", "components"]].tail(1).to_dict("records")
        [{'library_name': 'Shop the look', 'components': 10}]
        """
        return self._named("library_size", sizes.library_size(self.model))
