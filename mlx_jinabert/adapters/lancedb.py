"""LanceDB: an embedding function, by the name "mlx-jinabert". Needs lancedb."""

from __future__ import annotations

from typing import Any

import lancedb.embeddings
from pydantic import PrivateAttr

import mlx_jinabert

__all__ = ["JinabertFunction"]


@lancedb.embeddings.register("mlx-jinabert")
class JinabertFunction(lancedb.embeddings.TextEmbeddingFunction):
    """Sources with the model's document prompt, queries with its query prompt."""

    name: str = "embedded"
    """What ``mlx_jinabert.load`` takes."""
    _model: mlx_jinabert.Embedder | None = PrivateAttr(default=None)

    def ndims(self) -> int:
        """Width of the vectors."""
        return self._loaded().dim

    def generate_embeddings(self, texts: list[str], *args: Any, **kwargs: Any) -> list[Any]:
        """A vector for each text."""
        return list(self._loaded().encode_document(list(texts)))

    def compute_query_embeddings(self, query: str, *args: Any, **kwargs: Any) -> list[Any]:
        """One vector, in a list."""
        return [self._loaded().encode_query(query)]

    def _loaded(self) -> mlx_jinabert.Embedder:
        self._model = self._model or mlx_jinabert.load(self.name)
        return self._model
