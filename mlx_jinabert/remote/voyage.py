"""Voyage's POST /v1/embeddings: as OpenAI's, with ``input_type`` and ``output_dimension``.

Source: https://docs.voyageai.com/reference/embeddings-api (at most 1,000 texts a request, and 120,000 tokens
for voyage-code-3; the service puts a prompt before each text, by its type).
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

__all__ = ["Voyage"]

_KNOWN: Mapping[str, Known] = {
    "voyage-code-3": Known(1024, 32_000),
    "voyage-3-large": Known(1024, 32_000),
}


class Voyage:
    """One model on one host."""

    def __init__(self, address: Address, client: Client) -> None:
        self._address = address
        self._client = client

    def about(self) -> About:
        """Of a known model nothing is asked; of another one the width, by one text."""
        known = _KNOWN.get(self._address.model)
        return About(
            model=self._address.model,
            dim=known.dim if known else self.embed([PROBE], Asked()).shape[1],
            max_length=known.max_length if known else UNKNOWN_LENGTH,
            rows=1000,
            payload_bytes=120_000,
            has_prompts=True,
        )

    def embed(self, texts: Sequence[str], asked: Asked) -> NDArray[np.float32]:
        """See ``Service``. Without a role, ``input_type`` is null and no prompt is used."""
        body: dict[str, Any] = {
            "model": self._address.model,
            "input": list(texts),
            "input_type": asked.role,
            "truncation": asked.truncate,
            "encoding_format": "base64",
        }
        if asked.dim is not None:
            body["output_dimension"] = asked.dim
        return vectors.of_data(self._client.post("/embeddings", body), len(texts), self._client.host)
