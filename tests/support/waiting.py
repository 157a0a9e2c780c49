"""Waiting for what comes soon or never. Only a failure waits to the end, so that a busy machine is none."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds until what has not come never will."""


def wait_for(is_so: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return when ``is_so()`` is true. AssertionError after so long."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it did not happen within {seconds:g} s"
        time.sleep(0.01)
