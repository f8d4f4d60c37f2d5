"""Which resources a table of a snapshot is read for, as functions of tables that are stored.

A refresh applies them to the snapshot before as well, to know what that one has read. So a changed
selection requires a new format.
"""

from collections.abc import Callable, Iterable

import pandas as pd

Frames = Callable[[str], pd.DataFrame]
"""Returns the rows that a table has for one property."""
Selection = Callable[[Frames], list[str]]
"""Returns ids, each once."""


def all_of(table: str) -> Selection:
    """Select every resource of a table."""
    return lambda frames: _unique([frames(table)["id"]])


def delivered_builds(frames: Frames) -> list[str]:
    """Select the build that each environment delivers: the last one that succeeded there."""
    builds, environments = frames("builds"), frames("environments")
    if builds.empty:
        return []
    has_succeeded = (builds["status"] == "succeeded").fillna(False)
    delivered = builds[has_succeeded & builds["environment_id"].isin(environments["id"])]
    # Republishing an older build updates it.
    delivered = delivered.sort_values(["updated_at", "id"])
    return _unique([delivered.drop_duplicates("environment_id", keep="last")["id"]])


def rule_revisions(frames: Frames) -> list[str]:
    """Select the revisions of rules that are on their way to production, or have arrived there.

    They are those in libraries that are not published, those in the stored builds, and of each rule
    the one that was published last.
    """
    held, built = frames("library_rules"), frames("build_rules")
    # Most properties of many have neither, and merging takes longer than reading.
    if held.empty and built.empty:
        return []
    libraries = frames("libraries")[["id", "state", "published_at"]].add_prefix("library_")
    rules = held.merge(libraries, on="library_id")
    is_published = (rules["library_state"] == "published").fillna(False)
    published = rules[is_published].sort_values(["library_published_at", "revision_number"])
    latest = published.drop_duplicates("origin_id", keep="last")
    return _unique([rules.loc[~is_published, "id"], latest["id"], built["id"]])


def used_packages(frames: Frames) -> list[str]:
    """Select the packages of the installed extensions, and those that settings were written for."""
    installed = frames("extensions")["extension_package_id"]
    written = [
        frames(table)["updated_with_extension_package_id"]
        for table in ("rule_components", "data_elements")
    ]
    return _unique([installed, *written])


def _unique(ids: Iterable["pd.Series[str]"]) -> list[str]:
    selected: list[str] = pd.concat(list(ids)).dropna().unique().tolist()
    return selected
