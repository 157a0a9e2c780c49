"""Plan how many machines an index of a given size needs, for how long, and at what cost.

Measured figures come from ``figures.toml``; everything that was not measured (the machine that is rented, its
price, how many questions are asked) is an assumption with a name, which the caller can change.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from codesearch.distributed.planning.figures import EngineFigures, Figures, figures
from codesearch.distributed.planning.latency import one_shard, question_ms, waiting_ms
from codesearch.errors import BadQuery
from codesearch.quick_dataclass import dataclass

__all__ = ["Assumptions", "Plan", "make_plan"]

_GB, _HOURS = 1e9, 730.0
"""Hours of a month."""
_MOST = 10**12
_ONE = "one is enough"
Layout = Literal["index", "engine"]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The assumptions of a plan. Money is in the currency of the prices that are given."""

    dim: int = 256
    quantization: Literal["int8", "binary"] = "int8"
    replicas: int = 2
    """Copies of every shard, at least: one may be lost."""
    questions_per_second: float = 10.0
    target_ms: float = 200.0
    """Within which 99 of 100 questions are to be answered."""
    cores: int = 8
    memory_gb: float = 64.0
    disk_gb: float = 1000.0
    machine_price: float = 0.40
    """Of an hour of one machine."""
    disk_price: float = 0.08
    """Of a month of one GB."""
    fill: float = 0.7
    """Share of a machine's memory and disk that the index may take: the rest is for rebuilding and growth."""
    utilisation: float = 0.5
    """Share of the cores that questions may keep busy."""
    build_hours: float = 24.0
    """Within which everything is to be embedded and written."""

    def __post_init__(self) -> None:
        """BadQuery for what cannot be."""
        for name in ("fill", "utilisation"):
            if not 0 < getattr(self, name) < 1:
                raise BadQuery(f"{name} is {getattr(self, name)}, expected more than 0 and less than 1")
        for name in ("dim", "replicas", "cores", "memory_gb", "disk_gb", "target_ms", "build_hours"):
            if not 0 < getattr(self, name) < math.inf:
                raise BadQuery(f"{name} is {getattr(self, name)}, expected more than 0")
        for name in ("questions_per_second", "machine_price", "disk_price"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadQuery(f"{name} is {getattr(self, name)}, expected 0 or more")
        if self.quantization not in ("int8", "binary"):
            raise BadQuery(f"quantization is {self.quantization!r}, expected int8 or binary")


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for one number of chunks."""

    chunks: int
    lines: float
    source_bytes: float
    layout: Layout
    """"index": the embedded index on one machine; "engine": shards of Qdrant."""
    shards: int
    bound_by: str
    """Why there are so many: memory, disk, latency, or one is enough."""
    replicas: int
    machines: int
    disk_bytes: float
    """All copies together."""
    memory_bytes: float
    build_cpu_hours: float
    build_machines: int
    """Machines that are rented for the build, beside those that answer."""
    p50_ms: float
    p99_ms: float
    build_money: float
    month_money: float
    is_measured: bool
    """Whether an index, or a shard, of this size was measured; else its figures are extrapolated."""


def make_plan(chunks: int, given: Assumptions | None = None, known: Figures | None = None) -> Plan:
    """Plan for a number of chunks. BadQuery for a number that is none, or an assumption that cannot be."""
    given, known = given or Assumptions(), known or figures()
    if not 1 <= chunks <= _MOST:
        raise BadQuery(f"{chunks:,} chunks cannot be planned; expected 1 to {_MOST:,}")
    plan = _index(chunks, given, known)
    if chunks <= known.index.largest and plan.p99_ms <= given.target_ms and _fits(plan, given):
        return plan
    return _engine(chunks, given, known)


def _fits(plan: Plan, given: Assumptions) -> bool:
    fits_memory = plan.memory_bytes / plan.machines <= given.fill * given.memory_gb * _GB
    return fits_memory and plan.disk_bytes / plan.machines <= given.fill * given.disk_gb * _GB


def _index(chunks: int, given: Assumptions, known: Figures) -> Plan:
    """The embedded index on every machine that answers."""
    index = known.index
    search = index.search_ms + index.search_ms_per_million * chunks / 1e6
    replicas = max(given.replicas, _machines_for(given, search))
    vector = 2.0 * (given.dim - 256)  # float16 on disk, float32 in memory
    wait = waiting_ms(search, _busy(given, search, replicas), given.cores, 0.99)
    return _priced(
        given,
        known,
        chunks=chunks,
        layout="index",
        shards=1,
        bound_by=_ONE,
        replicas=replicas,
        disk_bytes=replicas * chunks * (index.bytes_per_chunk + vector),
        memory_bytes=replicas * (index.memory_bytes + chunks * (index.memory_bytes_per_chunk + 2 * vector)),
        build_ms=chunks * known.source.cpu_ms_per_chunk,
        p50_ms=search,
        p99_ms=question_ms(search, known.engine[given.quantization].tail, 1, 0.99, wait),
        is_measured=chunks <= index.largest and given.dim == 256,
    )


def _engine(chunks: int, given: Assumptions, known: Figures) -> Plan:
    """Shards of Qdrant, each as often as it has to be there."""
    engine = _widened(known.engine[given.quantization], given)
    shards, bound = _shards(chunks, engine, given)
    service = _service_ms(engine, chunks / shards)
    replicas = max(given.replicas, _machines_for(given, service))
    return _priced(
        given,
        known,
        chunks=chunks,
        layout="engine",
        shards=shards,
        bound_by=bound,
        replicas=replicas,
        disk_bytes=replicas * chunks * engine.bytes_per_chunk,
        memory_bytes=replicas * (shards * engine.memory_bytes + chunks * engine.memory_bytes_per_chunk),
        build_ms=chunks * (known.source.cpu_ms_per_chunk + replicas * engine.cpu_ms_per_chunk),
        p50_ms=engine.client_ms + question_ms(service, engine.tail, shards, 0.5),
        p99_ms=_p99(engine, chunks / shards, shards, _busy(given, service, replicas), given),
        is_measured=chunks / shards <= engine.largest and given.dim == engine.dim,
    )


def _priced(
    given: Assumptions,
    known: Figures,
    *,
    chunks: int,
    layout: Layout,
    shards: int,
    bound_by: str,
    replicas: int,
    disk_bytes: float,
    memory_bytes: float,
    build_ms: float,
    p50_ms: float,
    p99_ms: float,
    is_measured: bool,
) -> Plan:
    """Add what follows from the rest: lines, machines, hours and money."""
    hours, machines = build_ms / 3.6e6, shards * replicas
    disk_gb = disk_bytes / given.fill / _GB
    return Plan(
        chunks=chunks,
        lines=chunks * known.source.lines_per_chunk,
        source_bytes=chunks * known.source.bytes_per_chunk,
        layout=layout,
        shards=shards,
        bound_by=bound_by,
        replicas=replicas,
        machines=machines,
        disk_bytes=disk_bytes,
        memory_bytes=memory_bytes,
        build_cpu_hours=hours,
        build_machines=math.ceil(hours / (given.cores * given.build_hours)),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        build_money=hours / given.cores * given.machine_price,
        month_money=machines * given.machine_price * _HOURS + disk_gb * given.disk_price,
        is_measured=is_measured,
    )


def _widened(engine: EngineFigures, given: Assumptions) -> EngineFigures:
    """The figures for vectors of another width: float32 on disk, codes of one byte or one bit in memory."""
    code = {"int8": 1.0, "binary": 0.125}[given.quantization]
    more, ratio = given.dim - engine.dim, given.dim / engine.dim
    return replace(
        engine,
        bytes_per_chunk=engine.bytes_per_chunk + more * (4 + code),
        memory_bytes_per_chunk=engine.memory_bytes_per_chunk + more * code,
        near_cpu_ms=engine.near_cpu_ms * ratio,
        near_cpu_ms_per_doubling=engine.near_cpu_ms_per_doubling * ratio,
    )


def _shards(chunks: int, engine: EngineFigures, given: Assumptions) -> tuple[int, str]:
    """The fewest shards that fit into a machine each and answer in time, and what decides about it."""
    memory = given.fill * given.memory_gb * _GB - engine.memory_bytes
    if memory <= 0:
        raise BadQuery(
            f"a shard takes {engine.memory_bytes / _GB:.2f} GB of memory before it holds anything; "
            f"{given.fill:.0%} of {given.memory_gb:g} GB is too little"
        )
    needs = {
        "memory": math.ceil(chunks * engine.memory_bytes_per_chunk / memory),
        "disk": math.ceil(chunks * engine.bytes_per_chunk / (given.fill * given.disk_gb * _GB)),
        "latency": _shards_in_time(chunks, engine, given),
    }
    bound = max(needs, key=lambda name: needs[name])
    return max(1, needs[bound]), bound if needs[bound] > 1 else _ONE


def _shards_in_time(chunks: int, engine: EngineFigures, given: Assumptions) -> int:
    """The fewest shards, to a tenth, that keep the 99th percentile below the target."""
    shards = 1
    while _p99(engine, chunks / shards, shards, given.utilisation, given) > given.target_ms:
        if shards >= chunks:
            raise BadQuery(
                f"no number of shards answers 99 of 100 questions within {given.target_ms:g} ms; "
                "allow more (--target-ms)"
            )
        shards = max(shards + 1, shards * 11 // 10)
    return shards


def _service_ms(engine: EngineFigures, per_shard: float) -> float:
    """Both arms of one question on one shard."""
    near = engine.near_cpu_ms + engine.near_cpu_ms_per_doubling * math.log2(max(per_shard, 1.0))
    return max(near, 0.05) + engine.words_cpu_ms + engine.words_cpu_ms_per_million * per_shard / 1e6


def _p99(engine: EngineFigures, per_shard: float, shards: int, busy: float, given: Assumptions) -> float:
    service = _service_ms(engine, per_shard)
    wait = waiting_ms(service, busy, given.cores, one_shard(0.99, shards))
    return engine.client_ms + question_ms(service, engine.tail, shards, 0.99, wait)


def _machines_for(given: Assumptions, service_ms: float) -> int:
    """How many machines the questions keep busy, where each question takes one core of one of them."""
    return math.ceil(given.questions_per_second * service_ms / 1000 / (given.cores * given.utilisation))


def _busy(given: Assumptions, service_ms: float, replicas: int) -> float:
    return given.questions_per_second * service_ms / 1000 / (given.cores * replicas)
