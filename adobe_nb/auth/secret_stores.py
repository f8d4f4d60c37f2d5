"""The secret stores of Colab and Databricks, as sources of credentials. Used only when named.

They are read with the interfaces that these notebooks provide, which are not dependencies. Their
exceptions are never quoted: only the name of the type is shown.
"""

import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from adobe_nb.auth.credentials import Candidate, candidate_of, sealed
from adobe_nb.auth.sources import ENV_NAMES
from adobe_nb.errors import CredentialsError

_FORMS = '"colab", or "databricks:" and the name of a secret scope'
_COLAB = "Colab secrets"
# As Databricks defines names of scopes, but for those that begin like a secret.
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


def from_secret_store(store: str) -> Candidate:
    """Return what ``colab`` or ``databricks:SCOPE`` offers, under the ``ADOBE_…`` names.

    Raises CredentialsError when this is another environment, and when the store cannot be read.
    """
    if store == "colab":
        return _from_colab()
    if isinstance(store, str) and store.startswith("databricks:"):
        scope = store.removeprefix("databricks:").strip()
        if _SCOPE.fullmatch(scope):
            return _from_databricks(scope)
    # Not quoted: a secret may have been passed by mistake.
    raise CredentialsError(
        f"Invalid secrets= (--secrets): must be {_FORMS}, never a secret itself."
    )


def _from_colab() -> Candidate:
    try:
        userdata = import_module("google.colab.userdata")
    except ImportError:
        raise CredentialsError(
            f"Colab secrets are available only in a notebook on Colab. {_ELSEWHERE}"
        ) from None
    values: dict[str, object] = {}
    refused: list[str] = []
    problem = ""
    for variable in ENV_NAMES:
        try:
            values[variable] = sealed(variable, userdata.get(variable))
        except userdata.SecretNotFoundError:
            continue
        except userdata.NotebookAccessError:
            refused.append(variable)
        # A timeout, or an error of the connection to the page: its types differ by version.
        except Exception as error:  # noqa: BLE001
            problem = type(error).__name__
            break
    if problem:
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
    secrets = _dbutils().secrets
    values: dict[str, object] = {}
    problem = ""
    try:
        # Only names are listed, so that a value that is absent is not an error.
        for secret in secrets.list(scope):
            variable = secret.key.upper()
            if variable in ENV_NAMES:
                values[variable] = sealed(variable, secrets.get(scope, secret.key))
    except Exception as error:  # noqa: BLE001 - of Py4J or of the SDK: its types differ by runtime
        problem = _problem_of_databricks(scope, error)
    if problem:
        raise CredentialsError(problem)
    advice = f"Add the missing values: databricks secrets put-secret {scope} NAME"
    return _candidate(f"Databricks secrets, scope {scope}", values, advice)


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


def _problem_of_databricks(scope: str, error: Exception) -> str:
    """Say why the scope cannot be read, without the text of the error."""
    name = type(error).__name__
    text = f"{name}: {error}"
    if re.search("permission", text, re.IGNORECASE):
        return (
            f"You may not read the Databricks secret scope {scope} ({name}). Its owner can allow "
            f"it: databricks secrets put-acl {scope} YOUR_ACCOUNT READ"
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
