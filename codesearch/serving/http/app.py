"""The routes of the resident process."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from codesearch.quick_dataclass import dataclass
from codesearch.serving.http.guard import LINK_PATH, Guard, Links
from codesearch.serving.http.streaming import stream
from codesearch.serving.resident.activity import Activity
from codesearch.serving.resident.commands import Command, Runner, run_command
from codesearch.serving.resident.keeper import Keeper
from codesearch.serving.resident.memory import resident_bytes
from codesearch.serving.resident.pool import IndexPool

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Extra", "Resident", "build", "read_json"]

_THREADS = 8
_BODY_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Extra:
    """Routes that another part brings along, and what runs while the server does."""

    routes: Sequence[BaseRoute]
    lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None


@dataclass(slots=True)
class Resident:
    """State of one resident process."""

    runner: Runner
    pool: IndexPool
    keeper: Keeper
    secret: str
    stop: Callable[[], None]
    """Ends the process after the requests that are being answered."""
    port: int | None = None
    idle_limit: float | None = None
    activity: Activity = field(default_factory=Activity)
    links: Links = field(default_factory=Links)
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "answer"))
    started: float = field(default_factory=time.monotonic)

    def status(self) -> dict[str, Any]:
        """Describe the process, for ``codesearch serve --status``."""
        from codesearch import __version__

        return {
            "pid": os.getpid(),
            "port": self.port,
            "version": __version__,
            "up_seconds": round(time.monotonic() - self.started, 1),
            "idle_seconds": round(self.activity.idle_seconds, 1),
            "idle_limit_seconds": self.idle_limit,
            "requests": self.activity.requests,
            "memory_bytes": resident_bytes(),
            "memory_limit_bytes": self.pool.memory_limit,
            "watched": self.keeper.watched(),
            "indexes": [
                {"root": e.root, "lent": e.lent, "idle_seconds": e.idle_seconds}
                for e in self.pool.open_entries()
            ],
        }


def build(
    resident: Resident, extras: Sequence[Extra], lifespan: Callable[[], AbstractAsyncContextManager[Any]]
) -> ASGIApp:
    """The application, guarded; ``lifespan`` runs around the whole of it."""

    @asynccontextmanager
    async def whole(_: Starlette) -> AsyncIterator[None]:
        from contextlib import AsyncExitStack

        async with AsyncExitStack() as stack:
            for extra in extras:
                if extra.lifespan:
                    await stack.enter_async_context(extra.lifespan())
            await stack.enter_async_context(lifespan())
            yield

    routes: list[BaseRoute] = [
        Route("/v1/command", partial(_command, resident), methods=["POST"]),
        Route("/v1/status", partial(_status, resident), methods=["GET", "POST"]),
        Route("/v1/link", partial(_link, resident), methods=["POST"]),
        Route("/v1/stop", partial(_stop, resident), methods=["POST"]),
    ]
    for extra in extras:
        routes += extra.routes
    app = Starlette(
        routes=routes, lifespan=whole, exception_handlers={HTTPException: _no_route, Exception: _failed}
    )
    return Guard(app, resident.secret, resident.links)


async def _command(resident: Resident, request: Request) -> Response:
    try:
        command = Command.read(await read_json(request))
    except ValueError as error:
        return _bad(error)
    return StreamingResponse(_frames(resident, command), media_type="application/x-ndjson")


async def _frames(resident: Resident, command: Command) -> AsyncIterator[bytes]:
    with resident.activity.request():
        work = partial(run_command, command, resident.runner, resident.pool, finish=resident.keeper.finish)
        async for line in stream(work, resident.threads):
            yield line
    resident.threads.submit(resident.pool.spare)


async def _status(resident: Resident, _: Request) -> Response:
    return _line(resident.status())


async def _link(resident: Resident, _: Request) -> Response:
    return _line({"path": f"{LINK_PATH}?token={resident.links.new()}"})


async def _stop(resident: Resident, _: Request) -> Response:
    resident.stop()
    return _line({"stopping": os.getpid()})


async def read_json(request: Request) -> Any:
    """The body. ValueError where it is none, or too large."""
    import json

    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _BODY_BYTES:
            raise ValueError(f"the body has more than {_BODY_BYTES:,} bytes")
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None


def _bad(error: ValueError) -> Response:
    return _line({"error": str(error), "kind": "BadRequest"}, 400)


def _no_route(request: Request, error: Exception) -> Response:
    """Answer a path or a method that is not served as every other error: in JSON."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = "is not served" if status == 404 else str(getattr(error, "detail", error))
    return _line({"error": f"{request.method} {request.url.path[:200]}: {what}", "kind": "NotFound"}, status)


def _failed(_: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("a request failed", exc_info=error)
    return _line({"error": f"{type(error).__name__}: {error}", "kind": "InternalError"}, 500)


def _line(value: Any, status: int = 200) -> Response:
    """JSON with a line feed at the end, as the thin client reads lines."""
    response = JSONResponse(value, status_code=status)
    response.body = bytes(response.body) + b"\n"
    response.headers["content-length"] = str(len(response.body))
    return response
