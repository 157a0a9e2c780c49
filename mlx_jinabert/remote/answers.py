"""Read the answers of services: vectors, error messages in their several forms, how long to wait."""

from __future__ import annotations

import base64
import binascii
import email.utils
import json
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import RemoteError

__all__ = ["data_vectors", "listed_vectors", "message_in", "retry_after"]


def message_in(content: str) -> str:
    """The message of an error's body, on one line.

    In JSON it is found as {"error": {"message"}}, {"error"}, {"message"} or {"detail"}; other bodies are
    taken as they are.
    """
    try:
        found = _said(json.loads(content)) or content
    except (ValueError, RecursionError):
        found = content
    return " ".join(found.split())


def retry_after(value: str | None) -> float | None:
    """Seconds to wait: RFC 9110 has a number or a date; None for neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return None if math.isnan(seconds) else max(0.0, seconds)


def _said(answer: Any) -> str:
    if not isinstance(answer, Mapping):
        return ""
    found = answer.get("error") or answer.get("message") or answer.get("detail") or ""
    return _said(found) if isinstance(found, Mapping) else str(found)


def data_vectors(answer: Any, count: int, host: str) -> NDArray[np.float32]:
    """OpenAI's form, {"data": [{"embedding", "index"}]}, by index: (count, width) float32.

    An embedding is a list of numbers, or base64 of little-endian float32.
    """
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, list) or not all(isinstance(row, Mapping) for row in data):
        raise RemoteError(host, 'answered without a list "data" of embeddings')
    _check_count(len(data), count, host)
    by_index = {row.get("index"): row.get("embedding") for row in data}
    if set(by_index) != set(range(count)):
        raise RemoteError(
            host, f"numbered {count} vectors {sorted(map(str, by_index))}, expected 0 to {count - 1}"
        )
    return listed_vectors([by_index[index] for index in range(count)], count, host)


def listed_vectors(rows: Any, count: int, host: str) -> NDArray[np.float32]:
    """A list of vectors: (count, width) float32."""
    if not isinstance(rows, list):
        raise RemoteError(host, f"answered with {type(rows).__name__}, expected a list of vectors")
    _check_count(len(rows), count, host)
    vectors = [_vector(row, host) for row in rows]
    widths = sorted({len(vector) for vector in vectors})
    if len(widths) != 1 or not widths[0]:
        raise RemoteError(host, f"gave vectors of {widths} components in one answer, expected one width")
    return np.stack(vectors)


def _check_count(found: int, wanted: int, host: str) -> None:
    if found != wanted:
        raise RemoteError(host, f"gave {found} vectors for {wanted} texts")


def _vector(row: Any, host: str) -> NDArray[np.float32]:
    try:
        if isinstance(row, str):
            return np.frombuffer(base64.b64decode(row, validate=True), "<f4").astype(np.float32)
        # null is how JSON writers spell NaN
        vector = np.array([np.nan if value is None else value for value in row], np.float64)
    except (TypeError, ValueError, binascii.Error) as error:
        raise RemoteError(host, f"gave a vector that is not a list of numbers: {error}") from None
    if vector.ndim != 1:
        raise RemoteError(host, f"gave a vector with {vector.ndim} axes, expected one")
    with np.errstate(over="ignore"):
        return vector.astype(np.float32)
