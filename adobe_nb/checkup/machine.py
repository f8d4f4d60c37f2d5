"""Checks of this machine: versions, folders, proxy, certificates, notebook. They send nothing."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from adobe_nb.api.progress import OFF
from adobe_nb.checkup.results import Result
from adobe_nb.errors import TransportError
from adobe_nb.home import config_folder, state_folder
from adobe_nb.http.client import PROXY_NAMES, certificates, host_of, proxies_for

_PACKAGES = ("adobe_nb", "pandas", "pyarrow", "requests", "truststore")
_WIDGET_PACKAGES = ("anywidget", "ipywidgets", "jupyterlab")
# OpenSSL reads the second pair by itself where the system has no certificate store of its own.
_CERTIFICATE_NAMES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def results(url: str) -> Iterator[Result]:
    """Yield the results of all checks of this machine, for requests to that URL."""
    yield _versions()
    yield _folder("profiles", config_folder())
    yield _journal()
    yield _notebook()
    yield _proxy(url)
    yield _certificates()


def version_of(package: str) -> str:
    """Return the version of a package, or nothing if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _versions() -> Result:
    parts = [f"Python {platform.python_version()} on {platform.system() or 'an unknown system'}"]
    for package in _PACKAGES:
        parts.append(f"{package} {version_of(package) or '(not installed)'}")
    advice = ""
    if not version_of("pyarrow"):
        advice = 'Snapshots require pyarrow: pip install "adobe_nb[snapshot]".'
    return Result("versions", "ok", ", ".join(parts), advice)


def _folder(check: str, folder: Path | None) -> Result:
    if folder is None:
        return Result(
            check,
            "warning",
            "this account has no home folder",
            "Set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME.",
        )
    existing = folder
    # The folder is created when it is first needed. Path.exists raises where a folder may not be
    # entered; os.path.exists is false.
    while not os.path.exists(existing) and existing != existing.parent:  # noqa: PTH110
        existing = existing.parent
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return Result(check, "ok", f"{folder} is writable")
    return Result(
        check,
        "warning",
        f"{folder} is not writable",
        f"Allow this account to write to {existing}, or set XDG_CONFIG_HOME and XDG_STATE_HOME.",
    )


def _journal() -> Result:
    if os.environ.get("ADOBE_NB_JOURNAL", "").strip().lower() in OFF:
        return Result("journal", "ok", "switched off by ADOBE_NB_JOURNAL")
    return _folder("journal", state_folder())


def _notebook() -> Result:
    """Say which form of the sign-in panel works, as far as Python can know."""
    parts = []
    missing = []
    for package in _WIDGET_PACKAGES:
        installed = version_of(package)
        parts.append(f"{package} {installed or '(not installed here)'}")
        # JupyterLab runs in an environment of its own in many places.
        if not installed and package != "jupyterlab":
            missing.append(package)
    home = _home()
    detail = f"{home}; {', '.join(parts)}"
    if missing:
        advice = f"The panel requires them: pip install {' '.join(missing)}."
        return Result("notebook", "problem", detail, advice)
    advice = ""
    if home == "no notebook kernel":
        advice = "The panel requires a notebook. Here, use a .env file or a profile."
    return Result("notebook", "ok", detail, advice)


def _home() -> str:
    """Name what runs this Python."""
    # Without importing IPython: a process that has not loaded it is not a kernel.
    ipython = sys.modules.get("IPython")
    shell = None
    if ipython is not None:
        shell = ipython.get_ipython()
    if "google.colab" in sys.modules:
        return "a Colab kernel (widgets run; not tried by us)"
    if os.environ.get("DATABRICKS_RUNTIME_VERSION"):
        return "Databricks (widgets may be off; not tried by us)"
    if shell is None or not hasattr(shell, "kernel"):
        return "no notebook kernel"
    if os.environ.get("VSCODE_PID"):
        return "a kernel of VS Code (widgets require its Jupyter extension; not tried by us)"
    return "a notebook kernel"


def _proxy(url: str) -> Result:
    names = sorted(name for name in PROXY_NAMES if os.environ.get(name))
    host = host_of(url)
    if host is None or host.is_loopback:
        return Result("proxy", "ok", "not used on this machine")
    proxy = proxies_for(host.origin).get(urlsplit(url).scheme, "")
    if not proxy:
        detail = "direct connection"
        if names:
            detail += f"; {', '.join(names)} do not apply to {urlsplit(url).hostname}"
        return Result("proxy", "ok", detail)
    try:
        parts = urlsplit(proxy)
        # Without user and password.
        shown = f"{parts.hostname}:{parts.port}"
    except ValueError:
        return Result(
            "proxy",
            "problem",
            "the address of the proxy is invalid",
            f"Correct {', '.join(names)}.",
        )
    return Result("proxy", "ok", f"{shown}, from {', '.join(names) or 'the system settings'}")


def _certificates() -> Result:
    names = [name for name in _CERTIFICATE_NAMES if os.environ.get(name)]
    try:
        path = certificates()
    except TransportError as error:
        return Result("certificates", "problem", str(error), "Correct or unset the variable.")
    source = "those of the system (truststore)"
    if isinstance(path, str):
        source += f", and those in {path}"
    if names:
        source += f"; set: {', '.join(names)}"
    return Result("certificates", "ok", f"always verified, by {source}")
