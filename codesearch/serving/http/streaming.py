"""Run work in a thread and stream its frames to the client, one JSON object per line.

While nothing comes, an empty line each second says that the process is alive. A client that leaves makes the
next frame of the work fail with BrokenPipeError, which ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import Any

__all__ = ["stream"]

_HEARTBEAT_SECONDS = 1.0


async def stream(
    work: Callable[[Callable[[dict[str, Any]], None]], None], executor: Executor
) -> AsyncIterator[bytes]:
    """Run ``work(send)`` and give out what it sends. An empty frame only asks whether anybody listens."""
    loop = asyncio.get_running_loop()
    frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    gone = threading.Event()

    def send(frame: dict[str, Any]) -> None:
        if gone.is_set():
            raise BrokenPipeError("the client has gone")
        if frame:
            loop.call_soon_threadsafe(frames.put_nowait, frame)

    done = loop.run_in_executor(executor, work, send)
    done.add_done_callback(lambda _: frames.put_nowait({}))
    try:
        while not (done.done() and frames.empty()):
            try:
                frame = await asyncio.wait_for(frames.get(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b"\n"
                continue
            if frame:
                yield json.dumps(frame).encode() + b"\n"
        await done
    finally:
        gone.set()
        with contextlib.suppress(Exception):
            done.exception() if done.done() and not done.cancelled() else None
