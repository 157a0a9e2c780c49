"""Track how busy the resident process is, which decides when it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Activity"]


class Activity:
    """Requests that are being answered, and when the last one ended. Used by the event loop alone."""

    def __init__(self) -> None:
        self.requests = 0
        """Begun since the start: whoever has an answer finds it counted."""
        self._running = 0
        self._last = time.monotonic()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around an answer."""
        self._running += 1
        self.requests += 1
        try:
            yield
        finally:
            self._running -= 1
            self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Since the last answer; 0 while one is being made."""
        return 0.0 if self._running else time.monotonic() - self._last
