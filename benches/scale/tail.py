"""Simulate questions to shards and their replicas: python -m benches.scale.tail [--out FILE]

SIMULATED, not measured: no machine is asked. Questions arrive by a Poisson process; each goes to one replica
of every shard, where it waits for one of the cores, first come first served; it is answered when its slowest
shard is. Service times are lognormal, their tail that of one shard in ``figures.toml``. A replica is chosen
at random, or as the less loaded of two (Mitzenmacher, The Power of Two Choices, 2001).

Printed beside each simulated quantile stands the one that ``codesearch plan`` computes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from benches import program, records
from codesearch.distributed.planning.figures import figures
from codesearch.distributed.planning.latency import one_shard, question_ms, waiting_ms

SHARDS, LOADS = (1, 4, 16, 64, 256, 1024), (0.1, 0.3, 0.5, 0.7, 0.9)
_WARM = 0.2
"""Share of the questions that only fill the queues."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One simulated installation."""

    shards: int
    utilisation: float
    replicas: int = 2
    cores: int = 8
    median_ms: float = 5.0
    tail: float = 4.0
    routing: str = "random"
    """random | two"""


def simulate(setting: Setting, questions: int, seed: int) -> NDArray[np.float64]:
    """(questions,) milliseconds from arrival to the answer of the slowest shard."""
    random = np.random.default_rng(seed)
    shape = (setting.shards, setting.replicas)
    spread = math.log(setting.tail) / NormalDist().inv_cdf(0.99)
    mean = setting.median_ms * math.exp(spread**2 / 2)
    rate = setting.utilisation * setting.cores * setting.replicas / mean
    arrivals = np.cumsum(random.exponential(1 / rate, questions))
    free = np.zeros((*shape, setting.cores))
    every, taken = np.arange(setting.shards), np.empty(questions)
    for at, now in enumerate(arrivals):
        chosen = _chosen(random, free, now, setting)
        done = _served(random, free, every, chosen, np.full(setting.shards, now), setting.median_ms, spread)
        taken[at] = done.max() - now
    return taken[int(_WARM * questions) :]


def _chosen(
    random: np.random.Generator, free: NDArray[np.float64], now: float, setting: Setting
) -> NDArray[np.int64]:
    """A replica for each shard."""
    first = random.integers(0, setting.replicas, setting.shards)
    if setting.routing == "random" or setting.replicas == 1:
        return first
    second = (first + random.integers(1, setting.replicas, setting.shards)) % setting.replicas
    every = np.arange(setting.shards)
    waits = [np.maximum(free[every, one] - now, 0).sum(axis=1) for one in (first, second)]
    return np.where(waits[1] < waits[0], second, first)


def _served(
    random: np.random.Generator,
    free: NDArray[np.float64],
    shards: NDArray[np.int64],
    replicas: NDArray[np.int64],
    since: NDArray[np.float64],
    median: float,
    spread: float,
) -> NDArray[np.float64]:
    """When these replicas answer; their cores are busy until then. ``free`` is changed."""
    core = free[shards, replicas].argmin(axis=1)
    start = np.maximum(free[shards, replicas, core], since)
    done = start + median * np.exp(spread * random.standard_normal(len(shards)))
    free[shards, replicas, core] = done
    return np.asarray(done)


def computed(setting: Setting, share: float) -> float:
    """The quantile as ``codesearch plan`` computes it."""
    spread = math.log(setting.tail) / NormalDist().inv_cdf(0.99)
    mean = setting.median_ms * math.exp(spread**2 / 2)
    wait = waiting_ms(mean, setting.utilisation, setting.cores, one_shard(share, setting.shards))
    return question_ms(setting.median_ms, setting.tail, setting.shards, share, wait)


def rows(questions: int, seed: int) -> list[dict[str, object]]:
    """By shards at half load, and by load at 16 shards, for both ways of choosing a replica."""
    tail = round(figures().engine["int8"].tail, 2)
    settings = [Setting(shards, 0.5, tail=tail) for shards in SHARDS]
    settings += [Setting(16, load, tail=tail) for load in LOADS]
    settings += [Setting(shards, 0.5, tail=tail, routing="two") for shards in SHARDS]
    settings += [Setting(16, load, tail=tail, routing="two") for load in LOADS]
    found: list[dict[str, object]] = []
    for setting in settings:
        taken = simulate(setting, questions, seed)
        quantiles = {f"p{100 * q:g}_ms": float(np.quantile(taken, q)) for q in (0.5, 0.99, 0.999)}
        found.append({**asdict(setting), **quantiles, "computed_p99_ms": computed(setting, 0.99)})
    return found


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = rows(options.questions, options.seed)
    keys = (
        "shards",
        "utilisation",
        "routing",
        "p50_ms",
        "p99_ms",
        "p99.9_ms",
        "computed_p99_ms",
    )
    cells = [[f"{row[key]:.1f}" if key.endswith("_ms") else row[key] for key in keys] for row in found]
    print("simulated, not measured\n")
    print(records.table([key.replace("_", " ") for key in keys], cells))
    settings = {"questions": options.questions, "seed": options.seed, "simulated": True}
    records.write(options.out, "scale-tail", settings, found)


if __name__ == "__main__":
    main()
