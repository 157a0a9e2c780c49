"""Errors, in the words of each protocol.

OpenAI: {"error": {"message", "type", "param", "code"}}, statuses as its clients expect them.
text-embeddings-inference: {"error", "error_type"}; its documentation says 413 for a batch that is too large,
its code 422: the documentation is followed, also for a text that is too long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["ApiError", "Dialect", "error_body", "invalid", "overloaded", "too_large"]

Dialect = Literal["openai", "tei"]


@dataclass()
class ApiError(Exception):
    """An answer that is no result. ``kind`` is TEI's error_type; ``code`` and ``param`` are OpenAI's."""

    message: str
    kind: str
    status: int
    openai_status: int
    openai_type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def status_in(self, dialect: Dialect) -> int:
        """The HTTP status."""
        return self.openai_status if dialect == "openai" else self.status


def error_body(error: ApiError, dialect: Dialect) -> dict[str, Any]:
    """The JSON of the answer."""
    if dialect == "tei":
        return {"error": error.message, "error_type": error.kind}
    return {
        "error": {
            "message": error.message,
            "type": error.openai_type,
            "param": error.param,
            "code": error.code,
        }
    }


def invalid(message: str, param: str | None = None) -> ApiError:
    """A body or a parameter that cannot be understood: 422, with OpenAI 400."""
    return ApiError(message, "Validation", 422, 400, param=param)


def too_large(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """More than the server or the model takes: 413, with OpenAI 400."""
    return ApiError(message, "Validation", 413, 400, param=param, code=code)


def overloaded(message: str, retry_after: float) -> ApiError:
    """Try again later: 429, with the seconds after which there should be room."""
    wait = str(max(1, min(60, math.ceil(retry_after))))
    return ApiError(
        message,
        "Overloaded",
        429,
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        headers={"Retry-After": wait},
    )
