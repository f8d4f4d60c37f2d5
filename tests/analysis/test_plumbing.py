"""``plumbing``: where libraries are delivered, and where data is sent, stage by stage."""

from typing import Any

import pandas as pd
import pytest

from adobe_nb import analysis
from adobe_nb.analysis import Tags
from tests.support.tag_frames import dtypes, elements, extensions, no_tags

COLUMNS = dict.fromkeys(["kind", "id", "name", "stage", "detail", "problem"], "string")
STAGES = ["development", "production", "staging"]


def environments(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"id": ["EN1", "EN2", "EN3"], "name": STAGES, "stage": STAGES})
    return frame.assign(**columns)


def problems(tags: Tags, kind: str) -> dict[Any, str]:
    """The problem of each part of a kind, by id and stage; an empty one if it has none."""
    rows = tags.plumbing().query("kind == @kind").astype("object")
    rows = rows.where(rows.notna(), "")
    return {(row.id, row.stage): row.problem for row in rows.itertuples()}


def config(package: str, settings: Any) -> pd.DataFrame:
    return extensions(("EX1", package, f"{package}::extensionConfiguration::config", settings))


def test_columns_are_the_same_with_no_row_one_and_many(reactor: Any) -> None:
    empty = no_tags().plumbing()
    assert dtypes(empty) == COLUMNS
    assert any("environments, hosts, callbacks, secrets" in text for text in empty.attrs["limits"])
    assert dtypes(Tags(hosts=pd.DataFrame({"id": ["HT1"]})).plumbing()) == COLUMNS
    tags = analysis.read(reactor.find("properties", "Web Store US"))
    answer = tags.plumbing()
    assert dtypes(answer) == COLUMNS
    assert set(answer["kind"]) == {"callback", "datastream", "environment", "host"}
    callback = answer[answer["kind"] == "callback"].iloc[0]
    assert callback["detail"] == "https://hooks.hearth-harbor.example/tags"
    assert callback["problem"] is pd.NA
    assert not any("missing" in text for text in answer.attrs["limits"])


def test_event_forwarding_of_the_demo_company_lacks_a_secret(reactor: Any) -> None:
    tags = analysis.read(reactor.find("properties", "Event Forwarding"))
    wrong = {key: text for key, text in problems(tags, "secret").items() if text}
    [((_, stage), text)] = wrong.items()
    assert stage == "staging"
    assert text == "The data element names no secret for staging: reading it fails there."


def test_a_host_that_no_environment_uses_is_a_problem() -> None:
    hosts = pd.DataFrame({"id": ["HT1", "HT2"], "type_of": "sftp", "server": "sftp.acme.net"})
    tags = Tags(hosts=hosts, environments=environments(host_id="HT1"))
    assert problems(tags, "host") == {
        ("HT1", ""): "", ("HT2", ""): "No environment uses this host.",
    }  # fmt: skip
    assert tags.plumbing().query("kind == 'host'")["detail"][4] == "sftp: sftp.acme.net"
    # Without the column, which host is in use is not known.
    assert set(problems(Tags(hosts=hosts, environments=environments()), "host").values()) == {""}


def test_a_host_whose_connection_failed_is_a_problem() -> None:
    hosts = pd.DataFrame({"id": ["HT1", "HT2"], "status": ["failed", "succeeded"]})
    assert "connection failed" in problems(Tags(hosts=hosts), "host")["HT1", ""]
    assert problems(Tags(hosts=hosts), "host")["HT2", ""] == ""


def test_an_environment_without_a_library_is_a_problem() -> None:
    tags = Tags(environments=environments(library_id=["LB1", None, "LB1"]))
    found = problems(tags, "environment")
    assert found["EN1", "development"] == ""
    assert "No library is assigned" in found["EN2", "production"]
    assert set(problems(Tags(environments=environments()), "environment").values()) == {""}


def test_a_stage_without_an_environment_is_a_problem() -> None:
    tags = Tags(environments=environments().iloc[:2])
    assert problems(tags, "environment")["", "staging"] == ("There is no environment for staging.")
    assert len(problems(tags, "environment")) == 3


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://hooks.shop.example/a", ""),
        ("http://hooks.shop.example/a", "The address is not https"),
        ("https://shop.example.net/a", "The host is not one of the property's domains"),
        ("", "The address is not https"),
    ],
)
def test_a_callback_to_an_open_or_unknown_address_is_a_problem(url: str, problem: str) -> None:
    site = pd.DataFrame({"id": ["PR1"], "domains": ['["www.shop.example"]']})
    callbacks = pd.DataFrame({"id": ["CB1"], "url": [url], "property_id": ["PR1"]})
    found = problems(Tags(callbacks=callbacks, properties=site), "callback")["CB1", ""]
    assert found.startswith(problem)
    assert bool(found) == bool(problem)
    # Without domains, which host is known cannot be told.
    assert "domains" not in problems(Tags(callbacks=callbacks), "callback")["CB1", ""]


def test_a_callback_without_events_is_a_problem() -> None:
    callbacks = pd.DataFrame(
        {"id": ["CB1", "CB2"], "url": "https://a.net/", "subscriptions": ["[]", '["rule.updated"]']}
    )
    assert problems(Tags(callbacks=callbacks), "callback") == {
        ("CB1", ""): "It subscribes to no events.", ("CB2", ""): "",
    }  # fmt: skip


