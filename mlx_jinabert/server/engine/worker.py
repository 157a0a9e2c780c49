"""The thread that takes windows from the queue, computes them and tells the requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.server.engine.scheduler import Job, Scheduler, Values, Window
from mlx_jinabert.text.tokenizer import Ids

__all__ = ["BackendFailed", "NotFinite", "Observer", "Outcome", "Worker"]

_log = logging.getLogger("mlx_jinabert.server")

Compute = Callable[[Sequence[Ids], Sequence[Ids]], Values]
"""Sequences and their token types (none for single texts) -> a row each, (n, width) float32."""
Outcome = tuple[Job, Values | Exception]
"""A request that has ended: its rows in its order, (n, width) float32, or why there are none."""
Deliver = Callable[[Sequence[Outcome]], None]
"""Told in the worker's thread, once a window: what costs a thread switch is paid for all of them at once."""


class BackendFailed(Exception):
    """The model could not compute a batch."""


class NotFinite(Exception):
    """A row holds NaN or infinity; ``position`` is that of the text in the request."""

    def __init__(self, position: int) -> None:
        self.position = position
        super().__init__(f"the result for text {position} is not finite; the model cannot compute it")


class Observer(Protocol):
    """Is told what was computed."""

    def computed(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        """One window, after it was computed."""


@dataclass(slots=True)
class _Busy:
    """Since when the thread computes; 0 while it waits."""

    since: float = 0.0


class Worker:
    """Runs ``compute`` on what ``scheduler`` gives, in a daemon thread, until the scheduler is closed."""

    def __init__(
        self, scheduler: Scheduler, compute: Compute, deliver: Deliver, observer: Observer, name: str
    ) -> None:
        self._scheduler = scheduler
        self._compute = compute
        self._deliver = deliver
        self._observer = observer
        self._busy = _Busy()
        self.failure: Exception | None = None
        """Why the last window failed; None where it did not."""
        self._thread = threading.Thread(target=self._run, name=f"mlx-jinabert-{name}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread still takes windows."""
        return self._thread.is_alive()

    @property
    def busy_seconds(self) -> float:
        """How long the window takes that is being computed; 0 if none is."""
        since = self._busy.since
        return time.monotonic() - since if since else 0.0

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, after ``Scheduler.close``."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while (window := self._scheduler.take()) is not None:
            self._busy.since = time.monotonic()
            self._deliver(self._outcomes(window))
            self._busy.since = 0.0
            del window  # or the last request's texts would be kept until the next comes

    def _outcomes(self, window: Window) -> list[Outcome]:
        """Compute a window; the requests that ended with it."""
        ids = window.ids
        try:
            values = self._compute(ids, window.types)
        except Exception as error:  # whatever it is, it is this window's, and the next one is tried
            _log.exception("a batch of %d texts failed", len(ids))
            self.failure = error
            return [self._failed(job, BackendFailed(type(error).__name__)) for job, _ in window.parts]
        self.failure = None
        seconds = time.monotonic() - self._busy.since
        tokens = sum(map(len, ids))
        self._scheduler.measured(tokens, seconds)
        self._observer.computed(len(ids), tokens, len(window.parts), seconds)
        return self._ended(window, values)

    def _ended(self, window: Window, values: Values) -> list[Outcome]:
        finite = np.asarray(np.isfinite(values).all(axis=1))
        all_finite = bool(finite.all())
        ended: list[Outcome] = []
        start = 0
        for job, positions in window.parts:
            part = slice(start, start + len(positions))
            start = part.stop
            if not all_finite and not finite[part].all():
                ended.append(self._failed(job, NotFinite(positions[int(np.argmin(finite[part]))])))
            elif (rows := job.receive(positions, values[part])) is not None:
                ended.append((job, rows))
        return ended

    def _failed(self, job: Job, error: Exception) -> Outcome:
        self._scheduler.cancel(job)
        return job, error
