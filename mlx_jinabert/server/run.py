"""Run the server until it is told to stop."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from mlx_jinabert.checkpoint.folder import origin_of
from mlx_jinabert.errors import JinabertError
from mlx_jinabert.remote.address import is_remote
from mlx_jinabert.server.app import create_app
from mlx_jinabert.server.listening import listen
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
    sockets = _listen(settings)
    failures: list[str] = []

    def give_up(problem: str) -> None:
        failures.append(problem)
        server.should_exit = True

    server = make_server(settings, create_app(settings, give_up))
    # uvicorn sends the signal again once it has stopped: with the default handler that would be no exit.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    server.run(sockets)
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


def _listen(settings: Settings) -> list[socket.socket]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        sockets = listen(settings.host, settings.port)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise NotServed(
            f"cannot listen on {host}:{settings.port}: {reason}; choose another --host or --port"
        ) from error
    _log.info("running on http://%s:%d", host, sockets[0].getsockname()[1])
    return sockets


def _ignore(number: int, frame: FrameType | None) -> None:
    """A signal that was handled already."""
