"""One refresh at a time per root; background work gives way to what somebody waits for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codesearch.errors import IndexBusy

__all__ = ["Gate", "Gates"]


class Gate:
    """The way to one root's refresh. Any thread may wait."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._taken = False
        self._waiting = 0

    @contextmanager
    def passed(self, seconds: float) -> Iterator[None]:
        """Alone inside the block. IndexBusy, with this process's id, after so many seconds of waiting."""
        with self._condition:
            self._waiting += 1
            try:
                entered = self._condition.wait_for(lambda: not self._taken, max(0.0, seconds))
            finally:
                self._waiting -= 1
            if not entered:
                raise IndexBusy(os.getpid())
            self._taken = True
        try:
            yield
        finally:
            with self._condition:
                self._taken = False
                self._condition.notify_all()

    def let_others(self) -> None:
        """For a task in the background, between its steps: wait until nobody else wants to go first."""
        while self._waiting:
            time.sleep(0.01)


class Gates:
    """The gate of each index folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[Path, Gate] = {}

    def of(self, directory: Path) -> Gate:
        """Always the same one for a folder."""
        with self._lock:
            return self._gates.setdefault(directory, Gate())
