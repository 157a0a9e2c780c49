"""A resident process of a test's own, and clients of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from codesearch.serving.resident.address import Address
from tests.support.waiting import PATIENCE, wait_for

__all__ = ["ENVIRONMENT", "ask", "start", "stopped", "wait_for"]

ENVIRONMENT = {"CODESEARCH_DAEMON": "1", "PYTHONUTF8": "1", "CI": ""}


def start(*args: str, env: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
    """``codesearch serve`` with these arguments, once it answers; home and model are the test's."""
    process = subprocess.Popen(
        [sys.executable, "-m", "codesearch", "serve", *args],
        env={**os.environ, **ENVIRONMENT, **env},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if "--background" in args else None,
    )
    wait_for(lambda: (found := Address.read()) is not None and found.pid == process.pid)
    return process


def stopped(process: subprocess.Popen[bytes]) -> int:
    """End it as a system does at shutdown; its exit code."""
    process.terminate()
    return process.wait(PATIENCE)


def ask(*args: str, cwd: Path, env: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own, allowed to ask a resident one."""
    return subprocess.run(
        [sys.executable, "-m", "codesearch", *args],
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
