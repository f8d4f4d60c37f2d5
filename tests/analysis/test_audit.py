"""``audit``: the table of rules, fingerprints that last, suppressions and notes."""

import json
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pandas as pd
import pytest

import adobe_nb
from adobe_nb import analysis
from adobe_nb.analysis import Tags
from adobe_nb.analysis.audit.findings import COLUMNS
from adobe_nb.analysis.audit.questions import QUESTIONS
from adobe_nb.analysis.audit.rules import SEVERITIES, all_rules
from adobe_nb.analysis.code.risks import risks
from adobe_nb.analysis.governance.naming import RULES
from adobe_nb.errors import ArgumentError
from adobe_nb.simulator.server import Simulator
from tests.conftest import sign_in
from tests.support.tag_frames import (
    CODE_ACTION,
    components,
    dtypes,
    elements,
    extensions,
    no_tags,
    rules,
)

CLICK = "core::events::click"
BEACON = "adobe-analytics::actions::send-beacon"
VARIABLES = "adobe-analytics::actions::set-variables"
CONSTANT = "core::dataElements::constant"
DAY = "2026-05-01T12:00:00Z"
THEMES = ("references", "unused")
UNKNOWN = "v1:ffffffffffffffff"


def tags(*parts: Any, as_of: str | None = DAY, name: str = "Rule", **tables: Any) -> Tags:
    """A rule with a click and these components, and no data elements."""
    rows = [("RC0", "RL1", CLICK, {"elementSelector": "a"}), *parts]
    tables = {
        "rules": rules(("RL1", name)),
        "rule_components": components(*rows),
        "data_elements": elements(),
        "extensions": extensions(("EX1", "core", None, None)),
        **tables,
    }
    return Tags(as_of=as_of, **tables)


def beacon(text: str, component_id: str = "RC1") -> tuple[Any, ...]:
    return component_id, "RL1", BEACON, {"type": "link", "linkName": text}


def evars(*values: str) -> tuple[Any, ...]:
    items = [{"name": "eVar1", "type": "value", "value": value} for value in values]
    return "RC1", "RL1", VARIABLES, {"trackerProperties": {"eVars": items}}


def script(source: str, component_id: str = "RC1") -> tuple[Any, ...]:
    return component_id, "RL1", CODE_ACTION, {"language": "javascript", "source": source}


def missing(site: Tags, **options: Any) -> pd.DataFrame:
    return site.audit("missing-data-element", **options)


def fingerprints(site: Tags) -> list[str]:
    return missing(site)["fingerprint"].tolist()


def limits(frame: pd.DataFrame) -> str:
    return "\n".join(frame.attrs["limits"])


@pytest.fixture(scope="module")
def web_store_us(demo: Simulator) -> Tags:
    session = sign_in(demo, make_default=False)
    return analysis.read(session.reactor.find("properties", "Web Store US"), session=session)


@pytest.fixture(scope="module")
def web_store_de(demo: Simulator) -> Tags:
    session = sign_in(demo, make_default=False)
    return analysis.read(session.reactor.find("properties", "Web Store DE"), session=session)


