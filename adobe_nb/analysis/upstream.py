"""Which revisions libraries deliver: their own, and those that they inherit."""

from collections.abc import Mapping, Sequence

import pandas as pd

STAGES: Mapping[str, tuple[str, ...]] = {
    "production": ("published",),
    "staging": ("approved", "submitted", "published"),
    "development": ("development", "rejected", "approved", "submitted", "published"),
}
"""The environments of each stage, with the states of the libraries that it delivers."""


def upstream_of(libraries: pd.DataFrame, library_id: str) -> list[str]:
    """Return the ids of a library and of those that it inherits from, nearest first."""
    upstream: Mapping[str, object] = {}
    if "upstream_library_id" in libraries:
        upstream = dict(zip(libraries["id"], libraries["upstream_library_id"], strict=True))
    chain: list[str] = []
    current: object = library_id
    while isinstance(current, str) and current not in chain:
        chain.append(current)
        current = upstream.get(current)
    return chain


def delivering(stage: str, libraries: pd.DataFrame) -> list[str]:
    """Return the ids of the libraries that a stage delivers: nearest state first, then newest."""
    ranks = {state: rank for rank, state in enumerate(STAGES[stage])}
    own = libraries[libraries["state"].isin(STAGES[stage])]
    for column in ("created_at", "published_at"):
        if column in own:
            own = own.sort_values(column, ascending=False, kind="stable", na_position="first")
    order = own["state"].map(ranks).sort_values(kind="stable").index
    return list(own.loc[order, "id"])


def nearest(revisions: pd.DataFrame, libraries: Sequence[str]) -> pd.DataFrame:
    """Return one revision of each resource: that in the first of the libraries that has one."""
    ranks = {library_id: rank for rank, library_id in enumerate(libraries)}
    rank = revisions["library_id"].map(ranks).astype("Float64")
    order = rank.dropna().sort_values(kind="stable").index
    held = revisions.loc[order]
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
