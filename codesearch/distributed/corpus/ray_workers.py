"""Workers on a Ray cluster: work lost with a worker or its machine is done again by another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from codesearch.distributed.corpus.shards import Shard
from codesearch.distributed.corpus.work import Done, do_shard
from codesearch.errors import CodesearchError

__all__ = ["RayWorkers"]

_AHEAD = 2
"""Shards that wait for each worker: enough to keep it busy, few enough to bound the driver's memory."""


class RayWorkers:
    """Tasks of one core each. ``address``: of a cluster; None starts one in this machine and ends it."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        """Raises CodesearchError where Ray is not installed, or the cluster does not answer."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        try:
            import ray
        except ImportError as error:
            raise CodesearchError(f"{error}; pip install 'mlx-jinabert[ray]'") from error
        self._ray: Any = ray
        self._workers = workers
        options: dict[str, Any] = {"include_dashboard": False, "num_cpus": workers} if address is None else {}
        try:
            ray.init(address=address, log_to_driver=False, logging_level="error", **options)
        except Exception as error:  # Ray's errors share no base
            raise CodesearchError(
                f"the Ray cluster {address or 'here'} cannot be reached: {error}"
            ) from error

    def __enter__(self) -> RayWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def do(self, shards: Sequence[Shard], model: str, url: str) -> Iterator[Done]:
        """Yield each shard once it is in the engine."""
        task = self._ray.remote(num_cpus=1, max_retries=-1)(do_shard)
        width = self._workers or int(self._ray.cluster_resources().get("CPU", 1))
        source = iter(shards)
        running: list[Any] = []
        while True:
            while len(running) < width * _AHEAD and (shard := next(source, None)) is not None:
                running.append(task.remote(shard, model, url))
            if not running:
                return
            ready, running = self._ray.wait(running)
            for one in ready:
                yield self._result(one)

    def _result(self, task: Any) -> Done:
        try:
            done: Done = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise CodesearchError(f"a worker failed: {type(cause).__name__}: {cause}") from error
        return done
