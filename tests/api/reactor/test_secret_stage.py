"""The stage of a secret's environment, which only the identifier in the relationship says."""

from typing import Any

from tests.conftest import sign_in


def test_secrets_have_the_stage_of_their_environment(demo: Any) -> None:
    reactor = sign_in(demo).reactor
    forwarding = reactor.properties(filter={"platform": "EQ edge"})["id"].iloc[0]
    rows = reactor.secrets(forwarding)
    assert list(rows["environment_stage"]) == ["production", "development"]
    assert reactor.secrets.get(rows["id"].iloc[0])["environment_stage"].iloc[0] == "production"


def test_empty_table_of_secrets_has_the_column_too(demo: Any) -> None:
    reactor = sign_in(demo).reactor
    web = reactor.properties(filter={"platform": "EQ web"})["id"].iloc[0]
    rows = reactor.secrets(web)
    assert len(rows) == 0
    assert str(rows["environment_stage"].dtype) == str(rows["name"].dtype)
