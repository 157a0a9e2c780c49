"""The queue over all requests: which sequences are computed next, so that nobody waits for a large request.

Requests take turns: each window holds a share of every waiting request, and what is left over is filled by
those that have more. A request gives its longest sequences first, so that neighbours are about as long.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.tokenizer import Ids

__all__ = ["Job", "QueueFull", "Scheduler", "Window"]

Values = NDArray[np.float32]


class QueueFull(Exception):
    """More tokens wait than the queue takes; ``retry_after`` in seconds is when there should be room."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__("the queue is full")


@dataclass(eq=False, slots=True)
class Job:
    """The sequences of one request."""

    ids: Sequence[Ids]
    types: Sequence[Ids] | None = None
    queued_at: float = 0.0
    started_at: float = 0.0
    """Seconds on the monotonic clock: when it was queued, and when its first sequence was taken."""
    left: deque[int] = field(default_factory=deque)
    """Positions that nobody has taken yet, longest first."""
    rows: dict[int, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left.extend(sorted(range(len(self.ids)), key=lambda position: -len(self.ids[position])))

    @property
    def tokens(self) -> int:
        """How many nobody has taken yet."""
        return sum(len(self.ids[position]) for position in self.left)

    def receive(self, positions: Sequence[int], values: Values) -> Values | None:
        """Keep computed rows; return all, (n, width) in the order of ``ids``, once they are complete."""
        if len(positions) == len(self.ids) == 1:
            return values
        self.rows.update(zip(positions, values, strict=True))
        if len(self.rows) < len(self.ids):
            return None
        return np.stack([self.rows[position] for position in range(len(self.ids))])


@dataclass(frozen=True, slots=True)
class Window:
    """One batch: of each job some positions."""

    parts: Sequence[tuple[Job, Sequence[int]]]

    @property
    def ids(self) -> list[Ids]:
        """All sequences, job by job."""
        return [job.ids[position] for job, positions in self.parts for position in positions]

    @property
    def types(self) -> list[Ids]:
        """Their token types; empty where the jobs have none."""
        return [job.types[position] for job, positions in self.parts if job.types for position in positions]


class Scheduler:
    """A bounded queue of jobs. Any thread adds and cancels, one takes.

    ``window_tokens``: of a window, about. ``delay``: seconds that a window waits for company where the one
    before had some. ``max_tokens``: bound of the tokens that wait.
    """

    def __init__(
        self,
        window_tokens: int,
        delay: float,
        max_tokens: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.window_tokens = window_tokens
        self._delay = delay
        self._max_tokens = max_tokens
        self._clock = clock
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._tokens = 0
        self._company = 1
        """Callers that are active: the jobs of the last window, and those that came while it was computed."""
        self._awaited = 1
        """Jobs that ``take`` waits for. It is not woken for fewer: that would be a thread switch each."""
        self._rate = 0.0
        """Tokens a second, as lately seen."""
        self._is_closed = False

    @property
    def tokens(self) -> int:
        """How many wait."""
        return self._tokens

    def check_room(self, tokens: int) -> None:
        """QueueFull where a job of so many tokens would have to be refused."""
        if self._tokens and self._tokens + tokens > self._max_tokens:
            raise QueueFull(self._tokens / self._rate if self._rate else 1.0)

    def add(self, job: Job) -> None:
        """Queue a job, or raise QueueFull. An empty queue takes a job of any size."""
        tokens = job.tokens
        with self._changed:
            self.check_room(tokens)
            job.queued_at = self._clock()
            self._jobs.append(job)
            self._tokens += tokens
            if self._is_enough():
                self._changed.notify()

    def cancel(self, job: Job) -> None:
        """Forget what of a job is not taken yet: its caller has left."""
        with self._changed:
            self._tokens -= job.tokens
            job.left.clear()
            if job in self._jobs:
                self._jobs.remove(job)

    def close(self) -> None:
        """Let ``take`` return None once everything that waits is taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self) -> Window | None:
        """The next window; waits for one. None after ``close``, when nothing is left."""
        with self._changed:
            while True:
                self._wait_for(1)
                if not self._jobs:
                    return None
                # A lone caller never waits; where there were several, the others are about to come again.
                if self._company > 1 and self._delay > 0:
                    self._wait_for(self._company, self._delay)
                if self._jobs:  # they may have left meanwhile
                    return self._fill()

    def measured(self, tokens: int, seconds: float) -> None:
        """Tell how long the last window took, before its jobs are answered."""
        with self._changed:
            self._company += sum(not job.started_at for job in self._jobs)
        rate = tokens / max(seconds, 1e-9)
        self._rate = 0.8 * self._rate + 0.2 * rate if self._rate else rate

    def _wait_for(self, jobs: int, seconds: float | None = None) -> None:
        """Until so many jobs wait, or a window is full, or the scheduler is closed, or the time is over."""
        self._awaited = jobs
        self._changed.wait_for(self._is_enough, seconds)

    def _is_enough(self) -> bool:
        return self._is_closed or len(self._jobs) >= self._awaited or self._tokens >= self.window_tokens

    def _fill(self) -> Window:
        taken: dict[int, tuple[Job, list[int]]] = {}
        room = self.window_tokens
        now = self._clock()
        share = max(1, room // len(self._jobs))
        while self._jobs and room > 0:
            job = self._jobs.popleft()
            job.started_at = job.started_at or now
            _, positions = taken.setdefault(id(job), (job, []))
            used = 0
            while job.left and used < min(share, room):
                position = job.left.popleft()
                positions.append(position)
                used += len(job.ids[position])
            room -= used
            self._tokens -= used
            if job.left:
                self._jobs.append(job)
        self._company = len(taken)
        return Window(list(taken.values()))
