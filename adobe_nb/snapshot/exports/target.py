"""Where an export goes: a URL, and the options of its storage, which may hold secrets."""

import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adobe_nb.auth.files import expanded
from adobe_nb.errors import ArgumentError, SnapshotError
from adobe_nb.masking import masked_text
from adobe_nb.snapshot.tables import library

# Options that errors may show, because they help to find a mistake.
_SHOWN = re.compile(r"url|endpoint|region|account_?name|bucket|container|project", re.IGNORECASE)
_EXTRA = '"adobe_nb[export]"'
_PACKAGES = {
    **dict.fromkeys(["s3", "s3a", "abfs", "abfss", "az"], _EXTRA),
    **dict.fromkeys(["gs", "gcs"], "gcsfs"),
}


class Target:
    """A folder, or a URL of a store. No message or repr shows the options of the store."""

    def __init__(self, url: str | Path, options: Mapping[str, Any] | None) -> None:
        self.url, self.folder = _checked(url)
        self._options = dict(options or {})

    def __repr__(self) -> str:
        return f"<Target {self.url}>"

    def problem(self, error: Exception) -> str:
        """Return what an error of the store says, in one line and without secrets."""
        # deltalake colors its messages.
        text = re.sub(r"\x1b\[[0-9;]*m", "", f"{type(error).__name__}: {error}")
        # Many answer in XML.
        text = re.sub(r"<[^<>]*>", " ", text)
        return masked_text(textwrap.shorten(text, 1000), _texts(self._options))

    def refuse_inside(self, snapshots: Path) -> None:
        """Raise ArgumentError when it is the folder of the snapshots, or in it."""
        if self.folder is None:
            return
        target, source = self.folder.resolve(), snapshots.resolve()
        if source in (target, *target.parents):
            raise ArgumentError(
                f"Cannot export {snapshots} into itself ({self.url}). Choose a folder outside."
            )

    def filesystem(self) -> tuple[Any, str]:
        """Return its fsspec file system, and its path there."""
        fsspec = library("fsspec", "export")
        scheme, problem = urlsplit(self.url).scheme, ""
        if self.folder is None:
            try:
                fsspec.get_filesystem_class(scheme)
            except ValueError:
                problem = "unknown"
            except ImportError as error:
                problem = str(error)
        if problem == "unknown":
            raise ArgumentError(
                f"Unknown scheme in {self.url}. Expected a folder, or a URL that begins with "
                "s3://, abfs:// or gs://."
            )
        if problem:
            package = _PACKAGES.get(scheme, "PACKAGE")
            raise SnapshotError(
                f"{scheme}:// requires a package that cannot be imported ({problem}). Install it: "
                f"pip install {package}."
            )
        return fsspec.core.url_to_fs(self.url, **self._of_fsspec())  # type: ignore[no-any-return]

    # Frames that raise an error hold no options, since tracebacks can show local variables.
    def _of_fsspec(self) -> dict[str, Any]:
        if self.folder is None:
            return self._options
        return {**self._options, "auto_mkdir": True}

    def delta_options(self) -> dict[str, str]:
        """Return the options as deltalake takes them: texts only."""
        others = [name for name in self._options if not isinstance(self._options[name], str)]
        if others:
            raise ArgumentError(
                f"Invalid storage_options: deltalake requires text, so {others} have to be text."
            )
        return self._options


def _checked(url: object) -> tuple[str, Path | None]:
    """Return the URL without a final slash, and its path when it is a local folder."""
    if not isinstance(url, (str, os.PathLike)) or not str(url).strip():
        raise ArgumentError(
            f"Invalid to={url!r}: expected a folder, or a URL such as 's3://bucket/tags'."
        )
    text = str(url).strip().removeprefix("file://")
    if "://" not in text:
        folder = expanded(text).absolute()
        return str(folder), folder
    parts = urlsplit(text)
    # The URL itself is not shown, since it may hold the secret.
    if parts.password or parts.query or parts.fragment:
        raise ArgumentError(
            f"A {parts.scheme}:// URL with a password, '?' or '#' is refused, because URLs are "
            "shown and stored. Pass credentials in storage_options."
        )
    if "::" in text or not (parts.netloc or parts.path.strip("/")):
        raise ArgumentError(
            f"Invalid to={text!r}: expected a scheme and a bucket, such as 's3://bucket/tags'."
        )
    return text.rstrip("/"), None


def _texts(value: object, name: str = "") -> Iterator[str]:
    """Yield the texts of options that may be secrets, also those inside of longer texts."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, name)
    elif isinstance(value, (str, bytes)) and not _SHOWN.search(name):
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        yield text
        # Connection strings (a=b;c=d) and shared access signatures (?a=b&c=d).
        for pair in re.split("[;&?]", text):
            key, _, inner = pair.partition("=")
            if not _SHOWN.search(key):
                yield inner
