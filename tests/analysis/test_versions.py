"""``extension_versions`` and ``library_size``: what an upgrade brings, what weighs how much."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.analysis.history import sizes, versions
from adobe_nb.analysis.history.schemas import required_members
from adobe_nb.analysis.history.versions import version_key
from adobe_nb.errors import ArgumentError
from tests.support.tag_frames import dtypes, no_tags

Row = dict[str, Any]
SEND = "tools::actions::send"


def package(number: str, version: str, **columns: Any) -> Row:
    actions = columns.pop("actions", {"send": {}})
    delegates = [{"name": name, "schema": schema} for name, schema in actions.items()]
    return {
        "id": f"EP{number}",
        "name": "tools",
        "version": version,
        "platform": "web",
        "availability": "public",
        "status": "succeeded",
        "discontinued": False,
        "actions": json.dumps(delegates),
        "configuration": json.dumps(columns.pop("configuration", {"schema": {}})),
        **columns,
    }


def tools(version: str = "1.0.0", upgrade: str | None = None, **columns: Any) -> Row:
    """The extension, installed from package 1."""
    return {
        "id": "EX1",
        "name": "tools",
        "display_name": "Tools",
        "version": version,
        "delegate_descriptor_id": "tools::extensionConfiguration::config",
        "settings": "{}",
        "property_id": "PR1",
        "extension_package_id": "EP1",
        "meta_upgrade_extension_package_id": upgrade,
        **columns,
    }


def site(extension: Row, packages: Iterable[Row], **tables: Any) -> analysis.Tags:
    columns = ["id", "rule_id", "name", "delegate_descriptor_id", "settings", "property_id"]
    components = pd.DataFrame([["RC1", "RL1", "Send", SEND, "{}", "PR1"]], columns=columns)
    return analysis.Tags(
        extensions=pd.DataFrame([extension]),
        rule_components=components,
        properties=pd.DataFrame([{"id": "PR1", "platform": "web"}]),
        extension_packages=pd.DataFrame(packages, columns=list(package("", ""))),
        **tables,
    )


def only_row(frame: pd.DataFrame) -> "pd.Series[Any]":
    assert len(frame) == 1
    return frame.loc[0]


def upgraded(before: Row, after: Row) -> "pd.Series[Any]":
    tags = site(tools(upgrade="EP2"), [package("1", "1.0.0", **before),
                                       package("2", "2.0.0", **after)])  # fmt: skip
    return only_row(tags.extension_versions())


class TestVersionKey:
    def test_versions_are_ordered_as_versions(self) -> None:
        ordered = [
            "unknown", "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2",
            "1.0.0-beta.11", "1.0.0-rc1", "1.0.0", "2.9.0", "2.10.0-beta", "2.10", "2.10.1", "10.0",
        ]  # fmt: skip
        for lower, higher in pairwise(ordered):
            assert version_key(lower) < version_key(higher), (lower, higher)

    @pytest.mark.parametrize(
        ("one", "other"),
        [("2.1", "2.1.0"), ("v3.0.1", "3.0.1"), (" 1.0 ", "1"), ("1.0.0+build.7", "1.0.0")],
    )
    def test_some_texts_are_the_same_version(self, one: str, other: str) -> None:
        assert version_key(one) == version_key(other)

    @pytest.mark.parametrize("text", ["", "latest", "+", "v", "-", "\u0661"])
    def test_any_text_has_a_place(self, text: str) -> None:
        assert version_key(text) < version_key("99.0")


class TestExtensionVersions:
    def test_an_installed_version_that_is_the_latest_is_not_behind(self) -> None:
        row = only_row(site(tools("1.0.0"), [package("1", "1.0.0")]).extension_versions())
        assert row[["version", "latest_version", "behind"]].tolist() == ["1.0.0", "1.0.0", 0]
        assert row["is_latest"]
        assert row[["platform", "availability", "display_name"]].tolist() == [
            "web",
            "public",
            "Tools",
        ]

    def test_the_package_on_offer_is_the_latest(self) -> None:
        tags = site(tools("2.9.0", "EP2"), [package("1", "2.9.0"), package("2", "2.10.0")])
        frame = tags.extension_versions()
        assert frame["latest_version"].tolist() == ["2.10.0"]
        # There may be others in between.
        assert frame["behind"].isna().all()
        assert frame["is_latest"].tolist() == [False]
        assert any("extension_packages.versions(" in text for text in frame.attrs["limits"])

    def test_versions_are_counted_in_a_list_of_all(self) -> None:
        every = [
            package("1", "2.9.0"),
            package("2", "2.10.0"),
            package("3", "2.9.9"),
            package("4", "2.8.0"),
            package("5", "3.0.0", availability="development"),
            package("6", "3.1.0", status="failed"),
            package("7", "3.2.0", discontinued=True),
            package("8", "9.0.0", platform="edge"),
            package("9", "9.0.0", name="other"),
        ]
        tags = site(tools("2.9.0", "EP2"), every[:2])
        row = only_row(tags.extension_versions(pd.DataFrame(every)))
        assert row[["latest_version", "behind"]].tolist() == ["2.10.0", 2]

    def test_an_unread_package_on_offer_is_unknown(self) -> None:
        frame = site(tools(upgrade="EP2"), [package("1", "1.0.0")]).extension_versions()
        assert frame.loc[0, ["latest_version", "behind", "is_latest"]].isna().all()
        assert any("latest version of tools is unknown" in text for text in frame.attrs["limits"])

    def test_the_catalog_completes_frames_without_offers(self) -> None:
        extension = tools()
        del extension["meta_upgrade_extension_package_id"]
        tags = site(extension, [package("1", "1.0.0")])
        assert tags.extension_versions()["latest_version"].isna().all()
        catalog = pd.DataFrame([package("2", "1.2.0")])
        assert tags.extension_versions(catalog)["latest_version"].tolist() == ["1.2.0"]
        other = pd.DataFrame([package("3", "1.2.0", name="other")])
        assert tags.extension_versions(other)["latest_version"].isna().all()

    def test_an_unknown_package_leaves_what_the_extension_says(self) -> None:
        row = only_row(site(tools("1.0.0"), []).extension_versions())
        assert row[["version", "latest_version", "platform"]].tolist() == ["1.0.0", "1.0.0", "web"]
        assert pd.isna(row["availability"])

    def test_delegates_in_use_that_the_latest_version_lacks_are_named(self) -> None:
        row = upgraded({"actions": {"send": {}, "other": {}}}, {"actions": {"emit": {}}})
        assert row["delegates_removed"] == SEND

    def test_unused_delegates_do_not_count(self) -> None:
        row = upgraded({"actions": {"send": {}, "other": {}}}, {"actions": {"send": {}}})
        assert pd.isna(row["delegates_removed"])

    def test_settings_that_are_required_for_the_first_time_are_named(self) -> None:
        row = upgraded(
            {"actions": {"send": {"required": ["a"]}}, "configuration": {"schema": {}}},
            {
                "actions": {"send": {"required": ["b", "a"]}},
                "configuration": {"schema": {"required": ["key"]}},
            },
        )
        assert row["settings_new_required"] == (
            f"{SEND}: b, tools::extensionConfiguration::config: key"
        )

    def test_a_package_without_delegates_is_a_limit(self) -> None:
        bare = package("2", "2.0.0") | {"actions": None, "configuration": None}
        frame = site(tools(upgrade="EP2"), [package("1", "1.0.0"), bare]).extension_versions()
        assert frame["delegates_removed"].isna().all()
        assert any("cannot be compared" in text for text in frame.attrs["limits"])

    @pytest.mark.parametrize(
        ("state", "upstream", "published", "blocked"),
        [
            ("submitted", None, True, "Next"),
            ("approved", "LB1", True, "Next"),
            ("development", "LB1", True, None),
            ("submitted", None, False, None),
        ],
    )
    def test_libraries_that_cannot_change_block_an_upgrade(
        self, state: str, upstream: str | None, published: bool, blocked: str | None
    ) -> None:
        libraries = pd.DataFrame(
            [
                {"id": "LB1", "name": "Old", "state": "published" if published else "rejected"},
                {"id": "LB2", "name": "Next", "state": state, "upstream_library_id": upstream},
            ]
        )
        # One that inherits the extension delivers it, too.
        holders = ["LB1", "LB1" if upstream else "LB2"]
        held = pd.DataFrame({"id": ["EXr1", "EXr1"], "origin_id": "EX1", "library_id": holders})
        packages = [package("1", "1.0.0"), package("2", "2.0.0")]
        tags = site(tools(upgrade="EP2"), packages, libraries=libraries, library_extensions=held)
        row = only_row(tags.extension_versions())
        assert (
            None if pd.isna(row["upgrade_blocked_by"]) else row["upgrade_blocked_by"]
        ) == blocked

    def test_columns_are_the_same_without_extensions(self) -> None:
        tags = analysis.Tags(extensions=no_tags().frames["extensions"].assign(version="1.0.0"))
        frame = tags.extension_versions()
        assert dtypes(frame) == dict(versions.COLUMNS)

    def test_extensions_and_a_frame_of_packages_are_required(self) -> None:
        with pytest.raises(ArgumentError, match="requires the table 'extensions'"):
            analysis.Tags().extension_versions()
        with pytest.raises(ArgumentError, match="requires the column 'version' of extensions"):
            no_tags().extension_versions()
        tags = site(tools(), [])
        for wrong in (pd.DataFrame({"id": []}), "core", {"core": "3.4.4"}):
            with pytest.raises(ArgumentError, match="must be a frame of extension packages"):
                tags.extension_versions(wrong)  # type: ignore[arg-type]

    def test_a_private_package_of_the_demo_breaks_a_rule(self, session: Any) -> None:
        site = session.reactor.find("properties", "Web Store DE")
        tags = analysis.read(site, session=session)
        installed = session.reactor.extension_packages.versions(tags.frames["extension_packages"])
        row = tags.extension_versions(installed).set_index("name").loc["harbor-tools"]
        assert row.drop(["extension_id", "display_name"]).tolist() == [
            "1.0.0",
            "2.0.0",
            1,
            "web",
            "private",
            "Filialfinder",
            "harbor-tools::actions::send",
            "harbor-tools::extensionConfiguration::config: region",
            False,
        ]


class TestRequiredMembers:
    @pytest.mark.parametrize(
        ("schema", "paths"),
        [
            (None, set()),
            ("text", set()),
            ({"required": True}, set()),
            ({"required": ["a-b", "c d"]}, {"a-b", "['c d']"}),
            ({"properties": {"a": {"required": ["b"]}}}, {"a.b"}),
            (
                {"properties": {"a": {"type": "array", "items": {"required": ["b"]}}}},
                {"a[].b"},
            ),
            ({"items": [{"required": ["b"]}]}, {"[].b"}),
            ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a", "b"}),
            ({"anyOf": [{"required": ["a"]}]}, set()),
            (
                {
                    "properties": {"a": {"$ref": "#/definitions/node"}},
                    "definitions": {
                        "node": {
                            "required": ["id"],
                            "properties": {"child": {"$ref": "#/definitions/node"}},
                        }
                    },
                },
                {"a.id"},
            ),
            ({"$ref": "https://example.com/schema.json"}, set()),
            ({"$ref": "#/definitions/missing"}, set()),
        ],
    )
    def test_members_that_must_be_there_have_a_path(self, schema: Any, paths: set[str]) -> None:
        assert required_members(schema) == paths


def library_site(**columns: Any) -> analysis.Tags:
    """Two libraries: one published with an element and a rule, one that adds an element."""
    element = {
        "name": "Path",
        "enabled": True,
        "delegate_descriptor_id": "core::dataElements::javascript-variable",
        "settings": '{"path": "abc"}',
        "origin_id": "DE1",
    }
    elements = [
        {**element, "id": "DE1r1", "library_id": "LB1"},
        {**element, "id": "DE2r1", "origin_id": "DE2", "name": "Long", "library_id": "LB2",
         "settings": '{"path":"' + "x" * 200 + '"}'},
    ]  # fmt: skip
    rules = [{"id": "RL1r1", "origin_id": "RL1", "name": "All", "enabled": True,
              "library_id": "LB1"}]  # fmt: skip
    code = {"language": "javascript", "source": "go();" * 10}
    component = {
        "id": "RC1r1",
        "rule_id": "RL1r1",
        "name": "Code",
        "delegate_descriptor_id": "core::actions::custom-code",
        "settings": json.dumps(code),
    }
    libraries = [
        {"id": "LB1", "name": "Live", "state": "published", "upstream_library_id": None},
        {"id": "LB2", "name": "Next", "state": "development", "upstream_library_id": "LB1"},
    ]
    extensions = pd.DataFrame(
        columns=["id", "origin_id", "name", "delegate_descriptor_id", "settings", "library_id"]
    )
    tables = {
        "libraries": pd.DataFrame(libraries),
        "library_rules": pd.DataFrame(rules),
        "library_data_elements": pd.DataFrame(elements),
        "library_extensions": extensions,
        "rule_revision_components": pd.DataFrame([component]),
        **columns,
    }
    for name in ("library_rules", "library_data_elements", "library_extensions"):
        tables[name] = tables[name].assign(revision_number=1)
    return analysis.Tags(**{name: frame for name, frame in tables.items() if frame is not None})


class TestLibrarySize:
    def test_code_and_other_settings_are_counted_apart(self) -> None:
        live, following = library_site().library_size().to_dict("records")
        element, action = len('{"path":"abc"}'), len('{"language":"javascript","source":}')
        assert live["components"] == 1
        assert (live["settings_chars"], live["code_chars"]) == (element + action, 50)
        assert live["largest"] == "All"
        assert live["share"] == pytest.approx((50 + action) / (50 + action + element))
        # With what it inherits.
        assert (following["components"], following["largest"]) == (1, "Long")

    def test_settings_that_the_build_removes_do_not_count(self) -> None:
        transforms = [{"propertyPath": "path", "type": "remove"}]
        delegate = {"name": "javascript-variable", "transforms": transforms}
        packages = [{"id": "EP1", "name": "core", "data_elements": json.dumps([delegate])}]
        elements = library_site().frames["library_data_elements"]
        elements = elements.assign(updated_with_extension_package_id="EP1")
        tags = library_site(
            library_data_elements=elements, extension_packages=pd.DataFrame(packages)
        )
        sizes_of = tags.library_size().set_index("library_name")["settings_chars"]
        assert sizes_of["Next"] - sizes_of["Live"] == len('{"path":}')

    def test_older_releases_whose_components_were_not_read_are_unknown(self) -> None:
        tags = library_site()
        old = {"id": "LB0", "name": "Old", "state": "published", "published_at": "2020-01-01"}
        libraries = pd.concat([tags.frames["libraries"].assign(published_at="2026-01-01"),
                               pd.DataFrame([old])])  # fmt: skip
        rule = tags.frames["library_rules"].assign(id="RL1r0", library_id="LB0")
        rules = pd.concat([tags.frames["library_rules"], rule])
        frame = library_site(libraries=libraries, library_rules=rules).library_size()
        unknown = frame.set_index("library_name").loc["Old"].drop(["library_id", "state"])
        assert unknown.isna().all()
        assert frame["components"].notna().sum() == 2
        assert any("1 library that was published earlier" in text
                   for text in frame.attrs["limits"])  # fmt: skip

    def test_settings_that_are_nested_too_deeply_are_counted(self) -> None:
        deep = "[" * 900 + "]" * 900
        elements = library_site().frames["library_data_elements"].assign(settings=deep)
        frame = library_site(library_data_elements=elements).library_size()
        assert (frame["settings_chars"] >= 1800).all()

    def test_columns_are_the_same_without_libraries(self) -> None:
        tags = library_site()
        empty = {name: frame.head(0) for name, frame in tags.frames.items()}
        assert dtypes(library_site(**empty).library_size()) == dict(sizes.COLUMNS)

    def test_an_empty_library_has_no_largest_resource(self) -> None:
        nothing = {
            name: library_site().frames[name].head(0)
            for name in ("library_rules", "library_data_elements")
        }
        frame = library_site(**nothing).library_size()
        assert frame["components"].tolist() == [0, 0]
        assert frame[["share", "largest"]].isna().all(axis=None)

    @pytest.mark.parametrize("missing", ["libraries", "rule_revision_components", "library_rules"])
    def test_tables_of_the_libraries_are_required(self, missing: str) -> None:
        frames = dict(library_site().frames)
        del frames[missing]
        with pytest.raises(ArgumentError, match=f"library_size.. requires the table '{missing}'"):
            analysis.Tags(**frames).library_size()
