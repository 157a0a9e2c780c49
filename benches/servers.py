"""The servers that benches.serve compares, each in a process of its own, and the peers among them.

    python -m benches.servers naive|floor --model embedded --port 8099

naive: in the same framework, each request is encoded by itself, in a thread. floor: nothing is computed:
the body is read, the answer waits for as long as a window of the real server takes, and is the same each
time. What it costs is what uvicorn, Starlette and the system take for a request at that pace.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

__all__ = ["Process", "floor", "naive", "ours"]

_FLOOR_SECONDS = 0.015
_FLOOR_WIDTH = 256

Embed = Callable[[list[str]], Awaitable[np.ndarray]]


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
    with _running(["-m", "benches.servers", "naive", "--model", model]) as process:
        yield process


@contextmanager
def floor() -> Iterator[Process]:
    with _running(["-m", "benches.servers", "floor"]) as process:
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
        _until_ready(process, port)
        yield Process(process, port)
    finally:
        process.terminate()
        process.wait(60)


def _until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{process.args} ended before it was ready")


def _serve(embed: Embed, port: int) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def embeddings(request: Request) -> JSONResponse:
        vectors = await embed((await request.json())["input"])
        data = [
            {"object": "embedding", "index": n, "embedding": base64.b64encode(row.tobytes()).decode()}
            for n, row in enumerate(vectors)
        ]
        return JSONResponse({"object": "list", "data": data, "model": "m"})

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({})

    app = Starlette(routes=[Route("/v1/embeddings", embeddings, methods=["POST"]), Route("/health", health)])
    uvicorn.run(app, port=port, access_log=False)


def _encoding(model_name: str) -> Embed:
    import mlx_jinabert

    model = mlx_jinabert.load(model_name)

    async def embed(texts: list[str]) -> np.ndarray:
        return await asyncio.to_thread(model.encode, texts, truncation="silent")

    return embed


async def _nothing(texts: list[str]) -> np.ndarray:
    await asyncio.sleep(_FLOOR_SECONDS)
    return np.ones((len(texts), _FLOOR_WIDTH), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=["naive", "floor"])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    _serve(_encoding(args.model) if args.kind == "naive" else _nothing, args.port)


if __name__ == "__main__":
    main()
