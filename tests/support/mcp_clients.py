"""The official SDK's client over each transport, as a synchronous test uses it."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.support.waiting import PATIENCE

__all__ = ["over_http", "over_stdio"]

Result = TypeVar("Result")
Use = Callable[[Client], Awaitable[Result]]


def over_stdio(
    use: Use[Result], cwd: Path, *args: str, mode: str = "auto", env: dict[str, str] | None = None
) -> Result:
    """``await use(client)`` with a server of its own: ``codesearch mcp`` in this folder."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codesearch", "mcp", *args],
        cwd=str(cwd),
        env={**os.environ, **(env or {})},
    )

    async def main() -> Result:
        async with Client(parameters, mode=mode, read_timeout_seconds=60) as client:
            return await use(client)

    return anyio.run(main)


def over_http(use: Use[Result], port: int, secret: str, *, mode: str = "auto") -> Result:
    """``await use(client)`` over streamable HTTP."""

    @asynccontextmanager
    async def transport() -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            url = f"http://127.0.0.1:{port}/mcp"
            async with streamable_http_client(url, http_client=http) as streams:
                yield streams

    async def main() -> Result:
        async with Client(transport(), mode=mode, read_timeout_seconds=60) as client:
            return await use(client)

    return anyio.run(main)
