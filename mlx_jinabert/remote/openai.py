"""OpenAI's POST /v1/embeddings, and everyone who speaks like it.

Source: https://platform.openai.com/docs/api-reference/embeddings (at most 2,048 texts and 300,000 tokens a
request; nothing is cut: a text that is too long is refused).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.remote.address import Address
from mlx_jinabert.remote.answers import data_vectors
from mlx_jinabert.remote.http import Client
from mlx_jinabert.remote.service import PROBE, UNKNOWN_LENGTH, PublicModel, ServiceInfo, VectorRequest

__all__ = ["OpenAi"]

_PATH = "/embeddings"
_KNOWN: Mapping[str, PublicModel] = {
    "text-embedding-3-small": PublicModel(1536, 8191),
    "text-embedding-3-large": PublicModel(3072, 8191),
    "text-embedding-ada-002": PublicModel(1536, 8191),
}
_PAYLOAD_BYTES = 300_000


class OpenAi:
    """One model on one host."""

    def __init__(self, address: Address, client: Client) -> None:
        self._address = address
        self._client = client

    def describe(self) -> ServiceInfo:
        """Describe the model. OpenAI's own are known here; of others one text tells name and width."""
        model = self._address.model
        known = _KNOWN.get(model) if self._address.is_official else None
        if known is not None:
            return ServiceInfo(model, known.dim, known.max_length, rows=2048, payload_bytes=_PAYLOAD_BYTES)
        answer = self._answer([PROBE], VectorRequest())
        said = str(answer.get("model") or "") if isinstance(answer, Mapping) else ""
        return ServiceInfo(
            model=said or model,
            dim=data_vectors(answer, 1, self._client.host).shape[1],
            max_length=UNKNOWN_LENGTH,
            rows=64,
            payload_bytes=_PAYLOAD_BYTES,
            is_identified=bool(said),
        )

    def embed(self, texts: Sequence[str], request: VectorRequest) -> NDArray[np.float32]:
        """See ``Service``."""
        return data_vectors(self._answer(texts, request), len(texts), self._client.host)

    def _answer(self, texts: Sequence[str], request: VectorRequest) -> Any:
        """base64 is a quarter of the bytes, but not every server has it."""
        encoding = "base64" if self._address.is_official else "float"
        body: dict[str, Any] = {
            "model": self._address.model,
            "input": list(texts),
            "encoding_format": encoding,
        }
        if request.dim is not None:
            body["dimensions"] = request.dim
        return self._client.post(_PATH, body)
