"""The server under load on the loopback address, beside direct ``encode`` and beside a naive server.

    python -m benches.serve [--model embedded] [--seconds 5] [--clients 1 8 32 128] [--only load|overload|...]

tokens/CPU-s are tokens computed over the CPU seconds of the server's process (its clients' not counted);
direct is ``Embedder.encode`` on the same texts in one call, in a process of its own, by CPU seconds too.
The naive server encodes each request by itself, in a thread, in the same framework. Nothing is cached.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benches import records
from benches.http_load import Load, drive, request_bytes

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


class Process:
    """A server in a process of its own, and what the system says of it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self.pid = process.pid

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            found = re.search(rf"^{name}{{[^}}]*}} (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextmanager
def ours(model: str, *options: str) -> Iterator[Process]:
    command = ["-m", "mlx_jinabert", "serve", "--model", f"m={model}", "--cache-bytes", "0"]
    with _running([*command, "--auto-truncate", *options]) as process:
        yield process


@contextmanager
def naive(model: str) -> Iterator[Process]:
    with _running(["-m", "benches.serve", "--naive", "--model", model]) as process:
        yield process


@contextmanager
def _running(command: Sequence[str]) -> Iterator[Process]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _until_ready(port)
        yield Process(process, port)
    finally:
        process.terminate()
        process.wait(60)


def _until_ready(port: int) -> None:
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                return
        except OSError:
            time.sleep(0.1)


def serve_naively(model_name: str, port: int) -> None:
    """One request, one encode."""
    import asyncio
    import base64

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    import mlx_jinabert

    model = mlx_jinabert.load(model_name)

    async def embeddings(request: Request) -> JSONResponse:
        texts = (await request.json())["input"]
        vectors = await asyncio.to_thread(model.encode, texts)
        data = [
            {"object": "embedding", "index": n, "embedding": base64.b64encode(row.tobytes()).decode()}
            for n, row in enumerate(vectors)
        ]
        return JSONResponse({"object": "list", "data": data, "model": "m"})

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({})

    app = Starlette(routes=[Route("/v1/embeddings", embeddings, methods=["POST"]), Route("/health", health)])
    uvicorn.run(app, port=port, access_log=False)


def encode_directly(model_name: str, workload: str) -> None:
    """Print tokens per CPU second of one call on all texts, and by the clock; the best of three."""
    import mlx_jinabert

    model, texts = mlx_jinabert.load(model_name), texts_of(workload)
    tokens = sum(min(count, model.max_length) for count in model.count_tokens(texts))
    model.encode(texts[:200], truncation="silent")
    best = {"cpu": 0.0, "clock": 0.0, "tokens": tokens}
    for _ in range(3):
        cpu, clock = time.process_time(), time.perf_counter()
        model.encode(texts, truncation="silent")
        best["cpu"] = max(best["cpu"], tokens / (time.process_time() - cpu))
        best["clock"] = max(best["clock"], tokens / (time.perf_counter() - clock))
    print(json.dumps(best))


def mean_tokens(model_name: str, texts: Sequence[str]) -> float:
    import mlx_jinabert

    model = mlx_jinabert.load(model_name)
    return float(np.minimum(model.count_tokens(texts), model.max_length).mean())


def direct(model: str, workload: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benches.serve", "--direct", workload, "--model", model]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(out.splitlines()[-1])
    return result


def measured(
    server: Process,
    requests: Sequence[bytes],
    tokens: float,
    args: argparse.Namespace,
    clients: int,
    **options: object,
) -> dict[str, float]:
    """One run after a short one; ``tokens`` is the mean of a request."""
    drive(server.port, requests, clients=clients, seconds=1)
    cpu = server.cpu_seconds()
    load: Load = drive(server.port, requests, clients=clients, seconds=args.seconds, **options)
    cpu = server.cpu_seconds() - cpu
    return {
        "clients": clients,
        "requests/s": load.answered / load.seconds,
        "tokens/s": load.answered * tokens / load.seconds,
        "tokens/CPU-s": load.answered * tokens / cpu,
        "p50 ms": load.percentile(0.5) * 1000,
        "p99 ms": load.percentile(0.99) * 1000,
        "left": load.left,
        "answered": load.answered,
        "refused": load.statuses.get(429, 0),
    }


def under_load(args: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for workload, size in (("short", 1), ("mixed", 1), ("mixed", 16)):
        texts = texts_of(workload)
        requests, alone = requests_of(texts, size), direct(args.model, workload)
        tokens = alone["tokens"] / len(texts) * size
        for name, start in (
            ("ours", ours(args.model)),
            ("naive", naive(args.model)),
        ):
            with start as server:
                for clients in args.clients:
                    row = measured(server, requests, tokens, args, clients)
                    share = row["tokens/CPU-s"] / alone["cpu"]
                    rows.append(
                        {"workload": workload, "texts": size, "server": name, **row, "of direct": share}
                    )
                    print(json.dumps(rows[-1]), flush=True)
    return rows


def memory_slope(args: argparse.Namespace) -> list[dict[str, object]]:
    """Resident memory over many requests, after the first tenth: bytes a request by least squares."""
    requests, samples = requests_of(texts_of("mixed"), 1) + requests_of(texts_of("short"), 1), []
    with ours(args.model) as server:
        load = drive(
            server.port,
            requests,
            clients=32,
            seconds=args.memory_seconds,
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--memory-seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--only", choices=["load", "memory", "overload"])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--naive", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--direct", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.naive:
        serve_naively(args.model, args.port)
        return
    if args.direct:
        encode_directly(args.model, args.direct)
        return
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
