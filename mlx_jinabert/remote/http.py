"""JSON over HTTP with patience: time-outs, retries with exponential backoff and jitter, Retry-After.

httpx2 sends the requests and keeps connections alive; huggingface_hub depends on it as well. It does not
try again after an answer, so that is done here. Tried again: connections that fail or break, 408, 429 and
5xx. Not tried again: everything that would fail the same way, a certificate that is not trusted, and
redirects, which could carry a key to another host. Proxies of the environment are honoured.
"""

from __future__ import annotations

import json
import logging
import os
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import finalize

from mlx_jinabert import __version__
from mlx_jinabert.errors import RemoteError
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.remote.answers import message_in, retry_after
from mlx_jinabert.remote.key import Key

if TYPE_CHECKING:
    import httpx2

__all__ = ["Answer", "Client", "Policy", "Refusal"]

Answer = tuple[bytes, Mapping[str, str]]
"""What a service answered with: the content, and headers by names in any case."""
_JSON: Mapping[str, str] = {"Content-Type": "application/json"}

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504, 529})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EXCERPT = 300
_LARGEST_ANSWER = 1 << 30
_LARGEST_MESSAGE = 1 << 16
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


class Refusal(RemoteError):
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
    """One host. Any thread may use it; its connections are kept and shared."""

    def __init__(self, url: str, key: Key, policy: Policy) -> None:
        self._url = url
        self._key = key
        self._policy = policy
        self.host = urlsplit(url).netloc
        self._connections: tuple[int, httpx2.Client] | None = None

    def __repr__(self) -> str:
        return f"Client({self._url!r}, {self._key!r})"

    def get(self, path: str) -> Any:
        """Fetch the JSON at ``path``. Refusal, or RemoteError once patience is at its end."""
        return self._json(path, self._persist(path, None, {})[0])

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send ``body`` and return the JSON that the service answers with; raises as ``get``."""
        return self._json(path, self.exchange(path, json.dumps(body).encode(), _JSON)[0])

    def exchange(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send ``body`` as it is and return what the service answers with; raises as ``get``."""
        return self._persist(path, body, headers)

    def _persist(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        policy = self._policy
        for attempt in range(1, policy.attempts + 1):
            try:
                return self._once(path, body, headers)
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

    def _once(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        from httpx2 import HTTPError, InvalidURL

        headers = {**self._key.headers(self.host), **headers}
        method = "GET" if body is None else "POST"
        try:
            with self._client().stream(method, f"{self._url}{path}", content=body, headers=headers) as answer:
                if not answer.is_success:
                    raise self._refusal(path, answer)
                return self._content(answer), answer.headers
        except (OSError, HTTPError, InvalidURL, UnicodeError) as error:
            raise self._broken(path, error) from error

    def _client(self) -> httpx2.Client:
        """Connections of this process: those of the parent are not usable after a fork."""
        if self._connections is None or self._connections[0] != os.getpid():
            import httpx2

            client = httpx2.Client(
                headers={"Accept": "application/json", "User-Agent": f"mlx-jinabert/{__version__}"},
                timeout=self._policy.timeout,
                trust_env=urlsplit(self._url).hostname not in _LOOPBACK,  # no proxy for this machine
                follow_redirects=False,
            )
            self._connections = os.getpid(), client
            finalize(self, _close, os.getpid(), client).atexit = False
        return self._connections[1]

    def _content(self, answer: httpx2.Response) -> bytes:
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if len(content) > _LARGEST_ANSWER:
                raise RemoteError(self.host, f"answered with more than {_LARGEST_ANSWER} bytes")
        return bytes(content)

    def _json(self, path: str, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            shown = self._key.hidden(content[:_EXCERPT].decode(errors="replace"))
            raise RemoteError(
                self.host, f"{path} answered with something that is not JSON: {shown!r}"
            ) from error

    def _refusal(self, path: str, answer: httpx2.Response) -> Exception:
        """The error for a status that is not 2xx."""
        status, wait = answer.status_code, retry_after(answer.headers.get("Retry-After"))
        if status in (401, 403):
            # What a service says here may repeat parts of the key.
            said = (
                f"{path} answered {status}: it takes no request without a valid key in ${self._key.variable}"
            )
            return Refusal(self.host, said, status)
        if status in _REDIRECTS:
            said = f"{path} answered {status}: it redirects, which is not followed; name the final address"
            return Refusal(self.host, said, status)
        refusal = Refusal(self.host, f"{path} answered {status}: {self._message(answer)}", status)
        return _Transient(refusal, wait) if status in _TRANSIENT else refusal

    def _message(self, answer: httpx2.Response) -> str:
        from httpx2 import HTTPError

        content = b""
        try:
            for part in answer.iter_bytes():
                content += part
                if len(content) >= _LARGEST_MESSAGE:
                    break
        except (OSError, HTTPError):
            return answer.reason_phrase
        text = content[:_LARGEST_MESSAGE].decode(errors="replace")
        return self._key.hidden(message_in(text))[:_EXCERPT] or answer.reason_phrase

    def _broken(self, path: str, error: Exception) -> Exception:
        from httpx2 import TimeoutException

        causes = list(_causes(error))
        if any(isinstance(cause, TimeoutError | TimeoutException) for cause in causes):
            said = f"{path} gave no answer within {self._policy.timeout:g} seconds"
        else:
            said = f"{path} cannot be reached: {type(causes[-1]).__name__}: {causes[-1]}"
        found = RemoteError(self.host, self._key.hidden(said))
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return found
        transient = _Transient(found)
        transient.__cause__ = error
        return transient


def _close(process: int, client: httpx2.Client) -> None:
    """Close the connections of a garbage client, but not those that a forked child only inherited."""
    if process == os.getpid():
        client.close()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, outermost first: httpx2 wraps the errors of the system."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
