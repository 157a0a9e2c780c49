"""An endpoint: a path, what it takes, a function from request to answer; errors become answers here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.server.api.calls import ClientGone
from mlx_jinabert.server.engine.pool import NotLoaded
from mlx_jinabert.server.errors import ApiError, Dialect, error_body, too_large
from mlx_jinabert.server.json_answer import json_response

__all__ = ["Endpoint", "Handler", "answering", "read_body"]

_log = logging.getLogger("mlx_jinabert.server")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``body`` is what a POST takes, ``answer`` the JSON schema of a success; ``paths`` are equal names."""

    paths: tuple[str, ...]
    handler: Handler
    summary: str
    answer: dict[str, object]
    body: type[BaseModel] | None = None
    dialect: Dialect = "tei"
    media_type: str = "application/json"

    @property
    def method(self) -> str:
        """POST where there is a body."""
        return "GET" if self.body is None else "POST"


def answering(endpoint: Endpoint) -> Handler:
    """The handler, with what it raises told in the endpoint's dialect."""

    async def answer(request: Request) -> Response:
        record = request.scope["record"]
        try:
            return await endpoint.handler(request)
        except ApiError as error:
            failed = error
        except NotLoaded as error:
            failed = ApiError(str(error), "Unhealthy", 503, 503, "server_error")
        except (ClientGone, ClientDisconnect):
            record.error = "client left"
            return Response(status_code=499)
        except Exception:
            _log.exception("request %s failed", record.id)
            failed = ApiError(
                f"internal error; the log says more under request id {record.id}",
                "Backend",
                500,
                500,
                "server_error",
            )
        record.error = failed.kind
        dialect = endpoint.dialect
        return json_response(error_body(failed, dialect), failed.status_in(dialect), failed.headers)

    return answer


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; ApiError 413 once it is larger than ``limit``, ClientDisconnect where it breaks off."""
    if request.scope["record"].stated_bytes > limit:
        raise _too_much(limit)
    parts, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > limit:
            raise _too_much(limit)
        parts.append(part)
    return b"".join(parts)


def _too_much(limit: int) -> ApiError:
    error = too_large(f"the body is larger than {limit} bytes")
    error.openai_status = 413
    return error
