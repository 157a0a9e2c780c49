"""The thread that computes: what fails fails alone, and the next batch is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import numpy as np
import pytest

from mlx_jinabert.server.engine.scheduler import Job, Scheduler
from mlx_jinabert.server.engine.worker import BackendFailed, NotFinite, Outcome, Worker
from tests.support.waiting import PATIENCE


class Count:
    def __init__(self) -> None:
        self.tokens = 0

    def computed(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        self.tokens += tokens


def lengths(ids: Sequence[np.ndarray], types: Sequence[np.ndarray]) -> np.ndarray:
    """A model whose result is the length; one token is infinite, two are a fault."""
    if any(len(each) == 2 for each in ids):
        raise RuntimeError("out of memory")
    return np.array([[np.inf if len(each) == 1 else len(each)] for each in ids], np.float32)


@dataclass(frozen=True)
class Asked:
    """A job and its outcome, which comes once."""

    job: Job
    outcome: Future[np.ndarray] = field(default_factory=Future)

    def rows(self) -> np.ndarray:
        return self.outcome.result(PATIENCE)


class Requests:
    """Jobs in a queue, and what was told of them."""

    def __init__(self, window: int) -> None:
        self.queue = Scheduler(window, 0.0, 100_000)
        self._asked: dict[Job, Asked] = {}

    def add(self, *lengths: int) -> Asked:
        asked = Asked(Job([np.zeros(length, np.int32) for length in lengths]))
        self._asked[asked.job] = asked
        self.queue.add(asked.job)
        return asked

    def deliver(self, outcomes: Sequence[Outcome]) -> None:
        for job, outcome in outcomes:
            told = self._asked[job].outcome
            if isinstance(outcome, Exception):
                told.set_exception(outcome)
            else:
                told.set_result(outcome)


@contextmanager
def working(compute: Callable = lengths, window: int = 10_000) -> Iterator[tuple[Requests, Worker, Count]]:
    count = Count()
    requests = Requests(window)
    worker = Worker(requests.queue, compute, requests.deliver, count, "test")
    yield requests, worker, count
    requests.queue.close()
    worker.join(PATIENCE)
    assert not worker.is_alive


def test_rows_come_in_the_order_of_the_request_over_several_windows() -> None:
    with working(window=16) as (requests, _, count):
        wanted = [3, 9, 4, 15, 8, 40, 5]
        large, small = requests.add(*wanted), requests.add(7)
        assert large.rows()[:, 0].tolist() == wanted
        assert small.rows()[:, 0].tolist() == [7]
        assert count.tokens == sum(wanted) + 7


def test_what_is_not_finite_fails_the_request_that_asked() -> None:
    with working() as (requests, worker, _):
        bad, good = requests.add(5, 1, 7), requests.add(3)
        with pytest.raises(NotFinite) as failed:
            bad.rows()
        assert failed.value.position == 1
        assert good.rows()[0, 0] == 3
        assert worker.failure is None


def test_a_batch_that_fails_is_remembered_until_one_works() -> None:
    with working() as (requests, worker, _):
        with pytest.raises(BackendFailed):
            requests.add(2).rows()
        assert "out of memory" in str(worker.failure)
        requests.add(4).rows()
        assert worker.failure is None


def test_who_cancels_between_windows_gets_nothing_and_harms_nobody() -> None:
    begun, go = Event(), Event()

    def held(ids: Sequence[np.ndarray], types: Sequence[np.ndarray]) -> np.ndarray:
        begun.set()
        assert go.wait(PATIENCE)
        return lengths(ids, types)

    with working(held, window=16) as (requests, _, count):
        gone = requests.add(16, 15, 14)
        assert begun.wait(PATIENCE)
        requests.queue.cancel(gone.job)
        stays = requests.add(6)
        go.set()
        assert stays.rows()[0, 0] == 6
        assert not gone.outcome.done()
        assert count.tokens == 16 + 6
