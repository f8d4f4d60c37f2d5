"""Named sets of credentials, saved on this machine: what is not secret in one file, each secret in
the keyring.

``profiles.toml`` stands in the user's configuration folder. Without a working keyring a secret goes
into ``secrets.toml`` beside it, and only when asked to. Both can be read by their owner alone.
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
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PLAIN = ("client_id", "org_id", "scopes", "reactor_url", "ims_url", "edge_url", "edge_server_url")
_PATIENCE = 10.0
_KINDS = ("client_secret", "access_token")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a saved profile says of itself; the secret is not part of it."""

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


class Store:
    """The profiles of one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or config_folder()
        self._homeless = folder is None
        self.folder = folder or Path(os.devnull)

    def __repr__(self) -> str:
        return f"<Store of profiles in {self.folder}>"

    @property
    def active(self) -> str:
        """The name of the profile that ``connect()`` takes, or nothing."""
        return str(self._read("profiles.toml").get("active") or "")

    def profiles(self) -> list[Profile]:
        """All of them, by name. Raises CredentialsError when the file cannot be read."""
        document = self._read("profiles.toml")
        active = document.get("active")
        return [
            _profile(name, row, active == name) for name, row in sorted(_rows(document).items())
        ]

    def candidate(self, name: str) -> Candidate:
        """The values of a profile, its secret fetched. Raises CredentialsError."""
        row = self._row(name)
        profile = _profile(name, row, active=False)
        entry = str(row.get("entry") or "")
        secret = (
            keyring_store.fetch(entry)
            if profile.place == "keyring"
            else self._secret_in_file(entry)
        )
        if secret is None:
            raise CredentialsError(
                f"The secret of profile {name} is no longer in {_where(profile.place)}. Sign in once more and save it "
                f"again: %adobe_auth login --save {name}"
            )
        values = {member: row[member] for member in _PLAIN if row.get(member)}
        return candidate_of(f"profile {name}", {**values, profile.kind: secret})

    def save(self, name: str, credentials: Credentials, *, in_file: bool = False) -> Profile:
        """Save credentials under a name, in place of what had it. Raises CredentialsError; then
        nothing has changed.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CredentialsError(
                "The name of a profile has letters, digits, dots, dashes and underscores, 64 at most."
            )
        secret = credentials.client_secret or credentials.access_token
        if secret is None:
            raise CredentialsError("There is no secret to save.")
        place: Place = "file" if in_file else "keyring"
        if place == "keyring" and not keyring_store.works():
            raise CredentialsError(
                f"The secret was not saved: {keyring_store.what_is_missing()} Or keep it in a file that only you can "
                "read: in_file=True, --in-file."
            )
        with self._locked():
            self._sweep()
            return self._save(name, credentials, secret, place)

    def _save(self, name: str, credentials: Credentials, secret: Secret, place: Place) -> Profile:
        document = self._read("profiles.toml")
        before = _rows(document).get(name)
        if before is not None and (before.get("client_id"), before.get("org_id")) != (
            credentials.client_id,
            credentials.org_id,
        ):
            raise CredentialsError(
                f"There is a profile {name} of another client or organisation. Choose another name, or forget that one "
                f"first: %adobe_auth forget {name}"
            )
        row: dict[str, str] = {
            "client_id": credentials.client_id,
            "org_id": credentials.org_id,
            "scopes": ",".join(credentials.scopes),
            "kind": "client_secret" if credentials.client_secret else "access_token",
            "place": place,
            # A new one each time: until profiles.toml names it, the old secret stays the one in
            # use.
            "entry": f"profile {name} {random.token_hex(6)}",
        }
        usual = Hosts()
        for member in ("reactor", "ims", "edge", "edge_server"):
            url = getattr(credentials.hosts, member)
            if url and url != getattr(usual, member):
                row[f"{member}_url"] = url
        if unfinished := [*_in_keyring(row), *_in_keyring(before)]:
            # Before the keyring has them: a process that is killed leaves no secret that nobody
            # knows of.
            document["unfinished"] = unfinished
            self._write("profiles.toml", document)
        if place == "keyring":
            keyring_store.keep(row["entry"], secret)
        else:
            self._write("secrets.toml", {**self._read("secrets.toml"), row["entry"]: secret})
        document["profiles"] = {**_rows(document), name: row}
        document["active"] = name
        try:
            self._write("profiles.toml", document)
        finally:
            with contextlib.suppress(CredentialsError):
                self._sweep()
        return _profile(name, row, active=True)

    def use(self, name: str) -> None:
        """Make it the active one."""
        with self._locked():
            self._row(name)
            self._write("profiles.toml", {**self._read("profiles.toml"), "active": name})

    def forget(self, name: str) -> None:
        """Delete a profile and its secret. Raises CredentialsError when there is none of that name.

        Also when the secret could not be deleted, because its keyring cannot be used: the profile
        is gone then.
        """
        problem = ""
        with self._locked():
            self._sweep()
            row = self._row(name)
            document = self._read("profiles.toml")
            document["unfinished"] = [*_unfinished(document), *_in_keyring(row)]
            document["profiles"] = {
                other: each for other, each in _rows(document).items() if other != name
            }
            if document.get("active") == name:
                del document["active"]
            self._write("profiles.toml", document)
            problem = self._sweep()
        if problem and row.get("place") != "file":
            raise CredentialsError(
                f"Profile {name} is forgotten, but its secret may still be in the keyring, as adobe_nb, "
                f"{row.get('entry')}. {problem}"
            )

    def _sweep(self) -> str:
        """Delete what a save that was killed left behind. The lock is held, so nobody's save is in
        progress.

        Returns why a keyring could not be swept; it is tried again next time.
        """
        for name in ("profiles.toml", "secrets.toml"):
            for draft in self.folder.glob(f".{name}.*"):
                draft.unlink(missing_ok=True)
        document = self._read("profiles.toml")
        used = {str(row.get("entry")) for row in _rows(document).values()}
        secrets = self._read("secrets.toml")
        if secrets.keys() - used:
            self._write(
                "secrets.toml",
                {entry: secret for entry, secret in secrets.items() if entry in used},
            )
        problem = ""
        kept = []
        for entry in _unfinished(document):
            if entry in used:
                continue
            try:
                keyring_store.drop(entry)
            except CredentialsError as error:
                problem = str(error)
                kept.append(entry)
        if "unfinished" in document:
            del document["unfinished"]
            self._write("profiles.toml", {**document, "unfinished": kept} if kept else document)
        return problem

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, of all threads and processes. Raises CredentialsError when another
        one does not end.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415

        self._make_folder()
        lock = FileLock(self.folder / "profiles.lock", timeout=_PATIENCE, mode=0o600)
        problem = ""
        try:
            lock.acquire()
        except Timeout:
            problem = "is held by another process"
        except OSError as error:
            problem = f"cannot be used ({error.strerror or type(error).__name__})"
        if problem:
            raise CredentialsError(f"{self.folder / 'profiles.lock'} {problem}. Nothing was saved.")
        try:
            yield
        finally:
            lock.release()

    def _make_folder(self) -> None:
        if self._homeless:
            raise CredentialsError(
                "This account has no home folder to keep profiles in. Set HOME or XDG_CONFIG_HOME, or use a .env file."
            )
        problem = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            problem = error.strerror or type(error).__name__
        if problem:
            raise CredentialsError(
                f"The folder {self.folder} cannot be made ({problem}). Nothing was saved."
            )

    def _row(self, name: str) -> Mapping[str, Any]:
        rows = _rows(self._read("profiles.toml"))
        if name not in rows:
            known = ", ".join(sorted(rows)) or "none so far"
            raise CredentialsError(
                f"There is no profile {name!r} on this machine; there are: {known}. Save one: %adobe_auth login --save "
                "NAME"
            )
        return rows[name]

    def _secret_in_file(self, entry: str) -> Secret | None:
        found = self._read("secrets.toml").get(entry)
        if isinstance(found, Secret):
            warn_if_readable_by_others(self.folder / "secrets.toml")
        return found if isinstance(found, Secret) else None

    def _read(self, name: str) -> dict[str, Any]:
        """The file's content; every text of ``secrets.toml`` is hidden at once."""
        path = self.folder / name
        document: dict[str, Any] | None = None
        with contextlib.suppress(OSError, ValueError, RecursionError):
            # False for a folder that may not be entered, such as the home of another account: no
            # profiles are there.
            if self._homeless or not os.path.exists(path):  # noqa: PTH110
                return {}
            document = _load(path, hide=name == "secrets.toml")
        if document is None:
            raise CredentialsError(
                f"{path} cannot be read as TOML. Mend it, or delete it and save the profiles again."
            )
        return document

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        """Whole or not at all, and never readable by others, not even for a moment."""
        self._make_folder()
        path = self.folder / name
        draft = self.folder / f".{name}.{random.token_hex(6)}"
        done = False
        problem = ""
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                _dump(document, file)
            draft.replace(path)
            done = True
        except OSError as error:
            problem = error.strerror or type(error).__name__
        finally:
            if not done:
                draft.unlink(missing_ok=True)
        if problem:
            raise CredentialsError(f"{path} cannot be written ({problem}). Nothing was saved.")


