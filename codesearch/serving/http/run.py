"""The life of a resident process: one per user, from its sockets to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.errors import CodesearchError, IndexBusy
from codesearch.quick_dataclass import dataclass
from codesearch.serving.http.app import Extra, Resident, build
from codesearch.serving.resident.address import LOCK_NAME, Address, identity
from codesearch.serving.resident.commands import Runner
from codesearch.serving.resident.keeper import Keeper
from codesearch.serving.resident.pool import IndexPool
from codesearch.storage.folders.home import index_home
from codesearch.storage.folders.lock import WriterLock

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

__all__ = ["IDLE_SECONDS", "MEMORY_BYTES", "AlreadyRunning", "Parts", "ServeOptions", "serve"]

IDLE_SECONDS = 15 * 60.0
MEMORY_BYTES = 1 << 30
_SOCKET_NAME = "server.sock"
_LONGEST_SOCKET_PATH = 100
"""Bytes; systems take 104 to 108."""
_BACKLOG = 128
_LOOKS_SECONDS = 2.0
_DRAIN_SECONDS = 20


class AlreadyRunning(CodesearchError):
    """Another resident process of this user has the place."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How long, how large, and where besides the private socket."""

    port: int | None = None
    """Of 127.0.0.1, for browsers and HTTP clients; 0 lets the system choose."""
    idle_seconds: float | None = None
    """End after so long without a request; None: never."""
    memory_bytes: int = MEMORY_BYTES
    wait_seconds: float = 0.0
    """For a process that is on its way out."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of the server that stand above this package."""

    runner: Runner
    extras: Callable[[Resident], Sequence[Extra]]
    on_ready: Callable[[Address, int | None], None]
    """Called with the address and the port, if there is one, when clients are answered."""


def serve(options: ServeOptions, parts: Parts) -> None:
    """Serve until idle, stopped or interrupted. AlreadyRunning where another process does."""
    home = index_home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = WriterLock(home / LOCK_NAME, options.wait_seconds)
    try:
        lock.acquire()
    except IndexBusy as busy:
        raise AlreadyRunning(
            f"process {busy.pid} serves already; to replace it: codesearch serve --stop"
        ) from None
    try:
        _serve(options, parts, home, lock)
    finally:
        lock.release()


def _serve(options: ServeOptions, parts: Parts, home: Path, lock: WriterLock) -> None:
    sockets, where, port = _listen(home, options.port)
    address = Address(where, os.getpid(), identity(), secrets.token_urlsafe(32))
    pool = IndexPool(options.memory_bytes)
    keeper = Keeper(pool, watching=True)

    def stop() -> None:
        address.withdraw()
        server.should_exit = True
        lock.release()  # whoever comes next need not wait for the last answers

    resident = Resident(parts.runner, pool, keeper, address.secret, stop, port, options.idle_seconds)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        address.write()
        parts.on_ready(address, port)
        watch = asyncio.create_task(_end_when_idle(resident, address))
        try:
            yield
        finally:
            watch.cancel()
            address.withdraw()

    server = _server(build(resident, parts.extras(resident), life))
    try:
        server.run(sockets=sockets)
    finally:
        address.withdraw()
        for listening in sockets:
            listening.close()
        resident.threads.shutdown(wait=False, cancel_futures=True)
        keeper.close()
        pool.close()


def _server(app: ASGIApp) -> uvicorn.Server:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        http="h11",
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return uvicorn.Server(config)


async def _end_when_idle(resident: Resident, address: Address) -> None:
    """Stop when nobody has asked for long enough, or nobody can, as the file that leads here is gone."""
    while resident.idle_limit is None or resident.activity.idle_seconds < resident.idle_limit:
        found = Address.read()
        if found is None or found.secret != address.secret:
            break
        await asyncio.sleep(_LOOKS_SECONDS)
    resident.stop()


def _listen(home: Path, port: int | None) -> tuple[list[socket.socket], str, int | None]:
    """The sockets, the address for clients, and the port if there is one.

    Clients get a Unix socket in the private folder, or loopback where the system has none or its path is too
    long.
    """
    sockets: list[socket.socket] = []
    path = home / _SOCKET_NAME
    where = ""
    if sys.platform != "win32" and len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        mask = os.umask(0o177)
        try:
            private = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            private.bind(str(path))
        finally:
            os.umask(mask)
        private.listen(_BACKLOG)
        sockets.append(private)
        where = f"unix:{path}"
    bound: int | None = None
    if port is not None or not where:
        public = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            public.bind(("127.0.0.1", port or 0))
        except OSError as error:
            raise CodesearchError(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port"
            ) from error
        public.listen(_BACKLOG)
        sockets.append(public)
        bound = int(public.getsockname()[1])
    return sockets, where or f"tcp:{bound}", bound if port is not None else None
