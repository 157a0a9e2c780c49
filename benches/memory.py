"""Resident memory over many texts of all lengths, on each backend: is it flat?

    python -m benches.memory [--texts 10000] [--longest 8192] [--backends onnx mlx]

Texts of 1 to ``--longest`` tokens in random order, uniform in the logarithm of their length, a call of
``encode`` for every ``--call`` of them, through a JinaBERT of full structure (all kinds of layers, tokenizer,
pooling) with a narrow layer and random weights. Resident memory is read after every call, each backend in
a process of its own. MiB per 1,000 texts is the slope by least squares over the second half.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benches import program, records
from tests.support.checkpoints import Checkpoint, write

MIB = 2**20


def lengths_of(count: int, longest: int, seed: int = 7) -> list[int]:
    """Numbers of tokens."""
    pick = random.Random(seed)
    return [round(longest ** pick.random()) for _ in range(count)]


def resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _sampled(folder: Path, backend: str, args: argparse.Namespace) -> list[tuple[int, int]]:
    """(texts so far, resident bytes) after each call."""
    import mlx_jinabert

    model = mlx_jinabert.load(str(folder), backend=backend)
    lengths = lengths_of(args.texts, args.longest)
    samples: list[tuple[int, int]] = []
    begun = time.perf_counter()
    for start in range(0, len(lengths), args.call):
        texts = ["x " * max(1, length - 2) for length in lengths[start : start + args.call]]
        model.encode(texts, truncation="silent")
        samples.append((start + len(texts), resident()))
        if len(samples) % 10 == 0:
            print(*samples[-1], f"{time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    return samples


def summary(samples: list[tuple[int, int]]) -> dict[str, float]:
    """What the second half says: MiB, and MiB per 1,000 texts by least squares."""
    counts, sizes = np.array(samples[len(samples) // 2 :], np.float64).T
    slope, _ = np.polyfit(counts, sizes, 1)
    return {
        "texts": samples[-1][0],
        "at half": sizes[0] / MIB,
        "at end": sizes[-1] / MIB,
        "largest": max(size for _, size in samples) / MIB,
        "MiB per 1,000 texts": slope * 1000 / MIB,
    }


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--longest", type=int, default=8192)
    parser.add_argument("--call", type=int, default=50, help="texts of one call")
    parser.add_argument("--backends", nargs="+", default=["onnx", "mlx"])
    parser.add_argument("--heads", type=int, default=1, help="of 32 numbers each")
    parser.add_argument("--layers", type=int, default=1)
    args = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = write(
            Path(scratch) / "model",
            Checkpoint(
                "code",
                heads=args.heads,
                hidden=32 * args.heads,
                layers=args.layers,
                max_position=args.longest,
            ),
        )
        for backend in args.backends:
            samples = program.fresh(_sampled, folder, backend, args)
            rows.append({"backend": backend, **summary(samples)})
    header = list(rows[0])
    cells = [[f"{v:,.1f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    print(f"{records.machine_line()}\n\n{records.table(header, cells)}")
    records.write(args.out, "memory", {"texts": args.texts, "longest": args.longest}, rows)


if __name__ == "__main__":
    main()
