"""Nothing secret is stored in a snapshot, and what is stored is the owner's alone."""

from pathlib import Path

from adobe_nb import snapshot
from tests.conftest import RECORDER, sign_in, started

HUSH = "hush-hush-hush"


def test_no_credential_is_stored(tmp_path: Path) -> None:
    simulator = started()
    session = sign_in(simulator)
    reactor = session.reactor
    try:
        edge = reactor.properties(filter={"platform": "EQ edge"}).head(1)
        place = reactor.environments(edge).head(1)
        reactor.secrets.create(
            edge,
            name="Hidden",
            type_of="simple-http",
            environment=place,
            credentials={"username": "u", "password": HUSH},
        )
        reactor.hosts.create(
            edge,
            name="Ours",
            type_of="sftp",
            server="s.invalid",
            username="u",
            encrypted_private_key=HUSH,
        )
        snapshot.pull(to=tmp_path, tables=[*snapshot.TABLES, "audit_events"], session=session)
        tables = snapshot.load(tmp_path)
        assert "Hidden" in set(tables["secrets"]["name"])
        text = "".join(frame.to_csv() for frame in tables.values())
        raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        for secret in {HUSH, *RECORDER.known_secrets()}:
            assert secret not in text
            assert secret.encode() not in raw
        columns = {name for frame in tables.values() for name in frame.columns}
        assert not columns & {
            "credentials",
            "encrypted_private_key",
            "archive_passphrase",
            "push_credential",
        }
    finally:
        simulator.stop()


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    simulator = started()
    try:
        snapshot.pull(to=tmp_path / "tags", tables="rules", session=sign_in(simulator))
    finally:
        simulator.stop()
    for path in [tmp_path / "tags", *(tmp_path / "tags").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
