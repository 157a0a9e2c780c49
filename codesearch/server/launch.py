"""Starting the resident process in the background, for the questions to come."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from codesearch.storage.home import index_home

__all__ = ["LOG_NAME", "start"]

LOG_NAME = "server.log"
_LOG_BYTES = 1_000_000
"""A log that has grown larger is begun anew."""
_AGAIN_SECONDS = 5.0
"""Where none can start, not every command tries."""


def start() -> None:
    """Start it and don't wait; two that start at once agree between them. OSError where nothing starts.

    It outlives this process, holds none of its streams open, and looks for modules where this one does, never
    in the working folder, which anybody may have filled.
    """
    home = index_home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = home / LOG_NAME
    if log.exists() and abs(time.time() - log.stat().st_mtime) < _AGAIN_SECONDS:
        return
    fresh = not log.exists() or log.stat().st_size > _LOG_BYTES
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0), 0o600)
    try:
        os.utime(log)
        subprocess.Popen(
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


def _module_path() -> str:
    """Where this process was told to look, absolute; a source checkout first, as it need not be installed."""
    given = [Path(entry).absolute() for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    parent = Path(__file__).parents[2]
    checkout = [parent] if (parent / "pyproject.toml").exists() else []
    return os.pathsep.join(map(str, [*checkout, *given]))
