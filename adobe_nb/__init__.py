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
    from adobe_nb.session import Check, Session, connect, current, edge, reactor, use, with_names

__version__ = "0.1.0"

_HOMES = {
    "adobe_nb.api.excel": ("to_excel",),
    "adobe_nb.api.reactor.filters": ("between", "contains", "eq", "gt", "lt", "not_"),
    "adobe_nb.api.reactor.expansion": ("expand",),
    "adobe_nb.api.reactor.journal": ("journal",),
    "adobe_nb.auth.credentials": ("DEFAULT_SCOPES", "Secret"),
    "adobe_nb.auth.profiles": ("Profile", "forget_profile", "profiles"),
    "adobe_nb.session": (
        "Check",
        "Session",
        "connect",
        "current",
        "edge",
        "reactor",
        "use",
        "with_names",
    ),
    "adobe_nb.errors": (
        "AdobeError",
        "ApiError",
        "ArgumentError",
        "CredentialsError",
        "DelayedError",
        "DeliveryWarning",
        "EdgeError",
        "HostNotAllowed",
        "IncompleteCredentials",
        "IncompleteResult",
        "InsecureFileWarning",
        "JournalError",
        "NoCredentials",
        "NameLookupError",
        "NotAllowed",
        "ConfirmationRequired",
        "NotFound",
        "NotSignedIn",
        "OutcomeUnknown",
        "RateLimited",
        "RedirectRefused",
        "RetiredCredentials",
        "SignInError",
        "SnapshotError",
        "WaitTimeout",
        "TokenExpired",
        "TransportError",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

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
    "to_excel",
    "unload_ipython_extension",
    "use",
    "with_names",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'adobe_nb' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the magics and the compact display of our frames (``%load_ext adobe_nb``)."""
    from adobe_nb.notebook.magics import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Unregister both (``%unload_ext adobe_nb``). The session stays."""
    from adobe_nb.notebook.magics import unload

    unload(shell)
