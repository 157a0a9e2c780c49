"""Count during a refresh; the frozen ``Stats`` come out at the end."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field, fields
from types import MappingProxyType

from codesearch.errors import BadQuery
from codesearch.quick_dataclass import dataclass
from codesearch.records import Stats

__all__ = ["Deadline", "Tally"]


class Deadline:
    """A moment after which work stops at its next commit; without seconds it never comes."""

    def __init__(self, seconds: float | None = None) -> None:
        """BadQuery for seconds that are no number."""
        if seconds is not None and math.isnan(seconds):
            raise BadQuery(f"the time to wait is {seconds}, expected a number of seconds")
        self._at = None if seconds is None else time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        """Whether it is time to stop."""
        return self._at is not None and time.monotonic() >= self._at


@dataclass(slots=True)
class Tally:
    """The work of a refresh so far. Fields as in ``Stats``."""

    files_added: int = 0
    files_changed: int = 0
    files_reused: int = 0
    files_removed: int = 0
    chunks_added: int = 0
    chunks_reused: int = 0
    chunks_removed: int = 0
    embedded: int = 0
    from_cache: int = 0
    truncated: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    complete: bool = True

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the wall time of the block to ``seconds[stage]``."""
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            self.seconds[stage] = self.seconds.get(stage, 0.0) + elapsed

    def stats(self) -> Stats:
        """The record of it all."""
        counted = {each.name: getattr(self, each.name) for each in fields(self)}
        frozen = {
            "skipped": MappingProxyType(dict(sorted(self.skipped.items()))),
            "notes": tuple(self.notes),
            "seconds": MappingProxyType({stage: round(value, 6) for stage, value in self.seconds.items()}),
        }
        return Stats(**counted | frozen)
