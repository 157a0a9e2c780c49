"""The server under load on the loopback address, beside direct ``encode``, a naive server and the floor.

    python -m benches.serve [--model embedded] [--seconds 5] [--clients 1 8 32 128] [--only load|overload|...]

us a request: CPU time of the server's process (its clients' not counted), beside that of
``Embedder.encode`` in a process of its own: on all texts in one call, and in calls of as many texts as the
clients have under way, more than which no batch can hold. The peers (benches.servers) take turns with the
server, ``--rounds`` of them; medians are shown. attainable: calls of that size plus the floor, the least
that a server in this framework could cost. Nothing is cached.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benches import program, records
from benches.http_load import Load, drive, request_bytes
from benches.servers import Process, floor, naive, ours

TEXTS = 2000


def sources() -> str:
    return "".join(p.read_text(encoding="utf-8") for p in sorted(Path(os.__file__).parent.glob("[a-c]*.py")))


def texts_of(workload: str, count: int = TEXTS) -> list[str]:
    """short: 20 to 80 characters; mixed: 40 to 1,600, most of them short, as chunks of code are."""
    source, pick = sources(), random.Random(7)
    lengths = {"short": (20, 40, 60, 80), "mixed": (40, 100, 200, 400, 800, 1600)}[workload]
    found = []
    for _ in range(count):
        length = pick.choice(lengths)
        start = pick.randrange(len(source) - length)
        found.append(source[start : start + length])
    return found


def requests_of(texts: Sequence[str], rows: int) -> list[bytes]:
    parts = [list(texts[start : start + rows]) for start in range(0, len(texts) - rows + 1, rows)]
    return [
        request_bytes(
            "/v1/embeddings", json.dumps({"model": "m", "input": part, "encoding_format": "base64"}).encode()
        )
        for part in parts
    ]


def encode_directly(model_name: str, workload: str, sizes: Sequence[int]) -> dict[str, object]:
    """The tokens of all texts, and the CPU seconds of one in calls of each size; the best of three."""
    import mlx_jinabert

    model, texts = mlx_jinabert.load(model_name), texts_of(workload)
    tokens = sum(min(count, model.max_length) for count in model.count_tokens(texts))
    model.encode(texts[:200], truncation="silent")
    best = dict.fromkeys(sizes, float("inf"))
    for _ in range(3):
        for size in sizes:
            begun = time.process_time()
            for start in range(0, len(texts), size):
                model.encode(texts[start : start + size], truncation="silent")
            best[size] = min(best[size], (time.process_time() - begun) / len(texts))
    return {"tokens": tokens, "cpu": [best[size] for size in sizes]}


def mean_tokens(model_name: str, texts: Sequence[str]) -> float:
    import mlx_jinabert

    model = mlx_jinabert.load(model_name)
    return float(np.minimum(model.count_tokens(texts), model.max_length).mean())


def direct(model: str, workload: str, sizes: Sequence[int]) -> tuple[int, dict[int, float]]:
    """The tokens of all texts, and the CPU seconds of one in calls of each size."""
    result = program.fresh(encode_directly, model, workload, sizes)
    return result["tokens"], dict(zip(sizes, result["cpu"], strict=True))


def measured(
    server: Process,
    requests: Sequence[bytes],
    tokens: float,
    args: argparse.Namespace,
    clients: int,
    leaving: float = 0.0,
) -> dict[str, float]:
    """One run after a short one; ``tokens`` is the mean of a request."""
    drive(server.port, requests, clients=clients, seconds=1)
    cpu = server.cpu_seconds()
    load: Load = drive(server.port, requests, clients=clients, seconds=args.seconds, leaving=leaving)
    cpu = server.cpu_seconds() - cpu
    return {
        "clients": clients,
        "requests/s": load.answered / load.seconds,
        "tokens/s": load.answered * tokens / load.seconds,
        "us a request": 1e6 * cpu / load.answered,
        "p50 ms": load.percentile(0.5) * 1000,
        "p99 ms": load.percentile(0.99) * 1000,
        "left": load.left,
        "answered": load.answered,
        "refused": load.statuses.get(429, 0),
    }


def under_load(args: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for workload, size in (("short", 1), ("mixed", 1), ("mixed", 16)):
        for clients in args.clients:
            for row in _compared(args, workload, size, clients):
                rows.append({"workload": workload, "texts": size, **row})
                print(json.dumps(rows[-1]), flush=True)
    return rows


def _compared(args: argparse.Namespace, workload: str, size: int, clients: int) -> list[dict[str, object]]:
    """One row for each server: medians over rounds in which they take turns with direct ``encode``."""
    texts = texts_of(workload)
    requests, together = requests_of(texts, size), size * clients
    alone: list[tuple[float, float]] = []
    found: dict[str, list[dict[str, float]]] = {"ours": [], "naive": [], "floor": []}
    with ExitStack() as running:
        started = (ours(args.model), naive(args.model), floor())
        servers = dict(zip(found, map(running.enter_context, started), strict=True))
        for _ in range(args.rounds):
            tokens, cpu = direct(args.model, workload, (TEXTS, together))
            alone.append((cpu[TEXTS] * size, cpu[together] * size))
            for name, server in servers.items():
                found[name].append(measured(server, requests, tokens / len(texts) * size, args, clients))
    medians = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for name, runs in found.items()
    }
    whole, calls = (1e6 * statistics.median(each) for each in zip(*alone, strict=True))
    attainable = calls + medians["floor"]["us a request"]
    return [
        {
            "server": name,
            **row,
            "direct": whole,
            "direct in such calls": calls,
            "of direct": whole / row["us a request"],
            "of attainable": attainable / row["us a request"],
        }
        for name, row in medians.items()
    ]


def memory_slope(args: argparse.Namespace) -> list[dict[str, object]]:
    """Resident memory over many requests, after the first tenth: bytes a request by least squares."""
    requests, samples = requests_of(texts_of("mixed"), 1) + requests_of(texts_of("short"), 1), []
    with ours(args.model) as server:
        load = drive(
            server.port,
            requests,
            clients=32,
            seconds=float("inf"),
            count=args.requests,
            watch=lambda count: samples.append((count, server.memory())) if count % 500 == 0 else None,
        )
    counts, sizes = np.array(samples[len(samples) // 10 :]).T
    slope, _ = np.polyfit(counts, sizes, 1)
    return [
        {
            "requests": load.answered,
            "first MiB": sizes[0] / 2**20,
            "last MiB": sizes[-1] / 2**20,
            "largest MiB": sizes.max() / 2**20,
            "bytes a request": slope,
        }
    ]


def overload(args: argparse.Namespace) -> list[dict[str, object]]:
    """More than the queue takes: 128 clients with 32 texts each; then a fifth that leave without waiting."""
    texts = texts_of("mixed")
    tokens = mean_tokens(args.model, texts)
    rows: list[dict[str, object]] = []
    with ours(args.model, "--max-queue-tokens", "100000") as server:
        before = server.memory()
        row = measured(server, requests_of(texts, 32), tokens * 32, args, 128)
        rows.append({"case": "overload", **row, "growth MiB": (server.memory() - before) / 2**20})
    with ours(args.model) as server:
        requests = requests_of(texts, 4)
        for share in (0.0, 0.2, 0.0, 0.2):
            row = measured(server, requests, tokens * 4, args, 32, leaving=share)
            rows.append(
                {
                    "case": f"{share:.0%} leave",
                    **row,
                    "queue after": server.metric("mlx_jinabert_queue_tokens"),
                }
            )
    return rows


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--requests", type=int, default=50_000, help="of the run that watches memory")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--only", choices=["load", "memory", "overload"])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(f"{args.model} on {records.machine_line()}\n")
    for name, part in (("load", under_load), ("memory", memory_slope), ("overload", overload)):
        if args.only in (None, name):
            rows = part(args)
            header = list(dict.fromkeys(key for row in rows for key in row))
            cells = [[_shown(row.get(key, "")) for key in header] for row in rows]
            print(f"\n{records.table(header, cells)}", flush=True)
            records.write(args.out, f"serve {name}", {"model": args.model, "seconds": args.seconds}, rows)


def _shown(value: object) -> str:
    return (
        f"{value:,.2f}"
        if isinstance(value, float) and abs(value) < 100
        else f"{value:,.0f}"
        if isinstance(value, float)
        else str(value)
    )


if __name__ == "__main__":
    main()
