"""adobe_nb: sign in to Adobe's tags (Reactor) API from a notebook, and get pandas DataFrames.

::

    %load_ext adobe_nb
    %adobe_auth

    from adobe_nb import reactor
    reactor.rules(reactor.find("properties", "My site"))

Names are loaded on first use, so that ``import adobe_nb`` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from adobe_nb.api.excel import to_excel
    from adobe_nb.api.reactor.expansion import expand
    from adobe_nb.api.reactor.filters import between, contains, eq, gt, lt, not_
    from adobe_nb.api.reactor.journal import journal
    from adobe_nb.auth.credentials import DEFAULT_SCOPES, Secret
    from adobe_nb.auth.profiles import Profile, forget_profile, profiles
    from adobe_nb.checkup.doctor import doctor
    from adobe_nb.errors import (
        AdobeError,
        ApiError,
        ArgumentError,
        ConfirmationRequired,
        CredentialsError,
        DelayedError,
        DeliveryWarning,
        EdgeError,
        HostNotAllowed,
        IncompleteCredentials,
        IncompleteResult,
        InsecureFileWarning,
        JournalError,
        NameLookupError,
        NoCredentials,
        NotAllowed,
        NotFound,
        NotSignedIn,
        OutcomeUnknown,
        RateLimited,
        RedirectRefused,
        RetiredCredentials,
        SignInError,
        SnapshotError,
        TokenExpired,
        TransportError,
        WaitTimeout,
    )
    from adobe_nb.notebook.show import show
    from adobe_nb.session import Check, Session, connect, current, edge, reactor, use, with_names

__version__ = "0.1.0"

# The module of each name; names that are not listed here are errors.
_HOME = {
    "to_excel": "adobe_nb.api.excel",
    "between": "adobe_nb.api.reactor.filters",
    "contains": "adobe_nb.api.reactor.filters",
    "eq": "adobe_nb.api.reactor.filters",
    "gt": "adobe_nb.api.reactor.filters",
    "lt": "adobe_nb.api.reactor.filters",
    "not_": "adobe_nb.api.reactor.filters",
    "expand": "adobe_nb.api.reactor.expansion",
    "journal": "adobe_nb.api.reactor.journal",
    "doctor": "adobe_nb.checkup.doctor",
    "DEFAULT_SCOPES": "adobe_nb.auth.credentials",
    "Secret": "adobe_nb.auth.credentials",
    "Profile": "adobe_nb.auth.profiles",
    "forget_profile": "adobe_nb.auth.profiles",
    "profiles": "adobe_nb.auth.profiles",
    "show": "adobe_nb.notebook.show",
    "Check": "adobe_nb.session",
    "Session": "adobe_nb.session",
    "connect": "adobe_nb.session",
    "current": "adobe_nb.session",
    "edge": "adobe_nb.session",
    "reactor": "adobe_nb.session",
    "use": "adobe_nb.session",
    "with_names": "adobe_nb.session",
}

__all__ = [
    "DEFAULT_SCOPES",
    "AdobeError",
    "ApiError",
    "ArgumentError",
    "Check",
    "ConfirmationRequired",
    "CredentialsError",
    "DelayedError",
    "DeliveryWarning",
    "EdgeError",
    "HostNotAllowed",
    "IncompleteCredentials",
    "IncompleteResult",
    "InsecureFileWarning",
    "JournalError",
    "NameLookupError",
    "NoCredentials",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "OutcomeUnknown",
    "Profile",
    "RateLimited",
    "RedirectRefused",
    "RetiredCredentials",
    "Secret",
    "Session",
    "SignInError",
    "SnapshotError",
    "TokenExpired",
    "TransportError",
    "WaitTimeout",
    "between",
    "connect",
    "contains",
    "current",
    "doctor",
    "edge",
    "eq",
    "expand",
    "forget_profile",
    "gt",
    "journal",
    "load_ipython_extension",
    "lt",
    "not_",
    "profiles",
    "reactor",
    "show",
    "to_excel",
    "unload_ipython_extension",
    "use",
    "with_names",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'adobe_nb' has no attribute {name!r}")
    value = getattr(import_module(_HOME.get(name, "adobe_nb.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    imported = {"analysis", "simulator", "snapshot"}.intersection(globals())
    return [*__all__, *imported]


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the magics and the compact display of our frames (``%load_ext adobe_nb``)."""
    from adobe_nb.notebook.magics import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Unregister both (``%unload_ext adobe_nb``). The session stays."""
    from adobe_nb.notebook.magics import unload

    unload(shell)
