"""OpenAI's POST /v1/embeddings, and everyone who speaks like it.

Source: https://platform.openai.com/docs/api-reference/embeddings (at most 2,048 texts and 300,000 tokens a
request; nothing is cut: a text that is too long is refused).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.remote import vectors
from mlx_jinabert.remote.address import Address
from mlx_jinabert.remote.http import Client
from mlx_jinabert.remote.service import PROBE, UNKNOWN_LENGTH, About, Asked, Known

__all__ = ["OpenAi"]

_PATH = "/embeddings"
_KNOWN: Mapping[str, Known] = {
    "text-embedding-3-small": Known(1536, 8191),
    "text-embedding-3-large": Known(3072, 8191),
    "text-embedding-ada-002": Known(1536, 8191),
}
_PAYLOAD_BYTES = 300_000


class OpenAi:
    """One model on one host."""

    def __init__(self, address: Address, client: Client) -> None:
        self._address = address
        self._client = client

    def about(self) -> About:
        """Of a model of OpenAI's nothing is asked; elsewhere the answer to one text tells name and width."""
        model = self._address.model
        known = _KNOWN.get(model) if self._address.is_official else None
        if known is not None:
            return About(model, known.dim, known.max_length, rows=2048, payload_bytes=_PAYLOAD_BYTES)
        answer = self._answer([PROBE], Asked())
        said = str(answer.get("model") or "") if isinstance(answer, Mapping) else ""
        return About(
            model=said or model,
            dim=vectors.of_data(answer, 1, self._client.host).shape[1],
            max_length=UNKNOWN_LENGTH,
            rows=64,
            payload_bytes=_PAYLOAD_BYTES,
            is_identified=bool(said),
        )

    def embed(self, texts: Sequence[str], asked: Asked) -> NDArray[np.float32]:
        """See ``Service``."""
        return vectors.of_data(self._answer(texts, asked), len(texts), self._client.host)

    def _answer(self, texts: Sequence[str], asked: Asked) -> Any:
        """base64 is a quarter of the bytes, but not every server has it."""
        encoding = "base64" if self._address.is_official else "float"
        body: dict[str, Any] = {
            "model": self._address.model,
            "input": list(texts),
            "encoding_format": encoding,
        }
        if asked.dim is not None:
            body["dimensions"] = asked.dim
        return self._client.post(_PATH, body)
