"""Exports to simulated S3 and Azure, read back by other tools."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import fsspec
import polars as pl
import pytest
from deltalake import DeltaTable

from adobe_nb import snapshot
from adobe_nb.errors import SnapshotError
from tests.support import stores
from tests.support.exports import assert_equal, write


@dataclass(frozen=True)
class Place:
    """A store, with its options in three dialects."""

    url: str
    fsspec: dict[str, Any]
    delta: dict[str, str]
    polars: dict[str, str]

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture(scope="module")
def s3(servers: ExitStack) -> Place:
    url = servers.enter_context(stores.s3())
    stores.make_bucket(url, "bucket")
    options = {
        "aws_access_key_id": "a" * 20,
        "aws_secret_access_key": stores.S3_SECRET,
        "aws_region": "us-east-1",
        "aws_endpoint_url": url,
        "aws_allow_http": "true",
    }
    fsspec = {"key": "a" * 20, "secret": stores.S3_SECRET, "endpoint_url": url}
    return Place("s3://bucket", fsspec, options, options)


@pytest.fixture(scope="module")
def azure(servers: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Place:
    url = servers.enter_context(stores.azure(tmp_path_factory.mktemp("azurite")))
    account = "devstoreaccount1"
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={stores.AZURE_KEY};"
        f"BlobEndpoint={url}/{account};"
    )
    fsspec.filesystem("abfs", connection_string=connection).mkdir("container")
    options = {
        "azure_storage_account_name": account,
        "azure_storage_account_key": stores.AZURE_KEY,
        "azure_endpoint": f"{url}/{account}",
        "azure_allow_http": "true",
    }
    return Place("abfs://container", {"connection_string": connection}, options, options)


@pytest.fixture(params=["s3", "azure"])
def place(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "tags", {1: 3, 2: 4})
    return tmp_path / "tags"


@pytest.fixture(autouse=True)
def _no_secret_appears(recorder: Any) -> None:
    recorder.secrets |= {stores.S3_SECRET, stores.AZURE_KEY}


def read_by_duckdb(place: Place, location: str) -> Any:
    files = fsspec.filesystem(place.scheme, **place.fsspec)
    with duckdb.connect() as connection:
        connection.register_filesystem(files)
        query = f"FROM read_parquet('{location}/**/*.parquet', hive_partitioning=true)"
        return connection.sql(query).to_arrow_table()


def read_by_polars(place: Place, location: str) -> Any:
    return pl.read_parquet(f"{location}/", storage_options=place.polars).to_arrow()


def read_by_dask(place: Place, location: str) -> Any:
    frame = dd.read_parquet(location, storage_options=place.fsspec, dtype_backend="pyarrow")
    return frame.compute()


# Dask causes these warnings of pandas.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_parquet_is_read_with_equal_rows(place: Place, folder: Path) -> None:
    url = f"{place.url}/tags"
    snapshot.export(folder, url, storage_options=place.fsspec)
    write(folder, {1: 3, 2: 6})
    tables = snapshot.export(folder, url, storage_options=place.fsspec, keep=1)
    assert tables["files_sent"].tolist() == [0, 1]
    assert tables["files_unchanged"].tolist() == [1, 1]
    found = snapshot.exported(url, storage_options=place.fsspec)
    assert found["snapshot"].tolist() == [2, 2]
    for read in (read_by_duckdb, read_by_polars, read_by_dask):
        assert_equal(read(place, found.loc[1, "location"]), folder)
    files = fsspec.filesystem(place.scheme, **place.fsspec)
    files.invalidate_cache()
    # One folder with its manifest and three files is left, and no plan.
    assert len(files.find(url)) == 4


def test_delta_is_read_with_equal_rows(place: Place, folder: Path) -> None:
    url = f"{place.url}/lake"
    snapshot.export(folder, url, format="delta", storage_options=place.delta)
    write(folder, {1: 3, 2: 6})
    for _ in range(2):
        tables = snapshot.export(folder, url, format="delta", storage_options=place.delta)
        assert tables["version"].tolist() == [0, 1]
    found = snapshot.exported(url, format="delta", storage_options=place.delta)
    location, version = found.loc[1, ["location", "version"]]
    table = DeltaTable(location, version=version, storage_options=place.delta)
    assert_equal(table.to_pyarrow_table(), folder)
    frame = pl.read_delta(location, version=version, storage_options=place.polars)
    assert_equal(frame.to_arrow(), folder)
    with duckdb.connect() as connection:
        connection.register("rules", table.to_pyarrow_dataset())
        assert_equal(connection.sql("FROM rules").to_arrow_table(), folder)


@pytest.mark.parametrize("format", ["parquet", "delta"])
def test_missing_bucket_is_an_error(place: Place, folder: Path, format: Any) -> None:
    options = place.delta if format == "delta" else place.fsspec
    url = f"{place.scheme}://missing/tags"
    with pytest.raises(SnapshotError, match=r"missing/tags cannot be read or written") as caught:
        snapshot.export(folder, url, format=format, storage_options=options)
    assert re.search("not exist|NoSuchBucket|ContainerNotFound", str(caught.value))
    print(caught.value)


@pytest.mark.parametrize("format", ["parquet", "delta"])
def test_url_without_rights_is_an_error(azure: Place, folder: Path, format: Any) -> None:
    options: Any = azure.delta if format == "delta" else azure.fsspec
    wrong = {name: value.replace("Eby8", "Eby9") for name, value in options.items()}
    with pytest.raises(SnapshotError, match=r"cannot be read or written .*Authoriz"):
        snapshot.export(folder, f"{azure.url}/no", format=format, storage_options=wrong)
    with pytest.raises(SnapshotError, match="no finished export"):
        snapshot.exported(f"{azure.url}/no", storage_options=azure.fsspec)
