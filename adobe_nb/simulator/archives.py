"""The zip of an uploaded extension package: its manifest, and whether its files are complete."""

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Collection
from typing import Any

from adobe_nb.simulator.data import load
from adobe_nb.simulator.documents import Json, strict
from adobe_nb.simulator.manifests import DELEGATES
from adobe_nb.simulator.problems import conflict
from adobe_nb.simulator.schemas import explain

_SCHEMA = load("schemas/upload.json")
_MAX_UNPACKED_BYTES = 50_000_000
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
)
"""What reading a broken or encrypted zip may raise."""


def read_manifest(data: bytes) -> dict[str, Any]:
    """Return ``extension.json`` of a zip. Raise Problem if it or one of its files is invalid."""
    content, files = _unpack(data)
    try:
        manifest = strict(content.decode())
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise conflict("extension-package-path-error", "extension.json must be a JSON object.")
    problem = explain(manifest, _SCHEMA)
    if problem:
        raise conflict("invalid-extension_package", f"Invalid extension.json: {problem}.")
    _check_files(manifest, files)
    return manifest


def _unpack(data: bytes) -> tuple[bytes, set[str]]:
    """Return the content of ``extension.json`` and the paths of all files."""
    code = "extension-package-zip-error"
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        files = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
        # Checked before anything is unpacked: a small zip can fill the memory.
        if sum(files.values()) > _MAX_UNPACKED_BYTES:
            raise conflict(code, f"The files of the zip exceed {_MAX_UNPACKED_BYTES} bytes.")
        if not files:
            raise conflict(code, "The zip is empty.")
        if "extension.json" not in files:
            raise conflict(
                "library-file-not-found", "The zip must have extension.json at its top level."
            )
        return archive.read("extension.json"), set(files)
    except _ZIP_ERRORS:
        raise conflict(code, "The zip cannot be opened.") from None


def _check_files(manifest: Json, files: Collection[str]) -> None:
    base = manifest.get("viewBasePath", "")
    for part in _parts(manifest):
        if "libPath" in part:
            _check_path(part["libPath"], "", files)
        if "viewPath" in part:
            _check_path(part["viewPath"], base, files)
        _check_transforms(part.get("transforms") or [])
    for path in manifest.get("hostedLibFiles") or ():
        _check_path(path, "", files)
    if manifest.get("main"):
        _check_path(manifest["main"], "", files)


def _parts(manifest: Json) -> list[Json]:
    """Return the objects of a manifest that name files."""
    parts = []
    if manifest.get("configuration"):
        parts.append(manifest["configuration"])
    for member in (*DELEGATES, "sharedModules", "resources"):
        parts += manifest.get(member) or []
    return parts


def _check_path(path: object, base: str, files: Collection[str]) -> None:
    file = ""
    if isinstance(path, str):
        # Views may have a query or a fragment.
        file = path.partition("?")[0].partition("#")[0]
    full_path = posixpath.normpath(posixpath.join(base, file))
    is_absolute = file.startswith("/") or full_path.startswith("/")
    if not file or "\\" in file or is_absolute or full_path.startswith(".."):
        raise conflict(
            "extension-package-path-error",
            f"Invalid path {str(path)[:100]!r}: must be relative to the zip, and inside it.",
        )
    if full_path not in files:
        raise conflict("library-file-not-found", f"{full_path[:200]} is not in the zip.")


def _check_transforms(transforms: Any) -> None:
    code = "extension-package-transform-definition-error"
    problem = explain(transforms, _SCHEMA["$defs"]["transforms"])
    if problem:
        raise conflict(code, f"Invalid transforms: {problem}.")
    paths = set()
    for transform in transforms:
        if transform["type"] == "customCode":
            raise conflict(
                "illegal-custom-code-transform", "The transform customCode is reserved for Adobe."
            )
        paths.add(transform["propertyPath"])
    if len(paths) != len(transforms):
        raise conflict(code, "Only one transform per propertyPath is allowed.")
