"""The thread that computes: what fails fails alone, and the next batch is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from mlx_jinabert.server.engine.scheduler import Job, Scheduler
from mlx_jinabert.server.engine.worker import BackendFailed, NotFinite, Worker


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


def job(*lengths: int) -> Job:
    return Job([np.zeros(length, np.int32) for length in lengths])


@contextmanager
def working(compute: Callable = lengths, window: int = 10_000) -> Iterator[tuple[Scheduler, Worker, Count]]:
    count = Count()
    queue = Scheduler(window, 0.0, 100_000)
    worker = Worker(queue, compute, count, "test")
    yield queue, worker, count
    queue.close()
    worker.join(5)
    assert not worker.is_alive


def test_rows_come_in_the_order_of_the_request_over_several_windows() -> None:
    with working(window=16) as (queue, _, count):
        wanted = [3, 9, 4, 15, 8, 40, 5]
        requests = [job(*wanted), job(7)]
        for request in requests:
            queue.add(request)
        assert requests[0].done.result(5)[:, 0].tolist() == wanted
        assert requests[1].done.result(5)[:, 0].tolist() == [7]
        assert count.tokens == sum(wanted) + 7


def test_what_is_not_finite_fails_the_request_that_asked() -> None:
    with working() as (queue, worker, _):
        bad, good = job(5, 1, 7), job(3)
        queue.add(bad)
        queue.add(good)
        with pytest.raises(NotFinite) as failed:
            bad.done.result(5)
        assert failed.value.position == 1
        assert good.done.result(5)[0, 0] == 3
        assert worker.failure is None


def test_a_batch_that_fails_is_remembered_until_one_works() -> None:
    with working() as (queue, worker, _):
        bad = job(2)
        queue.add(bad)
        with pytest.raises(BackendFailed):
            bad.done.result(5)
        assert "out of memory" in str(worker.failure)
        good = job(4)
        queue.add(good)
        good.done.result(5)
        assert worker.failure is None


def test_who_cancels_gets_nothing_and_harms_nobody() -> None:
    with working() as (queue, _, _count):
        gone = job(5)
        gone.done.cancel()
        queue.add(gone)
        stays = job(6)
        queue.add(stays)
        assert stays.done.result(5)[0, 0] == 6
