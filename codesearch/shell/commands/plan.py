"""``plan``: estimate what a large index needs before renting machines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codesearch.distributed.planning.plan import Assumptions, Plan, make_plan
from codesearch.rendering.terminal import write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.distributed.planning.figures import Figures

__all__ = ["plan"]

_DEFAULT = ("100k", "1M", "10M", "100M", "1G", "10G")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_NUMBER = re.compile(r"(\d[\d_,]*(?:\.\d+)?(?:e\d{1,2})?)([kmg]?)", re.IGNORECASE)
_HELP = {
    "dim": "Dimensions of a vector.",
    "quantization": "How vectors are held in memory; the originals stay on disk.",
    "replicas": "Copies of each shard, at least.",
    "questions_per_second": "Questions per second at the busiest time.",
    "target_ms": "Milliseconds within which 99 of 100 questions are to be answered.",
    "cores": "Cores per machine.",
    "memory_gb": "Memory per machine, in GB.",
    "disk_gb": "Disk per machine, in GB.",
    "machine_price": "Price of one machine for an hour, in your currency.",
    "disk_price": "Price of one GB of disk for a month.",
    "fill": "Share of memory and disk that the index may use.",
    "utilisation": "Share of the cores that questions may keep busy.",
    "build_hours": "Hours within which everything is to be embedded and written.",
}
Command = TypeVar("Command", bound=Callable[..., Any])


class _Count(click.ParamType[int]):
    """A number of chunks: 100000, 100k, 1.5M, 1e7, 10G."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; UsageError for what is none."""
        found = _NUMBER.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no number of chunks; expected one such as 100k, 1.5M, 1e7", param, ctx)
        return round(float(found[1].replace(",", "").replace("_", "")) * _UNITS[found[2].lower()])


def _assumptions(command: Command) -> Command:
    """Add an option for every assumption."""
    for field in reversed(fields(Assumptions)):
        kind = click.Choice(["int8", "binary"]) if field.name == "quantization" else type(field.default)
        command = click.option(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            default=field.default,
            show_default=True,
            help=_HELP[field.name],
        )(command)
    return command


@click.command(short_help="Estimate machines and cost for a large index.")
@click.argument("counts", nargs=-1, type=_Count(), metavar="[CHUNKS]...")
@click.option("--lines", is_flag=True, help="Take CHUNKS as lines of code.")
@_assumptions
@options.json_flag
def plan(*, counts: tuple[int, ...], lines: bool, as_json: bool, **given: Any) -> None:
    """Estimate disk, memory, hours, machines and cost for an index of CHUNKS chunks (100k, 1.5M, 1e9).

    The estimate rests on figures measured on one machine, which is named, and on assumptions, which are
    printed; every option except --lines and --json sets one. Sizes beyond those measured are marked with *.
    Prices are examples: give your own.
    """
    from codesearch.distributed.planning.figures import figures
    from codesearch.rendering.render import dump

    assumptions, known = Assumptions(**given), figures()
    per_chunk = known.source.lines_per_chunk if lines else 1
    asked = counts or tuple(_Count().convert(text, None, None) for text in _DEFAULT)
    plans = [make_plan(round(count / per_chunk), assumptions) for count in asked]
    if as_json:
        write(dump({"plans": plans, "assumptions": assumptions, "figures": known}))
        return
    write(_table(plans) + _footnotes(plans, assumptions, known))


def _table(plans: list[Plan]) -> str:
    heads = ("chunks", "lines", "layout", "shards", "bound by", "machines", "disk", "memory")
    more = ("build, core hours", "p50", "p99", "build costs", "a month costs")
    rows = [(*heads, *more), *map(_row, plans)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + "\n" for row in rows
    )


def _row(plan: Plan) -> tuple[str, ...]:
    mark = "" if plan.is_measured else "*"
    return (
        f"{_short(plan.chunks)}{mark}",
        _short(plan.lines),
        plan.layout,
        f"{plan.shards:,}",
        plan.bound_by,
        f"{plan.machines:,}",
        _bytes(plan.disk_bytes),
        _bytes(plan.memory_bytes),
        f"{plan.build_cpu_hours:,.1f}",
        f"{plan.p50_ms:,.0f} ms",
        f"{plan.p99_ms:,.0f} ms",
        f"{plan.build_money:,.2f}",
        f"{plan.month_money:,.0f}",
    )


_TELLING = 100_000
"""Chunks of a measured shard from which on its fixed costs no longer hide what each chunk costs."""


def _footnotes(plans: list[Plan], given: Assumptions, known: Figures) -> str:
    machine, engine = known.machine, known.engine[given.quantization]
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(given).items())
    lines = [
        "",
        "disk and memory: all copies; machines: shards x replicas; money: in the currency of the prices.",
        f"assumed: {said}.",
        f"measured: {machine.cpu}, {machine.cores} cores, {machine.os}, Python {machine.python}, "
        f"{machine.day}; {known.source.lines_per_chunk:.0f} lines and "
        f"{known.source.bytes_per_chunk:,.0f} bytes a chunk, {known.source.cpu_ms_per_chunk:.1f} ms of CPU "
        f"to index one with the shipped model; the index up to {_short(known.index.largest)} chunks, "
        f"a shard up to {_short(engine.largest)}, recall@10 {engine.recall_at_10:.3f}.",
    ]
    if not all(plan.is_measured for plan in plans):
        lines.append("* extrapolated: no index, or no shard, of that size or width was measured.")
    if engine.largest < _TELLING:
        lines.append(
            f"PRELIMINARY: shards of at most {_short(engine.largest)} chunks say too little about memory and "
            "words; expect several times the memory and machines, and slower answers of large shards."
        )
    return "\n".join(lines) + "\n"


def _short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def _bytes(number: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1e6:.3g} MB"
