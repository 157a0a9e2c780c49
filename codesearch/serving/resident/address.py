"""Where to reach this user's resident process: a private file beside the indexes.

The file holds the address, the process, which code it runs, and the secret that a client has to show. Whoever
can read it may ask, so it is readable by its user only. Imports little: every command reads it first.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from codesearch.files.content.regular import read_regular
from codesearch.storage.folders.home import index_home

__all__ = ["LOCK_NAME", "Address", "address_file", "identity", "surroundings"]

LOCK_NAME = "server.lock"
_MOST_BYTES = 1 << 16
_PACKAGES = ("codesearch", "mlx_jinabert")
_NAMES = frozenset({"CODESEARCH_CACHE_BYTES", "HOME", "XDG_CONFIG_HOME"})
_PREFIXES = ("MLX_JINABERT_", "HF_", "GIT_CONFIG")
_SUFFIXES = ("_API_KEY", "_PROXY")


class Address:
    """A resident process. ``where`` is ``unix:PATH`` or ``tcp:PORT`` (always on 127.0.0.1)."""

    __slots__ = ("identity", "pid", "secret", "where")

    def __init__(self, where: str, pid: int, identity: str, secret: str) -> None:
        self.where = where
        self.pid = pid
        self.identity = identity
        self.secret = secret

    @classmethod
    def read(cls) -> Address | None:
        """As the process wrote it; None where there is none, or nothing that can be read as one."""
        try:
            found = json.loads(read_regular(address_file(), _MOST_BYTES) or b"")
            return cls(str(found["where"]), int(found["pid"]), str(found["identity"]), str(found["secret"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def write(self) -> None:
        """Replace the file at once; from its first byte on it is readable by this user only."""
        target = address_file()
        scratch = target.with_name(f"{target.name}.{self.pid}")
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({name: getattr(self, name) for name in self.__slots__}, file)
        scratch.replace(target)

    def withdraw(self) -> None:
        """Remove the file, unless another process has written its own meanwhile."""
        found = Address.read()
        if found is not None and found.secret == self.secret:
            with contextlib.suppress(OSError):
                address_file().unlink()


def address_file() -> Path:
    """The file; it exists while a resident process runs."""
    return index_home() / "server.json"


def identity() -> str:
    """Which code runs here: the version, and in a source checkout also when it was last changed.

    A client asks only a process of its own identity, and replaces any other.
    """
    from codesearch import __version__

    parent = Path(__file__).parents[3]
    if not (parent / "pyproject.toml").exists():
        return __version__
    newest = max(_newest(str(parent / package)) for package in _PACKAGES)
    return f"{__version__} {parent} {newest}"


def _newest(folder: str) -> int:
    """The latest modification of a Python file below the folder, in ns since the epoch."""
    newest = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                newest = max(newest, _newest(entry.path))
            elif entry.name.endswith(".py"):
                newest = max(newest, entry.stat().st_mtime_ns)
    return newest


def surroundings() -> str:
    """Digest of what else decides how a model is loaded or a file ignored: variables, Python.

    A client whose surroundings are not those of the resident process does its work itself.
    """
    from hashlib import blake2b

    chosen = sorted((name, value) for name, value in os.environ.items() if _matters(name.upper()))
    said = json.dumps([sys.prefix, chosen])
    return blake2b(said.encode(), digest_size=16).hexdigest()


def _matters(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES)
