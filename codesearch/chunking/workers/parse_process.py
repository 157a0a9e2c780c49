"""The parent's side of one parsing process: start it, send it files, kill it at its time or memory limit."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codesearch.chunking.chunk import ChunkOptions
from codesearch.chunking.workers.memory_limit import LIMIT_BYTES, confine
from codesearch.chunking.workers.parse_worker import Task, read_answer, wait_ready, write_job

__all__ = ["ParseProcess"]

_START_SECONDS = 20.0
_START = """\
import sys
sys.path.insert(0, sys.argv[1])
import codesearch  # this one, not another that is installed
sys.path.append(sys.path.pop(0))
from codesearch.chunking.workers.parse_worker import main
main()
"""


class ParseProcess:
    """One parsing process; used by one thread at a time, killed from any."""

    def __init__(self) -> None:
        package_home = str(Path(__file__).resolve().parents[3])
        self._popen = subprocess.Popen(
            # -P: a file called json.py in the folder that is searched must not be imported.
            [sys.executable, "-P", "-c", _START, package_home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._limit = confine(self._popen)
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self.overdue = False
        """The clock ended it."""
        self.oversized = False
        """It held more memory than it may."""
        self.ready = False
        """It has started: what ends it now is the doing of the file that it is at."""

    def ask(
        self, task: Task, data: bytes, language: str, options: ChunkOptions, timeout_seconds: float
    ) -> list[Any]:
        """Do one job. EOFError or OSError where the process ended, ValueError where it could not do it."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        try:
            if not self.ready:
                self._allow(_START_SECONDS)
                wait_ready(self._popen.stdout)
                self.ready = True
            self._allow(timeout_seconds)
            write_job(self._popen.stdin, task, data, language, options, timeout_seconds=timeout_seconds)
            return read_answer(self._popen.stdout, task)
        finally:
            self._allow(None)

    def _allow(self, seconds: float | None) -> None:
        with self._lock:
            self._deadline = None if seconds is None else time.monotonic() + seconds

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def kill_if_overdue(self, now: float) -> None:
        """End it where its time is up; ``now`` is the monotonic clock's."""
        with self._lock:
            if self._deadline is not None and now > self._deadline:
                self.overdue = True
                self._popen.kill()

    def kill_if_oversized(self, held: Mapping[int, int]) -> None:
        """``held``: bytes by process id."""
        if held.get(self._popen.pid, 0) > LIMIT_BYTES:
            self.oversized = True
            self._popen.kill()

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()

    def end(self) -> int | None:
        """Close the pipes, reap, and return the exit code (negative: the signal)."""
        self._popen.kill()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent bytes of the last job
                    pipe.close()
        return self._popen.wait()
