"""The embedder that hhg (hygrep) asks for: embed, embed_one, provider, batch_size. Imports nothing of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import mlx_jinabert

__all__ = ["Embedder"]


class Embedder:
    """Vectors of unit length in float32: of chunks with the document prompt, of one text with the query's."""

    def __init__(self, model: str | mlx_jinabert.Embedder = "embedded", batch_size: int = 256) -> None:
        """``model`` is what ``mlx_jinabert.load`` takes, or what it gave."""
        self._model = mlx_jinabert.load(model) if isinstance(model, str) else model
        self.batch_size = batch_size

    @property
    def provider(self) -> str:
        """Where it computes, for status messages."""
        return f"{self._model.backend} {self._model.dtype} on {self._model.device}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Chunks of code, (n, dim)."""
        vectors: NDArray[np.float32] = self._model.encode_document(texts, truncation="silent")
        return vectors

    def embed_one(self, text: str, use_cache: bool = True) -> NDArray[np.float32]:
        """A question, (dim,). Nothing is cached, whatever ``use_cache`` says."""
        vector: NDArray[np.float32] = self._model.encode_query(text, truncation="silent")
        return vector
