"""Who is let in: over the port as a browser, a foreign page or another user would come."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from codesearch.serving.resident.address import Address
from tests.support.resident import start
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of a test are ended by signals")


@dataclass
class Server:
    port: int
    secret: str
    process: subprocess.Popen[bytes]

    def get(self, path: str = "/v1/status", method: str = "GET", host: str | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", f"127.0.0.1:{self.port}" if host is None else host)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESEARCH_HOME", str(tmp_path_factory.mktemp("home")))
        process = start("--port", "0")
        address = Address.read()
        assert address is not None
        ports = subprocess.run(
            [sys.executable, "-m", "codesearch", "serve", "--status", "--json"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        yield Server(int(re.search(r'"port": (\d+)', ports)[1]), address.secret, process)
        process.kill()
        process.wait()


def test_the_secret_lets_in_and_nothing_else(server: Server) -> None:
    assert server.get(**server.bearer)[0] == 200
    for headers in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {server.secret}x"},
        {"Authorization": f"Basic {server.secret}"},
        {"Cookie": f"codesearch_session={server.secret}"},
        {"Cookie": "codesearch_session="},
        {"Cookie": "codesearch_session"},
        {"Cookie": "\xff;=\x01"},
    ):
        for path in (
            "/v1/status",
            "/v1/stop",
            "/v1/command",
            "/",
            "/mcp",
            "/nothing",
            "/static/../v1/status",
        ):
            status, _, body = server.get(path, method="POST", **headers)
            assert status == 401, (headers, path)
            assert server.secret.encode() not in body


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "user@localhost",
        "",
        "0.0.0.0",
        "localhost/x",
        "[::1",
        "127.0.0.1:x",
        "192.168.0.1",
    ],
)
def test_foreign_hosts_are_refused(server: Server, host: str) -> None:
    assert server.get(host=host, **server.bearer)[0] in (400, 421)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:80", "[::1]:80"])
def test_names_of_this_machine_are_fine(server: Server, host: str) -> None:
    assert server.get(host=host, **server.bearer)[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://"]
)
def test_foreign_pages_are_refused_even_with_the_secret(server: Server, origin: str) -> None:
    assert server.get(Origin=origin, **server.bearer)[0] == 403


def test_its_own_page_is_not_foreign(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert server.get(Origin=own, Sec_Fetch_Site="same-origin", **server.bearer)[0] == 200
    assert server.get(Sec_Fetch_Site="same-site", **server.bearer)[0] == 403  # a page on another port
    assert server.get(Sec_Fetch_Site="cross-site", **server.bearer)[0] == 403


def test_a_link_works_once_and_gives_a_strict_cookie(server: Server) -> None:
    _, _, body = server.get("/v1/link", method="POST", **server.bearer)
    path = re.search(rb'"path":\s*"([^"]+)"', body)[1].decode()
    status, headers, page = server.get(path)
    assert status == 200
    cookie = headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert server.secret not in cookie
    assert b"<script" not in page
    assert server.get(Cookie=cookie.split(";")[0])[0] == 200
    assert server.get(path)[0] == 403
    assert server.get(path.replace("token=", "token=x"))[0] == 403
    assert server.get(Cookie=cookie.split(";")[0], Origin="http://evil.example")[0] == 403


def test_bodies_that_no_client_sends_are_refused_in_words(server: Server) -> None:
    import json

    for body in (
        b"",
        b"{",
        b"[]",
        b"1",
        b"[" * 100_000,
        b'{"args": 3}',
        b"\xff" * 10,
        json.dumps(
            {"args": [], "folder": "relative", "variables": {}, "tty": [0, 0], "surroundings": ""}
        ).encode(),
        json.dumps(
            {"args": [], "folder": "/", "variables": {"PATH": "x"}, "tty": [0, 0], "surroundings": ""}
        ).encode(),
        b'"' + b"x" * (5 << 20) + b'"',
    ):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.request("POST", "/v1/command", body, server.bearer)
        answer = connection.getresponse()
        assert answer.status == 400, body[:40]
        assert json.loads(answer.read())["error"]
        connection.close()
    assert server.get(**server.bearer)[0] == 200
