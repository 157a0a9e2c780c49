"""Who may ask: the Host header, the Origin header, the key.

A web page can make its visitor's browser send requests to servers on the visitor's machine. A page that
does so under its own name is told by Origin; one whose name resolves to the loopback address (DNS
rebinding) by Host.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from mlx_jinabert.server.errors import ApiError
from mlx_jinabert.server.settings import Settings

__all__ = ["PUBLIC", "Access", "read_keys"]

PUBLIC = ("/health", "/ping", "/metrics")
"""Need no key: what watches a server has none."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WILDCARDS = ("0.0.0.0", "::", "")


class Access:
    """The rules of one server."""

    def __init__(self, settings: Settings) -> None:
        own = () if settings.host in _WILDCARDS else (settings.host,)
        self._hosts = {name.lower() for name in (*_LOOPBACK, *own, *settings.allowed_hosts)}
        self._origins = set(settings.allowed_origins)
        self._keys = [_digest(key) for key in settings.api_keys]

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """ApiError unless a request with these headers (names in lower case) may be answered."""
        host = headers.get("host", "")
        if "*" not in self._hosts and _name(host) not in self._hosts:
            raise _refused(421, f"Host {host!r} is not served; start the server with --allowed-host")
        origin = headers.get("origin")
        if origin and "*" not in self._origins and not self._is_ours(origin, host):
            raise _refused(403, f"Origin {origin!r} may not ask; start the server with --allowed-origin")
        if self._keys and path not in PUBLIC and not self._holds_key(headers):
            raise ApiError(
                "a valid API key is needed: Authorization: Bearer KEY",
                "Unauthorized",
                401,
                401,
                "authentication_error",
                "invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _is_ours(self, origin: str, host: str) -> bool:
        return origin in self._origins or urlsplit(origin).netloc.lower() == host.lower()

    def _holds_key(self, headers: Mapping[str, str]) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = _digest(key.strip() if scheme.lower() == "bearer" else "")
        # All of them are compared, whatever matches, in a time that depends on no key.
        return sum(hmac.compare_digest(given, known) for known in self._keys) > 0


def _name(host: str) -> str:
    """ "[::1]:8080" -> "::1"; "" for what is no host."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _refused(status: int, message: str) -> ApiError:
    return ApiError(message, "Validation", status, status)


def read_keys(environment: str | None, lines: Sequence[str]) -> tuple[str, ...]:
    """Keys from a comma-separated variable and from a file's lines; comments (#) and blanks are none."""
    named = (environment or "").split(",")
    listed = [line for line in lines if not line.lstrip().startswith("#")]
    return tuple(key.strip() for key in (*named, *listed) if key.strip())
