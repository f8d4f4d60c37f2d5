"""Other formats, accounts without the right to audit events, snapshots pruned during a read."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pyarrow.parquet as parquet
import pytest

from adobe_nb import session as sessions
from adobe_nb import snapshot
from adobe_nb.errors import NotAllowed, SnapshotError, SnapshotWarning
from adobe_nb.snapshot.store import SnapshotFolder
from tests.support import snapshot_frames as making
from tests.support.stub import Answer, Got, Stub, stub

COMPANY, PLACE = "CO" + "0" * 32, "PR" + "0" * 32
ROWS = 130
JSON = {"Content-Type": "application/vnd.api+json"}


class Service:
    """A property with more data elements than fit on a page; with or without audit events."""

    def __init__(self, *, right: bool = True) -> None:
        self.right = right
        self.names = ["x"] * ROWS

    def __call__(self, got: Got) -> Answer:
        address = urlsplit(got.path)
        if address.path.startswith("/ims/"):
            return Answer(
                200,
                b'{"access_token": "t", "expires_in": 9999}',
                {"Content-Type": "application/json"},
            )
        kind = address.path.rsplit("/", 1)[1]
        if kind == "audit_events" and not self.right:
            refused = {
                "errors": [{"status": "403", "code": "not-authorized", "title": "Not authorized"}]
            }
            return Answer(403, json.dumps(refused).encode(), JSON)
        query = dict(parse_qsl(address.query))
        number, size = int(query.get("page[number]", 1)), int(query.get("page[size]", 25))
        rows = self.rows(kind)
        document = {
            "data": rows[(number - 1) * size : number * size],
            "meta": {
                "pagination": {
                    "total_count": len(rows),
                    "total_pages": max(1, -(-len(rows) // size)),
                }
            },
        }
        return Answer(200, json.dumps(document).encode(), JSON)

    def rows(self, kind: str) -> list[dict[str, Any]]:
        date = "2026-01-01T00:00:00.000Z"
        if kind == "companies":
            return [{"id": COMPANY, "type": kind, "attributes": {"name": "c", "created_at": date}}]
        if kind == "properties":
            about = {"name": "p", "platform": "web", "created_at": date}
            return [{"id": PLACE, "type": kind, "attributes": about}]
        if kind != "data_elements":
            return []
        return [
            {
                "id": f"DE{number:032x}",
                "type": kind,
                "attributes": {"name": name, "created_at": date, "updated_at": date},
            }
            for number, name in enumerate(self.names)
        ]


@contextmanager
def serving(service: Service) -> Iterator[tuple[Stub, sessions.Session]]:
    with stub(service) as server:
        yield (
            server,
            sessions.connect(
                client_id="c" * 12,
                client_secret="hush",
                org_id="A@AdobeOrg",
                ims_url=server.url,
                reactor_url=server.url,
                retry_pause=0,
                journal=False,
            ),
        )


class TestOtherFormats:
    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        """A folder as written by versions up to format 2."""
        folder = tmp_path / "old"
        data = making.snapshot(SnapshotFolder(folder)).data
        (data / "_manifest.json").rename(folder / "manifest-000001.json")
        return folder

    @pytest.mark.parametrize(
        "read",
        [
            snapshot.load,
            lambda folder: snapshot.load(folder, "rules", as_of=1),
            lambda folder: snapshot.sql("FROM rules", folder),
            lambda folder: snapshot.paths(folder, "rules"),
            snapshot.history,
            snapshot.changes,
            lambda folder: snapshot.prune(folder, keep=1),
        ],
    )
    def test_older_format_raises_error_with_next_step(
        self, old: Path, read: Callable[[Path], object]
    ) -> None:
        with pytest.raises(SnapshotError, match=r"older format, .* Pull into another folder\."):
            read(old)
        assert (old / "manifest-000001.json").exists()

    def test_pull_and_refresh_of_older_format_send_no_request(self, old: Path) -> None:
        before = sorted(old.rglob("*"))
        with serving(Service()) as (server, session):
            server.got.clear()
            for run in (
                lambda: snapshot.pull(to=old, session=session),
                lambda: snapshot.refresh(old, session=session),
            ):
                with pytest.raises(SnapshotError, match="older format"):
                    run()
            assert not server.got
        assert sorted(old.rglob("*")) == before

    @pytest.mark.parametrize(
        ("version", "advice"), [(99, "Update adobe_nb"), (3, "another folder")]
    )
    def test_other_formats_are_refused_with_advice(
        self, version: int, advice: str, tmp_path: Path
    ) -> None:
        file = making.snapshot(SnapshotFolder(tmp_path)).data / "_manifest.json"
        file.write_text(file.read_text().replace('"format": 4', f'"format": {version}'))
        with pytest.raises(SnapshotError, match=f"its format is {version}, .* {advice}"):
            snapshot.load(tmp_path)

    def test_table_that_only_a_newer_version_knows_is_read(self, tmp_path: Path) -> None:
        store, rules = SnapshotFolder(tmp_path), making.COLUMNS["rules"]
        tables = {"rules": rules, "later_rules": rules}
        for rows in (2, 3):
            with store.begin({**making.ABOUT, "rows": rows}, tables) as draft:
                for table in tables:
                    draft.put(table, "PR1", making.frame(rules, rows), at=making.AT)
                draft.publish()
        assert list(snapshot.load(tmp_path)) == list(tables)
        assert len(snapshot.load(tmp_path, "later_rules")) == 3
        assert set(snapshot.changes(tmp_path)["table"]) == set(tables)


def test_refresh_without_right_to_audit_events_reads_all_lists_and_warns(
    tmp_path: Path,
) -> None:
    service = Service(right=False)
    with serving(service) as (server, session):
        snapshot.pull(to=tmp_path, tables="data_elements", session=session)
        # Only an audit event would show this change: the date and the number stay.
        service.names[7] = "renamed"
        server.got.clear()
        with pytest.warns(SnapshotWarning, match="may not read audit events"):
            snapshot.refresh(tmp_path, session=session)
        pages = [request.path for request in server.got if "/data_elements" in request.path]
    changes = snapshot.changes(tmp_path)
    assert changes[["change", "id", "columns"]].values.tolist() == [
        ["changed", f"DE{7:032x}", "name"]
    ]
    assert any("page%5Bnumber%5D=2" in path for path in pages)


def test_refresh_with_audit_events_requires_the_right_to_them(tmp_path: Path) -> None:
    service = Service()
    with serving(service) as (_, session):
        snapshot.pull(to=tmp_path, tables=["data_elements", "audit_events"], session=session)
        service.right = False
        with pytest.raises(NotAllowed):
            snapshot.refresh(tmp_path, session=session)
    assert len(snapshot.history(tmp_path)) == 1


def once(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], object]
) -> list[bool]:
    """Before the first call of a library's function, let another process do something."""
    function, done = getattr(owner, name), list[bool]()

    def first(*arguments: Any, **options: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, first)
    return done


