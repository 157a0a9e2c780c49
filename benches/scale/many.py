"""Ten million vectors on one machine, in tiers: bytes, memory, latency, recall.

    python -m benches.scale.many FILE [--count 10000000] [--scratch DIR] [--out FILE]

FILE holds vectors of real code (``benches.scale.vectors``). Where it has fewer than ``--count``, the rest is
made of pairs of them, a + b / 2, and the record says how many were. Questions are stored vectors of real
code with noise. Memory is measured in a process of its own that opens the tiers and asks; ``anonymous`` is
what it cannot give back, ``mapped`` what the system may drop and read again.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benches import program, records
from benches.scale.engine import DIM, best, rows_of, unit
from codesearch.vectors.tiers import CODES, COLD, SCALES, SIGNS, Tiers, write_tiers

_BLOCK, _ASKED, _JUDGED = 1 << 15, 200, 100
WAYS = {"64 coarse": (64, 4), "256 coarse": (256, 4), "256 coarse, int8 alone": (256, 0)}


def blocks(real: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """All real vectors, then pairs of them."""
    for start in range(0, min(count, len(real)), _BLOCK):
        yield unit(real[start : min(start + _BLOCK, count)])
    random, left = np.random.default_rng(11), count - len(real)
    while left > 0:
        size = min(left, _BLOCK)
        start = int(random.integers(0, max(len(real) - size, 0) + 1))
        first, second = unit(real[start : start + size]), unit(real[random.integers(0, len(real), 4096)])
        yield unit(first + second[random.integers(0, len(second), len(first))] / 2)
        left -= len(first)


def questions(real: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(12)
    asked = np.asarray(real[np.sort(random.integers(0, len(real), _ASKED))], np.float32)
    return unit(asked + random.normal(scale=0.03, size=asked.shape))


def ask(folder: Path, asked: np.ndarray, coarse: int, fine: int) -> dict[str, Any]:
    """In a fresh process: what it holds, how long it takes, what it finds."""
    before = psutil.Process().memory_info()
    started = time.perf_counter()
    with Tiers(folder) as tiers:
        opened = time.perf_counter() - started
        tiers.nearest(asked[0], 10, coarse=coarse, fine=fine)
        clocks, found, cpu = [], [], time.process_time()
        for query in asked:
            started = time.perf_counter()
            hits = tiers.nearest(query, 10, coarse=coarse, fine=fine)
            clocks.append(time.perf_counter() - started)
            found.append([hit.id for hit in hits])
        cpu = time.process_time() - cpu
        memory = psutil.Process().memory_info()
    mapped = memory.shared - before.shared
    return {
        "open_s": opened,
        "p50_ms": 1000 * float(np.median(clocks)),
        "p99_ms": 1000 * float(np.quantile(clocks, 0.99)),
        "cpu_ms": 1000 * cpu / len(asked),
        "anonymous_bytes": memory.rss - before.rss - mapped,
        "mapped_bytes": mapped,
        "found": found,
    }


def _ask(file: Path, folder: Path, coarse: int, fine: int) -> dict[str, Any]:
    return ask(folder, questions(rows_of(file)), coarse, fine)


def measure(file: Path, count: int, scratch: Path) -> list[dict[str, Any]]:
    real, folder = rows_of(file), scratch / "tiers"
    started, cpu = time.perf_counter(), time.process_time()
    write_tiers(folder, blocks(real, count), DIM)
    written = {"write_s": time.perf_counter() - started, "write_cpu_s": time.process_time() - cpu}
    sizes = {
        f"{name.partition('.')[0]}_bytes": (folder / name).stat().st_size
        for name in (SIGNS, CODES, SCALES, COLD)
    }
    stored: np.ndarray = np.memmap(folder / COLD, np.float16, "r").reshape(-1, DIM)
    judged = best(stored, questions(real)[:_JUDGED], 10)
    rows = []
    for name, (coarse, fine) in WAYS.items():
        found = program.fresh(_ask, file, folder, coarse, fine)
        hits = found.pop("found")[:_JUDGED]
        recall = np.mean(
            [len(set(mine) & set(right.tolist())) / 10 for mine, right in zip(hits, judged, strict=True)]
        )
        rows.append({"way": name, **written, **sizes, **found, "recall_at_10": float(recall)})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--scratch", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        rows = measure(options.file, options.count, Path(scratch))
    real = min(len(rows_of(options.file)), options.count)
    records.write(options.out, "scale-many", {"count": options.count, "real": real, "dim": DIM}, rows)


if __name__ == "__main__":
    main()
