"""Open the sockets that a server listens on, before anything else is begun."""

from __future__ import annotations

import errno
import socket

__all__ = ["listen"]

_BACKLOG = 2048
"""Connections that may wait to be accepted: uvicorn's own number."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at each address of ``host``; "" is every address of the machine.

    A family of addresses that this machine does not have (IPv6 in many containers) is passed over. Raises
    OSError where an address is taken, is not of this machine or may not be used.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            sockets.append(socket.create_server(address, family=family, backlog=_BACKLOG))
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                for opened in sockets:
                    opened.close()
                raise
            missing = error
    if missing is not None and not sockets:
        raise missing
    return sockets
