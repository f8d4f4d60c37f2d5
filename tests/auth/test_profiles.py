"""Profiles are saved, used and forgotten, their secrets kept in the keyring or a private file."""

import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

import adobe_nb
from adobe_nb.auth import keyring_store, sources
from adobe_nb.auth.credentials import Credentials, Secret, candidate_of, credentials_of
from adobe_nb.auth.profiles import ProfileStore
from adobe_nb.errors import CredentialsError
from tests.conftest import sign_in, until

ORG = "1234567890ABCDEF12345678@AdobeOrg"
HUSH = "p8e-hush-hush-hush"


class Memory(KeyringBackend):
    """A keyring that works."""

    priority = 5.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Locked(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"text of the backend, {HUSH}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"text of the backend, {password}")


class Hanging(Memory):
    """Shows a prompt that no user sees."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.closed.wait(60)
        return None


@pytest.fixture
def memory() -> Iterator[Memory]:
    before = keyring.get_keyring()
    backend = Memory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def refuse_to_write(self: ProfileStore, name: str, document: Any) -> None:
    raise CredentialsError("No space left. Nothing was saved.")


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "config")


def credentials(**changes: Any) -> Credentials:
    values = {
        "client_id": "client-1234567890",
        "client_secret": HUSH,
        "org_id": ORG,
        "scopes": "openid,x",
    }
    return credentials_of(candidate_of("arguments", {**values, **changes}))


def files(store: ProfileStore) -> str:
    return "".join(path.read_text() for path in sorted(store.folder.iterdir()))


class TestSaving:
    def test_the_secret_goes_into_the_keyring_and_the_rest_into_a_file(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        profile = store.save("work", credentials())
        assert (profile.place, profile.active, profile.kind) == ("keyring", True, "client_secret")
        ((service, entry),) = memory.kept
        assert (service, entry.rpartition(" ")[0]) == ("adobe_nb", "profile work")
        assert memory.kept[service, entry] == HUSH
        assert HUSH not in files(store)
        loaded = credentials_of(store.candidate("work"))
        assert loaded.source == "profile work"
        assert (loaded.client_id, loaded.org_id, loaded.client_secret) == (
            "client-1234567890",
            ORG,
            Secret(HUSH),
        )
        assert loaded.scopes == ("openid", "x")

    def test_without_a_keyring_saves_nothing_and_says_what_to_do(self, store: ProfileStore) -> None:
        with pytest.raises(
            CredentialsError, match=r"not saved: this system has no usable keyring.*--in-file"
        ):
            store.save("work", credentials())
        assert not store.folder.exists()

    def test_saves_to_a_private_file_on_request(self, store: ProfileStore) -> None:
        store.save("work", credentials(), in_file=True)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()}
        assert modes == {"profiles.toml": 0o600, "secrets.toml": 0o600, "profiles.lock": 0o600}
        assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
        assert HUSH not in (store.folder / "profiles.toml").read_text()
        assert credentials_of(store.candidate("work")).client_secret == Secret(HUSH)

    def test_replaces_a_profile_and_deletes_its_old_secret(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("work", credentials(), in_file=True)
        store.save("work", credentials(client_secret="p8e-hush-the-second"))
        assert HUSH not in files(store)
        assert credentials_of(store.candidate("work")).client_secret == Secret(
            "p8e-hush-the-second"
        )

    def test_saves_a_token(self, store: ProfileStore, demo: Any) -> None:
        token = demo.connection()["access_token"]
        store.save(
            "day", credentials(client_id=None, client_secret=None, access_token=token), in_file=True
        )
        loaded = credentials_of(store.candidate("day"))
        assert loaded.access_token == Secret(token)
        assert loaded.client_secret is None

    @pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, ".x", None, 7])
    def test_refuses_an_invalid_name(self, store: ProfileStore, name: Any) -> None:
        with pytest.raises(CredentialsError, match="The name of a profile"):
            store.save(name, credentials(), in_file=True)

    def test_an_unwritable_folder_leaves_nothing_behind(
        self, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.save("work", credentials(), in_file=True)
        before = files(store)
        refused: list[Path] = []

        def refuse(self: Path, target: Path) -> Path:
            refused.append(target)
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(
            CredentialsError, match=r"cannot be written \(Permission denied\). Nothing was saved"
        ):
            store.save("other", credentials(client_secret="p8e-hush-the-third"), in_file=True)
        assert files(store) == before

    def test_keeps_the_old_secret_if_the_second_file_cannot_be_written(
        self, store: ProfileStore, memory: Memory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.save("work", credentials())
        monkeypatch.setattr(ProfileStore, "_write", refuse_to_write)
        with pytest.raises(CredentialsError, match="Nothing was saved"):
            store.save("work", credentials(client_secret="p8e-hush-the-second"))
        monkeypatch.undo()
        assert list(memory.kept.values()) == [HUSH]
        assert credentials_of(store.candidate("work")).client_secret == Secret(HUSH)

    def test_does_not_replace_a_profile_of_another_client(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("work", credentials())
        with pytest.raises(
            CredentialsError, match="profile work of another client or organization"
        ):
            store.save("work", credentials(client_id="another-client-000"))
        assert len(memory.kept) == 1

    def test_two_threads_and_two_processes_lose_nothing(self, store: ProfileStore) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from adobe_nb.auth.credentials import candidate_of, credentials_of\n"
            "from adobe_nb.auth.profiles import ProfileStore\n"
            "store = ProfileStore(Path(sys.argv[1]))\n"
            f"values = dict(client_id='c' * 12, client_secret='hush', org_id={ORG!r})\n"
            "made = credentials_of(candidate_of('x', values))\n"
            "[store.save(f'{sys.argv[2]}{n}', made, in_file=True) for n in range(10)]"
        )
        others = [
            subprocess.Popen([sys.executable, "-c", code, str(store.folder), name])
            for name in ("a", "b")
        ]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: store.save(f"c{n}", credentials(), in_file=True), range(10)))
        assert [other.wait(60) for other in others] == [0, 0]
        names = [profile.name for profile in store.profiles()]
        assert len(names) == 30
        for name in names:
            assert store.candidate(name).secrets

    def test_says_that_the_folder_cannot_be_created(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(CredentialsError, match=r"cannot be made|Nothing was saved"):
            ProfileStore(tmp_path / "file" / "config").save("x", credentials(), in_file=True)


class TestKilledSave:
    """The next save or forget deletes what a killed process left behind."""

    # A keyring in a file, so that two processes share it, and a save that is killed during a
    # rename.
    CODE = """
import json, os, signal, sys
from pathlib import Path
import keyring
from keyring.backend import KeyringBackend

class Shared(KeyringBackend):
    priority = 5.0
    def __init__(self, path):
        super().__init__()
        self.path = Path(path)
    def kept(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}
    def get_password(self, service, username):
        return self.kept().get(username)
    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({**self.kept(), username: password}))
    def delete_password(self, service, username):
        kept = self.kept()
        del kept[username]
        self.path.write_text(json.dumps(kept))
