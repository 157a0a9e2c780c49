"""text-embeddings-inference: POST /embed, GET /info.

Source: huggingface/text-embeddings-inference @0d124dc, docs/openapi.json and router/src/http/server.rs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import RemoteError
from mlx_jinabert.remote.answers import listed_vectors
from mlx_jinabert.remote.http import Client
from mlx_jinabert.remote.service import PROBE, UNKNOWN_LENGTH, ServiceInfo, VectorRequest

__all__ = ["Tei"]

_ROWS = 32
_PAYLOAD_BYTES = 1_500_000
"""Below the 2,000,000 bytes that a server takes unless it was started with another limit."""


class Tei:
    """One server, which serves one model."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def describe(self) -> ServiceInfo:
        """Ask /info, and embed one text for the width, which is not there."""
        host, info = self._client.host, self._client.get("/info")
        if not isinstance(info, Mapping) or not info.get("model_id"):
            raise RemoteError(host, "/info names no model_id; is this text-embeddings-inference?")
        pooling = _pooling(info.get("model_type"), host)
        model, revision = str(info["model_id"]), str(info.get("model_sha") or "")
        return ServiceInfo(
            model=model,
            dim=self.embed([PROBE], VectorRequest()).shape[1],
            max_length=_positive(info.get("max_input_length"), UNKNOWN_LENGTH),
            rows=_positive(info.get("max_client_batch_size"), _ROWS),
            payload_bytes=_PAYLOAD_BYTES,
            revision=revision,
            pooling=pooling,
            dtype=str(info.get("model_dtype") or "unknown"),
            # A folder on the server's disk can hold anything.
            is_identified=bool(revision) or not model.startswith(("/", ".", "~")),
        )

    def embed(self, texts: Sequence[str], request: VectorRequest) -> NDArray[np.float32]:
        """See ``Service``."""
        body: dict[str, Any] = {
            "inputs": list(texts),
            "normalize": request.normalize,
            "truncate": request.truncate,
        }
        if request.dim is not None:
            body["dimensions"] = request.dim
        return listed_vectors(self._client.post("/embed", body), len(texts), self._client.host)


def _pooling(kind: Any, host: str) -> str:
    """{"embedding": {"pooling": "mean"}} -> "mean". Servers of scores and labels are refused."""
    if not isinstance(kind, Mapping):
        return ""
    found = {str(key).lower(): value for key, value in kind.items()}
    if "embedding" not in found:
        raise RemoteError(host, f"serves a {', '.join(found) or 'model of no type'}, not an embedding model")
    inner = found["embedding"]
    return str(inner.get("pooling", "")).lower() if isinstance(inner, Mapping) else ""


def _positive(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
