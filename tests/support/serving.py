"""The real server on a port of the loopback address, in this process or in one of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from mlx_jinabert.server.app import create_app
from mlx_jinabert.server.run import make_server
from mlx_jinabert.server.settings import Settings
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE, wait_for

__all__ = ["Answer", "Served", "served", "server_process"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    app: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, content, {"Content-Type": "application/json", **(headers or {})})


@contextmanager
def served(settings: Settings, *, wait: bool = True) -> Iterator[Served]:
    """``wait`` until the first model is there."""
    app = create_app(settings)
    server = make_server(replace(settings, port=0), app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started)
        running = Served(server.servers[0].sockets[0].getsockname()[1], app)
        if wait:
            wait_for(lambda: running.get("/health").status == 200)
        yield running
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def server_process(*arguments: str) -> Iterator[tuple[Served, subprocess.Popen[str]]]:
    """``mlx-jinabert serve`` as it is started from a shell; its later logs are ``process.stderr``."""
    command = [sys.executable, "-m", "mlx_jinabert", "serve", "--port", "0", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, "the server ended before it listened"
            found = re.search(r"running on http://.*?:(\d+)", line)
        yield Served(int(found[1])), process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
