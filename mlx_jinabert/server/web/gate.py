"""The ASGI layer around the endpoints: access, request ids, how many at a time, log and metrics."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlx_jinabert.server.errors import ApiError, Dialect, error_body, overloaded
from mlx_jinabert.server.json_answer import json_response
from mlx_jinabert.server.record import RequestRecord
from mlx_jinabert.server.settings import Settings
from mlx_jinabert.server.web.access import PUBLIC, Access
from mlx_jinabert.server.web.logs import log_request
from mlx_jinabert.server.web.metrics import Metrics

__all__ = ["Gate", "dialect_of"]

Handler = Callable[[Request], Awaitable[Response]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_READ = {
    name.encode(): name for name in ("host", "origin", "authorization", "x-request-id", "content-length")
}
"""The headers that are looked at."""
_QUIET = ("/health", "/ping", "/metrics")
"""Asked every few seconds by what watches a server: counted, not logged."""
_GONE = 499
"""The status in logs of a request whose client left."""


def dialect_of(path: str) -> Dialect:
    """How errors are told there."""
    return "openai" if path.startswith("/v1/") and path != "/v1/rerank" else "tei"


class Gate:
    """Wraps an application. ``handlers`` (by method and path) answer before it: a shorter way."""

    def __init__(
        self, app: ASGIApp, settings: Settings, metrics: Metrics, handlers: Mapping[tuple[str, str], Handler]
    ) -> None:
        self._app = app
        self._handlers = handlers
        self._access = Access(settings)
        self._limit = settings.max_concurrent_requests
        self._metrics = metrics
        self._routes = frozenset(path for _, path in handlers)
        self._in_flight = 0
        metrics.in_flight.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {_READ[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
        stated = headers.get("content-length", "")
        record = RequestRecord(_request_id(headers), int(stated) if stated.isdecimal() else 0)
        scope["record"] = record
        path = scope["path"]
        status = _GONE

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", record.id.encode())]
            await send(message)

        self._in_flight += 1
        try:
            try:
                self._admit(path, headers)
            except ApiError as error:
                await _refuse(error, path, record)(scope, receive, answer)
            else:
                await self._respond(scope, receive, answer)
        finally:
            self._in_flight -= 1
            route = path if path in self._routes else "other"
            self._metrics.answered(record, scope["method"], route, status)
            if path not in _QUIET:
                log_request(record, scope["method"], route, status)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get((scope["method"], scope["path"]))
        if handler is None:
            await self._app(scope, receive, send)
        else:
            response = await handler(Request(scope, receive))
            await response(scope, receive, send)

    def _admit(self, path: str, headers: Mapping[str, str]) -> None:
        self._access.check(path, headers)
        if self._in_flight > self._limit and path not in PUBLIC:
            raise overloaded(f"{self._limit} requests are being answered; try again later", 1)


def _refuse(error: ApiError, path: str, record: RequestRecord) -> ASGIApp:
    dialect = dialect_of(path)
    record.error = error.kind
    return json_response(error_body(error, dialect), error.status_in(dialect), error.headers)


def _request_id(headers: Mapping[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
