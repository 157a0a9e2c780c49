"""Plans: arithmetic that holds together, against hand calculation, the simulation and the records."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.distributed.planning.figures import (
    EngineFigures,
    Figures,
    IndexFigures,
    Machine,
    SourceFigures,
    figures,
)
from codesearch.distributed.planning.latency import one_shard, question_ms, waiting_ms
from codesearch.distributed.planning.plan import Assumptions, make_plan
from codesearch.errors import BadQuery
from tests.support.command import run

ENGINE = EngineFigures(
    dim=256,
    bytes_per_chunk=4000,
    memory_bytes=1e8,
    memory_bytes_per_chunk=1000,
    cpu_ms_per_chunk=0.5,
    near_cpu_ms=1.0,
    near_cpu_ms_per_doubling=0.1,
    words_cpu_ms=0.5,
    words_cpu_ms_per_million=10,
    client_ms=20,
    tail=2.0,
    recall_at_10=0.99,
    largest=1_000_000,
)
KNOWN = Figures(
    Machine("one", 2, "Linux", "3.11", "2026-01-01"),
    SourceFigures(25, 1000, 4.0),
    IndexFigures(4500, 5e7, 3000, 10, 100, 300_000),
    {"int8": ENGINE, "binary": replace(ENGINE, memory_bytes_per_chunk=600)},
)


def test_a_plan_by_hand() -> None:
    """10^9 chunks of 1,000 bytes of memory are 1 TB a copy: 23 machines of 64 GB filled to 0.7."""
    plan = make_plan(10**9, Assumptions(target_ms=10_000), KNOWN)
    assert plan.layout == "engine"
    assert plan.shards == math.ceil(1e12 / (0.7 * 64e9 - 1e8)) == 23
    assert (plan.bound_by, plan.machines) == ("memory", 46)
    assert plan.disk_bytes == 2 * 4e12
    assert plan.memory_bytes == 2 * (1e12 + 23 * 1e8)
    assert plan.build_cpu_hours == pytest.approx(1e9 * (4 + 2 * 0.5) / 3.6e6)
    assert plan.build_money == pytest.approx(plan.build_cpu_hours / 8 * 0.40)
    assert plan.month_money == pytest.approx(46 * 0.40 * 730 + 8e12 / 0.7 / 1e9 * 0.08)
    assert (plan.lines, plan.source_bytes) == (25e9, 1e12)
    assert not plan.is_measured


def test_small_ones_need_no_engine() -> None:
    plan = make_plan(100_000, Assumptions(), KNOWN)
    assert (plan.layout, plan.shards, plan.machines, plan.is_measured) == ("index", 1, 2, True)
    assert plan.p50_ms == 10 + 100 * 0.1
    assert make_plan(300_001, Assumptions(), KNOWN).layout == "engine"


def test_many_questions_need_more_replicas() -> None:
    assert make_plan(10**6, Assumptions(questions_per_second=0), KNOWN).replicas == 2
    busy = make_plan(10**6, Assumptions(questions_per_second=10_000), KNOWN)
    service = 1 + 0.1 * math.log2(10**6) + 0.5 + 10
    assert busy.replicas == math.ceil(10_000 * service / 1000 / (8 * 0.5))


@given(st.integers(1, 10**11), st.sampled_from(["int8", "binary"]), st.integers(64, 2048))
def test_more_chunks_never_take_less(chunks: int, kind: str, dim: int) -> None:
    assumptions = Assumptions(quantization=kind, dim=dim, target_ms=1000)  # type: ignore[arg-type]
    less, more = (make_plan(n, assumptions, KNOWN) for n in (chunks, chunks * 3))
    for name in ("disk_bytes", "memory_bytes", "build_cpu_hours", "build_money", "lines"):
        assert getattr(less, name) <= getattr(more, name) * 1.5 or less.layout != more.layout, name
    if less.layout == more.layout:
        assert less.shards <= more.shards
        assert less.machines <= more.machines


@given(
    st.integers(10**5, 10**10),
    st.floats(8, 1024),
    st.floats(50, 20_000),
    st.floats(60, 5000),
    st.integers(1, 5),
)
def test_a_plan_fits_what_it_plans_for(
    chunks: int, memory: float, disk: float, target: float, replicas: int
) -> None:
    assumptions = Assumptions(memory_gb=memory, disk_gb=disk, target_ms=target, replicas=replicas)
    plan = make_plan(chunks, assumptions, KNOWN)
    assert plan.memory_bytes / plan.machines <= 0.7 * memory * 1e9 * 1.000001
    assert plan.disk_bytes / plan.machines <= 0.7 * disk * 1e9 * 1.000001
    assert plan.machines == plan.shards * plan.replicas >= replicas
    assert plan.p50_ms <= plan.p99_ms <= target * 1.000001


@pytest.mark.parametrize(
    "wrong",
    [
        {"fill": 0},
        {"fill": 1.5},
        {"utilisation": 1},
        {"memory_gb": 0},
        {"cores": 0},
        {"disk_gb": math.nan},
        {"machine_price": -1},
        {"questions_per_second": math.inf},
        {"quantization": "int4"},
    ],
)
def test_assumptions_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(BadQuery, match=next(iter(wrong))):
        Assumptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunks", [0, -1, 10**13])
def test_counts_that_cannot_be(chunks: int) -> None:
    with pytest.raises(BadQuery, match="cannot be planned"):
        make_plan(chunks, Assumptions(), KNOWN)


def test_a_target_that_nothing_reaches() -> None:
    with pytest.raises(BadQuery, match="--target-ms"):
        make_plan(10**9, Assumptions(target_ms=1), KNOWN)
    with pytest.raises(BadQuery, match="before it holds anything"):
        make_plan(10**9, Assumptions(memory_gb=0.1), KNOWN)


# -- latency


def test_the_slowest_of_many_shards() -> None:
    """With 100 shards, the median of the whole is the 99.3rd percentile of one."""
    assert one_shard(0.5, 100) == pytest.approx(0.993, abs=5e-4)
    assert question_ms(10, 4, 1, 0.5) == pytest.approx(10)
    assert question_ms(10, 4, 1, 0.99) == pytest.approx(40)
    assert question_ms(10, 1, 1000, 0.99) == pytest.approx(10)  # without a spread nobody is slow


def test_waiting_for_a_core_is_erlangs() -> None:
    """M/M/1: the wait is longer than t with probability rho exp(-(1 - rho) t / s)."""
    wait = waiting_ms(10, 0.5, 1, 0.99)
    assert 0.5 * math.exp(-0.5 * wait / 10) == pytest.approx(0.01)
    assert waiting_ms(10, 0.0, 8, 0.99) == 0
    assert waiting_ms(10, 0.5, 8, 0.5) == 0  # most wait for nothing
    # M/M/2 at 0.8 of its capacity: Erlang's C is 0.711 (Kleinrock, Queueing Systems I, 1975)
    assert 0.711 * math.exp(-2 * 0.2 * waiting_ms(10, 0.8, 2, 0.99) / 10) == pytest.approx(0.01, rel=1e-3)
    with pytest.raises(ValueError, match="utilisation"):
        waiting_ms(10, 1.0, 8, 0.99)


@pytest.mark.parametrize(("shards", "utilisation"), [(1, 0.3), (16, 0.3), (16, 0.7), (64, 0.5)])
def test_the_simulation_stays_below_what_is_computed(shards: int, utilisation: float) -> None:
    """The computed quantile bounds the simulated one, and not by much where queues are short."""
    pytest.importorskip("numpy")
    import numpy as np

    from benches.scale.tail import Setting, computed, simulate

    setting = Setting(shards, utilisation, tail=4.0)
    simulated = float(np.quantile(simulate(setting, 4000, seed=3), 0.99))
    assert simulated <= computed(setting, 0.99) * 1.1
    assert computed(setting, 0.99) <= simulated * 2


def test_the_simulation_is_the_same_for_a_seed() -> None:
    from benches.scale.tail import Setting, simulate

    setting = Setting(4, 0.5)
    assert simulate(setting, 300, seed=1).tolist() == simulate(setting, 300, seed=1).tolist()
    assert simulate(setting, 300, seed=1).tolist() != simulate(setting, 300, seed=2).tolist()


# -- the figures and the command


def test_the_figures_are_those_of_the_records() -> None:
    from scripts.planning_figures import FIGURES, written

    assert FIGURES.read_text(encoding="utf-8") == written(), "python -m scripts.planning_figures"


def test_the_figures_can_be() -> None:
    known = figures()
    assert known.machine.cpu
    assert 5 < known.source.lines_per_chunk < 100
    for engine in known.engine.values():
        assert 0.9 < engine.recall_at_10 <= 1
        assert engine.tail >= 1
        assert all(value >= 0 for value in asdict(engine).values())
    assert known.engine["binary"].memory_bytes_per_chunk <= known.engine["int8"].memory_bytes_per_chunk


def test_the_table_names_what_it_stands_on(tmp_path: Path) -> None:
    done = run("plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0].rstrip("*") for line in lines[1:7]] == ["100k", "1M", "10M", "100M", "1G", "10G"]
    for said in ("assumed: dim 256", "machine price 0.4", figures().machine.cpu, "* extrapolated"):
        assert said in done.stdout


def test_json_holds_plans_assumptions_and_figures(tmp_path: Path) -> None:
    done = run("plan", "1M", "2.5e7", "--memory-gb", "128", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert [plan["chunks"] for plan in found["plans"]] == [10**6, 25 * 10**6]
    assert found["assumptions"]["memory_gb"] == 128
    assert found["figures"]["machine"]["cpu"] == figures().machine.cpu


def test_lines_instead_of_chunks(tmp_path: Path) -> None:
    [plan] = json.loads(run("plan", "--lines", "10M", "--json", cwd=tmp_path).stdout)["plans"]
    assert plan["lines"] == pytest.approx(1e7, rel=1e-4)


@pytest.mark.parametrize("wrong", [("ten",), ("1M", "--fill", "2"), ("0",), ("1M", "--quantization", "int4")])
def test_the_command_refuses(wrong: tuple[str, ...], tmp_path: Path) -> None:
    done = run("plan", *wrong, cwd=tmp_path)
    assert done.returncode == 2
    assert "error" in done.stderr
