"""Write other programs' files atomically, keeping a copy of what was there.

What a file held before is remembered beside the indexes. As long as nobody has changed it since, taking our
part out puts back those very bytes; where somebody has, only our part is taken out.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.home import index_home

__all__ = ["Backups", "read_text", "write_bytes"]


@dataclass(slots=True)
class Backups:
    """Content of files before we wrote to them, by their real paths."""

    _entries: dict[str, dict[str, Any]]

    @classmethod
    def read(cls) -> Backups:
        """Those of this user; none where nothing was written yet."""
        try:
            return cls(dict(json.loads(_file().read_text(encoding="utf-8"))))
        except (OSError, ValueError, RecursionError):
            return cls({})

    def original(self, path: Path, now: bytes | None) -> tuple[bool, bytes | None]:
        """(True, what the file held before, None for nothing) if it is as we left it, else (False, None)."""
        entry = self._entries.get(str(path))
        if entry is None or now is None or entry["after"] != _digest(now):
            return False, None
        before = entry["before"]
        return True, None if before is None else base64.b64decode(before)

    def remember(self, path: Path, before: bytes | None, after: bytes) -> None:
        """Before it is written. What was there before the first of several writes in a row is kept."""
        known, first = self.original(path, before)
        held = first if known else before
        encoded = None if held is None else base64.b64encode(held).decode()
        self._entries[str(path)] = {"before": encoded, "after": _digest(after)}
        self._write()

    def forget(self, path: Path) -> None:
        """Once our part is out."""
        if self._entries.pop(str(path), None) is not None:
            self._write()

    def _write(self) -> None:
        write_bytes(_file(), json.dumps(self._entries, indent=1).encode(), mode=0o600)


def read_text(path: Path) -> str | None:
    """The text; None where there is no such file. CodesearchError for one that cannot be read as UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CodesearchError(f"{path} cannot be read ({error}); nothing was written") from error


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file at once, through a link if it is one; its permissions stay."""
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(scratch).chmod(target.stat().st_mode & 0o7777 if target.exists() else mode)
            Path(scratch).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(scratch).unlink()
            raise
    except OSError as error:
        raise CodesearchError(f"{path} cannot be written ({error.strerror}); it is as it was") from error


def _file() -> Path:
    return index_home() / "agents.json"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
