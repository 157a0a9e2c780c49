"""The Model Context Protocol, through its official SDK, which speaks both of its versions (extra ``mcp``).

Here is only what joins the SDK to the tools: the list of them, a call in a thread with its progress, and
errors as results that a model can read and act on.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from starlette.routing import Route

from codesearch import __version__
from codesearch.errors import CodesearchError
from codesearch.serving.agents.arguments import INSTRUCTIONS, TOOLS
from codesearch.serving.agents.tools import Tools
from codesearch.serving.agents.unreadable import Readable
from codesearch.serving.agents.wording import Wording

__all__ = ["http_app", "run_stdio", "server"]

_THREADS = 8
_PROGRESS_SECONDS = 0.5
_LABELS = {"walk": "finding files", "chunk": "reading files", "embed": "embedding chunks"}
_READ_ONLY = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)


def server(tools: Tools, folders: Sequence[str]) -> Server[dict[str, Any]]:
    """A server whose tools may search these folders."""
    listed = types.ListToolsResult(
        tools=[
            types.Tool(
                name=tool.name, description=tool.description, input_schema=tool.schema, annotations=_READ_ONLY
            )
            for tool in TOOLS
        ]
    )
    threads = anyio.CapacityLimiter(_THREADS)

    async def on_list_tools(_: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed

    async def on_call_tool(
        ctx: ServerRequestContext[dict[str, Any]], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        work = partial(
            tools.call, params.name, params.arguments or {}, folders, _Progress(ctx.session.report_progress)
        )
        try:
            found: Wording = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=threads)
        except CodesearchError as error:
            return types.CallToolResult(content=[_text(f"error: {error}")], is_error=True)
        return types.CallToolResult(content=[_text(found.text)], structured_content=found.structured)

    return Server(
        "codesearch",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
    )


def run_stdio(tools: Tools, folders: Sequence[str]) -> None:
    """Serve one client over stdin and stdout until it leaves."""

    async def serve() -> None:
        mine = server(tools, folders)
        async with stdio_server() as (incoming, outgoing):
            await mine.run(Readable(incoming, outgoing), outgoing, mine.create_initialization_options())

    anyio.run(serve)


def http_app(
    tools: Tools, folders: Sequence[str], busy: Callable[[], AbstractContextManager[None]]
) -> tuple[Route, Callable[[], AbstractAsyncContextManager[None]]]:
    """The route of streamable HTTP, and what has to run meanwhile. ``busy()`` is entered for each request.

    Host, Origin and secret are checked before a request comes here.
    """
    manager = StreamableHTTPSessionManager(app=server(tools, folders), stateless=False)
    answer = StreamableHTTPASGIApp(manager)

    class Endpoint:
        """An ASGI application, as ``Route`` wants it: an instance of a class."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            with busy():
                await answer(scope, receive, send)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Route("/mcp", endpoint=Endpoint()), lifespan


class _Progress:
    """Progress of the work in a thread as notifications; their number counts them, as it must always grow."""

    def __init__(self, report: Callable[..., Any]) -> None:
        self._report = report
        self._count = 0
        self._due = time.monotonic() + _PROGRESS_SECONDS

    def __call__(self, stage: str, done: int, total: int) -> None:
        anyio.from_thread.check_cancelled()
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _PROGRESS_SECONDS
        self._count += 1
        of = f" of {total:,}" if total else ""
        said = f"{_LABELS.get(stage, stage)}: {done:,}{of}"
        anyio.from_thread.run(partial(self._report, float(self._count), message=said))


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