class TestPrunedWhileReading:
    """A snapshot is removed between the choice and the read."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> SnapshotFolder:
        store = SnapshotFolder(tmp_path)
        making.snapshot(store)
        return store

    def replace(self, store: SnapshotFolder) -> None:
        making.snapshot(store, rows=2)
        store.prune(keep=1)

    @pytest.mark.parametrize("as_of", [None, "2100-01-01"])
    def test_newer_snapshot_is_read_instead(
        self, store: SnapshotFolder, as_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = once(monkeypatch, parquet, "ParquetFile", lambda: self.replace(store))
        frame = snapshot.load(store.path, "rules", as_of=as_of)
        assert done
        assert frame.attrs["snapshot"] == 2
        assert len(frame) == 4

    def test_query_reads_newer_snapshot_instead(
        self, store: SnapshotFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = once(monkeypatch, duckdb, "connect", lambda: self.replace(store))
        assert snapshot.sql("SELECT count(*) AS n FROM rules", store.path)["n"].tolist() == [4]
        assert done

    def test_pruned_number_raises_error(
        self, store: SnapshotFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        once(monkeypatch, parquet, "ParquetFile", lambda: self.replace(store))
        with pytest.raises(SnapshotError, match="has no snapshot for 1. The oldest is 2"):
            snapshot.load(store.path, "rules", as_of=1)

    def test_missing_file_of_existing_snapshot_is_damage(self, store: SnapshotFolder) -> None:
        Path(snapshot.paths(store.path, "rules")[0]).unlink()
        with pytest.raises(SnapshotError, match="is damaged"):
            snapshot.load(store.path, "rules")