class TestRules:
    def test_columns_of_every_rule_are_columns_of_its_question(self, web_store_us: Tags) -> None:
        model = web_store_us.model
        for rule in all_rules().values():
            answer = QUESTIONS[rule.question](model, **rule.options)
            names = {rule.source, *rule.where, *rule.subject}
            for sentence in rule.message:
                names |= {name for _, name, _, _ in Formatter().parse(sentence) if name}
            assert names <= set(answer.columns), rule.name

    def test_names_themes_and_severities_differ(self) -> None:
        themes = {rule.theme for rule in all_rules().values()}
        words = [*all_rules(), *themes, *SEVERITIES]
        assert len(words) == len(set(words))

    def test_every_rule_has_a_severity_and_says_what_to_do(self) -> None:
        for rule in all_rules().values():
            assert rule.severity in SEVERITIES
            assert rule.title[0].isupper()
            assert rule.help.endswith(".")

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("missing-data-element", {"missing-data-element"}),
            ("references", {"missing-data-element", "masked-token"}),
            ("medium", {"masked-token"}),
            (["missing-data-element", "low"], {"missing-data-element", "unused-data-element"}),
            (None, {"missing-data-element", "masked-token", "unused-data-element"}),
        ],
    )
    def test_rules_themes_and_severities_select(self, words: Any, found: set[str]) -> None:
        site = tags(
            beacon("100% of %price%"),
            beacon("%gone%", "RC2"),
            data_elements=elements(("DE1", "price", CONSTANT, {"value": "1"})),
        )
        known = {rule.name for rule in all_rules().values() if rule.theme in THEMES}
        assert set(site.audit(words)["rule"]) & known == found

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("hihg", "Did you mean high"),
            (["low", "missing-data-elment"], "Did you mean missing-data-element"),
            ([], "selects nothing"),
            ([7], "Unknown rule, theme or severity 7"),
        ],
    )
    def test_unknown_rule_is_refused(self, words: Any, says: str) -> None:
        with pytest.raises(ArgumentError, match=says):
            tags().audit(words)


class TestFindings:
    def test_property_without_content_has_no_findings_and_all_columns(self) -> None:
        frame = no_tags().audit()
        assert len(frame) == 0
        assert dtypes(frame) == dict(COLUMNS)
        assert frame.attrs["counts"] == {"high": 0, "medium": 0, "low": 0}

    def test_finding_names_its_resource_place_and_suggestion(self) -> None:
        site = tags(
            beacon("%page name%"), data_elements=elements(("DE1", "Page Name", CONSTANT, {}))
        )
        row = missing(site).iloc[0]
        assert row["severity"] == "high"
        assert row[["source_type", "source_id", "rule_id", "rule_name", "path"]].tolist() == [
            "rule_components", "RC1", "RL1", "Rule", "linkName",
        ]  # fmt: skip
        assert row["message"] == (
            "Reads 'page name', and no data element has that name. Did you mean 'Page Name'?"
        )
        assert row["first_seen"] == pd.Timestamp(DAY)

    def test_sentence_about_an_empty_column_is_left_out(self) -> None:
        assert missing(tags(beacon("%x%")))["message"].tolist() == [
            "Reads 'x', and no data element has that name."
        ]

    def test_most_severe_findings_come_first(self) -> None:
        site = tags(
            beacon("100% of %price%"),
            beacon("%gone%", "RC2"),
            data_elements=elements(("DE1", "price", CONSTANT, {"value": "1"})),
        )
        frame = site.audit(THEMES)
        assert frame["severity"].tolist() == ["high", "medium", "low"]
        assert frame.attrs["counts"] == {"high": 1, "medium": 1, "low": 1}

    def test_finding_in_a_disabled_rule_is_low(self) -> None:
        site = tags(beacon("%x%"), rules=rules(("RL1", "Rule"), enabled=[False]))
        assert missing(site)["severity"].tolist() == ["low"]
        assert site.audit("high").empty

    def test_settings_that_cannot_be_read_are_a_finding(self) -> None:
        row = tags(("RC1", "RL1", BEACON, "{broken")).audit("unreadable-settings").iloc[0]
        assert row["source_id"] == "RC1"
        assert row["message"].startswith("Its settings cannot be read: they are not JSON")

    def test_only_the_later_one_of_two_duplicates_is_a_finding(self) -> None:
        delegate, path = "core::dataElements::javascript-variable", {"path": "digitalData.page"}
        site = tags(
            data_elements=elements(
                ("DE1", "A", delegate, path), ("DE2", "B", delegate, path),
                created_at=["2026-03-01T00:00:00Z", "2026-01-01T00:00:00Z"],
            )
        )  # fmt: skip
        frame = site.audit("duplicates")
        assert frame["source_id"].tolist() == ["DE1"]
        assert frame["message"].tolist() == ["Does the same as 'B' (DE2)."]

    def test_extension_with_a_newer_version_is_a_finding(self, web_store_de: Tags) -> None:
        frame = web_store_de.audit("outdated-extension")
        row = frame.set_index("source_name").loc["Adobe Analytics"]
        assert row["message"].startswith("Version 1.9.2 is installed, and 2.0.1 is the latest.")

    def test_rule_that_cannot_be_checked_is_named(self) -> None:
        frame = tags().audit()
        assert "Not checked: deleted-but-live, unpublished-change, never-published." in limits(
            frame
        )
        assert "requires the table 'libraries'" in limits(frame)

    def test_several_properties_come_with_their_ids(self) -> None:
        site = tags(
            beacon("%x%"), beacon("%y%", "RC2"),
            rules=rules(("RL1", "A"), property_id=["PR1"]),
            data_elements=elements(("DE1", "z", CONSTANT, {}), property_id=["PR2"]),
            extensions=extensions(("EX1", "core", None, None), property_id=["PR1"]),
        )  # fmt: skip
        frame = site.audit(THEMES)
        assert frame.columns[0] == "property_id"
        assert frame["property_id"].tolist() == ["PR1", "PR1", "PR2"]


