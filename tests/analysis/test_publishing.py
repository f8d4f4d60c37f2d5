"""``unpublished`` and ``library_contents``: changes that are not live, contents of libraries."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.analysis.publishing.libraries import CONTENTS_COLUMNS, UNPUBLISHED_COLUMNS
from adobe_nb.errors import ArgumentError
from tests.conftest import sign_in
from tests.support.small_sites import component, element, frame_of, script, site

HELD = ("rules", "data_elements", "extensions")
Row = dict[str, Any]


def library(name: str, state: str, upstream: str | None = None, **columns: Any) -> Row:
    return {
        "id": f"LB{name}",
        "name": name,
        "state": state,
        "upstream_library_id": upstream and f"LB{upstream}",
        "property_id": "PR1",
        **columns,
    }


def revision(library_name: str, number: int, head: Row, **columns: Any) -> Row:
    """A revision of a head that a library holds."""
    return {
        **head,
        "id": f"{head['id']}r{number}",
        "origin_id": head["id"],
        "revision_number": number,
        "library_id": f"LB{library_name}",
        **columns,
    }


def held(
    tags: analysis.Tags, libraries: Iterable[Row], elements: Iterable[Row] = (), **tables: Any
) -> analysis.Tags:
    """The same tags with libraries, and the revisions of data elements that they hold."""
    columns = ["id", "name", "state", "upstream_library_id", "property_id", "published_at"]
    frames = dict(tags.frames)
    frames["libraries"] = pd.DataFrame(list(libraries), columns=columns)
    for table in HELD:
        rows = list(elements) if table == "data_elements" else tables.pop(f"library_{table}", [])
        frame = frame_of(table, rows, "PR1")
        for column in ("library_id", "origin_id"):
            if column not in frame:
                frame[column] = None
        frames[f"library_{table}"] = frame
    return analysis.Tags(**frames, **tables)


def states(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame["name"], frame["state"], strict=True))


def one_element(head: Row, live: Row, **columns: Any) -> pd.DataFrame:
    """What is unpublished of one data element, whose first revision is published."""
    tags = site(elements=[{**head, **columns}])
    first = revision("P", 1, {**live, "id": "DE1000"})
    return held(tags, [library("P", "published")], [first]).unpublished()


class TestUnpublished:
    @pytest.mark.parametrize("is_dirty", [True, False, None])
    def test_equal_content_is_published_whatever_the_flag_says(self, is_dirty: Any) -> None:
        head, live = element("A", '{"a": 1, "b": 2}'), element("A", '{"b":2,"a":1.0}')
        frame = one_element(head, live, dirty=is_dirty)
        assert frame.empty
        noted = any("1 resource is marked as dirty" in text for text in frame.attrs["limits"])
        assert noted == bool(is_dirty)

    @pytest.mark.parametrize("is_dirty", [True, False, None])
    def test_content_that_the_latest_revision_lacks_is_dirty(self, is_dirty: Any) -> None:
        head, live = element("A", {"a": 1}), element("A", {"a": 2})
        frame = one_element(head, live, dirty=is_dirty, meta_latest_revision_number=1)
        assert frame[["id", "state", "columns_changed"]].values.tolist() == [
            ["DE1000", "dirty", "settings"]
        ]

    def test_content_of_a_newer_revision_is_ahead(self) -> None:
        head, live = element("B", {"a": 1}), element("A", {"a": 2})
        more = {
            "meta_latest_revision_number": 4,
            "updated_at": pd.Timestamp("2026-01-02", tz="UTC"),
            "updated_by_email": "ana@example.com",
        }
        row = one_element(head, live, dirty=False, **more).loc[0]
        assert row.drop(["id", "libraries"]).tolist() == [
            "data_elements",
            "B",
            "ahead",
            pd.Timestamp("2026-01-02", tz="UTC"),
            1,
            4,
            "ana@example.com",
            "name, settings",
        ]
        assert one_element(head, live, dirty=True, **more)["state"].tolist() == ["dirty"]

    def test_names_the_libraries_in_which_a_revision_waits(self) -> None:
        head, live = element("B", {"a": 1}), element("A", {"a": 2})
        tags = site(elements=[{**head, "meta_latest_revision_number": 2}])
        libraries = [library("P", "published"), library("Dev", "development", "P")]
        of_head = {**head, "id": "DE1000"}
        revisions = [revision("P", 1, {**live, "id": "DE1000"}), revision("Dev", 2, of_head)]
        frame = held(tags, libraries, revisions).unpublished()
        assert frame[["state", "libraries"]].to_numpy().tolist() == [["ahead", "Dev"]]

    def test_revisions_are_not_compared_as_if_they_were_heads(self) -> None:
        live = revision("P", 1, {**element("A", {"a": 2}), "id": "DE1000"})
        tags = held(site(elements=[live]), [library("P", "published")], [live])
        with pytest.raises(ArgumentError, match="these are revisions"):
            tags.unpublished()

    def test_the_newest_published_library_counts(self) -> None:
        head = {"id": "DE1000", **element("A", {"a": 2})}
        published = [
            library("Old", "published", published_at=pd.Timestamp("2026-01-01", tz="UTC")),
            library("New", "published", published_at=pd.Timestamp("2026-02-01", tz="UTC")),
            library("Other", "published", published_at=pd.Timestamp("2026-03-01", tz="UTC")),
        ]
        # An older revision was published again.
        elements = [revision("Old", 2, head), revision("New", 1, head, settings='{"a": 1}')]
        tags = held(site(elements=[head]), published, elements)
        assert tags.unpublished()[["published_revision", "state"]].values.tolist() == [[1, "ahead"]]

    def test_stages_deliver_libraries_of_their_states(self) -> None:
        heads = [{"id": f"DE1{at:03d}", **element(name)} for at, name in enumerate("ABCD")]
        libraries = [
            library("P", "published"),
            library("S", "submitted"),
            library("D", "development"),
        ]
        elements = [revision(name, 1, head) for name, head in zip("PSD", heads[:3], strict=True)]
        tags = held(site(elements=heads), libraries, elements)
        never, developed = "never in a library", "in development only"
        assert states(tags.unpublished()) == {"B": developed, "C": developed, "D": never}
        assert states(tags.unpublished("staging")) == {"C": developed, "D": never}
        assert states(tags.unpublished("development")) == {"D": never}

    def test_a_deleted_head_is_deleted_but_live(self) -> None:
        head = {"id": "DE1000", **element("A")}
        gone = pd.Timestamp("2026-01-02", tz="UTC")
        row = {**head, "deleted_at": gone, "updated_at": gone, "updated_by_email": "x@example.com"}
        tags = held(site(elements=[row]), [library("P", "published")], [revision("P", 1, head)])
        frame = tags.unpublished()
        assert states(frame) == {"A": "deleted but live"}
        assert frame["head_updated_at"].tolist() == [gone]
        assert frame["updated_by"].tolist() == ["x@example.com"]

    def test_a_head_that_is_not_in_the_frames_counts_as_deleted(self) -> None:
        head = {"id": "DE1000", **element("A")}
        tags = held(site(), [library("P", "published")], [revision("P", 1, head)])
        frame = tags.unpublished()
        assert frame[["id", "state"]].values.tolist() == [["DE1000", "deleted but live"]]
        assert any("1 head is not in the frames" in text for text in frame.attrs["limits"])

    def rule_with(self, before: list[Row] | None, after: list[Row], **columns: Any) -> pd.DataFrame:
        """What is unpublished of a rule, whose first revision has the components ``before``."""
        head = {"id": "RL1000", "name": "R", "enabled": True}
        tables: dict[str, Any] = {"library_rules": [revision("P", 1, head)]}
        if before is not None:
            parts = [
                {"id": f"RC9{at}", "rule_id": "RL1000r1", **row} for at, row in enumerate(before)
            ]
            frame = frame_of("rule_components", parts, "PR1")
            tables["rule_revision_components"] = frame
        tags = site({"R": after})
        tags.frames["rules"] = tags.frames["rules"].assign(**columns)
        return held(tags, [library("P", "published")], **tables).unpublished()

    def test_the_components_of_a_rule_are_its_content(self) -> None:
        before, after = component("C", script("a()")), component("C", script("b()"))
        assert self.rule_with([before], [before], dirty=True).empty
        frame = self.rule_with([before], [after])
        assert frame[["state", "columns_changed"]].values.tolist() == [["dirty", "rule_components"]]
        assert self.rule_with([before], [before, after])["state"].tolist() == ["dirty"]
        assert self.rule_with([before], [])["state"].tolist() == ["dirty"]

    @pytest.mark.parametrize("before", [None, []])
    def test_flag_and_number_decide_when_components_are_unknown(self, before: Any) -> None:
        parts = [component("C", script("a()"))]
        numbers = {"meta_latest_revision_number": 1}
        assert self.rule_with(before, parts, dirty=False, **numbers).empty
        dirty = self.rule_with(before, parts, dirty=True, **numbers)
        assert dirty["state"].tolist() == ["dirty"]
        assert dirty["columns_changed"].isna().all()
        ahead = self.rule_with(before, parts, dirty=False, meta_latest_revision_number=2)
        assert ahead["state"].tolist() == ["ahead"]
        assert any("components of 1 rule are missing" in text for text in ahead.attrs["limits"])

    def test_an_unknown_environment_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="Choose from: production"):
            held(site(), []).unpublished("prod")

    def test_missing_tables_and_columns_are_named(self) -> None:
        with pytest.raises(ArgumentError, match="'libraries'"):
            site().unpublished()
        tags = held(site(), [])
        frames = {**tags.frames, "libraries": tags.frames["libraries"].drop(columns="state")}
        with pytest.raises(ArgumentError, match="'state' of libraries"):
            analysis.Tags(**frames).unpublished()
        frames = {
            **tags.frames,
            "library_rules": tags.frames["library_rules"].drop(columns="library_id"),
        }
        with pytest.raises(ArgumentError, match="'library_id' of library_rules"):
            analysis.Tags(**frames).unpublished()
        rules = tags.frames["library_rules"].drop(columns="origin_id")
        with pytest.raises(ArgumentError, match="'origin_id' of library_rules"):
            analysis.Tags(**{**tags.frames, "library_rules": rules}).library_contents()

    def test_edits_on_the_simulator_are_found(self, simulate: Any) -> None:
        session = sign_in(simulate())
        reactor = session.reactor
        web_store = reactor.find("properties", "Web Store US")
        before = analysis.read(web_store, session=session).unpublished()
        core = reactor.extensions.find("core", web_store)
        reactor.data_elements.update(
            reactor.data_elements.find("Page Name", web_store), default_value="none"
        )
        title = reactor.data_elements.find("Page Title", web_store)
        reactor.data_elements.update(title, clean_text=True)
        reactor.data_elements.revise(title)
        reactor.data_elements.create(
            web_store,
            name="New",
            delegate_descriptor_id="core::dataElements::javascript-variable",
            settings={"path": "a"},
            extension=core,
        )
        reactor.rules.delete(reactor.rules.find("Legacy - Chat Widget", web_store))
        part = reactor.rule_components.find("Remember campaign", web_store)
        reactor.rule_components.update(part, settings=script("done();"))
        after = analysis.read(web_store, session=session).unpublished()
        frame = after[~after["id"].isin(before["id"])]
        assert frame[["name", "state", "columns_changed"]].fillna("").values.tolist() == [
            ["New", "never in a library", ""],
            ["Page Name", "dirty", "default_value"],
            ["Page Title", "ahead", "clean_text"],
            ["Campaign - Landing", "dirty", "rule_components"],
            ["Legacy - Chat Widget", "deleted but live", ""],
        ]
        assert frame["head_updated_at"].notna().all()


class TestLibraryContents:
    def test_own_and_inherited_revisions_are_listed(self) -> None:
        heads = [{"id": f"DE1{at:03d}", **element(name)} for at, name in enumerate("AB")]
        tags = site(elements=[{**head, "meta_latest_revision_number": 3} for head in heads])
        libraries = [library("P", "published"), library("D", "development", "P")]
        elements = [
            revision("P", 1, heads[0]),
            revision("P", 3, heads[1]),
            revision("D", 2, heads[0]),
        ]
        frame = held(tags, libraries, elements).library_contents()
        columns = ["library_name", "name", "revision_number", "behind"]
        assert frame[columns].values.tolist() == [
            ["D", "A", 2, 1],
            ["D", "B", 3, 0],
            ["P", "A", 1, 2],
            ["P", "B", 3, 0],
        ]
        assert frame["inherited_from"].dropna().to_dict() == {1: "LBP"}
        assert frame["origin_id"].tolist() == ["DE1000", "DE1001"] * 2
        assert frame["revision_id"].tolist() == ["DE1000r2", "DE1001r3", "DE1000r1", "DE1001r3"]

    def test_deleted_heads_have_no_latest_revision(self) -> None:
        head = {"id": "DE1000", **element("A")}
        kept = {"id": "DE1001", **element("B")}
        deleted = {**head, "deleted_at": pd.Timestamp("2026-01-02", tz="UTC")}
        tags = held(
            site(elements=[deleted, kept]),
            [library("D", "development")],
            [revision("D", 1, head), revision("D", 1, kept)],
        )
        frame = tags.library_contents()
        assert frame["origin_latest"].isna().tolist() == [True, False]
        assert any("1 resource has no origin_latest" in text for text in frame.attrs["limits"])

    def test_without_heads_the_newest_revision_in_libraries_is_the_latest(self) -> None:
        head = {"id": "DE1000", **element("A")}
        elements = [revision("D", 1, head), revision("P", 4, head)]
        tags = held(site(), [library("D", "development"), library("P", "published")], elements)
        only = {name: frame for name, frame in tags.frames.items() if name.startswith("lib")}
        frame = analysis.Tags(**only).library_contents()
        assert frame["behind"].tolist() == [3, 0]

    def test_libraries_that_inherit_from_each_other_end(self) -> None:
        head = {"id": "DE1000", **element("A")}
        libraries = [library("X", "development", "Y"), library("Y", "development", "X")]
        frame = held(site(elements=[head]), libraries, [revision("Y", 1, head)]).library_contents()
        assert frame["inherited_from"].fillna("own").tolist() == ["LBY", "own"]

    def test_a_frame_without_upstream_libraries_is_a_limit(self) -> None:
        tags = held(site(), [library("D", "development")])
        libraries = tags.frames["libraries"].drop(columns=["upstream_library_id", "property_id"])
        frame = analysis.Tags(**{**tags.frames, "libraries": libraries}).library_contents()
        assert any("what they inherit is missing" in text for text in frame.attrs["limits"])

    def test_environments_have_their_names(self, session: Any) -> None:
        web_store = session.reactor.find("properties", "Web Store US")
        frame = analysis.read(web_store, session=session).library_contents()
        names = frame.dropna(subset=["environment"]).groupby("library_name")["environment"].first()
        assert names.to_dict() == {
            "Autumn campaign": "Staging",
            "Outlet countdown": "Development",
            "Release 2026-05": "Production",
        }
        assert (frame["behind"] >= 0).all()

    def test_contents_of_a_library_are_what_it_delivers(self, session: Any) -> None:
        web_store = session.reactor.find("properties", "Web Store US")
        every = analysis.read(web_store, session=session).library_contents()
        for library_id, rows in every.dropna(subset=["origin_latest"]).groupby("library_id"):
            delivered = analysis.read(library=library_id, session=session)
            assert sorted(rows["revision_id"]) == sorted(
                resource.id for table in HELD for resource in getattr(delivered.model, table)
            )


@pytest.mark.parametrize("number", [0, 1, 20])
def test_columns_are_the_same_for_any_number_of_rows(number: int) -> None:
    heads = [{"id": f"DE1{at:03d}", **element(f"E{at}")} for at in range(number)]
    elements = [revision("D", 1, head) for head in heads]
    tags = held(site(elements=heads), [library("D", "development")], elements)
    for frame, columns in (
        (tags.unpublished(), UNPUBLISHED_COLUMNS),
        (tags.library_contents(), CONTENTS_COLUMNS),
    ):
        assert len(frame) == number
        assert frame.dtypes.astype(str).to_dict() == dict(columns)
        assert frame.index.equals(pd.RangeIndex(number))


def test_several_properties_have_their_id_and_name_first(session: Any) -> None:
    tags = analysis.read(session.reactor.properties(), session=session)
    assert list(tags.unpublished().columns) == [
        "property_id",
        "property_name",
        *UNPUBLISHED_COLUMNS,
    ]
    contents = tags.library_contents()
    names = session.reactor.properties().set_index("id")["name"]
    assert contents["property_name"].tolist() == contents["property_id"].map(names).tolist()
    assert list(contents.columns) == ["property_id", "property_name", *CONTENTS_COLUMNS]
    assert set(contents["property_id"]) == set(tags.model.property_ids)
