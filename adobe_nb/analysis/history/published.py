"""The history of each library: its states, its builds, and the time until it was published."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from adobe_nb.analysis.answers import Columns, Row, answer
from adobe_nb.analysis.history.events import Event, events_of, states_of_libraries
from adobe_nb.analysis.model import Model
from adobe_nb.analysis.publishing.libraries import REVISABLE
from adobe_nb.analysis.words import counted, listing

COLUMNS: Columns = {
    "library_id": "string",
    "name": "string",
    "created_at": "datetime64[us, UTC]",
    "submitted_at": "datetime64[us, UTC]",
    "approved_at": "datetime64[us, UTC]",
    "published_at": "datetime64[us, UTC]",
    "lead_time_h": "Float64",
    "builds": "Int64",
    "failed_builds": "Int64",
    "resources": "Int64",
    "published_by": "string",
    "state": "string",
}
_HOUR = pd.Timedelta(hours=1)


def publish_history(model: Model) -> pd.DataFrame:
    """Return the history of each library. ``Tags.publish_history`` documents it."""
    model.require("publish_history", "libraries", "builds")
    model.require_columns("publish_history", "builds", "library_id", "status")
    builds: dict[str, list[Row]] = defaultdict(list)
    for build in model.rows("builds"):
        builds[build["library_id"]].append(build)
    resources = _resources(model)
    reached, builders = _reached(model), _builders(model)
    rows = []
    for library in model.rows("libraries"):
        events = reached[library["id"]]
        row = {
            "property_id": library.get("property_id"),
            "library_id": library["id"],
            "name": library.get("name"),
            "state": library.get("state"),
            "resources": resources and resources[library["id"]],
            **_times(library, events),
            **_counts(library, builds[library["id"]]),
        }
        if library.get("state") == "published":
            row["published_by"] = _publisher(library, events, builders)
        rows.append(row)
    limits = _limits(model, rows)
    return answer(model, COLUMNS, rows, sort=["created_at", "library_id"], limits=limits)


def _reached(model: Model) -> Mapping[str, dict[str, Event]]:
    """Return the last event that brought each library into a state."""
    reached: dict[str, dict[str, Event]] = defaultdict(dict)
    for event, state in states_of_libraries(model):
        reached[event.id][state] = event
    return reached


def _builders(model: Model) -> Mapping[str, str | None]:
    """Return who started each build."""
    builders = {}
    for event in events_of(model):
        if event.type == "builds" and event.verb == "created":
            builders[event.id] = event.who
    return builders


def _times(library: Row, events: Mapping[str, Event]) -> Row:
    times = {"created_at": library.get("created_at"), "published_at": library.get("published_at")}
    for state in ("submitted", "approved", "published"):
        if state in events and not times.get(f"{state}_at"):
            times[f"{state}_at"] = events[state].when
    start, end = times["created_at"], times["published_at"]
    if start is not None and end is not None:
        times["lead_time_h"] = (pd.Timestamp(end) - pd.Timestamp(start)) / _HOUR
    return times


def _counts(library: Row, builds: Sequence[Row]) -> Row:
    last = library.get("last_build_id")
    # A model of one build has that build only.
    if last is not None and last not in {build["id"] for build in builds}:
        return {}
    failed = [build for build in builds if build["status"] == "failed"]
    return {"builds": len(builds), "failed_builds": len(failed)}


def _resources(model: Model) -> Counter[str] | None:
    """Return the number of resources in each library itself; None when not known."""
    counts: Counter[str] = Counter()
    for table in REVISABLE:
        frame = model.frames.get(f"library_{table}")
        if frame is None or "library_id" not in frame:
            return None
        counts.update(frame["library_id"])
    return counts


def _publisher(
    library: Row, events: Mapping[str, Event], builders: Mapping[str, str | None]
) -> str | None:
    """Return who published a library: a build on production does so by itself."""
    if "published" in events:
        return events["published"].who
    return builders.get(library.get("last_build_id", ""))


def _limits(model: Model, rows: Sequence[Row]) -> Iterator[str]:
    if "audit_events" not in model.frames:
        yield (
            "Audit events say when a library was submitted and approved, and who published it. "
            "Read them with analysis.read(…, audit_events=True)."
        )
    elif unknown := [row for row in rows if _lacks_submission(row)]:
        yield (
            f"When {counted(len(unknown), 'library was', 'libraries were')} submitted is unknown: "
            f"the audit events do not show it, as for {unknown[0]['name']}."
        )
    if uncounted := [row for row in rows if "builds" not in row]:
        libraries = counted(len(uncounted), "library", "libraries")
        yield f"The builds of {libraries} are missing."
    if republished := listing(_republished(model)):
        yield f"Republished since: {republished}. The times are those of the first publication."


def _republished(model: Model) -> Iterator[str]:
    libraries = set()
    for build in model.rows("builds"):
        if build.get("meta_republish_status"):
            libraries.add(build["library_id"])
    for library in model.rows("libraries"):
        if library["id"] in libraries:
            yield str(library.get("name"))


def _lacks_submission(row: Row) -> bool:
    is_past = row["state"] in ("submitted", "approved", "published")
    return is_past and "submitted_at" not in row
