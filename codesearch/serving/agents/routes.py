"""Routes of the resident process for agents: the tools for its own clients, and MCP at ``/mcp``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from codesearch.errors import CodesearchError
from codesearch.serving.agents.answers import Answers
from codesearch.serving.agents.tools import Here
from codesearch.serving.http.app import Extra, Resident, read_json
from codesearch.serving.http.streaming import stream

__all__ = ["extra"]

Send = Callable[[dict[str, Any]], None]


def extra(resident: Resident, folders: Sequence[str]) -> Extra:
    """The routes. ``folders`` are those that agents which come over HTTP may search; none: no MCP there."""
    tools = Here(Answers(resident.pool, resident.keeper))
    routes: list[BaseRoute] = [Route("/v1/tool", partial(_tool, resident, tools), methods=["POST"])]
    if not folders:
        return Extra(routes)
    try:
        from codesearch.serving.agents.protocol import http_app
    except ImportError:
        return Extra([*routes, Route("/mcp", _not_installed, methods=["GET", "POST", "DELETE"])])
    route, lifespan = http_app(tools, folders, resident.activity.request)
    return Extra([*routes, route], lifespan)


async def _tool(resident: Resident, tools: Here, request: Request) -> Response:
    try:
        body = await read_json(request)
        name, arguments = str(body["tool"]), dict(body["arguments"])
        folders = [str(folder) for folder in body["folders"]]
    except (KeyError, TypeError, ValueError) as error:
        return JSONResponse({"error": f"not a call: {error}", "kind": "BadRequest"}, 400)

    def work(send: Send) -> None:
        try:
            found = tools.call(name, arguments, folders, lambda *report: _report(send, *report))
            send({"text": found.text, "structured": found.structured})
        except CodesearchError as error:
            send({"error": str(error), "kind": type(error).__name__})

    async def frames() -> AsyncIterator[bytes]:
        with resident.activity.request():
            async for line in stream(work, resident.threads):
                yield line
        resident.threads.submit(resident.pool.spare)

    return StreamingResponse(frames(), media_type="application/x-ndjson")


def _report(send: Send, stage: str, done: int, total: int) -> None:
    send({"progress": [stage, done, total]})


async def _not_installed(_: Request) -> Response:
    why = "the Model Context Protocol is an extra; install it with: pip install 'mlx-jinabert[mcp]'"
    return JSONResponse({"error": why, "kind": "NotInstalled"}, 501)