def profiles() -> list[Profile]:
    """The profiles saved on this machine. Raises CredentialsError when their file cannot be read."""
    return Store().profiles()


def forget_profile(name: str) -> None:
    """Delete a profile and its secret from this machine. Raises CredentialsError when there is none
    of that name.
    """
    Store().forget(name)


def _load(path: Path, *, hide: bool) -> dict[str, Any]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: sealed("secret", value) for name, value in document.items()} if hide else document


def _dump(document: Mapping[str, Any], file: Any) -> None:
    import tomlkit  # noqa: PLC0415

    plain = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in document.items()
    }
    file.write(tomlkit.dumps(plain))


def _unfinished(document: Mapping[str, Any]) -> list[str]:
    """Entries of the keyring that a save or forget which was killed may have left."""
    listed = document.get("unfinished")
    return [str(entry) for entry in listed if entry] if isinstance(listed, list) else []


def _in_keyring(row: Mapping[str, Any] | None) -> list[str]:
    """The keyring's entry of a row, if it has one."""
    return [str(row["entry"])] if row and row.get("place") == "keyring" and row.get("entry") else []


def _rows(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = document.get("profiles")
    return (
        {name: row for name, row in found.items() if isinstance(row, Mapping)}
        if isinstance(found, Mapping)
        else {}
    )


def _profile(name: str, row: Mapping[str, Any], active: bool) -> Profile:  # noqa: FBT001
    kind = str(row.get("kind"))
    return Profile(
        name,
        org_id=str(row.get("org_id", "")),
        client_id=str(row.get("client_id", "")),
        kind=kind if kind in _KINDS else "client_secret",
        place="file" if row.get("place") == "file" else "keyring",
        active=active,
    )


def _where(place: str) -> str:
    return "the system's keyring" if place == "keyring" else "secrets.toml"
