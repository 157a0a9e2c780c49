"""JSON over HTTP with patience: time-outs, retries with exponential backoff and jitter, Retry-After.

Tried again: connections that fail or break, 408, 429 and 5xx. Not tried again: everything that would fail
the same way, a certificate that is not trusted, and redirects, which could carry a key to another host.
"""

from __future__ import annotations

import http.client
import json
import logging
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mlx_jinabert import __version__
from mlx_jinabert.errors import RemoteError
from mlx_jinabert.remote.answers import message_in, retry_after
from mlx_jinabert.remote.key import Key

__all__ = ["Client", "Policy", "Refused"]

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504, 529})
_EXCERPT = 300
_LARGEST_ANSWER = 1 << 30
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_log = logging.getLogger("mlx_jinabert")


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient to be; all in seconds but ``attempts``, the tries in all."""

    timeout: float = 60.0
    """Of connecting, and of each wait for bytes."""
    attempts: int = 6
    first_wait: float = 0.5
    """Doubled at each further try, and cut by up to half at random, so that clients do not march in step."""
    longest_wait: float = 30.0
    longest_retry_after: float = 120.0
    """A service that asks for more patience than this gets an error instead."""


class Refused(RemoteError):
    """The service answered, and did not do it. ``status`` is HTTP's."""

    def __init__(self, host: str, problem: str, status: int) -> None:
        self.status = status
        super().__init__(host, problem)


class _Transient(Exception):
    """Worth another try, after ``wait`` seconds if the service said so."""

    def __init__(self, error: RemoteError, wait: float | None = None) -> None:
        self.error = error
        self.wait = wait
        super().__init__(str(error))


class Client:
    """One host. Any thread may use it; nothing is kept between requests."""

    def __init__(self, url: str, key: Key, policy: Policy) -> None:
        self._url = url
        self._key = key
        self._policy = policy
        self.host = urlsplit(url).netloc
        local = urlsplit(url).hostname in _LOOPBACK
        handlers = [_NoRedirect(), *([urllib.request.ProxyHandler({})] if local else [])]
        self._opener = urllib.request.build_opener(*handlers)

    def __repr__(self) -> str:
        return f"Client({self._url!r}, {self._key!r})"

    def get(self, path: str) -> Any:
        """The JSON at ``path``. Refused, or RemoteError once patience is at its end."""
        return self._persist(path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that the service answers with."""
        return self._persist(path, json.dumps(body).encode())

    def _persist(self, path: str, body: bytes | None) -> Any:
        policy = self._policy
        for attempt in range(1, policy.attempts + 1):
            try:
                return self._once(path, body)
            except _Transient as failure:
                wait = failure.wait
                if wait is None:
                    wait = min(policy.longest_wait, policy.first_wait * 2 ** (attempt - 1))
                    wait *= random.uniform(0.5, 1.0)
                if attempt == policy.attempts:
                    problem = f"{failure.error.problem} (tried {attempt} times)"
                    raise RemoteError(self.host, problem) from failure.__cause__
                if wait > policy.longest_retry_after:
                    raise RemoteError(self.host, f"asks to wait {wait:.0f} seconds; try again then") from None
                _log.debug("%s; trying again in %.1f seconds", failure, wait)
                time.sleep(wait)
        raise AssertionError("a policy has at least one attempt")

    def _once(self, path: str, body: bytes | None) -> Any:
        headers = {"Accept": "application/json", "User-Agent": f"mlx-jinabert/{__version__}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(f"{self._url}{path}", body, headers)
        for name, value in self._key.headers(self.host).items():
            request.add_unredirected_header(name, value)
        try:
            with self._opener.open(request, timeout=self._policy.timeout) as answer:
                return self._json(path, answer.read(_LARGEST_ANSWER))
        except urllib.error.HTTPError as error:
            raise self._refusal(path, error) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise self._broken(path, error) from error

    def _json(self, path: str, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError as error:
            shown = self._key.hidden(content[:_EXCERPT].decode(errors="replace"))
            raise RemoteError(
                self.host, f"{path} answered with something that is not JSON: {shown!r}"
            ) from error

    def _refusal(self, path: str, error: urllib.error.HTTPError) -> Exception:
        """What to raise for a status that is not 2xx."""
        with error:
            status, wait = error.code, retry_after(error.headers.get("Retry-After"))
            message = self._message(error)
        if status in (401, 403):
            # What a service says here may repeat parts of the key.
            said = (
                f"{path} answered {status}: it takes no request without a valid key in ${self._key.variable}"
            )
            return Refused(self.host, said, status)
        if status in (301, 302, 303, 307, 308):
            said = f"{path} answered {status}: it redirects, which is not followed; name the final address"
            return Refused(self.host, said, status)
        refused = Refused(self.host, f"{path} answered {status}: {message}", status)
        return _Transient(refused, wait) if status in _TRANSIENT else refused

    def _message(self, error: urllib.error.HTTPError) -> str:
        try:
            content = error.read(1 << 16).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return str(error.reason)
        return self._key.hidden(message_in(content))[:_EXCERPT] or str(error.reason)

    def _broken(self, path: str, error: Exception) -> Exception:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            said = f"{path} gave no answer within {self._policy.timeout:g} seconds"
        else:
            said = f"{path} cannot be reached: {type(reason).__name__}: {reason}"
        found = RemoteError(self.host, self._key.hidden(said))
        if isinstance(reason, ssl.SSLCertVerificationError):
            return found
        transient = _Transient(found)
        transient.__cause__ = error
        return transient


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets a redirect come out as the error that it is here."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        return None
