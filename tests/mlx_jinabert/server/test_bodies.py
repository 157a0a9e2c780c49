"""The body of a request: bounded whether or not its size is stated, and it may break off."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from mlx_jinabert.server.settings import Settings
from tests.support.serving import Served, served
from tests.support.waiting import PATIENCE

LIMIT = 2_000


@pytest.fixture(scope="module")
def bounded() -> Iterator[Served]:
    with served(Settings(backend="onnx", max_body_bytes=LIMIT)) as running:
        yield running


def body_of(size: int) -> bytes:
    empty = len(json.dumps({"input": ""}))
    return json.dumps({"input": "a" * (size - empty)}).encode()


def in_chunks(server: Served, body: bytes) -> tuple[int, bytes]:
    """Sent without a Content-Length."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        parts = (body[start : start + 100] for start in range(0, len(body), 100))
        connection.request("POST", "/v1/embeddings", parts, {"Host": "localhost"}, encode_chunked=True)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_as_large_as_the_limit_and_a_byte_larger(bounded: Served) -> None:
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413)):
        stated = bounded.post("/v1/embeddings", body_of(size))
        chunked, answer = in_chunks(bounded, body_of(size))
        assert (stated.status, chunked) == (status, status)
        if status == 413:
            assert f"larger than {LIMIT} bytes" in stated.json["error"]["message"]
            assert json.loads(answer) == stated.json


def test_a_size_over_the_limit_is_refused_before_anything_is_read(bounded: Served) -> None:
    with socket.create_connection(("127.0.0.1", bounded.port), timeout=PATIENCE) as client:
        head = f"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 413"


def test_one_that_breaks_off_harms_nobody(bounded: Served) -> None:
    with socket.create_connection(("127.0.0.1", bounded.port), timeout=PATIENCE) as client:
        client.sendall(b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert bounded.post("/embed", {"inputs": "still there"}).status == 200
