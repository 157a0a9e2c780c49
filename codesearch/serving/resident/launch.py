"""Start the resident process in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from codesearch.storage.folders.home import index_home

__all__ = ["LOG_NAME", "failed", "has_failed", "start"]

LOG_NAME = "server.log"
_LOG_BYTES = 1_000_000
"""A log that has grown larger is begun anew."""
_STARTING_SECONDS = 2.0
"""So long after a start nobody starts another; whoever needs it waits."""
_FAILED_NAME = "server.failed"
_FAILED_SECONDS = 60.0
"""So long after one could not start nobody tries again."""


def start() -> subprocess.Popen[bytes] | None:
    """Start it and don't wait; None where somebody else has just done so. OSError where nothing starts.

    Two that start at once agree between them. It outlives this process, holds none of its streams open, and
    looks for modules where this one does, never in the working folder, which anybody may have filled.
    """
    home = index_home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = home / LOG_NAME
    if log.exists() and abs(time.time() - log.stat().st_mtime) < _STARTING_SECONDS:
        return None
    fresh = not log.exists() or log.stat().st_size > _LOG_BYTES
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0), 0o600)
    try:
        os.utime(log)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "codesearch", "serve", "--background"],
            cwd=home,
            env={**os.environ, "PYTHONPATH": _module_path()},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    finally:
        os.close(handle)


def failed() -> None:
    """Note that one ended as soon as it was started."""
    (index_home() / _FAILED_NAME).touch()


def has_failed() -> bool:
    """Whether one ended so not long ago."""
    try:
        age = time.time() - (index_home() / _FAILED_NAME).stat().st_mtime
    except OSError:
        return False
    return abs(age) < _FAILED_SECONDS


def _module_path() -> str:
    """Where this process was told to look, absolute; a source checkout first, as it need not be installed."""
    given = [Path(entry).absolute() for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    parent = Path(__file__).parents[3]
    checkout = [parent] if (parent / "pyproject.toml").exists() else []
    return os.pathsep.join(map(str, [*checkout, *given]))
