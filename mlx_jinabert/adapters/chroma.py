"""Chroma: an embedding function, stored with its collection by name. Needs chromadb."""

from __future__ import annotations

from typing import Any

from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

import mlx_jinabert

__all__ = ["JinabertEmbeddingFunction"]


@register_embedding_function
class JinabertEmbeddingFunction(EmbeddingFunction[Documents]):
    """Documents with the model's document prompt, queries with its query prompt; compared by cosine."""

    def __init__(self, model: str = "embedded") -> None:
        """``model`` is what ``mlx_jinabert.load`` takes."""
        self.model = model
        self._loaded = mlx_jinabert.load(model)

    def __call__(self, input: Documents) -> Embeddings:
        """A vector for each document."""
        return list(self._loaded.encode_document(input))

    def embed_query(self, input: Documents) -> Embeddings:
        """A vector for each query."""
        return list(self._loaded.encode_query(input))

    @staticmethod
    def name() -> str:
        """Return its name in a collection."""
        return "mlx_jinabert"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> JinabertEmbeddingFunction:
        """For a collection that is opened again."""
        return JinabertEmbeddingFunction(config["model"])

    def get_config(self) -> dict[str, Any]:
        """Return its settings, for the collection."""
        return {"model": self.model}

    def default_space(self) -> str:
        """How vectors are compared unless the collection says otherwise."""
        return "cosine"
