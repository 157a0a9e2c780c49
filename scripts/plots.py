"""Draw docs/plots/*.svg from the records under benches/results: ``python -m scripts.plots``.

``python -m benches.embed --out benches/results/embed.json``, ``python -m benches.growth FOLDER --out
benches/results/growth.json`` and ``benches.growth_rivals``, likewise, write the records.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

from scripts.sources import ROOT

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "codesearch", "svg.fonttype": "none", "font.size": 9, "axes.grid": True})

from matplotlib import pyplot as plt  # noqa: E402 (after the backend)

RECORDS, PLOTS = ROOT / "benches" / "results", ROOT / "docs" / "plots"


def main() -> None:
    PLOTS.mkdir(exist_ok=True)
    drawings = {"embed": embed, "growth": growth, "scale_engine": engine, "scale_tail": tail}
    for name, draw in drawings.items():
        record = RECORDS / f"{name}.json"
        if record.exists():
            figure = draw(_last(record))
            figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")


def _last(path: Path) -> dict[str, Any]:
    newest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    return newest


def embed(record: dict[str, Any]) -> Any:
    """Tokens a second by length of the texts, one line a runtime."""
    figure, axes = plt.subplots(figsize=(6, 3.2))
    texts = record["settings"]["texts"]
    for runtime, rows in record["rows"][0].items():
        lengths = [row["length"] for row in rows]
        axes.plot(lengths, [texts * row["length"] / row["batch"] / 1000 for row in rows], "o-", label=runtime)
    axes.set(xlabel="tokens of a text", ylabel="thousand tokens/s", title=_machine(record))
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def growth(record: dict[str, Any]) -> Any:
    """Latency, and bytes on disk and in memory, by the number of chunks."""
    rows = record["rows"]
    chunks = [row["chunks"] for row in rows]
    figure, (latency, space) = plt.subplots(1, 2, figsize=(9, 3.2))
    for key in ("hybrid_ms", "lexical_ms", "semantic_ms", "first_ms"):
        latency.loglog(chunks, [row[key] for row in rows], "o-", label=key.removesuffix("_ms"))
    rivals = _last(RECORDS / "growth_rivals.json")["rows"]
    others = [row["chunks"] for row in rivals]
    for name in ("semble", "ripgrep"):
        latency.loglog(others, [row[f"{name}_ms"] for row in rivals], "s--", label=name)
    latency.set(xlabel="chunks", ylabel="ms a query (median)", title="latency")
    latency.legend(fontsize=7)
    for key, label in (("bytes", "on disk"), ("peak_bytes", "peak of the process that asks")):
        space.loglog(chunks, [row[key] / 1e6 for row in rows], "o-", label=label)
    space.loglog(others, [row["semble_peak_bytes"] / 1e6 for row in rivals], "s--", label="semble, peak")
    space.set(xlabel="chunks", ylabel="MB", title=_machine(record))
    space.legend(fontsize=7)
    return figure


def engine(record: dict[str, Any]) -> Any:
    """CPU time of a question, and bytes of a chunk, by the chunks of a shard: one line a quantisation."""
    figure, (cost, space) = plt.subplots(1, 2, figsize=(9, 3.2))
    for kind in ("int8", "binary"):
        rows = [row for row in record["rows"] if row["quantization"] == kind]
        chunks = [row["chunks"] for row in rows]
        for key, mark in (("near_cpu_ms", "o-"), ("words_cpu_ms", "s--")):
            label = f"{key.removesuffix('_cpu_ms')}, {kind}"
            cost.loglog(chunks, [row[key] for row in rows], mark, label=label)
        for key, mark in (("bytes", "o-"), ("memory_bytes", "s--")):
            label = f"{'on disk' if key == 'bytes' else 'in memory'}, {kind}"
            space.semilogx(chunks, [row[key] / row["chunks"] / 1000 for row in rows], mark, label=label)
    cost.set(xlabel="chunks of a shard", ylabel="ms of CPU (median)", title="measured: a question")
    space.set(xlabel="chunks of a shard", ylabel="KB a chunk", title=f"measured: {_machine(record)}")
    space.set_ylim(bottom=0)
    for axes in (cost, space):
        axes.legend()
    return figure


def tail(record: dict[str, Any]) -> Any:
    """Simulated 99th percentiles by shards and by load, over the median of one shard."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    ways = {"random": "random", "less loaded of two": "two"}
    for axes, axis, fixed in zip(panels, ("shards", "utilisation"), ("utilisation", "shards"), strict=True):
        value = {"utilisation": 0.5, "shards": 16}[fixed]
        for label, way in ways.items():
            rows = [row for row in record["rows"] if row["routing"] == way and row[fixed] == value]
            rows = sorted({row[axis]: row for row in rows}.values(), key=lambda row: row[axis])
            axes.plot(
                [row[axis] for row in rows],
                [row["p99_ms"] / row["median_ms"] for row in rows],
                "o-",
                label=label,
            )
            if label == "random":
                computed = [row["computed_p99_ms"] / row["median_ms"] for row in rows]
                axes.plot([row[axis] for row in rows], computed, "k:", label="computed by codesearch plan")
        axes.set(xlabel={"shards": "shards", "utilisation": "utilisation of the cores"}[axis], ylim=(0, None))
    panels[0].set(xscale="log", ylabel="p99 / median of one shard", title="simulated, cores half busy")
    panels[1].set(title="simulated, 16 shards")
    panels[0].legend()
    return figure


def _machine(record: dict[str, Any]) -> str:
    machine = record["machine"]
    return f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores".strip(", ")


if __name__ == "__main__":
    main()
