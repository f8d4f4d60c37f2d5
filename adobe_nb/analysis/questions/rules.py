"""Rules as they run."""

import pandas as pd

from adobe_nb.analysis.lookup import Target
from adobe_nb.analysis.questions.base import Questions
from adobe_nb.analysis.rules import direct_calls, flow, graph, order


class Rules(Questions):
    """Rules as they run."""

    def rule_flow(self, rule: Target | None = None) -> pd.DataFrame:
        """Show rules as they run: events, conditions and actions in order, in words.

        Parameters
        ----------
        rule
            Only the rule of this name or id, or in this row. A name that several rules have means
            all of them: ``rule_id`` tells them apart.

        Returns
        -------
        DataFrame
            One row for each component, by rule: ``rule_id``, ``rule_name``, ``rule_enabled``
            (boolean), ``step`` (Int64, from 1), ``kind`` (event, condition, action), ``logic``,
            ``component_id``, ``component_name``, ``delegate_descriptor_id``, ``order`` (Int64),
            ``rule_order`` (Float64), ``timeout`` (Int64, milliseconds), ``delay_next`` (boolean),
            ``settings_summary`` (at most 200 characters; values that look like secrets are hidden),
            ``refers_to`` (the names of data elements and direct calls in it, joined by ", "),
            ``tie`` (boolean: another component of this kind has the same order, so that which
            one comes first is undefined).

            ``logic`` is OR for an event, AND for a condition, NOT for an inverted one, then for an
            action. Events are sorted by ``rule_order``, the others by ``order``. A rule
            without events or without actions has a row that says so, without a component; rules of
            event forwarding have no events. ``timeout`` and ``delay_next`` are NA for events, and
            unless the property runs its components in sequence. ``rule_name`` and
            ``rule_enabled`` are NA for components whose rule is missing. A component without a
            delegate comes last, without kind and logic.

        Raises
        ------
        ArgumentError
            When no rule has that name or id, and without ``rules`` or ``rule_components``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> flow = tags.rule_flow("Product - Detail View")
        >>> flow.loc[1, ["logic", "settings_summary"]].tolist()
        ['AND', '%Page Type% equals product']
        """
        return self._named("rule_flow", flow.rule_flow(self.model, rule))

    def execution_order(self, *, all: bool = False) -> pd.DataFrame:
        """Show in which order rules run that wait for the same event.

        Parameters
        ----------
        all
            Whether to list events that a single rule waits for, too.

        Returns
        -------
        DataFrame
            One row for each event of an enabled rule: ``event_key`` (the event in words),
            ``position`` (Int64, from 1), ``rule_order`` (Float64; 50 if it is not set),
            ``tie`` (boolean), ``rule_id``, ``rule_name``. Events are the same if they have the same
            delegate and settings. The events of a page load come first, in the order in which they
            always happen. With a tie, another rule has the same ``rule_order``: which of them
            runs first is undefined, and their positions are by name.

        Raises
        ------
        ArgumentError
            Without ``rules`` or ``rule_components``.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> order = tags.execution_order()
        >>> order.loc[0, "event_key"]
        'library is loaded (page top)'
        """
        return self._named("execution_order", order.execution_order(self.model, all=all))

    def direct_calls(self) -> pd.DataFrame:
        """List direct calls: the rules that wait for them, and what in the property fires them.

        Returns
        -------
        DataFrame
            One row for each identifier and rule that waits for it, and one for each called
            identifier without such a rule: ``identifier``, ``rule_id``, ``rule_name``,
            ``callers`` (Int64: places in actions and code, comments not counted), ``called_from``
            (the names of rules, data elements and extensions, joined by ", "), ``verdict``:

            - ``called here``;
            - ``disabled rules only``: all callers are in disabled rules;
            - ``page or nobody``: nothing in this property calls it;
            - ``no rule listens``;
            - ``blank in name``: the engine trims the identifier of a caller, but not that of the
              event, so that the event never fires; also for an empty identifier;
            - ``rule is disabled``;
            - ``dynamic``: the name called is known only in part, or not at all: ``*``.

        Raises
        ------
        ArgumentError
            When one of the four tables of content is missing: a caller could be in it.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.direct_calls()[["identifier", "verdict"]].to_numpy().tolist()
        [['menu-promo', 'no rule listens'], ['stock-low', 'called here']]
        """
        return self._named("direct_calls", direct_calls.direct_calls(self.model))

    def rule_graph(
        self,
        what: graph.What | Target | None = None,
        *,
        focus: Target | None = None,
        depth: int | None = None,
    ) -> pd.DataFrame:
        """Show what depends on what, as the edges of a graph.

        ``analysis.to_mermaid`` makes a picture of it, ``analysis.to_dot`` a file for Graphviz.

        Parameters
        ----------
        what
            ``"rules"``: rules that fire others by direct calls, custom events and pushes to a data
            layer. ``"data_elements"``: rules, data elements and extensions with the data elements
            that they refer to. ``"all"``: both, with the extensions and secrets that are used. By
            default ``"rules"``, or ``"all"`` with ``focus``. Anything else is taken for ``focus``:
            ``rule_graph("Product - Stock Check")``.
        focus
            Only what is near this resource: a name, an id, or a row. A component means its rule.
        depth
            How many edges away from ``focus``, in either direction: by default 2 with ``what``, else
            1. Paths do not go through extensions, which are connected to nearly everything.

        Returns
        -------
        DataFrame
            One row for each pair and kind of reference: ``from_id``, ``from_name``, ``from_type``,
            ``to_id``, ``to_name``, ``to_type``, ``kind`` (as in ``references``), ``verdict`` (the
            most certain one: certain, conditional or possible). Rule components count as their
            rule. References without a target, in comments, and by dynamic names are left out.
            ``attrs["limits"]`` says when nothing is connected.

        Raises
        ------
        ArgumentError
            For an unknown ``focus``, a ``focus`` that ``what`` leaves out, a ``depth``
            below 1, and when one of the four tables of content is missing.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> session = adobe_nb.connect(simulator=True)
        >>> tags = analysis.read(session.reactor.find("properties", "Web Store US"))
        >>> tags.rule_graph()[["from_name", "kind", "to_name"]].to_numpy().tolist()
        [['Product - Stock Check', 'track', 'Product - Stock Low']]
        """
        return self._named(
            "rule_graph", graph.rule_graph(self.model, what, focus=focus, depth=depth)
        )
