"""Stand-ins for the secrets of Colab and Databricks, with the interfaces that those document."""

import sys
import types
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest


class SecretNotFoundError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(f"Secret {key} does not exist.")


class NotebookAccessError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(f"Notebook does not have access to secret {key}")


class TimeoutException(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(f"Requesting secret {key} timed out.")


class Colab(types.ModuleType):
    """``google.colab.userdata``: https://github.com/googlecolab/colabtools."""

    SecretNotFoundError = SecretNotFoundError
    NotebookAccessError = NotebookAccessError
    TimeoutException = TimeoutException

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__("google.colab.userdata")
        self.values = values
        self.without_access: set[str] = set()
        self.closed_at = ""
        """The request at which the page of the notebook is closed, so that nothing answers."""
        self.error: Exception | None = None
        """Raised when the client secret is requested."""
        self.asked: list[str] = []

    def get(self, key: str) -> str:
        self.asked.append(key)
        if self.error is not None and key == "ADOBE_CLIENT_SECRET":
            raise self.error
        if key == self.closed_at:
            raise TimeoutException(key)
        if key not in self.values:
            raise SecretNotFoundError(key)
        if key in self.without_access:
            raise NotebookAccessError(key)
        return self.values[key]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "Colab":
        for name in ("google", "google.colab"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setitem(sys.modules, self.__name__, self)
        return self


class SecretMetadata(NamedTuple):
    key: str


class Py4JJavaError(Exception):
    """What a call into the Java of a cluster raises: the text is that of the Java exception."""


class Secrets:
    """``dbutils.secrets``, as the stub of databricks-sdk declares it."""

    def __init__(self, scopes: dict[str, dict[str, str]]) -> None:
        self.scopes = scopes
        self.error: Exception | None = None
        """Raised when the last value of a scope is requested."""
        self.list_error: Exception | None = None
        """Raised when a scope is listed."""
        self.asked: list[tuple[str, ...]] = []

    def list(self, scope: str) -> Sequence[SecretMetadata]:
        self.asked.append((scope,))
        if self.list_error is not None:
            raise self.list_error
        if scope not in self.scopes:
            raise Py4JJavaError(
                "An error occurred while calling o351.list.\n: com.databricks.common.client."
                f"DatabricksServiceHttpClientException: RESOURCE_DOES_NOT_EXIST: Scope {scope} does "
                "not exist!"
            )
        return [SecretMetadata(key) for key in self.scopes[scope]]

    def get(self, scope: str, key: str) -> str:
        self.asked.append((scope, key))
        if self.error is not None and key == [*self.scopes[scope]][-1]:
            raise self.error
        return self.scopes[scope][key]


class Dbutils:
    """The object ``dbutils`` of a Databricks notebook."""

    def __init__(self, scopes: dict[str, dict[str, str]]) -> None:
        self.secrets = Secrets(scopes)

    def install_runtime(self, monkeypatch: pytest.MonkeyPatch) -> "Dbutils":
        """Offer it as Python files get it: ``from databricks.sdk.runtime import dbutils``."""
        runtime: Any = types.ModuleType("databricks.sdk.runtime")
        runtime.dbutils = self
        for name in ("databricks", "databricks.sdk"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setitem(sys.modules, runtime.__name__, runtime)
        monkeypatch.setitem(sys.modules, "dbruntime", types.ModuleType("dbruntime"))
        return self
