"""Secrets of Colab and Databricks as named sources, read from stand-ins of the same interface."""

import re
import sys
import traceback
import types
from pathlib import Path
from typing import Any

import IPython
import pytest

import adobe_nb
from adobe_nb.auth.secret_stores import from_secret_store
from adobe_nb.errors import (
    AdobeError,
    ArgumentError,
    CredentialsError,
    IncompleteCredentials,
    NoCredentials,
)
from tests.conftest import SIGN_IN_VALUES
from tests.support.hosted import Colab, Dbutils, Py4JJavaError

ORG = "1234567890ABCDEF12345678@AdobeOrg"
HUSH = "p8e-hush-hush-hush"
VALUES = {
    "ADOBE_CLIENT_ID": "client-1234567890",
    "ADOBE_CLIENT_SECRET": HUSH,
    "ADOBE_ORG_ID": ORG,
}


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError(HUSH)


@pytest.fixture
def of_demo(demo: Any) -> dict[str, str]:
    """The credentials of the demo company, as they are named in a secret store."""
    details = demo.connection()
    return {f"ADOBE_{name.upper()}": details[name] for name in SIGN_IN_VALUES}


@pytest.fixture
def colab(of_demo: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Colab:
    return Colab(of_demo).install(monkeypatch)


@pytest.fixture
def dbutils(of_demo: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Dbutils:
    return Dbutils({"adobe": of_demo, "empty": {}}).install_runtime(monkeypatch)


def error_of(store: Any) -> CredentialsError:
    """The error of signing in with this store. No frame of its traceback holds a secret."""
    with pytest.raises(CredentialsError) as caught:
        adobe_nb.connect(secrets=store)
    assert HUSH not in "".join(traceback.format_exception(caught.value))
    assert HUSH not in locals_of_package(caught.value)
    # Not only suppressed: a debugger shows it, too.
    assert caught.value.__context__ is None
    return caught.value


def locals_of_package(error: BaseException) -> str:
    """The local variables of the package's frames of a traceback, without those of stand-ins."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = [frame for frame in frames if "adobe_nb" in frame.f_globals["__name__"]]
    return "\n".join(repr(frame.f_locals) for frame in own)


class TestColab:
    def test_signs_in_with_its_secrets_and_no_other_source(
        self, colab: Colab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ADOBE_CLIENT_ID", "half-of-another-set")
        session = adobe_nb.connect(secrets="colab")
        assert session.source == "Colab secrets"
        assert session.service == "simulator"
        assert adobe_nb.current() is session
        assert len(session.reactor.companies()) == 1

    def test_values_lose_blanks_and_line_ends(self, colab: Colab) -> None:
        colab.values = {name: f" {value}\n" for name, value in colab.values.items()}
        assert adobe_nb.connect(secrets="colab").org_id == colab.values["ADOBE_ORG_ID"].strip()

    def test_token_and_organization_are_enough(self, colab: Colab, demo: Any) -> None:
        del colab.values["ADOBE_CLIENT_ID"], colab.values["ADOBE_CLIENT_SECRET"]
        colab.values["ADOBE_ACCESS_TOKEN"] = demo.connection()["access_token"]
        assert not adobe_nb.connect(secrets="colab").renewable

    def test_missing_secret_is_named(self, colab: Colab) -> None:
        colab.values = {**VALUES}
        del colab.values["ADOBE_ORG_ID"]
        error = error_of("colab")
        assert isinstance(error, IncompleteCredentials)
        assert str(error).startswith(
            "Credentials are incomplete: Colab secrets have ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET, "
            "but not ADOBE_ORG_ID. Add the missing values in Colab's Secrets pane"
        )
        colab.values = {}
        assert "Colab secrets have none of ADOBE_CLIENT_ID, ADOBE_ORG_ID, ADOBE_CLIENT_SECRET" in (
            str(error_of("colab"))
        )

    def test_secret_without_access_says_where_to_grant_it(self, colab: Colab) -> None:
        colab.values = {**VALUES}
        colab.without_access = {"ADOBE_CLIENT_SECRET"}
        text = str(error_of("colab"))
        assert "but not ADOBE_CLIENT_SECRET. This notebook has no access to" in text
        assert "switch on notebook access in Colab's Secrets pane" in text

    def test_secret_that_is_not_required_needs_no_access(self, colab: Colab) -> None:
        colab.without_access = {"ADOBE_SCOPES", "ADOBE_ACCESS_TOKEN"}
        assert adobe_nb.connect(secrets="colab").source == "Colab secrets"

    def test_closed_page_is_reported_and_not_asked_again(self, colab: Colab) -> None:
        colab.values, colab.closed_at = VALUES, "ADOBE_CLIENT_ID"
        text = str(error_of("colab"))
        assert "did not return the secret ADOBE_CLIENT_ID (TimeoutException)" in text
        assert "while the notebook is open in Colab's own page" in text
        assert colab.asked[-1] == "ADOBE_CLIENT_ID"
        assert "ADOBE_ORG_ID" not in colab.asked

    def test_invalid_value_is_not_quoted(self, colab: Colab) -> None:
        colab.values = {**VALUES, "ADOBE_CLIENT_ID": HUSH}
        with pytest.raises(CredentialsError, match="Colab secrets looks like a secret") as caught:
            adobe_nb.connect(secrets="colab")
        assert HUSH not in str(caught.value)

    def test_module_without_the_classes_of_errors_reveals_nothing(
        self, colab: Colab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(Colab, "SecretNotFoundError")
        monkeypatch.delattr(Colab, "NotebookAccessError")
        colab.values = {**VALUES}
        colab.error = RuntimeError(HUSH)
        assert "did not return the secret ADOBE_CLIENT_SECRET (RuntimeError)" in str(
            error_of("colab")
        )
        colab.error = None
        assert from_secret_store("colab").missing == ()

    def test_module_that_cannot_be_imported_reveals_nothing(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("google", "google.colab"):
            package: Any = types.ModuleType(name)
            package.__path__ = [str(tmp_path)]
            monkeypatch.setitem(sys.modules, name, package)
        (tmp_path / "userdata.py").write_text(f"raise RuntimeError({HUSH!r})")
        assert "only in a notebook on Colab (RuntimeError)" in str(error_of("colab"))

    @pytest.mark.parametrize(
        ("value", "type_name"),
        [
            (HUSH.encode(), "bytes"),
            (bytearray(HUSH.encode()), "bytearray"),
            ({"value": HUSH}, "dict"),
            ([[{"a": (HUSH, HUSH.encode())}]], "list"),
            (5, "int"),
        ],
    )
    def test_value_that_is_not_text_is_in_no_frame(
        self, colab: Colab, value: Any, type_name: str
    ) -> None:
        colab.values = {**VALUES, "ADOBE_CLIENT_SECRET": value}
        text = str(error_of("colab"))
        assert text == f"client_secret in Colab secrets must be text, not {type_name}."

    @pytest.mark.parametrize("name", ["ADOBE_CLIENT_SECRET", "ADOBE_CLIENT_ID", "ADOBE_SCOPES"])
    def test_value_of_a_subclass_of_text_is_used_as_text(self, colab: Colab, name: str) -> None:
        class Odd(str):
            def __str__(self) -> str:
                raise RuntimeError(HUSH)

            strip = encode = __str__  # type: ignore[assignment]

        colab.values = {"ADOBE_SCOPES": "openid", **colab.values}
        colab.values[name] = Odd(colab.values[name])
        assert adobe_nb.connect(secrets="colab").source == "Colab secrets"

    def test_elsewhere_says_what_to_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "google.colab.userdata", None)
        assert (
            "only in a notebook on Colab (ModuleNotFoundError). Elsewhere, use a .env file"
            in str(error_of("colab"))
        )

    def test_is_never_read_unless_it_is_named(self, colab: Colab) -> None:
        with pytest.raises(NoCredentials, match=r'read by adobe_nb.connect\(secrets="colab"\)'):
            adobe_nb.connect()
        assert adobe_nb.connect(fallback="simulator").source == "the built-in simulator"
        assert colab.asked == []


class TestDatabricks:
    def test_signs_in_with_the_secrets_of_a_scope(self, dbutils: Dbutils) -> None:
        session = adobe_nb.connect(secrets="databricks:adobe")
        assert session.source == "Databricks secrets, scope adobe"
        assert session.service == "simulator"

    def test_uses_dbutils_of_the_notebook(
        self, of_demo: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Shell:
            user_ns = {"dbutils": Dbutils({"adobe": of_demo})}

        monkeypatch.setattr(IPython, "get_ipython", Shell)
        assert adobe_nb.connect(secrets="databricks: adobe").service == "simulator"

    def test_names_are_found_in_any_case_and_others_are_not_read(self, dbutils: Dbutils) -> None:
        values = dbutils.secrets.scopes["adobe"]
        dbutils.secrets.scopes["mixed"] = {
            "other-password": HUSH,
            **{name.lower(): f"{value} " for name, value in values.items()},
        }
        assert adobe_nb.connect(secrets="databricks:mixed").service == "simulator"
        assert ("mixed", "adobe_client_id") in dbutils.secrets.asked
        assert ("mixed", "other-password") not in dbutils.secrets.asked

    def test_missing_values_are_named(self, dbutils: Dbutils) -> None:
        dbutils.secrets.scopes["half"] = {**VALUES, "ADOBE_ORG_ID": " "}
        text = str(error_of("databricks:half"))
        assert "scope half have ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET, but not ADOBE_ORG_ID" in text
        assert text.endswith("databricks secrets put-secret half NAME")
        assert "scope empty have none of ADOBE_CLIENT_ID" in str(error_of("databricks:empty"))

    def test_unknown_scope_says_how_to_list_them(self, dbutils: Dbutils) -> None:
        assert str(error_of("databricks:adobee")) == (
            "There is no Databricks secret scope adobee (Py4JJavaError). "
            "dbutils.secrets.listScopes() lists those that you can see."
        )

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (Py4JJavaError(f"PERMISSION_DENIED: {HUSH}"), "no permission to read .* put-acl adobe"),
            (type("PermissionDenied", (Exception,), {})(HUSH), "no permission to read"),
            (type("NotFound", (Exception,), {})(HUSH), "There is no Databricks secret scope adobe"),
            (Unprintable(), r"cannot be read \(Unprintable\)"),
            (RuntimeError(HUSH), r'cannot be read \(RuntimeError\). Try dbutils.secrets.list\("ad'),
        ],
        ids=["Java permission", "SDK permission", "SDK scope", "unprintable", "other"],
    )
    def test_errors_say_what_to_do_and_are_not_quoted(
        self, dbutils: Dbutils, error: Exception, message: str
    ) -> None:
        dbutils.secrets.list_error = error
        text = str(error_of("databricks:adobe"))
        assert re.search(message, text)
        assert HUSH not in text

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (Py4JJavaError(f"PERMISSION_DENIED: {HUSH}"), "no permission to read .* put-acl adobe"),
            (Py4JJavaError(f"Secret does not exist with scope: and key: {HUSH}"), "is listed, but"),
            (
                RuntimeError(HUSH),
                r"cannot be read \(RuntimeError\).* put-secret adobe ADOBE_ORG_ID",
            ),
        ],
        ids=["permission", "deleted", "other"],
    )
    def test_secret_that_cannot_be_read_is_named_and_the_error_is_not_quoted(
        self, dbutils: Dbutils, error: Exception, message: str
    ) -> None:
        dbutils.secrets.scopes["adobe"] = VALUES
        dbutils.secrets.error = error
        text = str(error_of("databricks:adobe"))
        assert re.search(message, text)
        assert "There is no" not in text
        assert HUSH not in text

    def test_other_variable_named_dbutils_is_reported(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Shell:
            user_ns = {"dbutils": 5}

        monkeypatch.setattr(IPython, "get_ipython", Shell)
        assert "scope adobe cannot be read (AttributeError)" in str(error_of("databricks:adobe"))

    def test_scope_may_be_named_colab(self, dbutils: Dbutils) -> None:
        dbutils.secrets.scopes["colab"] = dbutils.secrets.scopes["adobe"]
        session = adobe_nb.connect(secrets="databricks:colab")
        assert session.source == "Databricks secrets, scope colab"

    def test_elsewhere_says_what_to_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "databricks.sdk.runtime", None)
        text = str(error_of("databricks:adobe"))
        assert "only on Databricks: there is no dbutils here" in text
        assert "Elsewhere, use a .env file" in text

    def test_is_never_read_unless_it_is_named(self, dbutils: Dbutils) -> None:
        with pytest.raises(NoCredentials, match=r'connect\(secrets="databricks:SCOPE"\)'):
            adobe_nb.connect()
        assert dbutils.secrets.asked == []


@pytest.mark.parametrize(
    "store", ["", HUSH, f"databricks:{HUSH}", "databricks", "databricks:", "databricks:a b", 1, {}]
)
def test_invalid_store_is_refused_and_not_quoted(store: Any) -> None:
    with pytest.raises(CredentialsError) as caught:
        from_secret_store(store)
    assert str(caught.value) == (
        'Invalid secrets= (--secrets): must be "colab", or "databricks:" and the name of a secret '
        "scope, never a secret itself."
    )


@pytest.mark.parametrize("store", [HUSH, f"databricks:{HUSH}", HUSH.encode(), [HUSH], {"a": HUSH}])
def test_secret_that_was_passed_as_store_is_in_no_frame(store: Any) -> None:
    assert "never a secret itself" in str(error_of(store))
    for refused in (adobe_nb.connect, adobe_nb.doctor):
        with pytest.raises(AdobeError, match="Name one source only") as caught:
            refused(secrets=store, env_file=".env")
        assert HUSH not in locals_of_package(caught.value)
    with pytest.raises(CredentialsError, match="client_secret and access_token must be") as caught:
        adobe_nb.connect(secrets=store, client_secret=5)  # type: ignore[arg-type]
    assert HUSH not in locals_of_package(caught.value)


def test_store_is_one_source_of_several(colab: Colab) -> None:
    with pytest.raises(CredentialsError, match="Name one source only.*secrets="):
        adobe_nb.connect(secrets="colab", env_file=".env")
    with pytest.raises(ArgumentError, match="Name one source only.*secrets="):
        adobe_nb.doctor(secrets="colab", profile="work")
    assert colab.asked == []


def test_doctor_checks_a_store(colab: Colab) -> None:
    checked = adobe_nb.doctor(secrets="colab").set_index("check")
    assert checked.loc["credentials", "detail"] == (
        "Colab secrets (named by you; other sources are not searched)"
    )
    assert checked.loc["sign-in", "status"] == "ok"
    assert 'adobe_nb.connect(secrets="colab")' in checked.loc["notebook", "advice"]
