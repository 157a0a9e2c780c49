"""A load generator: clients on connections that stay open, each sends a request after an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What happened: answers by status, seconds of each 200."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    left: int = 0
    """Requests whose client closed the connection before the answer."""
    seconds: float = 0.0

    @property
    def answered(self) -> int:
        return self.statuses.get(200, 0)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def request_bytes(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def drive(
    port: int,
    requests: Sequence[bytes],
    *,
    clients: int,
    seconds: float,
    leaving: float = 0.0,
    count: int | None = None,
    watch: Callable[[int], None] | None = None,
) -> Load:
    """Send ``requests`` in turn for so long, or ``count`` of them. ``leaving``: share not waited for.

    ``watch`` is told the number of answers after each of them.
    """
    return asyncio.run(_drive(port, requests, clients, seconds, leaving, count, watch))


async def _drive(
    port: int,
    requests: Sequence[bytes],
    clients: int,
    seconds: float,
    leaving: float,
    count: int | None,
    watch: Callable[[int], None] | None,
) -> Load:
    load, begun = Load(), time.perf_counter()
    numbers = iter(range(1 << 60 if count is None else count))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            sent = time.perf_counter()
            if sent - begun >= seconds:
                break
            writer.write(requests[number % len(requests)])
            if leaving and number % round(1 / leaving) == 0:
                await writer.drain()
                await asyncio.sleep(0.001)
                writer.close()
                load.left += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            status = await _answer(reader)
            load.statuses[status] = load.statuses.get(status, 0) + 1
            if status == 200:
                load.latencies.append(time.perf_counter() - sent)
            if watch is not None:
                watch(sum(load.statuses.values()))
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    load.seconds = time.perf_counter() - begun
    return load


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return int(head[9:12])
