"""Checks of this machine: versions, folders, proxy, certificates, notebook. They send nothing."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from adobe_nb.api.progress import OFF
from adobe_nb.auth.secret_stores import store_here
from adobe_nb.checkup.results import Result, problem_of
from adobe_nb.errors import TransportError
from adobe_nb.home import config_folder, state_folder
from adobe_nb.http.client import PROXY_NAMES, certificates, host_of, proxies_for

_PACKAGES = ("adobe_nb", "pandas", "pyarrow", "requests", "truststore")
_WIDGET_PACKAGES = ("anywidget", "ipywidgets", "jupyterlab")


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
        # In many places JupyterLab runs in an environment of its own.
        if not installed and package != "jupyterlab":
            missing.append(package)
    home, advice = _home()
    detail = f"{home}; {', '.join(parts)}"
    if missing:
        advice = f"The panel requires them: pip install {' '.join(missing)}."
        return Result("notebook", "problem", detail, advice)
    return Result("notebook", "ok", detail, advice)


def _home() -> tuple[str, str]:
    """Name what runs this Python, and say how to sign in there."""
    without_panel = "If the panel of %adobe_auth stays empty: %adobe_auth login --ask"
    if store := store_here():
        name = store.partition(":")[0].capitalize()
        advice = f'{without_panel}, or adobe_nb.connect(secrets="{store}").'
        return f"a {name} kernel (not tried by us)", advice
    # Without importing IPython: a process that has not loaded it is not a kernel.
    ipython = sys.modules.get("IPython")
    shell = None
    if ipython is not None:
        shell = ipython.get_ipython()
    if not hasattr(shell, "kernel"):
        advice = "The panel requires a notebook. Here, use a .env file or a profile."
        return "no notebook kernel", advice
    return "a notebook kernel, such as that of JupyterLab or VS Code", f"{without_panel}."


def _proxy(url: str) -> Result:
    host = host_of(url)
    if host is None or host.is_loopback:
        return Result("proxy", "ok", "not used for this machine itself")
    proxy = proxies_for(host.origin).get("https", "")
    names = ", ".join(name for name in PROXY_NAMES if os.environ.get(name))
    if not proxy:
        detail = "direct connection"
        if names:
            detail += f"; {names}: not for {urlsplit(url).hostname}"
        return Result("proxy", "ok", detail)
    source = names or "the system's settings"
    try:
        parts = urlsplit(proxy)
        # Without user and password.
        shown = f"{parts.hostname}:{parts.port}"
    except ValueError:
        return Result("proxy", "problem", f"invalid address in {source}", f"Correct {source}.")
    return Result("proxy", "ok", f"{shown}, from {source}")


def _certificates() -> Result:
    try:
        path = certificates()
    except TransportError as error:
        return problem_of("certificates", str(error))
    detail = "always verified, by those of the system (truststore)"
    if isinstance(path, str):
        detail += f" and those in {path} (REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE)"
    return Result("certificates", "ok", detail)
