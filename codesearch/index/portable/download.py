"""Fetch a portable index into a local file: from a path, over HTTP(S), or with fsspec from object storage."""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast
from urllib.parse import urlsplit

from codesearch.errors import BadQuery, PortableIndexError

__all__ = ["local_copy"]

_TIMEOUT_SECONDS = 60
_BLOCK = 1 << 20
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@contextmanager
def local_copy(source: str, sha256: str | None = None) -> Iterator[Path]:
    """A local file with the content of ``source``, a path or a URL; a downloaded one is deleted at the end.

    ``http`` and ``https`` need nothing; ``s3``, ``gs`` and the like need fsspec and its package for them.

    Raises:
        BadQuery: ``sha256`` is no hash.
        PortableIndexError: the index is not there, cannot be fetched, or has another hash.
    """
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise BadQuery(
            f"the sha256 to expect is {sha256[:100]!r}; it has 64 hex digits, as `sha256sum FILE` prints"
        )
    scheme = urlsplit(source).scheme
    if len(scheme) <= 1:  # a path, perhaps with a Windows drive
        path = Path(source).expanduser()
        if not path.is_file():
            raise PortableIndexError("there is no such file", source)
        _check(path, sha256, source)
        yield path
        return
    with TemporaryDirectory(prefix="codesearch-import-") as folder:
        path = Path(folder) / "index"
        try:
            with _open(source, scheme) as stream, path.open("wb") as file:
                shutil.copyfileobj(stream, file, _BLOCK)
        except urllib.error.HTTPError as error:
            raise PortableIndexError(f"the server answered {error.code} {error.reason}", source) from error
        except (OSError, ValueError) as error:
            raise PortableIndexError(f"it cannot be fetched ({error})", source) from error
        _check(path, sha256, source)
        yield path


def _open(source: str, scheme: str) -> IO[bytes]:
    if scheme in {"http", "https"}:
        return cast(IO[bytes], urllib.request.urlopen(source, timeout=_TIMEOUT_SECONDS))
    try:
        import fsspec
    except ImportError as error:
        raise PortableIndexError(f"{scheme}:// needs fsspec; pip install fsspec", source) from error
    opened: Any = fsspec.open(source, "rb")
    try:
        return cast(IO[bytes], opened.open())
    except ImportError as error:  # fsspec names the package that it lacks
        raise PortableIndexError(str(error), source) from error


def _check(path: Path, expected: str | None, source: str) -> None:
    if expected is None:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected.lower():
        raise PortableIndexError(f"its sha256 is {found}, expected {expected}", source)
