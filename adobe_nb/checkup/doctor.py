"""``adobe_nb.doctor()``: all checks in order, as a frame."""

import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from adobe_nb.auth.credentials import Hosts, sealed
from adobe_nb.checkup import account, machine, report
from adobe_nb.checkup.account import Source
from adobe_nb.checkup.results import Result
from adobe_nb.session import Session

if TYPE_CHECKING:
    import pandas as pd


def doctor(
    *,
    profile: str | None = None,
    env_file: str | Path | None = None,
    simulator: bool = False,
    secrets: str | None = None,
    report: str | os.PathLike[str] | None = None,
) -> "pd.DataFrame":
    """Check sign-in, rights, network and installation. Reads only.

    Without arguments it checks the current session, or else the credentials that ``connect()``
    would use. Without credentials, or offline, it says what to do. It signs in by itself, and
    leaves the current session as it is.

    Parameters
    ----------
    profile, env_file, simulator, secrets
        The credentials to check, as in ``connect()``.
    report
        A file that ends in ``.json``, for the maintainers: in which form the service answers, and
        where that differs from what this package assumes. It holds names and types of attributes,
        and no value of your account. It takes at most 60 requests that read. An existing file is
        replaced only if it is such a report.

    Returns
    -------
    DataFrame
        One row per check: ``check``; ``status`` (``ok``, ``warning``, ``problem``, or ``unknown``
        for what could not be checked); ``detail``; ``advice``, what to do.

    Raises
    ------
    ArgumentError
        Several sources are named, or the report cannot be written there. No request was sent.

    Examples
    --------
    >>> import adobe_nb
    >>> frame = adobe_nb.doctor(simulator=True)
    >>> frame.columns.tolist()
    ['check', 'status', 'detail', 'advice']
    >>> frame.set_index("check").loc["sign-in", "status"]
    'ok'
    """
    import pandas as pd  # noqa: PLC0415

    # No frame keeps what may be a secret that was passed by mistake.
    store = sealed("secrets", secrets)
    secrets = None
    results = examine(Source(profile, env_file, simulator, store), report)
    columns = [field.name for field in fields(Result)]
    frame = pd.DataFrame(list(map(asdict, results)), columns=columns, dtype="string")
    frame.attrs = {"service": "adobe_nb", "path": "doctor()"}
    return frame


def examine(source: Source, file: str | os.PathLike[str] | None = None) -> list[Result]:
    """Return the results of all checks, and write the report if there is a file for it."""
    target: Path | None = None
    if file is not None:
        target = report.target_of(file)
    credentials, result = account.credentials(source)
    results = [result]
    hosts = Hosts()
    if credentials is not None:
        hosts = credentials.hosts
    is_reachable, more = account.connection(hosts)
    results += more
    session: Session | None = None
    signed_in = False
    if credentials is not None and is_reachable:
        session = account.new_session(credentials)
        result = account.sign_in(session)
        results.append(result)
        signed_in = result.status == "ok"
    else:
        results += account.not_signed_in("sign-in")
    if session is not None and signed_in:
        results += account.after_sign_in(session)
    else:
        results += account.not_signed_in(*account.AFTER_SIGN_IN)
    results += machine.results(hosts.reactor)
    if target is not None and session is not None and signed_in:
        results += report.results(session, target)
    elif target is not None:
        results.append(report.not_written("you are not signed in"))
    if session is not None:
        session.sign_out()
    return results
