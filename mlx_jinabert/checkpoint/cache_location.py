"""Where this package keeps what it can compute again: graphs, tables of words, hashes. Never a user's data.

What lies there is believed, so it is kept in folders that nobody else can write to.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from mlx_jinabert.errors import ModelFolderError

__all__ = ["cache_dir", "is_private", "keep_file", "private_folder"]


def cache_dir() -> Path:
    """``$MLX_JINABERT_CACHE``, else the platform's cache folder for "mlx-jinabert"; may not exist yet."""
    override = os.environ.get("MLX_JINABERT_CACHE")
    if override:
        try:
            return Path(override).expanduser()
        except RuntimeError as error:
            raise ModelFolderError(override, f"{error}; MLX_JINABERT_CACHE has to name a folder") from error
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("mlx-jinabert", appauthor=False))


def private_folder(name: str) -> Path:
    """Return the folder ``name`` of the cache, with mode 0700; made where it is missing.

    Raises OSError where it cannot be made, or is another user's (PermissionError).
    """
    folder = cache_dir() / name
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_private(folder):
        folder.chmod(0o700)
        if not is_private(folder):
            raise PermissionError(f"{folder} can be written by others")
    return folder


def keep_file(folder: str, name: str, content: bytes) -> None:
    """Write a file of a private folder: it appears whole or not at all.

    One that cannot be written costs the time to compute it again, never an error.
    """
    with suppress(OSError):
        home = private_folder(folder)
        handle, temporary = tempfile.mkstemp(dir=home, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(home / name)
        except OSError:
            Path(temporary).unlink()


def is_private(folder: Path) -> bool:
    """Whether only this user can get at the folder. Windows keeps a user's cache private by itself."""
    if os.name == "nt":
        return folder.is_dir()
    try:
        found = folder.stat()
    except OSError:
        return False
    mine = found.st_uid == os.geteuid()
    return stat.S_ISDIR(found.st_mode) and mine and not stat.S_IMODE(found.st_mode) & 0o077
