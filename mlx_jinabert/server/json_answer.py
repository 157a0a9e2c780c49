"""Bodies of answers: JSON with float32 numbers in the fewest digits that give them back to the bit."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.responses import Response

__all__ = ["base64_floats", "json_response", "json_text"]


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """``content`` may hold float32 arrays, (n,) or (n, dim) and C-contiguous."""
    return Response(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY),
        status,
        dict(headers) if headers else None,
        "application/json",
    )


def json_text(content: Any) -> str:
    """One line, whatever the strings hold."""
    try:
        return orjson.dumps(content).decode()
    except TypeError:  # lone surrogates, as in the name of a file that is no UTF-8
        return json.dumps(content)


def base64_floats(vector: NDArray[np.float32]) -> str:
    """(dim,) as OpenAI sends it: float32, little-endian, in base64."""
    return base64.b64encode(vector.astype("<f4", copy=False).tobytes()).decode("ascii")
