"""Who may ask: clients that know the secret, under a name of this machine, and no foreign web page.

The secret comes in a header (``Authorization: Bearer``) or, for a browser, in a same-site cookie, set by a
link that works once. The Host must be loopback's, so that a name which a foreign page makes point here (DNS
rebinding) leads nowhere, and an Origin must be this server's own. All of it holds over the Unix socket too.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["COOKIE", "LINK_PATH", "Guard", "Links"]

COOKIE = "codesearch_session"
LINK_PATH = "/open"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NEAR = frozenset({"none", "same-origin"})
"""Fetch metadata: typed by the user, or from this page; another port of this machine is "same-site"."""
_LINK_SECONDS = 120.0
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Links:
    """Tokens of links that open the page once, within two minutes."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def new(self) -> str:
        """A token."""
        token = secrets.token_urlsafe(24)
        self._until[token] = time.monotonic() + _LINK_SECONDS
        return token

    def take(self, token: str) -> bool:
        """Whether the token is one that was not used yet; it is now."""
        now = time.monotonic()
        self._until = {known: until for known, until in self._until.items() if until > now}
        return self._until.pop(token, None) is not None


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, secret: str, links: Links) -> None:
        self._app = app
        self._secret = secret.encode()
        self._links = links
        self._session = secrets.token_urlsafe(24)
        """The value of the cookie: it ends with this process, and is not the secret."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 to a foreign Host, 403 to a foreign Origin, 401 without the secret, else pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not _is_loopback(host):
            await _refuse(send, 421, f"the Host is {host!r}; expected 127.0.0.1 or localhost")
        elif not _is_own(headers.get(b"origin"), host) or headers.get(b"sec-fetch-site", "none") not in _NEAR:
            await _refuse(send, 403, "requests of other web pages are refused")
        elif scope["path"] == LINK_PATH and scope["method"] == "GET":
            await self._open(scope, send)
        elif not self._knows(headers):
            await _refuse(
                send,
                401,
                "the secret is missing or wrong; `codesearch serve --show-token` prints it, and it goes into "
                "the header Authorization: Bearer",
            )
        else:
            await self._app(scope, receive, send)

    def _knows(self, headers: dict[bytes, str]) -> bool:
        kind, _, given = headers.get(b"authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._secret):
            return True
        cookie = _cookie(headers.get(b"cookie", ""))
        return hmac.compare_digest(cookie.encode(), self._session.encode())

    async def _open(self, scope: Scope, send: Send) -> None:
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not self._links.take(token):
            await _refuse(
                send, 403, "this link was used already, or is too old; get one with: codesearch serve --open"
            )
            return
        cookie = f"{COOKIE}={self._session}; HttpOnly; SameSite=Strict; Path=/"
        # A redirect by the page itself: a Strict cookie is not sent along where a foreign program led here.
        body = b'<!doctype html><meta http-equiv="refresh" content="0; url=/"><a href="/">codesearch</a>\n'
        more = [(b"set-cookie", cookie.encode()), (b"content-type", b"text/html; charset=utf-8")]
        await _send(send, 200, body, more)


def _is_loopback(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # ValueError where it is none
    except ValueError:
        return False
    return parts.hostname in _LOOPBACK and parts.netloc == host and "@" not in host


def _is_own(origin: str | None, host: str) -> bool:
    return origin is None or origin == f"http://{host}"


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _refuse(send: Send, status: int, why: str) -> None:
    import json

    body = json.dumps({"error": why, "kind": "Refused"}).encode() + b"\n"
    more = [(b"content-type", b"application/json")]
    if status == 401:
        more.append((b"www-authenticate", b"Bearer"))
    await _send(send, status, body, more)


async def _send(send: Send, status: int, body: bytes, more: Iterable[tuple[bytes, bytes]]) -> None:
    headers = [*_HEADERS, *more, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
