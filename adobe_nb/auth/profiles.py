"""Named credentials, saved on this machine: ``profiles.toml`` in the user's configuration folder.

Each secret goes into the system's keyring, or, only on request, into ``secrets.toml`` beside it.
Both files can be read by their owner alone.
"""

import contextlib
import os
import re
import secrets as random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adobe_nb.auth import keyring_store
from adobe_nb.auth.credentials import (
    HOST_NAMES,
    SECRET_NAMES,
    Candidate,
    Credentials,
    Hosts,
    Secret,
    candidate_of,
    mask,
    sealed,
)
from adobe_nb.auth.files import warn_if_readable_by_others
from adobe_nb.errors import CredentialsError
from adobe_nb.home import config_folder

Place = Literal["keyring", "file"]
_PROFILES = "profiles.toml"
_SECRETS = "secrets.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A saved profile, without its secret."""

    name: str
    org_id: str
    client_id: str
    kind: str
    """``client_secret`` or ``access_token``."""
    place: Place
    """Where the secret is."""
    active: bool

    def __repr__(self) -> str:
        active = ", active" if self.active else ""
        secret = f"client {mask(self.client_id)}, {self.kind} in {self.place}"
        return f"<Profile {self.name}: {self.org_id}, {secret}{active}>"


class ProfileStore:
    """The profiles of one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or config_folder()
        self._has_folder = folder is not None
        self.folder = folder or Path(os.devnull)

    def __repr__(self) -> str:
        return f"<ProfileStore in {self.folder}>"

    @property
    def active(self) -> str:
        """The name of the profile that ``connect()`` uses, or nothing."""
        return str(self._read(_PROFILES).get("active") or "")

    def profiles(self) -> list[Profile]:
        """Return all profiles by name. Raises CredentialsError when the file is unreadable."""
        document = self._read(_PROFILES)
        rows = sorted(_rows(document).items())
        return [_profile(name, row, document.get("active") == name) for name, row in rows]

    def candidate(self, name: str) -> Candidate:
        """Return the values of a profile, its secret included. Raises CredentialsError."""
        row = self._row(name)
        profile = _profile(name, row, active=False)
        entry = str(row.get("entry"))
        if profile.place == "keyring":
            where = "the system's keyring"
            secret = keyring_store.fetch(entry)
        else:
            where = _SECRETS
            secret = self._read(_SECRETS).get(entry)
        if not isinstance(secret, Secret):
            raise CredentialsError(
                f"The secret of profile {name} is no longer in {where}. Sign in and save it again: "
                f"%adobe_auth login --save {name}"
            )
        if profile.place == "file":
            warn_if_readable_by_others(self.folder / _SECRETS)
        values = {**row, "client_secret": None, "access_token": None, profile.kind: secret}
        return candidate_of(f"profile {name}", values)

    def save(self, name: str, credentials: Credentials, *, in_file: bool = False) -> Profile:
        """Save credentials under a name, or replace those of the same client.

        Raises CredentialsError; in that case nothing has changed.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CredentialsError(
                "The name of a profile can have letters, digits, dots, dashes and underscores, at "
                "most 64."
            )
        secret = credentials.client_secret or credentials.access_token
        if secret is None:
            raise CredentialsError("These credentials have no secret to save.")
        if not in_file and not keyring_store.works():
            raise CredentialsError(
                f"The secret was not saved: {keyring_store.what_is_missing()} Or keep it in a file "
                "that only you can read: in_file=True, --in-file."
            )
        row = {
            "client_id": credentials.client_id,
            "org_id": credentials.org_id,
            "scopes": ",".join(credentials.scopes),
            "kind": "client_secret" if credentials.client_secret else "access_token",
            "place": "file" if in_file else "keyring",
            # A new one each time: the old secret is in use until profiles.toml names the new one.
            "entry": f"profile {name} {random.token_hex(6)}",
        }
        for host in HOST_NAMES:
            url = getattr(credentials.hosts, host)
            if url not in {"", getattr(Hosts(), host)}:
                row[f"{host}_url"] = url
        with self._locked():
            self._sweep()
            return self._save(name, row, secret)

    def _save(self, name: str, row: Mapping[str, str], secret: Secret) -> Profile:
        document = self._read(_PROFILES)
        rows = _rows(document)
        before = rows.get(name, {})
        if before and any(before.get(member) != row[member] for member in ("client_id", "org_id")):
            raise CredentialsError(
                f"There is already a profile {name} of another client or organization. Choose "
                f"another name, or delete that profile first: %adobe_auth forget {name}"
            )
        if unfinished := _keyring_entries(row, before):
            # Written before the keyring is: if this process is killed, the next save deletes them.
            document["unfinished"] = unfinished
            self._write(_PROFILES, document)
        if row["place"] == "keyring":
            keyring_store.keep(row["entry"], secret)
        else:
            self._write(_SECRETS, {**self._read(_SECRETS), row["entry"]: secret})
        try:
            self._write(_PROFILES, {**document, "profiles": {**rows, name: row}, "active": name})
        finally:
            with contextlib.suppress(CredentialsError):
                self._sweep()
        return _profile(name, row, active=True)

    def use(self, name: str) -> None:
        """Make a profile the active one. Raises CredentialsError for an unknown name."""
        with self._locked():
            self._row(name)
            self._write(_PROFILES, {**self._read(_PROFILES), "active": name})

    def forget(self, name: str) -> None:
        """Delete a profile and its secret. Raises CredentialsError for an unknown name.

        Also raises it when the keyring cannot delete the secret; the profile is deleted anyway.
        """
        with self._locked():
            self._sweep()
            row = self._row(name)
            document = self._read(_PROFILES)
            document["unfinished"] = [*_unfinished(document), *_keyring_entries(row)]
            document["profiles"] = _rows(document)
            del document["profiles"][name]
            if document.get("active") == name:
                del document["active"]
            self._write(_PROFILES, document)
            problem = self._sweep()
        if problem and row.get("place") != "file":
            raise CredentialsError(
                f"Profile {name} is forgotten, but its secret may still be in the keyring, under "
                f"adobe_nb, {row.get('entry')}. {problem}"
            )

    def _sweep(self) -> str:
        """Delete what a killed save left behind; return why the keyring could not be swept.

        The lock is held, so no other save is in progress. The next sweep tries the keyring again.
        """
        for name in (_PROFILES, _SECRETS):
            for draft in self.folder.glob(f".{name}.*"):
                draft.unlink(missing_ok=True)
        document = self._read(_PROFILES)
        used = {str(row.get("entry")) for row in _rows(document).values()}
        secrets = self._read(_SECRETS)
        if secrets.keys() - used:
            kept = {entry: secret for entry, secret in secrets.items() if entry in used}
            self._write(_SECRETS, kept)
        if "unfinished" not in document:
            return ""
        problem = ""
        unfinished = []
        for entry in _unfinished(document):
            if entry in used:
                continue
            try:
                keyring_store.drop(entry)
            except CredentialsError as error:
                problem = str(error)
                unfinished.append(entry)
        del document["unfinished"]
        if unfinished:
            document["unfinished"] = unfinished
        self._write(_PROFILES, document)
        return problem

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Admit one writer at a time, of all threads and processes. Raises CredentialsError."""
        from filelock import FileLock, Timeout  # noqa: PLC0415

        self._make_folder()
        path = self.folder / "profiles.lock"
        lock = FileLock(path, timeout=_LOCK_SECONDS, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise CredentialsError(
                f"{path} is held by another process. Nothing was saved. Try again."
            ) from None
        except OSError as error:
            raise CredentialsError(
                f"{path} cannot be used ({_reason(error)}). Nothing was saved."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _make_folder(self) -> None:
        if not self._has_folder:
            raise CredentialsError(
                "This account has no home folder to keep profiles in. Set HOME or XDG_CONFIG_HOME, "
                "or use a .env file."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise CredentialsError(
                f"The folder {self.folder} cannot be created ({_reason(error)}). Nothing was saved."
            ) from None

    def _row(self, name: str) -> Mapping[str, Any]:
        rows = _rows(self._read(_PROFILES))
        if name not in rows:
            raise CredentialsError(
                f"There is no profile {name!r} on this machine; there are: "
                f"{', '.join(sorted(rows)) or 'none yet'}. "
                "Save one: %adobe_auth login --save NAME"
            )
        return rows[name]

    def _read(self, name: str) -> dict[str, Any]:
        """Return the content of a file; every text of ``secrets.toml`` is hidden at once."""
        path = self.folder / name
        # False for a folder that may not be entered, such as the home of another account.
        if not self._has_folder or not os.path.exists(path):  # noqa: PTH110
            return {}
        document: dict[str, Any] | None = None
        # The error is raised after this block: the error of the parser holds the text of the file.
        with contextlib.suppress(OSError, ValueError, RecursionError):
            document = _load(path, hide=name == _SECRETS)
        if document is None:
            raise CredentialsError(
                f"{path} cannot be read as TOML. Correct it, or delete it and save the profiles "
                "again."
            )
        return document

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        """Replace a file whole or not at all; others can never read it, not even for a moment."""
        self._make_folder()
        draft = self.folder / f".{name}.{random.token_hex(6)}"
        problem = ""
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(_dumped(document))
            draft.replace(self.folder / name)
        except OSError as error:
            problem = _reason(error)
        finally:
            draft.unlink(missing_ok=True)
        # Raised outside the except block: its frames may hold plain secrets.
        if problem:
            raise CredentialsError(
                f"{self.folder / name} cannot be written ({problem}). Nothing was saved."
            )


def profiles() -> list[Profile]:
    """Return the profiles saved on this machine.

    Raises
    ------
    CredentialsError
        Their file cannot be read.
    """
    return ProfileStore().profiles()


def forget_profile(name: str) -> None:
    """Delete a profile and its secret from this machine.

    Raises
    ------
    CredentialsError
        There is no such profile, or its keyring cannot be used. The profile is deleted anyway in
        the second case.
    """
    ProfileStore().forget(name)


def _load(path: Path, *, hide: bool) -> dict[str, Any]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    if not hide:
        return document
    return {entry: sealed("secret", value) for entry, value in document.items()}


def _dumped(document: Mapping[str, Any]) -> str:
    import tomlkit  # noqa: PLC0415

    plain = {}
    for name, value in document.items():
        plain[name] = value.reveal() if isinstance(value, Secret) else value
    return tomlkit.dumps(plain)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _unfinished(document: Mapping[str, Any]) -> list[str]:
    """Return the keyring entries that a killed save or forget may have left."""
    entries = document.get("unfinished")
    return list(map(str, entries)) if isinstance(entries, list) else []


def _keyring_entries(*rows: Mapping[str, Any]) -> list[str]:
    return [str(row["entry"]) for row in rows if row.get("place") == "keyring" and "entry" in row]


def _rows(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    rows = document.get("profiles")
    if not isinstance(rows, Mapping):
        return {}
    return {name: row for name, row in rows.items() if isinstance(row, Mapping)}


def _profile(name: str, row: Mapping[str, Any], active: bool) -> Profile:  # noqa: FBT001
    kind = str(row.get("kind"))
    return Profile(
        name,
        org_id=str(row.get("org_id", "")),
        client_id=str(row.get("client_id", "")),
        kind=kind if kind in SECRET_NAMES else "client_secret",
        place="file" if row.get("place") == "file" else "keyring",
        active=active,
    )
