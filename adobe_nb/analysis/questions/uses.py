"""Who uses what."""

from collections.abc import Iterable

import pandas as pd

from adobe_nb.analysis.lookup import Target, holds_revisions
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.uses import dangling, impact, references, unused

_LIVE = (
    "What is live can use what an edited head no longer uses: before you delete, ask "
    'analysis.read(…, build="production"), too.'
)


class Uses(Questions):
    """Who uses what."""

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
            ``evidence`` (at most 200 characters). ``property_id`` and ``property_name`` come
            first when there are several properties. ``attrs["limits"]`` says what could not be
            seen.

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

    def unused(
        self, what: str | Iterable[str] = "data_elements", *, all: bool = False
    ) -> pd.DataFrame:
        """List what nothing in the property uses, and what may be unused.

        Parameters
        ----------
        what
            One or some of ``data_elements``, ``rules``, ``extensions``, ``secrets``, ``instances``
            (of Web SDK); or ``"all"`` of them, secrets only if they were read.
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
            For an unknown type, and when one of the four tables of content is missing: what it
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
        frame = unused.unused(self.model, what, all=all)
        sentences = self._about_live()
        if what == "data_elements":
            sentences.insert(
                0, 'These are the data elements: unused("all") lists the other types, too.'
            )
        return self._named("unused", frame, *sentences)

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
        return self._named("impact", impact.impact(self.model, target), *self._about_live())

    def _about_live(self) -> list[str]:
        """Return the sentence about what is live, if libraries show that something may be."""
        if "libraries" in self.model.frames and not holds_revisions(self.model):
            return [_LIVE]
        return []
