"""Named credentials, saved on this machine: ``profiles.toml`` in the user's configuration folder.

Each secret goes into the system's keyring, or, only on request, into ``secrets.toml`` beside it.
Both files can be read by their owner alone.
"""

import contextlib
import os
import re
import secrets as random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from adobe_nb.auth import keyring_store
from adobe_nb.auth.credentials import (
    HOST_NAMES,
    Candidate,
    Credentials,
    Hosts,
    Secret,
    candidate_of,
    looks_like_secret,
    mask_client_id,
    may_be_secret,
)
from adobe_nb.auth.files import warn_if_readable_by_others
from adobe_nb.errors import CredentialsError
from adobe_nb.home import config_folder

Kind = Literal["client_secret", "access_token"]
Place = Literal["keyring", "file"]
_Content = TypeVar("_Content")
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
    kind: Kind
    place: Place
    """Where the secret is."""
    active: bool
    reactor_url: str
    """The base URL of the Reactor API: Adobe's, or that of a simulator."""

    def __repr__(self) -> str:
        text = f"client {mask_client_id(self.client_id)}, {self.kind} in {self.place}"
        if self.active:
            text += ", active"
        return f"<Profile {self.name}: {self.org_id}, {text}>"


class _Row(msgspec.Struct, omit_defaults=True):
    """A profile in ``profiles.toml``."""

    client_id: str
    org_id: str
    entry: str
    """The name of its secret in the keyring or in ``secrets.toml``."""
    kind: Kind
    place: Place
    scopes: str | list[str] = ""
    reactor_url: str = ""
    ims_url: str = ""
    edge_url: str = ""
    edge_server_url: str = ""

    def profile(self, name: str, active: str) -> Profile:
        """Return what users see of it."""
        return Profile(
            name=name,
            org_id=self.org_id,
            client_id=self.client_id,
            kind=self.kind,
            place=self.place,
            active=name == active,
            reactor_url=self.reactor_url or Hosts().reactor,
        )


class _Document(msgspec.Struct, omit_defaults=True):
    """The content of ``profiles.toml``."""

    active: str = ""
    profiles: dict[str, _Row] = msgspec.field(default_factory=dict)
    unfinished: list[str] = msgspec.field(default_factory=list)
    """Entries of the keyring that a killed save or forget may have left there."""

    def row(self, name: str) -> _Row:
        """Return a profile. Raises CredentialsError for an unknown name."""
        if not isinstance(name, str) or name not in self.profiles:
            raise CredentialsError(
                f"{no_such_profile(name)}; there are: "
                f"{', '.join(sorted(self.profiles)) or 'none yet'}. "
                "Save one: %adobe_auth login --save NAME"
            )
        return self.profiles[name]


