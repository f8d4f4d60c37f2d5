"""The secret stores of Colab and Databricks, as sources of credentials. Used only when named.

They are read with the interfaces that these notebooks provide, which are not dependencies. Their
exceptions are never quoted: only the name of the type is shown.
"""

import contextlib
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from adobe_nb.auth.credentials import Candidate, Secret, candidate_of, sealed
from adobe_nb.auth.sources import ENV_NAMES
from adobe_nb.errors import CredentialsError

_FORMS = '"colab", or "databricks:" and the name of a secret scope'
_COLAB = "Colab secrets"
_DATABRICKS = "databricks:"
# Names of scopes as Databricks defines them, except names that look like a secret.
_SCOPE = re.compile(r"(?!eyJ|p8e-)[A-Za-z0-9_.@-]{1,128}")
_ELSEWHERE = "Elsewhere, use a .env file or another source: %adobe_auth --help lists them."


def store_here() -> str:
    """Return the store of the hosted notebook that runs this Python, as ``connect`` takes it.

    Empty in any other environment.
    """
    if "google.colab" in sys.modules:
        return "colab"
    if "dbruntime" in sys.modules:
        return "databricks:SCOPE"
    return ""


def from_secret_store(store: object) -> Candidate:
    """Return what ``colab`` or ``databricks:SCOPE`` offers, under the ``ADOBE_…`` names.

    Raises CredentialsError when this is another environment, and when the store cannot be read.
    """
    # Neither quoted nor kept: a secret may have been passed by mistake.
    store = sealed("secrets", store)
    name = _valid_name(store)
    if name == "colab":
        return _from_colab()
    if name:
        return _from_databricks(name.removeprefix(_DATABRICKS).strip())
    raise CredentialsError(
        f"Invalid secrets= (--secrets): must be {_FORMS}, never a secret itself."
    )


def _valid_name(store: object) -> str:
    """Return the name of a store if it has one of the two forms, or else nothing."""
    if not isinstance(store, Secret):
        return ""
    name = store.reveal()
    scope = name.removeprefix(_DATABRICKS).strip()
    is_databricks = name.startswith(_DATABRICKS) and _SCOPE.fullmatch(scope)
    if name == "colab" or is_databricks:
        return name
    return ""


def _from_colab() -> Candidate:
    problem = ""
    try:
        userdata = import_module("google.colab.userdata")
    except Exception as error:  # noqa: BLE001 - a package that needs Colab to import
        problem = type(error).__name__
    if problem:
        raise CredentialsError(
            f"Colab secrets are available only in a notebook on Colab ({problem}). {_ELSEWHERE}"
        )
    values: dict[str, object] = {}
    refused: list[str] = []
    for variable in ENV_NAMES:
        problem = ""
        try:
            values[variable] = sealed(variable, userdata.get(variable))
        # By name, because the types differ by version.
        except Exception as error:  # noqa: BLE001
            problem = type(error).__name__
        if problem == "NotebookAccessError":
            refused.append(variable)
        elif problem not in ("", "SecretNotFoundError"):
            # Outside the except block, so that the error does not refer to the other one's text.
            raise CredentialsError(
                f"Colab did not return the secret {variable} ({problem}). Secrets can be read only "
                "while the notebook is open in Colab's own page: reload it and run the cell again."
            )
    advice = (
        "Add the missing values in Colab's Secrets pane (the key symbol), with notebook access."
    )
    if refused:
        advice = (
            f"This notebook has no access to {', '.join(refused)}: switch on notebook access in "
            "Colab's Secrets pane (the key symbol), then run the cell again."
        )
    return _candidate(_COLAB, values, advice)


def _from_databricks(scope: str) -> Candidate:
    dbutils = _dbutils()
    values: dict[str, object] = {}
    key = problem = ""
    try:
        secrets = dbutils.secrets
        # Only names are listed, so that a value that is absent is not an error.
        listed = [secret.key for secret in secrets.list(scope)]
        for key in filter(_is_ours, listed):
            values[key.upper()] = sealed(key, secrets.get(scope, key))
    except Exception as error:  # noqa: BLE001 - of Py4J or of the SDK: its types differ by runtime
        problem = _problem_of_databricks(scope, key, error)
    if problem:
        raise CredentialsError(problem)
    advice = f"Add the missing values: databricks secrets put-secret {scope} NAME"
    return _candidate(f"Databricks secrets, scope {scope}", values, advice)


def _is_ours(key: str) -> bool:
    return key.upper() in ENV_NAMES


def _dbutils() -> Any:
    """Return ``dbutils``: that of the notebook, or else that of the SDK, as in a Python file."""
    ipython = sys.modules.get("IPython")
    shell = None
    if ipython is not None:
        shell = ipython.get_ipython()
    if shell is not None and "dbutils" in shell.user_ns:
        return shell.user_ns["dbutils"]
    problem = ""
    try:
        return import_module("databricks.sdk.runtime").dbutils
    # Outside Databricks, the SDK fails in many ways when it is not configured.
    except Exception as error:  # noqa: BLE001
        problem = type(error).__name__
    raise CredentialsError(
        f"Databricks secrets are available only on Databricks: there is no dbutils here "
        f"({problem}). {_ELSEWHERE}"
    )


def _problem_of_databricks(scope: str, key: str, error: Exception) -> str:
    """Say why the scope, or one of its secrets, cannot be read, without the text of the error."""
    name = text = type(error).__name__
    # The error's own __str__ may fail, with an error that quotes it.
    with contextlib.suppress(Exception):
        text = f"{name}: {error}"
    if re.search("permission", text, re.IGNORECASE):
        return (
            f"This account has no permission to read the Databricks secret scope {scope} ({name}). "
            f"Its owner can grant it: databricks secrets put-acl {scope} YOUR_ACCOUNT READ"
        )
    if key:
        return (
            f"The Databricks secret {key} of the scope {scope} is listed, but cannot be read "
            f"({name}). Run this again, or replace it: databricks secrets put-secret {scope} {key}"
        )
    if re.search("does ?not ?exist|not ?found", text, re.IGNORECASE):
        return (
            f"There is no Databricks secret scope {scope} ({name}). dbutils.secrets.listScopes() "
            "lists those that you can see."
        )
    return (
        f"The Databricks secret scope {scope} cannot be read ({name}). Try "
        f'dbutils.secrets.list("{scope}") in a cell: it shows the reason.'
    )


def _candidate(source: str, values: Mapping[str, object], advice: str) -> Candidate:
    labels = {name: variable for variable, name in ENV_NAMES.items()}
    named = {ENV_NAMES[variable]: value for variable, value in values.items()}
    return candidate_of(source, named, labels=labels, advice=advice)