class TestFingerprints:
    def test_two_audits_are_equal(self) -> None:
        parts = [beacon("%x%"), beacon("%y% %y%", "RC2")]
        pd.testing.assert_frame_equal(tags(*parts).audit(), tags(*parts).audit())

    def test_rename_of_the_source_keeps_them(self) -> None:
        before = tags(beacon("%x%"))
        after = tags(beacon("%x%"), name="Another rule")
        assert fingerprints(before) == fingerprints(after)

    def test_other_order_of_a_list_keeps_them(self) -> None:
        before = fingerprints(tags(evars("%x%", "%y%", "fixed")))
        after = fingerprints(tags(evars("fixed", "%y%", "another", "%x%")))
        assert sorted(before) == sorted(after)

    def test_moved_line_of_code_keeps_them(self) -> None:
        before = tags(script("_satellite.getVar('x');"))
        after = tags(script("// a comment\nif (a) {\n    _satellite.getVar('x');\n}"))
        assert missing(after)["line"].tolist() == [3]
        assert fingerprints(before) == fingerprints(after)

    def test_revision_has_those_of_its_head(self) -> None:
        head = tags(beacon("%x%"))
        revision = components(
            ("RC0", "RL1", CLICK, {}), ("RC7", "RL1", BEACON, {"linkName": "%x%"}),
            origin_id=["RC0", "RC1"], revision_number=[0, 4],
        )  # fmt: skip
        held = tags(rule_components=revision)
        assert missing(held)["source_id"].tolist() == ["RC7"]
        assert fingerprints(head) == fingerprints(held)

    def test_findings_of_one_setting_differ(self) -> None:
        code = script("_satellite.getVar('x')", "RC2")
        found = fingerprints(tags(evars("%x%", "%x%", "%y%"), code))
        assert len(set(found)) == 4

    def test_they_are_those_of_earlier_versions(self) -> None:
        # Suppressions of users refer to them. If this must change, so must VERSION.
        assert fingerprints(tags(beacon("%x%"))) == ["v1:1fe417e75fa6b35d"]


@pytest.fixture(scope="module")
def site() -> Tags:
    return tags(beacon("%x%"), beacon("%y%", "RC2"))


