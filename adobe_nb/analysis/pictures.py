"""Pictures of a property. Each is drawn from an answer, and returns its axes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from adobe_nb.analysis.code.custom_code import custom_code
from adobe_nb.analysis.history.published import publish_history
from adobe_nb.analysis.model import REQUIRED, Model
from adobe_nb.analysis.times import utc_time
from adobe_nb.analysis.uses.references import references
from adobe_nb.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    MaybeAxes: TypeAlias = Axes | None

# Readable on a white and on a dark background.
_BLUE, _GREEN, _ORANGE, _RED, _GRAY = "#1473e6", "#12a16f", "#e68619", "#d7373f", "#8e959e"
_USES = ("certain", "conditional", "possible")
_SOURCES = {"rules": _BLUE, "data elements": _GREEN, "extensions": _ORANGE}
_TYPES = {**_SOURCES, "rule components": _GRAY}
_LINE = 0.28
_LONGEST_NAME = 44
_AGES = {
    "under a month": 30,
    "1 to 3 months": 91,
    "3 to 6 months": 182,
    "6 to 12 months": 365,
    "1 to 2 years": 730,
    "over 2 years": 10**6,
}


class Pictures:
    """Pictures of the resources of a ``Tags``, as ``tags.plot``.

    Every method takes the Matplotlib axes to draw on, and returns them. Without axes it makes new
    ones, which are readable in a light and in a dark theme. Matplotlib comes with the extra ``lab``.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __repr__(self) -> str:
        return "<Pictures: ages, code, most_used, timeline, triggers>"

    def triggers(self, ax: "MaybeAxes" = None, *, top: int = 15) -> "Axes":
        """Draw how many rules each type of event triggers.

        Parameters
        ----------
        ax
            The axes to draw on.
        top
            How many types to draw, the most frequent ones first.

        Raises
        ------
        ArgumentError
            Without ``rules`` and ``rule_components``, and when Matplotlib is not installed.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> tags = analysis.read(reactor.find("properties", "Magazine"))
        >>> tags.plot.triggers().get_title(loc="left")
        'Rules by trigger'
        """
        self._model.require("plot.triggers", "rules", "rule_components")
        events = []
        for component in self._model.rule_components:
            if component.kind == "events" and component.rule is not None:
                trigger = f"{component.package}: {component.delegate.rpartition('::')[2]}"
                state = "enabled" if component.enabled else "disabled"
                events.append((trigger, state, component.rule.id))
        # A rule can have two events of one type.
        frame = pd.DataFrame(events, columns=["trigger", "state", "rule"]).drop_duplicates()
        counts = pd.crosstab(frame["trigger"], frame["state"])
        colors = {"enabled": _BLUE, "disabled": _GRAY}
        return _bars(counts, colors, ax, top=top, title="Rules by trigger", label="rules")

    def most_used(self, ax: "MaybeAxes" = None, *, top: int = 15) -> "Axes":
        """Draw how often the most used data elements are used, and by what.

        Parameters
        ----------
        ax
            The axes to draw on.
        top
            How many data elements to draw.

        Raises
        ------
        ArgumentError
            When a table of content is missing, and when Matplotlib is not installed.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> tags = analysis.read(reactor.find("properties", "Magazine"))
        >>> tags.plot.most_used(top=3).get_xlabel()
        'places'
        """
        self._model.require("plot.most_used", *REQUIRED)
        uses = references(self._model, verdicts=_USES)
        uses = uses[uses["target_type"] == "data_elements"]
        sources = uses["source_type"].replace({"rule_components": "rules"})
        counts = pd.crosstab(uses["name"], sources.str.replace("_", " "))
        title = "Most used data elements"
        return _bars(counts, _SOURCES, ax, top=top, title=title, label="places")

    def code(self, ax: "MaybeAxes" = None, *, top: int = 15) -> "Axes":
        """Draw how much of the custom code is in the settings of each extension.

        Parameters
        ----------
        ax
            The axes to draw on.
        top
            How many extensions to draw.

        Raises
        ------
        ArgumentError
            When Matplotlib is not installed.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> tags = analysis.read(reactor.find("properties", "Magazine"))
        >>> tags.plot.code().get_xlabel()
        'characters'
        """
        snippets = custom_code(self._model)
        extensions = snippets["delegate_descriptor_id"].str.split("::").str[0].fillna("other")
        sources = snippets["source_type"].replace({"rule_components": "rules"})
        sources = sources.str.replace("_", " ")
        counts = snippets["chars"].groupby([extensions, sources]).sum().unstack(fill_value=0)
        title = "Custom code by extension"
        return _bars(counts, _SOURCES, ax, top=top, title=title, label="characters")

    def ages(self, ax: "MaybeAxes" = None, *, now: pd.Timestamp | str | None = None) -> "Axes":
        """Draw how long ago the resources were last changed.

        Parameters
        ----------
        ax
            The axes to draw on.
        now
            Up to when to count, in UTC unless it has a time zone. By default the time when the
            tags were read.

        Raises
        ------
        ArgumentError
            When Matplotlib is not installed.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> tags = analysis.read(reactor.find("properties", "Magazine"))
        >>> tags.plot.ages().get_xlabel()
        'resources'
        """
        end = utc_time(now or self._model.as_of or pd.Timestamp.now("UTC"))
        changes = []
        for resource in self._model.resources:
            updated_at = resource.get("updated_at")
            if updated_at is not None:
                changes.append((resource.type.replace("_", " "), pd.Timestamp(updated_at)))
        frame = pd.DataFrame(changes, columns=["type", "updated_at"])
        days = (end - pd.to_datetime(frame["updated_at"], utc=True)).dt.days
        bins = [-(10**6), *_AGES.values()]
        ages = pd.cut(days, bins, labels=list(_AGES), right=False)
        counts = pd.crosstab(ages, frame["type"], dropna=False).reindex(list(_AGES), fill_value=0)
        title = "Time since the last change"
        return _bars(counts, _TYPES, ax, title=title, label="resources", sort=False)

    def timeline(self, ax: "MaybeAxes" = None, *, top: int = 15) -> "Axes":
        """Draw each library from its creation to its publication, and its failed builds.

        Parameters
        ----------
        ax
            The axes to draw on.
        top
            How many libraries to draw, the newest ones.

        Raises
        ------
        ArgumentError
            When the tables that ``publish_history`` requires are missing, and when Matplotlib is
            not installed.

        Examples
        --------
        >>> import adobe_nb
        >>> from adobe_nb import analysis
        >>> reactor = adobe_nb.connect(simulator=True).reactor
        >>> tags = analysis.read(reactor.find("properties", "Magazine"))
        >>> tags.plot.timeline().get_title(loc="left")
        'Publishing timeline'
        """
        history = publish_history(self._model).dropna(subset="created_at")
        history = history.sort_values("created_at", ignore_index=True).tail(top)
        history["line"] = range(len(history))
        is_live = history["published_at"].notna()
        # A library that waits reaches to the end of the picture.
        end = history[["created_at", "published_at"]].max().max()
        states = {
            "published": (history[is_live], _BLUE, "o", 7),
            "not published": (history[~is_live], _GRAY, "o", 7),
            "failed builds": (history[history["failed_builds"] > 0], _RED, "x", 12),
        }
        with _drawing(ax, len(history)) as axes:
            for state, (libraries, color, marker, size) in states.items():
                starts = libraries["created_at"].to_numpy()
                stops = libraries["published_at"].fillna(end).to_numpy()
                lines = libraries["line"].to_numpy()
                if marker == "o":
                    axes.hlines(lines, starts, stops, color=color, linewidth=4)
                axes.plot(starts, lines, marker, color=color, label=state, ms=size, mew=2)
            axes.set_yticks(range(len(history)), list(map(_short, history["name"])))
            _entitle(axes, "Publishing timeline", parts=len(states))
        return axes


