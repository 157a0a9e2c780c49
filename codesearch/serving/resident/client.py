"""Ask the resident process: one request, answered line by line. Imports little, to start fast.

HTTP/1.0 by hand over a Unix socket or loopback: the answer then ends with the connection, and nothing has to
be imported that parses more than that (``http.client`` alone costs as much as the rest of a question).
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

from codesearch.serving.resident.address import Address, identity

__all__ = ["Unreachable", "allowed", "ask", "connect", "resident", "started"]

_CONNECT_SECONDS = 2.0
_SILENCE_SECONDS = 15.0
"""A process that works says so every second; after so much silence it is taken for dead."""
_READ_BYTES = 1 << 16
_START_SECONDS = 8.0
"""For a process to come up, where it is worth waiting for."""


class Unreachable(Exception):
    """No resident process answers (any more); the message says what happened."""


def allowed() -> bool:
    """Whether the user lets a resident process work for the commands: unless ``CODESEARCH_DAEMON=0``."""
    return os.environ.get("CODESEARCH_DAEMON", "").lower() not in ("0", "no", "off", "false")


def resident() -> Address | None:
    """The process that runs this very code; None where none does. One that runs other code is asked to go."""
    address = Address.read()
    if address is None or address.identity == identity():
        return address
    try:
        for _ in ask(address, "/v1/stop", {}):
            pass
    except Unreachable:
        pass
    return None


def started(seconds: float = _START_SECONDS) -> Address | None:
    """The process that runs this code, started if none does; None where none comes up in so many seconds."""
    address = resident()
    if address is not None and _listens(address):
        return address
    from codesearch.serving.resident import launch

    if launch.has_failed():
        return None
    child, end = launch.start(), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
        if child is not None and child.poll():
            launch.failed()
            return None
        address = Address.read()
        if address is not None and address.identity == identity() and _listens(address):
            if child is not None:
                child.returncode = 0  # it outlives this process on purpose: no warning that it is still there
            return address
    return None


def ask(address: Address, path: str, body: object) -> Iterator[dict[str, Any]]:
    """POST a JSON body; the objects of the answer as they come. Unreachable before or in the midst of them.

    ValueError with what the process says where it refuses the request.
    """
    with connect(address) as connection:
        try:
            connection.sendall(_request(address, path, json.dumps(body).encode()))
            lines = _lines(connection)
            status = next(lines, b"")
            for header in lines:
                if not header.strip():
                    break
            if b" 200 " not in status:
                said = b"".join(lines).decode("utf-8", "replace").strip()
                raise ValueError(said or f"the resident process answered {status!r}")
            for line in lines:
                if line.strip():
                    yield json.loads(line)
        except OSError as error:
            raise Unreachable(f"the resident process (process {address.pid}) is gone: {error}") from error


def connect(address: Address) -> socket.socket:
    """A connection, with a bound on every wait. Unreachable where nobody listens."""
    kind, _, where = address.where.partition(":")
    connection: socket.socket | None = None
    try:
        if kind == "unix":
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(where)
        else:
            connection = socket.create_connection(("127.0.0.1", int(where)), timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, AttributeError) as error:
        if connection is not None:
            connection.close()
        raise Unreachable(f"no resident process listens at {address.where}: {error}") from error
    connection.settimeout(_SILENCE_SECONDS)
    return connection


def _listens(address: Address) -> bool:
    try:
        connect(address).close()
    except Unreachable:
        return False
    return True


def _request(address: Address, path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {address.secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _lines(connection: socket.socket) -> Iterator[bytes]:
    """Lines with their ends, until the other side closes; a last one without an end is dropped as torn."""
    rest = b""
    while data := connection.recv(_READ_BYTES):
        *whole, rest = (rest + data).split(b"\n")
        yield from whole