class TestSuppressions:
    def test_suppressed_finding_is_left_out_and_listed_with_all(self, site: Tags) -> None:
        first, second = missing(site)["fingerprint"]
        suppress = pd.DataFrame({"fingerprint": [first], "note": ["accepted"]})
        assert missing(site, suppress=suppress)["fingerprint"].tolist() == [second]
        everything = missing(site, suppress=suppress, all=True).set_index("fingerprint")
        assert everything["suppressed"].to_dict() == {first: True, second: False}
        assert everything.loc[first, "note"] == "accepted"
        assert everything.attrs["counts"]["high"] == 1

    def test_earlier_audit_leaves_only_what_is_new(self, site: Tags) -> None:
        after = tags(beacon("%x%"), beacon("%y%", "RC2"), beacon("%z%", "RC3"))
        new = missing(after, suppress=missing(site))
        assert new["source_id"].tolist() == ["RC3"]

    @pytest.mark.parametrize(("until", "suppressed"), [("2026-05-01", 2), ("2026-04-30", 0)])
    def test_suppression_ends_after_its_last_day(
        self, site: Tags, until: str, suppressed: int
    ) -> None:
        known = missing(site).assign(note="later", until=until)
        frame = missing(site, suppress=known)
        assert len(frame) == 2 - suppressed
        assert frame["note"].tolist() == ["later"] * len(frame)
        assert ("Suppressions that expired: " in limits(frame)) == (not suppressed)

    def test_suppression_that_matches_nothing_is_named(self, site: Tags) -> None:
        suppress = pd.DataFrame({"fingerprint": [UNKNOWN], "note": [""]})
        frame = site.audit(suppress=suppress)
        assert f"Suppressions that match nothing: {UNKNOWN}. Some of them may" in limits(frame)
        assert "match nothing" not in limits(site.audit("high", suppress=suppress))

    @pytest.mark.parametrize("suffix", ["csv", "json", "toml"])
    def test_suppressions_are_read_from_a_file(
        self, site: Tags, suffix: str, tmp_path: Path
    ) -> None:
        first, second = missing(site)["fingerprint"]
        texts = {
            "csv": f"\ufefffingerprint,note,until\n{first},\"a, b\",2030-01-01\n{second},c,\n",
            "json": json.dumps({"findings": [
                {"fingerprint": first, "note": "a, b", "until": "2030-01-01T00:00:00Z"},
                {"fingerprint": second, "note": "c", "until": None},
            ]}),
            "toml": (
                f'[[suppress]]\nfingerprint = "{first}"\nnote = "a, b"\nuntil = 2030-01-01\n'
                f'[[suppress]]\nfingerprint = "{second}"\nnote = "c"\n'
            ),
        }  # fmt: skip
        path = tmp_path / f"known.{suffix}"
        path.write_text(texts[suffix], encoding="utf-8")
        assert missing(site, suppress=path).empty
        frame = missing(site, suppress=str(path), all=True)
        assert frame["note"].tolist() == ["a, b", "c"]

    @pytest.mark.parametrize("separator", [";", "\t"])
    def test_csv_of_excel_is_read_with_the_separator_of_its_country(
        self, site: Tags, separator: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "known.csv"
        missing(site).assign(note="a, b").to_csv(path, sep=separator, index=False)
        assert missing(site, suppress=path).empty
        assert set(missing(site, suppress=path, all=True)["note"]) == {"a, b"}

    @pytest.mark.parametrize("name", ["known.csv", "known.json", "known.toml"])
    @pytest.mark.parametrize("text", ["", " \n"])
    def test_an_empty_file_suppresses_nothing(
        self, site: Tags, name: str, text: str, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_text(text)
        assert len(missing(site, suppress=tmp_path / name)) == 2

    def test_a_file_of_comments_suppresses_nothing(self, site: Tags, tmp_path: Path) -> None:
        (tmp_path / "known.toml").write_text("# Nothing is accepted.\n")
        assert len(missing(site, suppress=tmp_path / "known.toml")) == 2

    def test_csv_of_an_audit_is_read_with_its_index(self, site: Tags, tmp_path: Path) -> None:
        missing(site).to_csv(tmp_path / "known.csv")
        assert missing(site, suppress=tmp_path / "known.csv").empty

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [
            ("known.csv", "id,reason\nv1:0,x\n", "Row 1 of .* has no 'fingerprint' and no 'note'. It has: id, reason"),
            ("known.csv", f"fingerprint,note,untill\n{UNKNOWN},x,\n", "Did you mean until"),
            ("known.csv", f"fingerprint,untill\n{UNKNOWN},\n", "no 'note'.*'untill'. Did you mean until"),
            ("known.csv", f"fingerprint,note,expires\n{UNKNOWN},x,\n", "has 'expires'"),
            ("known.csv", "fingerprint,note\nv0:12,x\n", "version 'v0'.* writes 'v1'"),
            ("known.csv", "fingerprint,note\nRC1,x\n", "fingerprint 'RC1'. Copy one"),
            ("known.csv", f"fingerprint,note\n{UNKNOWN},x\n{UNKNOWN},y\n", "Row 2 of .* repeats"),
            ("known.csv", f"fingerprint,note,until\n{UNKNOWN},x,soon\n", "until='soon'. Expected"),
            ("known.csv", f"fingerprint,note,first_seen\n{UNKNOWN},x,soon\n", "first_seen='soon'"),
            ("known.json", "{", "Cannot read .*known.json: Expecting"),
            ("known.json", '{"a": []}', "expected a list of objects"),
            ("known.json", "[1]", "expected a list of objects"),
            ("known.toml", "= 1", "Cannot read .*known.toml: Invalid"),
            ("known.csv", "\udcff", "Cannot read .*known.csv"),
            ("known.yaml", "", "expected a file that ends in .csv, .json, .toml"),
        ],
    )  # fmt: skip
    def test_unusable_file_is_refused(
        self, name: str, text: str, says: str, site: Tags, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(ArgumentError, match=says):
            site.audit(suppress=tmp_path / name)

    def test_missing_file_and_other_values_are_refused(self, site: Tags, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match="No such file"):
            site.audit(suppress=tmp_path / "known.csv")
        with pytest.raises(ArgumentError, match="suppress= takes a frame or the path .* not list"):
            site.audit(suppress=[UNKNOWN])

    def test_frame_without_rows_suppresses_nothing(self, site: Tags) -> None:
        assert len(missing(site, suppress=pd.DataFrame())) == 2


class TestEarlier:
    def test_notes_and_dates_survive_the_next_run_and_a_rename(self) -> None:
        before = missing(tags(beacon("%x%"))).assign(note="ask Ann")
        after = tags(
            beacon("%x%"), beacon("%y%", "RC2"), name="Renamed", as_of="2026-06-01T00:00:00Z"
        )
        frame = missing(after, earlier=before).set_index("source_id")
        assert frame["note"].fillna("").to_dict() == {"RC1": "ask Ann", "RC2": ""}
        assert frame["first_seen"].dt.strftime("%m-%d").to_dict() == {
            "RC1": "05-01",
            "RC2": "06-01",
        }

    def test_note_of_a_suppression_comes_first(self) -> None:
        before = missing(tags(beacon("%x%"))).assign(note="old")
        now = tags(beacon("%x%"), as_of="2026-06-01T00:00:00Z")
        frame = missing(now, suppress=before.assign(note="new"), earlier=before, all=True)
        assert frame["note"].tolist() == ["new"]
        assert frame["first_seen"].tolist() == [pd.Timestamp(DAY)]

    def test_frame_that_is_not_an_audit_is_refused(self) -> None:
        frame = pd.DataFrame({"fingerprint": [UNKNOWN], "note": ["x"]})
        with pytest.raises(
            ArgumentError, match="Row 1 of the frame of earlier= has no 'first_seen'"
        ):
            tags().audit(earlier=frame)

    def test_unknown_time_of_reading_leaves_first_seen_empty(self) -> None:
        frame = missing(tags(beacon("%x%"), as_of=None))
        assert frame["first_seen"].isna().all()

    def test_as_of_that_is_not_a_time_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="as_of='some day' is not a time"):
            tags(as_of="some day").audit()


def test_evidence_is_redacted() -> None:
    site = tags(script("key = 'hush'; _satellite.getVar('x')"))
    site.model.redact = lambda text: text.replace("hush", "…")
    assert missing(site)["evidence"].tolist() == ["key = '…'; _satellite.getVar('x')"]


SECRET = "AKIA" + "Q3EGZ7TPLM2XK9VB"


@pytest.mark.parametrize(
    "line",
    [
        f"_satellite.getVar('x'); key = '{SECRET}';",
        f"_satellite.getVar('{SECRET}'); _satellite.getVar('x');",
        f"_satellite.getVar('x'); key = '{'x' * 160}{SECRET}';",
        f"key = '{SECRET}{' ' * 30}'; _satellite.getVar('x', {{{'a' * 150}: 1}});",
    ],
)
def test_secret_beside_a_finding_is_hidden(line: str) -> None:
    frame = tags(script(f"{line}\nkey = '{SECRET}'")).audit()
    assert {"missing-data-element", "secret"} <= set(frame["rule"])
    for length in (6, 10, len(SECRET)):
        assert SECRET[:length] not in frame.to_csv()
        assert SECRET[-length:] not in frame.to_csv()


def test_risk_in_code_has_its_own_severity_and_advice() -> None:
    row = tags(script("eval(x)")).audit("code").iloc[0]
    assert row[["rule", "severity", "line", "evidence"]].tolist() == ["eval", "high", 1, "eval(x)"]
    assert row["message"].startswith("eval runs a text as code")


def test_every_risk_in_code_is_a_rule() -> None:
    assert {rule.name for rule in all_rules().values() if rule.theme == "code"} == set(risks())


def test_direct_call_without_a_listener_and_with_blanks_are_findings() -> None:
    listener = ("RC2", "RL1", "core::events::direct-call", {"identifier": " go"})
    frame = tags(script("_satellite.track('go');"), listener).audit("rules")
    assert frame[["rule", "source_id"]].to_numpy().tolist() == [
        ["direct-call-never-fires", "RL1"],
        ["unheard-direct-call", "RC1"],
    ]


def test_rules_of_one_event_and_order_are_findings() -> None:
    site = tags(
        ("RC1", "RL2", CLICK, {"elementSelector": "a"}), rules=rules(("RL1", "A"), ("RL2", "B"))
    )
    frame = site.audit("undefined-order")
    assert frame["source_id"].tolist() == ["RL1", "RL2"]
    assert frame["message"].str.contains("the same order (50)", regex=False).all()


@pytest.mark.parametrize(
    ("code", "rule"),
    [("s.evar5 = 1;", "misspelled-variable"), ("s.eVar251 = 1;", "variable-out-of-range")],
)
def test_variable_that_analytics_does_not_have_is_a_finding(code: str, rule: str) -> None:
    frame = tags(script(f"// first\n{code}")).audit("variables")
    assert frame[["rule", "severity", "line"]].to_numpy().tolist() == [[rule, "high", 2]]


def test_rule_that_sends_without_a_condition_on_consent_is_a_finding() -> None:
    frame = tags(beacon("x")).audit("consent")
    assert frame[["rule", "source_id"]].to_numpy().tolist() == [["no-consent-condition", "RL1"]]


def test_every_rule_of_names_is_a_rule() -> None:
    names = {name for rule in all_rules().values() for name in rule.where.get("rule", ())}
    assert set(RULES) | {"same-name-in-other-case"} <= names


def test_names_disabled_rules_and_delivery_are_checked(web_store_de: Tags) -> None:
    frame = web_store_de.audit(["naming", "stale", "plumbing"]).set_index("rule")
    assert frame.loc["disabled-resource", "message"].startswith("Is disabled. Its last change was")
    assert frame.loc["idle-delivery", ["source_type", "source_name"]].tolist() == [
        "environment", "Staging",
    ]  # fmt: skip
    # What is missing has no id: its finding is about the property.
    assert frame.loc["destination-problem", "source_id"] == web_store_de.model.property_ids[0]
    assert frame.loc["confusing-name", "source_name"] == "Campaign code"


def test_names_that_differ_in_case_are_one_finding_for_each_pair() -> None:
    named = elements(*((f"DE{at}", name, CONSTANT, {}) for at, name in enumerate(("b", "A", "a"))))
    frame = tags(data_elements=named).audit("confusing-name")
    assert frame[["source_name", "message"]].to_numpy().tolist() == [
        ["a", "Differs only in case or blanks from 'A'."]
    ]


def test_a_copy_is_not_old_and_its_finding_names_the_original() -> None:
    site = tags(name="Copy of Home", rules=rules(("RL1", "Copy of Home"), ("RL2", "Old - home")))
    assert site.audit("old-name")["source_name"].tolist() == ["Old - home"]
    message = site.audit("untidy-name").loc[0, "message"]
    assert message == "Looks like a copy of 'Home'. Suggestion: 'Home'."


def test_an_old_name_of_what_is_used_and_live_is_not_a_finding() -> None:
    named = elements(
        ("DE1", "Price (old)", CONSTANT, {}), ("DE2", "Size (old)", CONSTANT, {}),
        origin_id=["DE1", "DE2"],
    )  # fmt: skip
    library = pd.DataFrame([{"id": "LB1", "name": "Live", "state": "published"}])
    held = {
        "library_data_elements": named.assign(library_id="LB1"),
        "library_rules": rules().assign(library_id=""),
        "library_extensions": extensions().assign(library_id=""),
    }
    site = tags(beacon("%Price (old)%"), data_elements=named, libraries=library, **held)
    assert site.audit("old-name")["source_name"].tolist() == ["Size (old)"]


@pytest.mark.parametrize(
    ("part", "enabled", "message"),
    [
        (beacon("x"), True, "Nothing in this property refers to it."),
        (
            script("// _satellite.getVar('price')"),
            True,
            "Only a comment names it: rule 'Rule' (RC1).",
        ),
        (beacon("%price%"), False, "Only disabled rules use it: rule 'Rule' (RC1)."),
    ],
)
def test_what_is_unused_says_why_in_one_sentence(part: Any, enabled: bool, message: str) -> None:
    site = tags(
        part,
        rules=rules(("RL1", "Rule"), enabled=[enabled]),
        data_elements=elements(("DE1", "price", CONSTANT, {})),
    )
    assert site.audit("unused-data-element")["message"].tolist() == [message]


class TestGuide:
    TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "audit.md").read_text(encoding="utf-8")

    def test_its_table_has_every_rule(self) -> None:
        rows = re.findall(r"^\| (\w+) \| `([\w-]+)` \| (\w+) \| (.+) \|$", self.TEXT, re.MULTILINE)
        assert rows == [
            (rule.theme, rule.name, rule.severity, rule.title) for rule in all_rules().values()
        ]

    def test_its_examples_run(self, session: adobe_nb.Session) -> None:
        names: dict[str, Any] = {}
        for block in re.findall(r"```python\n(.*?)```", self.TEXT, re.DOTALL):
            exec(block, names)
        assert names["new"].empty
        noted = names["later"].set_index("rule")["note"]
        assert (noted["missing-data-element"] == "Ana repairs it").all()

    def test_its_suppressions_are_read(self, web_store_us: Tags, tmp_path: Path) -> None:
        path = tmp_path / "accepted.toml"
        path.write_text(re.findall(r"```toml\n(.*?)```", self.TEXT, re.DOTALL)[0])
        frame = web_store_us.audit(suppress=path, all=True)
        assert frame["suppressed"].sum() == 1