def _bars(
    counts: pd.DataFrame,
    colors: Mapping[str, str],
    ax: "MaybeAxes",
    *,
    title: str,
    label: str,
    top: int | None = None,
    sort: bool = True,
) -> "Axes":
    """Draw a bar for each row, with a part for each column, the longest one on top."""
    columns = [column for column in colors if column in counts]
    counts = counts[columns]
    if sort:
        totals = counts.sum(axis="columns")
        counts = counts.loc[totals.sort_values(ascending=False, kind="stable").index]
    counts = counts.iloc[:top]
    with _drawing(ax, len(counts)) as axes:
        lines = range(len(counts))
        starts = counts.cumsum(axis="columns") - counts
        for column in columns:
            lengths, left = counts[column].to_numpy(), starts[column].to_numpy()
            axes.barh(lines, lengths, left=left, label=column, color=colors[column])
        axes.set_yticks(lines, list(map(_short, counts.index)))
        axes.invert_yaxis()
        axes.set_xlabel(label)
        axes.locator_params(axis="x", integer=True)
        _entitle(axes, title, parts=len(columns))
    return axes


@contextmanager
def _drawing(axes: "MaybeAxes", rows: int) -> "Iterator[Axes]":
    """Yield the axes to draw on. New ones have a line for each row, and follow the theme."""
    if find_spec("matplotlib") is None:
        raise ArgumentError('Pictures require Matplotlib. Run: pip install "adobe_nb[lab]"')
    # Imported only here: it comes with an extra.
    from matplotlib import pyplot  # noqa: PLC0415

    if axes is not None:
        yield axes
        return
    # Loads the backend. In a notebook it turns interactive mode on; within the style's context that
    # would be undone at its end, and no later picture would be shown.
    pyplot.draw_if_interactive()  # type: ignore[no-untyped-call]
    with pyplot.style.context("adobe_nb.charts"):
        height = 1.2 + _LINE * max(rows, 2)
        _, axes = pyplot.subplots(figsize=(8, height), layout="constrained")
        if not rows:
            axes.text(0.5, 0.5, "Nothing to draw", transform=axes.transAxes, ha="center")
        yield axes


def _entitle(axes: "Axes", title: str, parts: int) -> None:
    """Set the title, and below it the legend of several parts, where it hides nothing."""
    if parts > 1:
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=parts, borderaxespad=0.2)
    axes.set_title(title, loc="left", pad=26 if parts > 1 else None)


def _short(name: object) -> str:
    text = str(name)
    if len(text) > _LONGEST_NAME:
        text = f"{text[: _LONGEST_NAME - 1]}…"
    return text
