"""``who_changed`` and ``publish_history``: what audit events, libraries and builds show."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis, snapshot
from adobe_nb.analysis.history import changed, published
from adobe_nb.errors import ArgumentError, SnapshotError
from tests.support.tag_frames import dtypes, no_tags

Row = dict[str, Any]
ELEMENT = {
    "name": "Page",
    "enabled": True,
    "delegate_descriptor_id": "core::dataElements::javascript-variable",
    "settings": '{"path":"a"}',
}
LIBRARY = {"id": "LB1", "name": "May", "state": "published", "property_id": "PR1"}


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2026-{text}", tz="UTC")


def event(
    when: str, verb: str, entity: Mapping[str, Any] | str | None = None, **columns: Any
) -> Row:
    """An audit event, by default about a data element; ``entity`` has its attributes."""
    kind = columns.pop("kind", "data_element")
    identifier = columns.pop("entity_id", "DE1")
    links = columns.pop("links", {})
    if isinstance(entity, Mapping):
        relations = {name: {"data": {"id": target}} for name, target in links.items()}
        data = {"id": identifier, "attributes": entity, "relationships": relations}
        entity = json.dumps({"data": data})
    return {
        "id": f"AE{when}{verb}{identifier}",
        "created_at": day(when),
        "type_of": f"{kind}.{verb}",
        "display_name": "Page",
        "attributed_to_display_name": "Ana",
        "attributed_to_email": "ana@example.com",
        "entity": entity,
        "entity_id": identifier,
        "property_id": "PR1",
        **columns,
    }


def log(*events: Row, **more: Any) -> analysis.Tags:
    columns = list(event("01-01", "created"))
    frame = pd.DataFrame(events, columns=columns)
    frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    return analysis.Tags(audit_events=frame, **more)


def element(**attributes: Any) -> Row:
    return {**ELEMENT, **attributes}


def second_change(before: Row, after: Row, **columns: Any) -> "pd.Series[Any]":
    """The row of the second of two events."""
    tags = log(
        event("01-01", "created", before, **columns), event("01-02", "updated", after, **columns)
    )
    return tags.who_changed().loc[0]


class TestWhoChanged:
    def test_an_update_is_compared_with_the_event_before(self) -> None:
        row = second_change(element(), element(settings='{"path": "b"}', enabled=False))
        assert (row["action"], row["type"], row["id"]) == ("updated", "data_elements", "DE1")
        assert row["columns_changed"] == "enabled, settings.path"
        assert json.loads(row["before"]) == {"enabled": True, "settings.path": "a"}
        assert json.loads(row["after"]) == {"enabled": False, "settings.path": "b"}

    @pytest.mark.parametrize(
        "noise",
        [
            {"updated_at": "2026-02-01T00:00:00.000Z"},
            {"dirty": True, "published": True, "revision_number": 0},
            {"updated_by_email": "ben@example.com"},
            {"settings": '{ "path" : "a" }'},
            {"clean_text": False, "storage_duration": None},
        ],
    )
    def test_noise_changes_nothing(self, noise: Row) -> None:
        tags = log(
            event("01-01", "created", element()), event("01-02", "updated", element(**noise))
        )
        frame = tags.who_changed()
        assert frame.loc[0, ["columns_changed", "before", "after"]].isna().all()
        assert any(
            "1 update has no columns_changed: it changed" in text for text in frame.attrs["limits"]
        )

    def test_a_member_that_was_added_is_only_after(self) -> None:
        row = second_change(element(), element(settings='{"path": "a", "list": [1]}'))
        assert row["columns_changed"] == "settings.list"
        assert (row["before"], row["after"]) == ("{}", '{"settings.list": [1]}')

    def test_the_latest_change_comes_first(self) -> None:
        tags = log(
            event("01-02", "updated", element(), entity_id="DE2"),
            event("01-03", "updated", element()),
            event("01-01", "created", element()),
        )
        assert tags.who_changed()["when"].tolist() == [day("01-03"), day("01-02"), day("01-01")]

    def test_events_of_one_moment_are_created_updated_deleted(self) -> None:
        tags = log(
            event("01-01", "deleted", element(default_value="x")),
            event("01-01", "updated", element(default_value="x")),
            event("01-01", "created", element()),
        )
        changes = tags.who_changed().set_index("action")["columns_changed"]
        assert changes["updated"] == "default_value"

    def test_a_new_resource_has_its_content_after_and_a_deleted_one_before(self) -> None:
        tags = log(event("01-01", "created", element()), event("01-02", "deleted", element()))
        deleted, created = tags.who_changed().to_dict("records")
        assert json.loads(created["after"])["settings"] == {"path": "a"}
        assert pd.isna(created["before"])
        assert json.loads(deleted["before"]) == json.loads(created["after"])
        assert pd.isna(deleted["after"])

    def test_a_log_that_begins_in_the_middle_is_a_limit(self) -> None:
        tags = log(event("03-01", "updated", element()), event("03-02", "created", element(),
                                                               entity_id="DE2"))  # fmt: skip
        frame = tags.who_changed()
        first = frame.set_index("id").loc["DE1"]
        assert first["columns_changed"] == "unknown"
        assert pd.isna(first["before"])
        assert json.loads(first["after"])["name"] == "Page"
        [limit] = [text for text in frame.attrs["limits"] if "begin on" in text]
        assert "begin on 2026-03-01." in limit
        assert "1 resource that existed before, the first being DE1 (Page)" in limit
        assert "from an earlier date: analysis.read(…, audit_events=…)" in limit
        assert not any("no columns_changed" in text for text in frame.attrs["limits"])

    def test_a_log_that_begins_before_the_requested_date_has_no_such_limit(self) -> None:
        tags = log(
            event("03-01", "updated", element()),
            event("03-02", "updated", element(enabled=False)),
        )
        frame = tags.who_changed("2026-03-02")
        assert frame["columns_changed"].tolist() == ["enabled"]
        assert not any("begin on" in text for text in frame.attrs["limits"])

    def test_a_complete_log_has_no_such_limit(self) -> None:
        frame = log(event("03-01", "created", element())).who_changed()
        assert not any("begin on" in text for text in frame.attrs["limits"])

    def test_restored_content_is_a_revert(self) -> None:
        other = element(settings='{"path":"b"}')
        tags = log(
            event("01-01", "created", element()),
            event("01-02", "updated", other),
            event("01-03", "updated", element()),
            event("01-04", "updated", element()),
        )
        actions = tags.who_changed()["action"].tolist()
        assert actions == ["updated", "reverted", "updated", "created"]

    def test_a_revision_belongs_to_its_head_and_changes_nothing(self) -> None:
        tags = log(
            event("01-01", "created", element(revision_number=0)),
            event("01-02", "created", element(revision_number=1), entity_id="DE9",
                  links={"origin": "DE1"}),
        )  # fmt: skip
        row = tags.who_changed().loc[0]
        assert (row["action"], row["id"]) == ("revised", "DE1")
        assert row[["columns_changed", "before", "after"]].isna().all()

    @pytest.mark.parametrize(
        ("columns", "who"),
        [
            ({}, "Ana"),
            ({"attributed_to_display_name": None}, "ana@example.com"),
            ({"attributed_to_display_name": "", "attributed_to_email": None}, None),
            (
                {
                    "attributed_to_display_name": "Build job",
                    "attributed_to_email": "0A1@techacct.adobe.com",
                },
                "Build job",
            ),
        ],
    )
    def test_people_are_named_as_in_the_log(self, columns: Row, who: str | None) -> None:
        # The person in the document may have changed it earlier.
        entity = element(updated_by_display_name="Ben")
        frame = log(event("01-01", "created", entity, **columns)).who_changed()
        assert frame["who"].fillna("").tolist() == [who or ""]

    @pytest.mark.parametrize("entity", [None, "", "{", "[]", '"x"', '{"data": 3}'])
    def test_an_event_without_a_readable_document_is_a_limit(self, entity: Any) -> None:
        tags = log(
            event("01-01", "created", element()),
            event("01-02", "updated", entity),
            event("01-03", "updated", element(default_value="x")),
        )
        frame = tags.who_changed()
        # Whose change it was cannot be told any more.
        assert frame["columns_changed"].fillna("").tolist() == ["unknown", "unknown", ""]
        assert any("1 audit event cannot be read" in text for text in frame.attrs["limits"])

    def test_settings_that_are_not_json_are_compared_as_text(self) -> None:
        row = second_change(element(settings="{"), element(settings="{{"))
        assert row["columns_changed"] == "settings"

    def test_settings_that_the_build_removes_do_not_count(self) -> None:
        transforms = {"propertyPath": "note", "type": "remove"}
        delegate = {"name": "javascript-variable", "transforms": [transforms]}
        packages = pd.DataFrame(
            [{"id": "EP1", "name": "core", "data_elements": json.dumps([delegate])}]
        )
        links = {"links": {"updated_with_extension_package": "EP1"}}
        tags = log(
            event("01-01", "created", element(), **links),
            event("01-02", "updated", element(settings='{"path":"a","note":"x"}'), **links),
            extension_packages=packages,
        )
        assert tags.who_changed()["columns_changed"].isna().all()

    def test_states_of_libraries_and_builds_are_changes(self) -> None:
        tags = log(
            event("01-01", "created", {"name": "May", "state": "development"}, kind="library",
                  entity_id="LB1", links={"environment": "EN1"}),
            event("01-02", "updated", {"name": "May", "state": "submitted", "stale": True},
                  kind="library", entity_id="LB1"),
            event("01-03", "created", {"status": "pending"}, kind="build", entity_id="BL1"),
            event("01-04", "updated", {"status": "failed"}, kind="build", entity_id="BL1"),
        )  # fmt: skip
        frame = tags.who_changed()
        assert frame["type"].tolist() == ["builds", "builds", "libraries", "libraries"]
        assert frame["columns_changed"].dropna().tolist() == ["status", "state, environment_id"]

    def test_a_component_names_its_rule(self) -> None:
        rules = pd.DataFrame([{"id": "RL1", "name": "All", "enabled": True}])
        columns = ["id", "rule_id", "name", "delegate_descriptor_id", "settings"]
        parts = pd.DataFrame(
            [["RC1", "RL1", "A", "core::actions::custom-code", "{}"]], columns=columns
        )
        tags = log(
            event("01-01", "created", {"name": "A"}, kind="rule_component", entity_id="RC1"),
            rules=rules.assign(property_id="PR1"),
            rule_components=parts,
        )
        assert tags.who_changed()[["rule_id", "rule_name"]].values.tolist() == [["RL1", "All"]]

    @pytest.mark.parametrize(
        "since",
        ["2026-02-01", "2026-02-01T00:00:00Z", date(2026, 2, 1), datetime(2026, 2, 1, tzinfo=UTC)],
    )
    def test_since_keeps_what_came_before_for_comparison(self, since: Any) -> None:
        tags = log(
            event("01-01", "created", element()),
            event("02-01", "updated", element(enabled=False)),
            event("01-01", "created", element(), entity_id="DE2"),
        )
        frame = tags.who_changed(since)
        assert frame["columns_changed"].tolist() == ["enabled"]

    @pytest.mark.parametrize("since", ["last week", "", 7, True, 2026.5, pd.NaT, ["2026-01-01"]])
    def test_a_date_is_required(self, since: Any) -> None:
        with pytest.raises(ArgumentError, match='since must be a date such as "2026-06-01"'):
            log().who_changed(since)

    @pytest.mark.parametrize("since", ["01/06/2026", "1.6.2026", "1 June", "June 2026"])
    def test_a_date_that_means_two_days_is_refused(self, since: str) -> None:
        with pytest.raises(ArgumentError, match='such as "2026-06-01"'):
            log().who_changed(since)
        with pytest.raises(ArgumentError, match="audit_events must be a date"):
            analysis.read("PR" + "0" * 32, audit_events=since)

    def test_events_of_other_properties_are_left_out(self) -> None:
        rules = pd.DataFrame([{"id": "RL1", "name": "A", "enabled": True, "property_id": "PR1"}])
        tags = log(
            event("01-01", "created", element()),
            event("01-01", "created", element(), entity_id="DE2", property_id="PR2"),
            event("01-01", "created", {"name": "App"}, kind="app_configuration", entity_id="AC1",
                  property_id=None),
            rules=rules,
        )  # fmt: skip
        assert tags.who_changed()["id"].tolist() == ["DE1"]

    def test_before_and_after_are_redacted(self) -> None:
        secret = element(settings='{"path":"s3cret"}')
        tags = log(
            event("01-01", "created", secret),
            redact=lambda text: text.replace("s3cret", "…"),
        )
        assert "s3cret" not in tags.who_changed()["after"][0]
        assert "…" in tags.who_changed()["after"][0]

    def test_columns_are_the_same_without_events(self) -> None:
        empty, full = log().who_changed(), log(event("01-01", "created", element())).who_changed()
        assert dtypes(empty) == dtypes(full) == dict(changed.COLUMNS)

    def test_missing_events_are_an_error_that_says_how_to_read_them(self) -> None:
        with pytest.raises(ArgumentError, match=r"analysis\.read\(…, audit_events=True\)"):
            no_tags().who_changed()
        frame = pd.DataFrame({"id": ["AE1"], "created_at": [day("01-01")]})
        with pytest.raises(ArgumentError, match="audit_events has no column 'type_of'"):
            analysis.Tags(audit_events=frame).who_changed()


def libraries(*rows: Row) -> pd.DataFrame:
    columns = ["id", "name", "state", "property_id", "created_at", "published_at", "last_build_id"]
    return pd.DataFrame(rows, columns=columns)


def builds(*rows: tuple[str, str], **columns: Any) -> pd.DataFrame:
    """Builds of the library LB1, from their ids and statuses."""
    return pd.DataFrame(rows, columns=["id", "status"]).assign(library_id="LB1", **columns)


def state(when: str, name: str, verb: str = "updated", **columns: Any) -> Row:
    return event(when, verb, {"state": name}, kind="library", entity_id="LB1", **columns)


class TestPublishHistory:
    times = ("submitted_at", "approved_at", "published_at")

    def history(self, *events: Row, **library: Any) -> "pd.Series[Any]":
        row = {**LIBRARY, "created_at": day("01-01"), **library}
        frame = log(*events, libraries=libraries(row), builds=builds()).publish_history()
        assert len(frame) == 1
        return frame.loc[0]

    def test_times_of_states_come_from_the_audit_events(self) -> None:
        row = self.history(
            state("01-01", "development", "created"),
            state("01-02", "submitted"),
            state("01-02", "submitted"),
            state("01-03", "approved"),
            state("01-05", "published", attributed_to_display_name="Ben"),
        )
        assert [row[name] for name in self.times] == [day("01-02"), day("01-03"), day("01-05")]
        assert row["lead_time_h"] == 96
        assert row["published_by"] == "Ben"

    def test_a_resubmitted_library_has_its_last_submission(self) -> None:
        row = self.history(
            state("01-01", "development", "created"),
            state("01-02", "submitted"),
            state("01-03", "rejected"),
            state("01-04", "development"),
            state("01-06", "submitted"),
            state="submitted",
        )
        assert row["submitted_at"] == day("01-06")
        assert row[["approved_at", "published_at", "lead_time_h", "published_by"]].isna().all()

    def test_the_first_event_of_a_log_does_not_count_as_a_change_of_state(self) -> None:
        row = self.history(state("02-01", "approved"), published_at=day("02-02"))
        assert pd.isna(row["approved_at"])
        assert row["published_at"] == day("02-02")
        assert row["lead_time_h"] == 32 * 24

    def test_without_audit_events_the_times_are_missing_and_the_limits_say_so(self) -> None:
        row = {**LIBRARY, "created_at": day("01-01"), "published_at": day("01-02")}
        frame = analysis.Tags(libraries=libraries(row), builds=builds()).publish_history()
        assert frame.loc[0, ["submitted_at", "approved_at", "published_by"]].isna().all()
        assert frame.loc[0, "lead_time_h"] == 24
        assert any("audit_events=True" in text for text in frame.attrs["limits"])

    def test_failed_builds_are_counted(self) -> None:
        frame = analysis.Tags(
            libraries=libraries({**LIBRARY, "last_build_id": "BL2"}),
            builds=builds(("BL1", "failed"), ("BL2", "succeeded")),
        ).publish_history()
        assert frame.loc[0, ["builds", "failed_builds"]].tolist() == [2, 1]

    def test_the_one_who_started_the_last_build_published(self) -> None:
        tags = log(
            event("01-02", "created", {"status": "pending"}, kind="build", entity_id="BL2",
                  attributed_to_display_name="Ben"),
            libraries=libraries({**LIBRARY, "last_build_id": "BL2"}),
            builds=builds(("BL2", "succeeded")),
        )  # fmt: skip
        assert tags.publish_history()["published_by"].tolist() == ["Ben"]

    def test_builds_that_were_not_read_are_unknown(self) -> None:
        frame = analysis.Tags(
            libraries=libraries({**LIBRARY, "last_build_id": "BL7"}), builds=builds()
        ).publish_history()
        assert frame[["builds", "failed_builds"]].isna().all(axis=None)
        assert "The builds of 1 library are missing." in frame.attrs["limits"]

    def test_a_republished_library_is_named(self) -> None:
        frame = analysis.Tags(
            libraries=libraries(LIBRARY),
            builds=builds(("BL1", "succeeded"), meta_republish_status="succeeded"),
        ).publish_history()
        assert any("Republished since: May." in text for text in frame.attrs["limits"])

    def test_resources_are_those_of_the_library_itself(self) -> None:
        held = pd.DataFrame({"id": ["A1", "A2"], "library_id": ["LB1", "LB2"]})
        tables = {f"library_{table}": held for table in ("rules", "data_elements", "extensions")}
        tags = analysis.Tags(libraries=libraries(LIBRARY), builds=builds(), **tables)
        assert tags.publish_history()["resources"].tolist() == [3]

    def test_the_oldest_library_comes_first(self) -> None:
        rows = [
            {**LIBRARY, "id": f"LB{number}", "created_at": day(f"01-0{number}")}
            for number in (3, 1, 2)
        ]
        tags = analysis.Tags(libraries=libraries(*rows), builds=builds())
        assert tags.publish_history()["library_id"].tolist() == ["LB1", "LB2", "LB3"]

    def test_columns_are_the_same_without_libraries(self) -> None:
        frame = analysis.Tags(libraries=libraries(), builds=builds()).publish_history()
        assert dtypes(frame) == dict(published.COLUMNS)

    @pytest.mark.parametrize("missing", ["libraries", "builds"])
    def test_libraries_and_builds_are_required(self, missing: str) -> None:
        tables = {"libraries": libraries(), "builds": builds()}
        del tables[missing]
        with pytest.raises(ArgumentError, match=f"requires the table '{missing}'"):
            analysis.Tags(**tables).publish_history()


class TestDemoCompany:
    """Reading audit events, from a session and from a snapshot."""

    def test_an_empty_answer_says_which_events_were_read(self, session: Any) -> None:
        tags = analysis.read("Web Store US", audit_events="2026-06-01")
        frame = tags.who_changed(since="2099-01-01")
        times = tags.frames["audit_events"]["created_at"]
        span = f"from {times.min():%Y-%m-%d %H:%M} to {times.max():%Y-%m-%d %H:%M} (UTC)."
        assert frame.empty
        assert any(limit.endswith(span) for limit in frame.attrs["limits"])
        none = analysis.read("Web Store US", audit_events="2099-01-01").who_changed()
        assert "No audit events of these properties were read." in none.attrs["limits"]

    def test_a_log_since_a_date_is_short_and_says_so(self, session: Any) -> None:
        site = session.reactor.find("properties", "Web Store US")
        tags = analysis.read(site, audit_events="2026-08-01", session=session)
        events = tags.frames["audit_events"]
        assert events["created_at"].min() >= day("08-01")
        assert set(events["property_id"]) == set(site["id"])
        assert "Audit events were read from 2026-08-01 00:00 on." in tags.limits

    def test_by_default_none_are_read(self, session: Any) -> None:
        tags = analysis.read(session.reactor.find("properties", "Checkout"), session=session)
        assert "audit_events" not in tags.frames
        assert "builds" in tags.frames

    def test_several_people_changed_a_rule(self, session: Any) -> None:
        site = session.reactor.find("properties", "Web Store US")
        frame = analysis.read(site, audit_events=True, session=session).who_changed("2026-07-01")
        wishlist = frame[
            (frame["name"] == "Wishlist - Add") | (frame["rule_name"] == "Wishlist - Add")
        ]
        told = wishlist.dropna(subset="before")
        assert told[["who", "action", "columns_changed"]].values.tolist() == [
            ["Ana Ortiz", "updated", "settings.data.list"],
            ["Chiara Conti", "updated", "settings.data.list"],
            ["Ana Ortiz", "reverted", "enabled"],
            ["Ben Adeyemi", "updated", "enabled"],
        ]

    def test_a_release_has_its_history(self, session: Any) -> None:
        site = session.reactor.find("properties", "Web Store US")
        frame = analysis.read(site, audit_events=True, session=session).publish_history()
        release = frame.set_index("name").loc["Release 2026-05"]
        assert release["created_at"] < release["submitted_at"] < release["approved_at"]
        assert release["approved_at"] < release["published_at"]
        assert release[["lead_time_h", "builds", "failed_builds"]].tolist() == [72.0, 2, 1]
        assert release["published_by"] in {"Ana Ortiz", "Ben Adeyemi", "Chiara Conti"}

    def test_a_snapshot_answers_like_a_session(self, session: Any, tmp_path: Path) -> None:
        site = session.reactor.find("properties", "Magazine")
        snapshot.pull(site, to=tmp_path, tables=[*snapshot.TABLES, "audit_events"], session=session)
        live = analysis.read(site, audit_events=True, session=session)
        stored = analysis.read(snapshot=tmp_path, audit_events=True)
        assert stored.who_changed().equals(live.who_changed())
        assert stored.publish_history().equals(live.publish_history())
        recent = analysis.read(snapshot=tmp_path, audit_events="2026-07-01")
        assert recent.frames["audit_events"]["created_at"].min() >= day("07-01")

    def test_a_snapshot_without_events_says_how_to_pull_them(
        self, session: Any, tmp_path: Path
    ) -> None:
        site = session.reactor.find("properties", "Magazine")
        snapshot.pull(site, to=tmp_path, tables="rules", session=session)
        with pytest.raises(SnapshotError, match=r'\[\*snapshot\.TABLES, "audit_events"\]'):
            analysis.read(snapshot=tmp_path, audit_events=True)

    def test_a_date_of_events_is_checked_before_any_request(self) -> None:
        with pytest.raises(ArgumentError, match="audit_events must be a date"):
            analysis.read("PR" + "0" * 32, audit_events="soon")
