"""The latency of a question that every shard has to answer.

Service times of a shard are taken as lognormal around their median. A question waits for the slowest of S
shards, so its quantile q is the quantile q^(1/S) of one (Dean and Barroso, The Tail at Scale, CACM 2013).
Waiting for a free core is that of M/M/c (Erlang's C). The sum of both quantiles is more than the quantile of
the sum; ``benches.scale.tail`` holds it against a simulation of the queues.
"""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["one_shard", "question_ms", "waiting_ms"]

_NORMAL = NormalDist()


def question_ms(median_ms: float, tail: float, shards: int, share: float, waiting: float = 0.0) -> float:
    """Return the quantile ``share`` of a question's time, in ms.

    Args:
        median_ms: of one shard's service time.
        tail: the 99th percentile of the service time over its median, 1 or more.
        shards: how many have to answer.
        share: 0.5 for the median, 0.99 for the 99th percentile.
        waiting: ``waiting_ms`` of one shard at the quantile of one shard.
    """
    spread = math.log(max(tail, 1.0)) / _NORMAL.inv_cdf(0.99)
    return median_ms * math.exp(spread * _NORMAL.inv_cdf(one_shard(share, shards))) + waiting


def one_shard(share: float, shards: int) -> float:
    """Return the quantile of one shard that all of ``shards`` stay below with the probability ``share``."""
    return float(share ** (1 / shards))


def waiting_ms(service_ms: float, utilisation: float, cores: int, share: float) -> float:
    """Return the quantile ``share`` of the wait for one of ``cores``, in ms.

    ``utilisation`` is the share of time that cores are busy, below 1; ``service_ms`` the mean service time.
    """
    if not 0 <= utilisation < 1:
        raise ValueError(f"utilisation is {utilisation}, expected 0 or more and less than 1")
    waits = _erlang_c(utilisation * cores, cores)
    if waits <= 1 - share:
        return 0.0
    return service_ms / (cores * (1 - utilisation)) * math.log(waits / (1 - share))


def _erlang_c(load: float, cores: int) -> float:
    """The probability that a question has to wait, by the recurrence of Erlang's B."""
    blocked = 1.0
    for busy in range(1, cores + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked / (1 - load / cores * (1 - blocked))
