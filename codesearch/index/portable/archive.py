"""The container: a zstd-compressed tar whose first member is the manifest.

Members are read in order, by name and up to the size that the manifest states; nothing is ever extracted to a
path that the archive chooses. zstd is the standard library's from Python 3.14 on, and before that its
backport.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from codesearch.errors import PortableIndexError
from codesearch.index.portable.manifest import Manifest

__all__ = ["MANIFEST", "read_archive", "write_archive"]

MANIFEST = "manifest.json"
_MANIFEST_BYTES = 1 << 20
_BLOCK = 1 << 20
_WINDOW_LOG = 27
"""128 MiB: a frame that asks for a larger window is refused instead of allocated."""


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def write_archive(target: IO[bytes], manifest: Manifest, parts: Mapping[str, Path]) -> None:
    """Write the manifest and the parts, in this order; the same input gives the same bytes."""
    zstd = _zstd()
    with (
        zstd.ZstdFile(target, "w", level=9) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as tar,
    ):
        _add(tar, MANIFEST, io.BytesIO(manifest.dumps()), len(manifest.dumps()))
        for name, path in parts.items():
            with path.open("rb") as stream:
                _add(tar, name, stream, path.stat().st_size)


def _add(tar: tarfile.TarFile, name: str, stream: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    tar.addfile(entry, stream)


def read_archive(source: IO[bytes], names: Sequence[str], folder: Path) -> Manifest:
    """Read the manifest of an archive, and copy its parts, in this order, into ``folder``.

    Raises PortableIndexError for everything that is not such an archive to its last byte.
    """
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    try:
        with (
            zstd.ZstdFile(source, "r", options=options) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            manifest = Manifest.loads(_member(tar, MANIFEST, _MANIFEST_BYTES).read())
            for name in names:
                _copy_part(tar, name, manifest, folder / name)
            _check_end(tar, plain)
    except (zstd.ZstdError, tarfile.TarError, EOFError) as error:
        raise PortableIndexError(f"it is damaged or no portable index ({error})") from error
    return manifest


def _copy_part(tar: tarfile.TarFile, name: str, manifest: Manifest, target: Path) -> None:
    """Copy the next part to ``target``, a path of ours, and hold it against the manifest."""
    part = manifest.parts.get(name)
    if part is None:
        raise PortableIndexError(f"its manifest does not list the part {name}")
    stream, digest, left = _member(tar, name, part.size), hashlib.sha256(), part.size
    with target.open("wb") as file:
        while block := stream.read(_BLOCK):
            left -= len(block)
            digest.update(block)
            file.write(block)
    if left or digest.hexdigest() != part.sha256:
        raise PortableIndexError(f"its part {name} does not have the hash that its manifest states")


def _check_end(tar: tarfile.TarFile, plain: IO[bytes]) -> None:
    if (entry := tar.next()) is not None:
        raise PortableIndexError(f"it holds {entry.name!r:.60} where it should end; export it again")
    try:
        goes_on = plain.read(1) != b""
    except _zstd().ZstdError:
        goes_on = True
    if goes_on:
        raise PortableIndexError("bytes follow its end; fetch or export it again")


def _member(tar: tarfile.TarFile, name: str, most: int) -> IO[bytes]:
    entry = tar.next()
    stream = tar.extractfile(entry) if entry is not None and entry.isreg() else None
    if entry is None or stream is None or entry.name != name:
        raise PortableIndexError(
            f"it holds {entry.name if entry else 'nothing'!r:.60} where {name} is expected"
        )
    if entry.size > most:
        raise PortableIndexError(f"its part {name} has {entry.size:,} bytes, expected at most {most:,}")
    return stream