"""
    KILLED = """
from adobe_nb.auth.credentials import candidate_of, credentials_of
from adobe_nb.auth.profiles import ProfileStore

folder, shared, secret, name, target, in_file = sys.argv[1:]
keyring.set_keyring(Shared(shared))
values = dict(client_id='client-1234567890', client_secret=secret, org_id=sys.stdin.read())
made = credentials_of(candidate_of('x', values))
replace = Path.replace
def killed(self, other):
    if other.name == target and (target == 'secrets.toml' or secret in Path(shared).read_text()):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, other)
Path.replace = killed
Path(shared).touch() if in_file else Path(shared).write_text('{}')
ProfileStore(Path(folder)).save(name, made, in_file=bool(in_file))
"""

    def killed(self, store: ProfileStore, shared: Path, target: str, in_file: str) -> None:
        arguments = [str(store.folder), str(shared), "p8e-hush-orphan", "work", target, in_file]
        command = [sys.executable, "-c", self.CODE + self.KILLED, *arguments]
        done = subprocess.run(command, input=ORG.encode(), check=False)
        assert done.returncode == -signal.SIGKILL

    @pytest.mark.parametrize("then", ["save", "forget"])
    def test_a_draft_with_the_secret_is_deleted(
        self, store: ProfileStore, tmp_path: Path, then: str
    ) -> None:
        store.save("other", credentials(), in_file=True)
        self.killed(store, tmp_path / "shared", "secrets.toml", "yes")
        assert "hush-orphan" in files(store)
        if then == "save":
            store.save("third", credentials(), in_file=True)
        else:
            store.forget("other")
        assert "hush-orphan" not in files(store)
        assert "work" not in {profile.name for profile in store.profiles()}

    def test_an_unused_entry_of_the_keyring_is_deleted(
        self, store: ProfileStore, tmp_path: Path
    ) -> None:
        shared = tmp_path / "shared"
        self.killed(store, shared, "profiles.toml", "")
        assert "hush-orphan" in shared.read_text()
        before = keyring.get_keyring()
        scope: dict[str, Any] = {}
        exec(self.CODE, scope)
        keyring.set_keyring(scope["Shared"](shared))
        try:
            store.save("work", credentials())
            assert "hush-orphan" not in shared.read_text()
            assert credentials_of(store.candidate("work")).client_secret == Secret(HUSH)
            store.forget("work")
            assert shared.read_text() == "{}"
        finally:
            keyring.set_keyring(before)
        assert "profile work" not in files(store)

    def test_an_unused_entry_of_the_file_is_deleted(self, store: ProfileStore) -> None:
        store.save("work", credentials(), in_file=True)
        path = store.folder / "secrets.toml"
        path.write_text(path.read_text() + '"profile gone 0123" = "p8e-hush-orphan"\n')
        store.save("other", credentials(), in_file=True)
        assert "hush-orphan" not in files(store)
        assert credentials_of(store.candidate("work")).client_secret == Secret(HUSH)

    def test_a_secret_in_a_locked_keyring_is_deleted_next_time(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("work", credentials())
        keyring.set_keyring(Locked())
        with pytest.raises(CredentialsError, match="may still be in the keyring"):
            store.forget("work")
        keyring.set_keyring(memory)
        store.save("other", credentials(), in_file=True)
        assert memory.kept == {}

    def test_a_save_in_progress_is_left_alone(self, store: ProfileStore) -> None:
        with ThreadPoolExecutor(1) as pool:
            with store._locked():
                draft = store.folder / ".secrets.toml.0123"
                draft.write_text("in progress")
                other = pool.submit(store.save, "work", credentials(), in_file=True)
                assert not until(other.done, 0.2)
                assert draft.exists()
            assert other.result(20).name == "work"


class TestUsing:
    def test_the_last_saved_profile_is_active_until_another_is_used(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("one", credentials())
        store.save("two", credentials())
        assert [(profile.name, profile.active) for profile in store.profiles()] == [
            ("one", False),
            ("two", True),
        ]
        store.use("one")
        assert store.active == "one"

    def test_forget_deletes_the_secret(self, store: ProfileStore, memory: Memory) -> None:
        store.save("one", credentials())
        store.save("two", credentials(), in_file=True)
        store.forget("one")
        store.forget("two")
        assert memory.kept == {}
        assert HUSH not in files(store)
        assert store.profiles() == []
        assert store.active == ""

    @pytest.mark.parametrize("call", ["candidate", "use", "forget"])
    def test_an_unknown_name_lists_the_profiles(
        self, store: ProfileStore, memory: Memory, call: str
    ) -> None:
        store.save("one", credentials())
        with pytest.raises(
            CredentialsError, match="no profile 'two' on this machine; there are: one"
        ):
            getattr(store, call)("two")

    @pytest.mark.parametrize(
        "name", ["a1b2c3d4-e5f6-7a8b-9c0d-e1f2a3b4c5d6", "p8e-hush1", "a1b2" * 8]
    )
    def test_a_name_that_may_be_a_secret_is_not_quoted(
        self, store: ProfileStore, memory: Memory, name: str
    ) -> None:
        store.save("one", credentials())
        with pytest.raises(CredentialsError, match="no profile of this name .* are: one") as caught:
            store.use(name)
        assert name not in str(caught.value)

    @pytest.mark.parametrize("name", ["a1b2c3d4-e5f6-7a8b-9c0d-e1f2a3b4c5d6", "p8e-hush1"])
    def test_a_secret_is_not_saved_as_the_name(
        self, store: ProfileStore, memory: Memory, name: str
    ) -> None:
        with pytest.raises(CredentialsError, match="must not look like a secret") as caught:
            store.save(name, credentials())
        assert name not in str(caught.value)

    def test_says_that_the_secret_is_missing(self, store: ProfileStore, memory: Memory) -> None:
        store.save("one", credentials())
        memory.kept.clear()
        with pytest.raises(
            CredentialsError, match="no longer in the system's keyring. Sign in and save it again"
        ):
            store.candidate("one")

    def test_an_invalid_file_is_reported_and_not_overwritten(self, store: ProfileStore) -> None:
        store.folder.mkdir()
        path = store.folder / "profiles.toml"
        path.write_text("a = [")
        for call in (
            store.profiles,
            lambda: store.save("x", credentials(), in_file=True),
            lambda: store.active,
        ):
            with pytest.raises(
                CredentialsError, match=r"profiles.toml cannot be read, or is invalid"
            ):
                call()
        assert path.read_text() == "a = ["


class TestTheKeyring:
    def test_a_locked_one_is_reported_without_its_text(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("work", credentials())
        keyring.set_keyring(Locked())
        with pytest.raises(
            CredentialsError, match=r"keyring cannot be used \(KeyringLocked\)"
        ) as caught:
            store.candidate("work")
        assert HUSH not in str(caught.value)
        with pytest.raises(CredentialsError) as caught:
            store.save("other", credentials())
        assert HUSH not in str(caught.value)
        assert [profile.name for profile in store.profiles()] == ["work"]

    def test_a_hidden_prompt_does_not_hang(
        self, store: ProfileStore, memory: Memory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.save("work", credentials())
        hanging = Hanging()
        keyring.set_keyring(hanging)
        monkeypatch.setattr(keyring_store, "SECONDS", 0.2)
        begun = time.monotonic()
        with pytest.raises(CredentialsError, match="did not respond within 0 seconds"):
            store.candidate("work")
        assert time.monotonic() - begun < 20
        hanging.closed.set()

    def test_a_secret_that_is_kept_too_late_is_deleted_again(
        self, store: ProfileStore, monkeypatch: pytest.MonkeyPatch, memory: Memory
    ) -> None:
        limiter, done = threading.Event(), threading.Event()

        class Slow(Memory):
            def set_password(self, service: str, username: str, password: str) -> None:
                limiter.wait(60)
                super().set_password(service, username, password)

            def delete_password(self, service: str, username: str) -> None:
                super().delete_password(service, username)
                done.set()

        slow = Slow()
        keyring.set_keyring(slow)
        monkeypatch.setattr(keyring_store, "SECONDS", 0.3)
        with pytest.raises(CredentialsError, match="did not respond"):
            store.save("work", credentials())
        limiter.set()
        assert done.wait(60)
        assert slow.kept == {}

    def test_a_plain_text_backend_does_not_count(self, store: ProfileStore, memory: Memory) -> None:
        class Plain(Memory):
            priority = 0.5  # type: ignore[assignment]

        keyring.set_keyring(Plain())
        assert keyring_store.works() is False

    def test_odd_values_from_a_keyring_are_ignored(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("work", credentials())
        for odd in (b"x", 5, ""):
            for entry in memory.kept:
                memory.kept[entry] = odd  # type: ignore[assignment]
            with pytest.raises(CredentialsError, match="no longer in"):
                store.candidate("work")

    def test_forget_works_without_the_keyring_and_says_what_may_remain(
        self, store: ProfileStore, memory: Memory
    ) -> None:
        store.save("work", credentials())
        keyring.set_keyring(Locked())
        with pytest.raises(
            CredentialsError, match="Profile work is forgotten, but its secret may still be"
        ):
            store.forget("work")
        assert store.profiles() == []

    def test_without_the_package_says_how_to_install_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keyring_store, "find_spec", lambda name: None)
        assert keyring_store.works() is False
        with pytest.raises(CredentialsError, match=r'pip install "adobe_nb\[keyring\]"'):
            keyring_store.fetch("profile x")
        with pytest.raises(
            CredentialsError,
            match=r'not saved: the package keyring.*"adobe_nb\[keyring\]".*--in-file',
        ):
            ProfileStore().save("work", credentials())

    def test_a_keyring_that_cannot_keep_secrets_does_not_count(self) -> None:
        assert keyring_store.works() is False  # The tests run with keyring's fail backend.


class TestAsASource:
    def saved(self, demo: Any, name: str = "work", account: str = "demo") -> None:
        sign_in(demo, account, make_default=False).save(name, in_file=True)

    def test_a_named_profile_signs_in(self, demo: Any) -> None:
        self.saved(demo)
        session = adobe_nb.connect(profile="work")
        assert session.source == "profile work"
        assert session.test().ok
        assert (
            session.edge.interact(
                demo.connection()["datastream_id"], {"xdm": {"eventType": "x"}}
            ).shape[0]
            == 5
        )

    def test_the_active_profile_comes_after_the_env_file_and_before_the_simulator(
        self, demo: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.saved(demo)
        monkeypatch.setenv("ADOBE_NB_SIMULATOR", demo.connection()["reactor_url"])
        assert adobe_nb.connect().source == "profile work"
        monkeypatch.setenv("ADOBE_ACCESS_TOKEN", demo.connection()["access_token"])
        monkeypatch.setenv("ADOBE_ORG_ID", demo.connection()["org_id"])
        resolved = sources.find()
        assert resolved is not None
        assert resolved.credentials.source == "environment"
        assert resolved.shadowed == ("profile work",)

    def test_a_shadowed_profile_is_not_opened(self, demo: Any, memory: Memory) -> None:
        sign_in(demo, make_default=False).save("work")
        keyring.set_keyring(Locked())
        resolved = sources.find(
            {
                "ADOBE_CLIENT_ID": "client-1234567890",
                "ADOBE_CLIENT_SECRET": HUSH,
                "ADOBE_ORG_ID": ORG,
            }
        )
        assert resolved is not None
        assert resolved.shadowed == ("profile work",)

    def test_a_failing_profile_ends_the_search_with_its_reason(
        self, demo: Any, memory: Memory
    ) -> None:
        sign_in(demo, make_default=False).save("work")
        keyring.set_keyring(Locked())
        with pytest.raises(CredentialsError, match="KeyringLocked"):
            adobe_nb.connect(fallback="simulator")

    def test_adobe_profile_names_the_profile(
        self, demo: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.saved(demo, "one")
        self.saved(demo, "two", "no_company")
        monkeypatch.setenv("ADOBE_PROFILE", "two")
        assert adobe_nb.connect().source == "profile two"
        monkeypatch.setenv("ADOBE_PROFILE", "three")
        with pytest.raises(CredentialsError, match="no profile 'three'"):
            adobe_nb.connect()
        monkeypatch.delenv("ADOBE_PROFILE")
        Path(".env").write_text("ADOBE_PROFILE=two\n")
        assert adobe_nb.connect().source == "profile two"

    def test_profiles_are_listed_and_forgotten(self, demo: Any) -> None:
        self.saved(demo)
        (profile,) = adobe_nb.profiles()
        assert repr(profile).startswith("<Profile work: ")
        assert demo.accounts["demo"].client_id not in repr(profile)
        adobe_nb.forget_profile("work")
        assert adobe_nb.profiles() == []

    def test_the_built_in_simulator_needs_no_profile(self) -> None:
        with pytest.raises(CredentialsError, match=r"connect\(simulator=True\) is enough"):
            adobe_nb.connect(simulator=True).save("x", in_file=True)

    def test_two_sources_at_once_are_refused(self) -> None:
        with pytest.raises(CredentialsError, match="Name one source only"):
            adobe_nb.connect(profile="a", console_file="b.json")


def test_importing_the_package_loads_no_keyring() -> None:
    code = "import sys, adobe_nb.session; print({'keyring', 'tomlkit'} & sys.modules.keys())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
