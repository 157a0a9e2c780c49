"""Write codesearch/distributed/planning/figures.toml: ``python -m scripts.planning_figures [--check]``.

From ``scale_costs.json``, ``scale_growth.json`` and ``scale_engine.json`` under benches/results. What grows
with the number of chunks is fitted by least squares of the relative error, so that small sizes count as much
as large ones. ``--check`` changes nothing and exits 1 where the file is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scripts.sources import ROOT

RECORDS = ROOT / "benches" / "results"
FIGURES = ROOT / "codesearch" / "distributed" / "planning" / "figures.toml"
Rows = Sequence[dict[str, Any]]


def main() -> int:
    text = written()
    if "--check" in sys.argv:
        return int(text != FIGURES.read_text(encoding="utf-8"))
    FIGURES.write_text(text, encoding="utf-8")
    return 0


def written() -> str:
    costs, growth, engine = (_record(name) for name in ("costs", "growth", "engine"))
    machine = engine["machine"]
    tables: dict[str, dict[str, Any]] = {
        "machine": {
            "cpu": machine["cpu"],
            "cores": machine["cores"],
            "os": machine["os"],
            "python": machine["python"],
            "day": engine["time"][:10],
        },
        "source": _source(costs["rows"]),
        "index": _index(growth["rows"]),
    }
    for kind in ("int8", "binary"):
        rows = [row for row in engine["rows"] if row["quantization"] == kind]
        tables[f"engine.{kind}"] = _engine(rows, engine["settings"]["dim"])
    head = (
        "# Measured; written by python -m scripts.planning_figures from the records under benches/results.\n"
    )
    return head + "".join(_table(name, values) for name, values in tables.items())


def _source(rows: Rows) -> dict[str, float]:
    chunks = sum(row["chunks"] for row in rows)
    per_chunk = {"lines_per_chunk": "lines", "bytes_per_chunk": "source_bytes"}
    found = {name: sum(row[key] for row in rows) / chunks for name, key in per_chunk.items()}
    return {**found, "cpu_ms_per_chunk": 1000 * sum(row["cpu_s"] for row in rows) / chunks}


def _index(rows: Rows) -> dict[str, float]:
    memory, memory_per_chunk = _line(rows, "peak_bytes", lambda n: n)
    search, search_per_chunk = _line(rows, "hybrid_ms", lambda n: n)
    return {
        "bytes_per_chunk": rows[-1]["bytes"] / rows[-1]["chunks"],
        "memory_bytes": memory,
        "memory_bytes_per_chunk": memory_per_chunk,
        "search_ms": search,
        "search_ms_per_million": 1e6 * search_per_chunk,
        "largest": int(rows[-1]["chunks"]),
    }


def _engine(rows: Rows, dim: int) -> dict[str, float]:
    memory, memory_per_chunk = _line(rows, "memory_bytes", lambda n: n)
    near, near_per_doubling = _line(rows, "near_cpu_ms", np.log2)
    words, words_per_chunk = _line(rows, "words_cpu_ms", lambda n: n)
    last = rows[-1]
    return {
        "dim": dim,
        "bytes_per_chunk": last["bytes"] / last["chunks"],
        "memory_bytes": memory,
        "memory_bytes_per_chunk": memory_per_chunk,
        "cpu_ms_per_chunk": 1000 * (last["write_cpu_s"] + last["build_cpu_s"]) / last["chunks"],
        "near_cpu_ms": near,
        "near_cpu_ms_per_doubling": near_per_doubling,
        "words_cpu_ms": words,
        "words_cpu_ms_per_million": 1e6 * words_per_chunk,
        "client_ms": max(row["search_cpu_ms"] - row["near_cpu_ms"] - row["words_cpu_ms"] for row in rows),
        "tail": max(row["near_cpu_p99_ms"] / row["near_cpu_ms"] for row in rows),
        "recall_at_10": last["recall_at_10"],
        "largest": int(last["chunks"]),
    }


def _line(rows: Rows, key: str, of: Callable[[Any], Any]) -> tuple[float, float]:
    """(constant, slope) of a line through the rows, neither of them below 0."""
    x, y = of(np.array([row["chunks"] for row in rows], float)), np.array([row[key] for row in rows], float)
    slope, constant = np.polyfit(x, y, 1, w=1 / y)
    if slope < 0:
        return float((1 / y).sum() / (1 / y**2).sum()), 0.0
    if constant < 0:
        return 0.0, float((x / y).sum() / ((x / y) ** 2).sum())
    return float(constant), float(slope)


def _table(name: str, values: dict[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(["", f"[{name}]", *lines, ""])


def _value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str | int) else str(float(f"{value:.3g}"))


def _record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (RECORDS / f"scale_{name}.json").read_text(encoding="utf-8").splitlines()[-1]
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
