"""The ASGI application: routes, and what lives as long as the server does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlx_jinabert.server.api.endpoint import answering
from mlx_jinabert.server.api.openapi import document
from mlx_jinabert.server.api.table import ENDPOINTS
from mlx_jinabert.server.engine.pool import ModelPool, NotLoaded
from mlx_jinabert.server.errors import ApiError, error_body
from mlx_jinabert.server.json_answer import json_response
from mlx_jinabert.server.settings import Settings
from mlx_jinabert.server.web.gate import Gate, dialect_of
from mlx_jinabert.server.web.metrics import Metrics

__all__ = ["create_app"]

_log = logging.getLogger("mlx_jinabert.server")


def create_app(settings: Settings, on_failure: Callable[[str], None] | None = None) -> Starlette:
    """The application. ``on_failure`` is told why the first model could not be loaded."""
    metrics = Metrics()
    pool = ModelPool(settings, metrics)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        starting = asyncio.create_task(_start(pool, on_failure))
        yield
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await pool.close()

    described = document(ENDPOINTS)

    async def openapi(_: Request) -> Response:
        return json_response(described)

    handlers = {
        (endpoint.method, path): answering(endpoint) for endpoint in ENDPOINTS for path in endpoint.paths
    }
    handlers["GET", "/openapi.json"] = openapi
    routes = [Route(path, handler, methods=[method]) for (method, path), handler in handlers.items()]
    middleware = [Middleware(Gate, settings=settings, metrics=metrics, handlers=handlers)]
    if settings.allowed_origins:
        middleware.insert(0, _cross_origin(settings))  # a preflight request holds no key
    app = Starlette(
        routes=routes,
        middleware=middleware,
        lifespan=lifespan,
        exception_handlers={HTTPException: _no_such_route},
    )
    metrics.healthy.set_function(lambda: pool.problem is None)
    app.state.settings, app.state.pool, app.state.metrics = settings, pool, metrics
    return app


async def _start(pool: ModelPool, on_failure: Callable[[str], None] | None) -> None:
    try:
        await pool.start()
    except NotLoaded as error:
        if on_failure is not None:
            on_failure(str(error))


def _cross_origin(settings: Settings) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "Content-Type", "X-Request-Id"),
        expose_headers=("X-Request-Id", "Retry-After"),
    )


async def _no_such_route(request: Request, error: Exception) -> Response:
    """404 and 405 in the dialect of the path."""
    assert isinstance(error, HTTPException)
    status, path = error.status_code, request.url.path
    said = ApiError(f"{request.method} {path}: {error.detail}", "Validation", status, status)
    return json_response(error_body(said, dialect_of(path)), status, error.headers)
