"""Voyage's POST /v1/embeddings: as OpenAI's, with ``input_type`` and ``output_dimension``.

Source: https://docs.voyageai.com/reference/embeddings-api (at most 1,000 texts a request, and 120,000 tokens
for voyage-code-3; the service puts a prompt before each text, by its type).
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

__all__ = ["Voyage"]

_KNOWN: Mapping[str, PublicModel] = {
    "voyage-code-3": PublicModel(1024, 32_000),
    "voyage-3-large": PublicModel(1024, 32_000),
}


class Voyage:
    """One model on one host."""

    def __init__(self, address: Address, client: Client) -> None:
        self._address = address
        self._client = client

    def describe(self) -> ServiceInfo:
        """Describe the model; one text is embedded for the width of a model that is not known here."""
        known = _KNOWN.get(self._address.model)
        return ServiceInfo(
            model=self._address.model,
            dim=known.dim if known else self.embed([PROBE], VectorRequest()).shape[1],
            max_length=known.max_length if known else UNKNOWN_LENGTH,
            rows=1000,
            payload_bytes=120_000,
            has_prompts=True,
        )

    def embed(self, texts: Sequence[str], request: VectorRequest) -> NDArray[np.float32]:
        """See ``Service``. Without a role, ``input_type`` is null and no prompt is used."""
        body: dict[str, Any] = {
            "model": self._address.model,
            "input": list(texts),
            "input_type": request.role,
            "truncation": request.truncate,
            "encoding_format": "base64",
        }
        if request.dim is not None:
            body["output_dimension"] = request.dim
        return data_vectors(self._client.post("/embeddings", body), len(texts), self._client.host)