class ProfileStore:
    """The profiles of one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or config_folder()
        self._has_folder = folder is not None
        self.folder = folder or Path(os.devnull)

    @property
    def active(self) -> str:
        """The name of the profile that ``connect()`` uses, or nothing."""
        return self._document().active

    def profiles(self) -> list[Profile]:
        """Return all profiles by name. Raises CredentialsError when the file is unreadable."""
        document = self._document()
        rows = sorted(document.profiles.items())
        return [row.profile(name, document.active) for name, row in rows]

    def candidate(self, name: str) -> Candidate:
        """Return the values of a profile, its secret included. Raises CredentialsError."""
        row = self._document().row(name)
        if row.place == "keyring":
            where = "the system's keyring"
            secret = keyring_store.fetch(row.entry)
        else:
            where = _SECRETS
            secret = self._secrets().get(row.entry)
        if secret is None:
            raise CredentialsError(
                f"The secret of profile {name} is no longer in {where}. Sign in and save it again: "
                f"%adobe_auth login --save {name}"
            )
        if row.place == "file":
            warn_if_readable_by_others(self.folder / _SECRETS)
        return candidate_of(f"profile {name}", {**msgspec.to_builtins(row), row.kind: secret})

    def save(self, name: str, credentials: Credentials, *, in_file: bool = False) -> Profile:
        """Save credentials under a name, or replace those of the same client.

        Raises CredentialsError; in that case nothing has changed.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name) or looks_like_secret(name):
            raise CredentialsError(
                "The name of a profile may contain letters, digits, dots, dashes and underscores, up "
                "to 64 characters, and must not look like a secret."
            )
        secret = credentials.client_secret or credentials.access_token
        if secret is None:
            raise CredentialsError("These credentials have no secret to save.")
        if not in_file and not keyring_store.works():
            raise CredentialsError(
                f"The secret was not saved: {keyring_store.what_is_missing()} Or keep it in a file "
                "that only you can read: in_file=True, --in-file."
            )
        with self._locked():
            self._sweep()
            row = _row_of(name, credentials)
            if in_file:
                row.place = "file"
            return self._save(name, row, secret)

    def _save(self, name: str, row: _Row, secret: Secret) -> Profile:
        document = self._document()
        before = document.profiles.get(name, row)
        if (before.client_id, before.org_id) != (row.client_id, row.org_id):
            raise CredentialsError(
                f"There is already a profile {name} of another client or organization. Choose "
                f"another name, or delete that profile first: %adobe_auth forget {name}"
            )
        document.unfinished = sorted(_keyring_entries(row, before))
        if document.unfinished:
            # Written before the keyring is: if this process is killed, the next save deletes them.
            self._write(_PROFILES, document)
        if row.place == "keyring":
            keyring_store.keep(row.entry, secret)
        else:
            self._write(_SECRETS, {**self._secrets(), row.entry: secret})
        document.profiles[name] = row
        document.active = name
        try:
            self._write(_PROFILES, document)
        finally:
            with contextlib.suppress(CredentialsError):
                self._sweep()
        return row.profile(name, active=name)

    def use(self, name: str) -> None:
        """Make a profile the active one. Raises CredentialsError for an unknown name."""
        with self._locked():
            document = self._document()
            document.row(name)
            document.active = name
            self._write(_PROFILES, document)

    def forget(self, name: str) -> None:
        """Delete a profile and its secret. Raises CredentialsError for an unknown name.

        Also raises it when the keyring cannot delete the secret; the profile is deleted anyway.
        """
        with self._locked():
            self._sweep()
            document = self._document()
            row = document.row(name)
            del document.profiles[name]
            document.unfinished += _keyring_entries(row)
            if document.active == name:
                document.active = ""
            self._write(_PROFILES, document)
            problem = self._sweep()
        if problem and row.place == "keyring":
            raise CredentialsError(
                f"Profile {name} is forgotten, but its secret may still be in the keyring, under "
                f"adobe_nb, {row.entry}. {problem}"
            )

    def _sweep(self) -> str:
        """Delete what a killed save left behind; return why the keyring could not be swept.

        The lock is held, so no other save is in progress. The next sweep tries the keyring again.
        """
        for name in (_PROFILES, _SECRETS):
            for draft in self.folder.glob(f".{name}.*"):
                draft.unlink(missing_ok=True)
        document = self._document()
        used = {row.entry for row in document.profiles.values()}
        secrets = self._secrets()
        unused = secrets.keys() - used
        if unused:
            for entry in unused:
                del secrets[entry]
            self._write(_SECRETS, secrets)
        problem = ""
        remaining = []
        for entry in set(document.unfinished) - used:
            try:
                keyring_store.drop(entry)
            except CredentialsError as error:
                problem = str(error)
                remaining.append(entry)
        if document.unfinished:
            document.unfinished = remaining
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

    def _document(self) -> _Document:
        return self._read(_PROFILES, _Document)

    def _secrets(self) -> dict[str, Secret]:
        return self._read(_SECRETS, dict[str, Secret])

    def _read(self, name: str, content_type: type[_Content]) -> _Content:
        path = self.folder / name
        # False for a folder that may not be entered, such as the home of another account.
        if not self._has_folder or not os.path.exists(path):  # noqa: PTH110
            return content_type()
        with contextlib.suppress(OSError, ValueError, RecursionError, msgspec.MsgspecError):
            # No local variable holds the plain secrets: this frame is part of the traceback.
            return msgspec.convert(
                tomllib.loads(path.read_text(encoding="utf-8")), content_type, dec_hook=_hidden
            )
        # Outside the block above: the error of the parser holds the text of the file.
        raise CredentialsError(
            f"{path} cannot be read, or is invalid. Correct it, or delete it and save the profiles "
            "again."
        )

    def _write(self, name: str, content: object) -> None:
        """Replace a file whole or not at all; others can never read it, not even for a moment."""
        import tomlkit  # noqa: PLC0415

        self._make_folder()
        draft = self.folder / f".{name}.{random.token_hex(6)}"
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                # No local variable holds the plain secrets here, either.
                file.write(tomlkit.dumps(msgspec.to_builtins(content, enc_hook=Secret.reveal)))
            draft.replace(self.folder / name)
        except OSError as error:
            raise CredentialsError(
                f"{self.folder / name} cannot be written ({_reason(error)}). Nothing was saved."
            ) from None
        finally:
            draft.unlink(missing_ok=True)


def no_such_profile(name: object) -> str:
    """Return the beginning of the message for an unknown name, which may be a misplaced secret."""
    if isinstance(name, str) and may_be_secret(name):
        return "There is no profile of this name on this machine"
    return f"There is no profile {name!r:.80} on this machine"


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


def _row_of(name: str, credentials: Credentials) -> _Row:
    row = _Row(
        client_id=credentials.client_id,
        org_id=credentials.org_id,
        # A new one each time: the old secret is in use until profiles.toml names the new one.
        entry=f"profile {name} {random.token_hex(6)}",
        kind="client_secret",
        place="keyring",
        scopes=",".join(credentials.scopes),
    )
    if credentials.client_secret is None:
        row.kind = "access_token"
    for host in HOST_NAMES:
        url = getattr(credentials.hosts, host)
        if url != getattr(Hosts(), host):
            setattr(row, f"{host}_url", url)
    return row


def _hidden(secret_type: type[Secret], text: str) -> Secret:
    return secret_type(text)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _keyring_entries(*rows: _Row) -> set[str]:
    return {row.entry for row in rows if row.place == "keyring"}