def test_the_address_of_a_callback_is_shown_without_its_secrets() -> None:
    path = "services/T0" + "0000000/B00000000/" + "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8"
    url = f"https://hooks.slack.com/{path}?token=1"
    answer = Tags(callbacks=pd.DataFrame({"id": ["CB1"], "url": [url]})).plumbing()
    assert answer["detail"].tolist() == ["https://hooks.slack.com/" + "\N{BULLET}" * 8]
    assert answer["name"].tolist() == ["hooks.slack.com"]


def test_the_datastream_of_production_in_another_stage_is_a_problem() -> None:
    settings = {
        "instances": [
            {"name": "alloy", "edgeConfigId": "a", "stagingEdgeConfigId": "b"},
            {"name": "eu", "edgeConfigId": "c", "stagingEdgeConfigId": "c",
             "developmentEdgeConfigId": "d"},
        ]
    }  # fmt: skip
    found = problems(Tags(extensions=config("adobe-alloy", settings)), "datastream")
    assert found == {
        ("a", "production"): "",
        ("b", "staging"): "",
        ("", "development"): (
            "There is no datastream for development: data of development goes to production."
        ),
        ("c", "production"): "",
        ("c", "staging"): "This is the datastream of production: data of staging mixes with it.",
        ("d", "development"): "",
    }


def test_the_edge_network_extension_has_datastreams_too() -> None:
    tags = Tags(extensions=config("adobe-edge", {"stagingEdgeConfigId": "b"}))
    found = problems(tags, "datastream")
    assert found["", "production"] == "There is no datastream for production."
    assert found["b", "staging"] == ""
    assert Tags(extensions=config("adobe-edge", {"a": 1})).plumbing().empty


def test_the_report_suite_of_production_in_another_stage_is_a_problem() -> None:
    accounts = {"production": ["shop", "global"], "staging": ["shopdev"], "development": ["global"]}
    settings = {"libraryCode": {"accounts": accounts}}
    found = problems(Tags(extensions=config("adobe-analytics", settings)), "report suite")
    assert found["shop", "production"] == found["shopdev", "staging"] == ""
    assert "mixes with it" in found["global", "development"]
    del accounts["staging"]
    found = problems(Tags(extensions=config("adobe-analytics", settings)), "report suite")
    assert "data of staging goes to production" in found["", "staging"]
    odd = config("adobe-analytics", {"libraryCode": {"accounts": "shop"}})
    assert Tags(extensions=odd).plumbing().empty


def test_organization_ids_that_differ_are_a_problem() -> None:
    def of(*orgs: str) -> dict[Any, str]:
        rows = []
        for index, org in enumerate(orgs):
            rows.append((f"EX{index}", f"a{index}", f"a{index}::extensionConfiguration::config",
                         {"orgId": org}))  # fmt: skip
        return problems(Tags(extensions=extensions(*rows)), "org id")

    assert set(of("A@AdobeOrg", "A@AdobeOrg", "A@AdobeOrg").values()) == {""}
    assert "different organization IDs" in of("A@AdobeOrg", "B@AdobeOrg")["B@AdobeOrg", ""]
    assert of("A") == {("A", ""): "An organization ID ends in @AdobeOrg."}
    assert of("%Org%") == {("%Org%", ""): ""}


def test_a_secret_without_an_environment_is_a_problem() -> None:
    secrets = pd.DataFrame(
        {
            "id": ["SE1", "SE2", "SE3"],
            "name": "a",
            "environment_id": ["EN1", None, "EN2"],
            "status": ["succeeded", "succeeded", "failed"],
        }
    )
    found = problems(Tags(secrets=secrets, environments=environments()), "secret")
    assert found["SE1", "development"] == ""
    assert "has no environment" in found["SE2", ""]
    assert "exchange failed" in found["SE3", "production"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"id": "SE1"}, ""),
        ({"id": "SE2"}, "names a secret of staging for production"),
        ({"id": "SE3"}, "names SE3, which does not exist"),
        (None, "names no secret for production"),
    ],
)
def test_a_data_element_names_a_secret_of_its_stage(entry: Any, problem: str) -> None:
    secrets = pd.DataFrame(
        {"id": ["SE1", "SE2"], "name": "a", "environment_stage": ["production", "staging"]}
    )
    named = {"staging": {"id": "SE2"}, "production": entry, "development": {"id": "SE0"}}
    element = ("DE1", "Token", "core::dataElements::secret", {"secrets": named})
    tags = Tags(secrets=secrets, data_elements=elements(element))
    found = problems(tags, "secret")
    assert found.get(("DE1", "production"), "").find(problem) >= 0
    assert (("DE1", "production") in found) == bool(problem)
    assert ("DE1", "staging") not in found


def test_problems_belong_to_their_property() -> None:
    tags = Tags(
        environments=environments(property_id=["PR1", "PR1", "PR2"]),
        properties=pd.DataFrame({"id": ["PR1", "PR2"]}),
    )
    answer = tags.plumbing()
    missing = answer[answer["problem"].notna()]
    assert missing[["property_id", "stage"]].values.tolist() == [
        ["PR1", "staging"], ["PR2", "development"], ["PR2", "production"],
    ]  # fmt: skip
