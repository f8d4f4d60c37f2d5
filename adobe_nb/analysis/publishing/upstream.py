"""Which revisions libraries deliver: their own, and those that they inherit."""

from collections.abc import Mapping, Sequence
from itertools import count

import pandas as pd

STAGES: Mapping[str, tuple[str, ...]] = {
    "production": ("published",),
    "staging": ("approved", "submitted", "published"),
    "development": ("development", "rejected", "approved", "submitted", "published"),
}
"""The environments of each stage, with the states of the libraries that it delivers."""


def upstream_of(libraries: pd.DataFrame, library_id: str) -> list[str]:
    """Return the ids of a library and of those that it inherits from, nearest first."""
    upstream: dict[str, object] = dict(
        zip(libraries["id"], libraries.get("upstream_library_id", ()), strict=False)
    )
    chain: list[str] = []
    current: object = library_id
    # Libraries that inherit from each other must not loop forever.
    while isinstance(current, str) and current not in chain:
        chain.append(current)
        current = upstream.get(current)
    return chain


def delivering(stage: str, libraries: pd.DataFrame) -> list[str]:
    """Return the ids of the libraries that a stage delivers: nearest state first, then newest."""
    own = libraries[libraries["state"].isin(STAGES[stage])]
    own = own.assign(rank=own["state"].map(STAGES[stage].index))
    # Frames built manually may lack the times.
    times = [column for column in ("published_at", "created_at") if column in own]
    ascending = [True, *[False] * len(times)]
    own = own.sort_values(["rank", *times], ascending=ascending, na_position="first")
    return list(own["id"])


def nearest(revisions: pd.DataFrame, libraries: Sequence[str]) -> pd.DataFrame:
    """Return one revision of each resource: that in the first of the libraries that has one."""
    ranks = dict(zip(libraries, count(), strict=False))
    held = revisions[revisions["library_id"].isin(list(libraries))]
    held = held.sort_values("library_id", key=lambda ids: ids.map(ranks), kind="stable")
    return held[~origins_of(held).duplicated()].reset_index(drop=True)


def origins_of(revisions: pd.DataFrame) -> "pd.Series[str]":
    """Return the ids of the heads; a resource without an origin is its own."""
    if "origin_id" not in revisions:
        return revisions["id"]
    return revisions["origin_id"].fillna(revisions["id"])


def not_deleted(revisions: pd.DataFrame, heads: pd.DataFrame) -> pd.DataFrame:
    """Return the revisions whose head still exists: a build leaves out the others."""
    existing = heads.loc[heads["deleted_at"].isna(), "id"]
    return revisions[origins_of(revisions).isin(existing)].reset_index(drop=True)
