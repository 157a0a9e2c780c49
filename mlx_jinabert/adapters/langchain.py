"""LangChain: embeddings and a document compressor that reranks. Needs langchain-core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from pydantic import ConfigDict, PrivateAttr

import mlx_jinabert

__all__ = ["JinabertEmbeddings", "JinabertReranker"]


class JinabertEmbeddings(Embeddings):
    """Queries with the model's query prompt, documents with its document prompt, all of unit length."""

    def __init__(self, model: str | mlx_jinabert.Embedder = "embedded", **options: Any) -> None:
        """``options`` are those of ``mlx_jinabert.load``, for a ``model`` that is a name."""
        self.model = mlx_jinabert.load(model, **options) if isinstance(model, str) else model

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        vectors: list[list[float]] = self.model.encode_document(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """One vector."""
        vector: list[float] = self.model.encode_query(text).tolist()
        return vector


class JinabertReranker(BaseDocumentCompressor):
    """Keep the ``top_n`` documents that a cross-encoder finds most relevant, best first.

    Each kept document has its score as metadata "relevance_score".
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: str
    """What ``mlx_jinabert.load_reranker`` takes."""
    top_n: int = 3
    _reranker: mlx_jinabert.Reranker = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Load the model."""
        self._reranker = mlx_jinabert.load_reranker(self.model)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """The most relevant ones; their metadata are copied."""
        if not documents:
            return []
        ranked = self._reranker.rank(query, [each.page_content for each in documents], top_k=self.top_n)
        return [
            documents[row["corpus_id"]].model_copy(
                update={"metadata": {**documents[row["corpus_id"]].metadata, "relevance_score": row["score"]}}
            )
            for row in ranked
        ]
