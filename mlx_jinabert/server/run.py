"""Run the server until it is told to stop."""

from __future__ import annotations

import gc
import logging
import signal
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from mlx_jinabert.checkpoint.folder import origin_of
from mlx_jinabert.errors import JinabertError
from mlx_jinabert.remote.address import is_remote
from mlx_jinabert.server.app import create_app
from mlx_jinabert.server.settings import Settings

__all__ = ["NotServed", "make_server", "run"]

_log = logging.getLogger("mlx_jinabert.server")
_KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep a connection by default, so that none is closed under a request."""
_OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Python's default, 700, looks for cycles every few requests, which leave none: 5 % of their CPU time."""


class NotServed(JinabertError):
    """The server cannot listen, or cannot serve its models."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C, which let the requests that are being answered end first.

    Raises:
        NotServed: the address is taken, a model is behind HTTP, or the first one cannot be loaded.
        ModelFolderError: a name means no model.
    """
    for spec in settings.models:
        if is_remote(spec.source):
            raise NotServed(f"{spec.source} is a model behind HTTP already; serve one of this machine")
        origin_of(spec.source)
    failures: list[str] = []

    def give_up(problem: str) -> None:
        failures.append(problem)
        server.should_exit = True

    server = make_server(settings, create_app(settings, give_up))
    # uvicorn sends the signal again once it has stopped: with the default handler that would be no exit.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        server.run()
    except SystemExit as error:  # uvicorn's, once it has logged why it cannot listen
        where = f"{settings.host}:{settings.port}"
        raise NotServed(
            f"cannot listen on {where}, the log says why; choose another --host or --port"
        ) from error
    if failures:
        raise NotServed(failures[0])


def make_server(settings: Settings, app: ASGIApp) -> uvicorn.Server:
    """An HTTP server, not yet running, that logs no addresses and no queries."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    return uvicorn.Server(config)


def _ignore(number: int, frame: FrameType | None) -> None:
    """A signal that was handled already."""
