"""The queue: everything once, everybody in turn, bounded, and what leaves is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_jinabert.server.engine.scheduler import Job, QueueFull, Scheduler, Window

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=40)


def job(*lengths: int) -> Job:
    return Job([np.zeros(length, np.int32) for length in lengths])


def scheduler(window: int = 100, delay: float = 0.0, bound: int = 10_000) -> Scheduler:
    return Scheduler(window, delay, bound)


def windows(queue: Scheduler) -> Iterator[Window]:
    queue.close()
    while (window := queue.take()) is not None:
        yield window


@given(st.lists(lengths, min_size=1, max_size=8), st.integers(1, 300))
def test_every_sequence_is_taken_once_and_windows_keep_their_size(
    requests: list[list[int]], size: int
) -> None:
    queue = scheduler(size)
    jobs = [job(*request) for request in requests]
    for each in jobs:
        queue.add(each)
    taken: dict[int, list[int]] = {id(each): [] for each in jobs}
    for window in windows(queue):
        tokens = [len(ids) for ids in window.ids]
        assert 0 < sum(tokens) < size + max(tokens)
        for each, positions in window.parts:
            taken[id(each)] += positions
    for each, request in zip(jobs, requests, strict=True):
        assert sorted(taken[id(each)]) == list(range(len(request)))
        in_order = [request[position] for position in taken[id(each)]]
        assert in_order == sorted(request, reverse=True)
    assert queue.tokens == 0


@given(lengths, st.integers(1, 20))
def test_a_newcomer_waits_for_no_more_than_the_window_under_way(large: list[int], others: int) -> None:
    queue = scheduler(window=640, bound=10**9)
    queue.add(job(*(large * 100)))
    queue.take()
    newcomers = [job(10) for _ in range(others)]
    for newcomer in newcomers:
        queue.add(newcomer)
    window = queue.take()
    assert window is not None
    assert {id(each) for each, _ in window.parts} >= {id(newcomer) for newcomer in newcomers}


def test_the_queue_is_bounded_but_takes_one_request_of_any_size() -> None:
    queue = scheduler(bound=100)
    queue.add(job(*[60] * 10))
    with pytest.raises(QueueFull) as full:
        queue.add(job(1))
    assert full.value.retry_after == 1.0
    queue.measured(tokens=100, seconds=1.0)
    with pytest.raises(QueueFull) as full:
        queue.add(job(1))
    assert full.value.retry_after == 6.0


def test_who_has_left_takes_no_part_any_more() -> None:
    queue = scheduler(window=50)
    gone, stays = job(*[10] * 100), job(10)
    queue.add(gone)
    queue.add(stays)
    queue.take()
    queue.cancel(gone)
    queue.cancel(gone)  # twice is as good as once
    assert queue.tokens == 0
    assert list(windows(queue)) == []


def test_a_lone_caller_never_waits_and_company_is_waited_for() -> None:
    queue = scheduler(window=1000, delay=30.0)
    queue.add(job(10))
    assert len(queue.take().parts) == 1  # at once
    queue.add(job(10))
    queue.add(job(10))
    assert len(queue.take().parts) == 2
    queue.add(job(10))

    def second() -> None:
        time.sleep(0.05)
        queue.add(job(10))

    thread = threading.Thread(target=second)
    thread.start()
    assert len(queue.take().parts) == 2  # waited for the second, and not for 30 s
    thread.join()


def test_who_came_while_others_were_computed_is_waited_for_with_them() -> None:
    queue = scheduler(window=1000, delay=30.0)
    queue.add(job(10))
    queue.take()
    queue.add(job(10))
    queue.add(job(10))
    queue.measured(tokens=10, seconds=0.1)
    first_again = threading.Timer(0.05, queue.add, [job(10)])
    first_again.start()
    assert len(queue.take().parts) == 3
    first_again.join()


def test_a_large_request_is_no_company_of_itself() -> None:
    queue = scheduler(window=100, delay=30.0)
    queue.add(job(*[50] * 3))
    queue.take()
    queue.measured(tokens=100, seconds=0.1)
    begun = time.monotonic()
    assert len(queue.take().ids) == 1
    assert time.monotonic() - begun < 20


def test_the_wait_for_company_ends() -> None:
    queue = scheduler(window=1000, delay=0.01)
    queue.add(job(10))
    queue.add(job(10))
    queue.take()
    queue.add(job(10))
    assert len(queue.take().parts) == 1
