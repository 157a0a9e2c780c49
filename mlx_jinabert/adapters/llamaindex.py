"""LlamaIndex: an embedding model and a postprocessor that reranks. Needs llama-index-core."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

import mlx_jinabert

__all__ = ["JinabertEmbedding", "JinabertRerank"]

Vector = list[float]


class JinabertEmbedding(BaseEmbedding):
    """Queries with the model's query prompt, texts with its document prompt, all of unit length."""

    _model: mlx_jinabert.Embedder = PrivateAttr()

    def __init__(self, model_name: str = "embedded", embed_batch_size: int = 256, **options: Any) -> None:
        """``model_name`` is what ``mlx_jinabert.load`` takes; ``options`` are those of BaseEmbedding."""
        super().__init__(model_name=model_name, embed_batch_size=embed_batch_size, **options)
        self._model = mlx_jinabert.load(model_name)

    @classmethod
    def class_name(cls) -> str:
        """The name under which it is stored."""
        return "JinabertEmbedding"

    def _get_query_embedding(self, query: str) -> Vector:
        vector: Vector = self._model.encode_query(query).tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> Vector:
        return await asyncio.to_thread(self._get_query_embedding, query)

    def _get_text_embedding(self, text: str) -> Vector:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[Vector]:
        vectors: list[Vector] = self._model.encode_document(texts).tolist()
        return vectors

    async def _aget_text_embeddings(self, texts: list[str]) -> list[Vector]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)


class JinabertRerank(BaseNodePostprocessor):
    """Keep the ``top_n`` nodes that a cross-encoder finds most relevant, best first, with its scores."""

    model: str
    """What ``mlx_jinabert.load_reranker`` takes."""
    top_n: int = 3
    _reranker: mlx_jinabert.Reranker = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Load the model."""
        super().model_post_init(context)
        self._reranker = mlx_jinabert.load_reranker(self.model)

    @classmethod
    def class_name(cls) -> str:
        """The name under which it is stored."""
        return "JinabertRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("reranking needs the query: pass query_bundle or query_str")
        if not nodes:
            return []
        texts = [each.node.get_content(metadata_mode=MetadataMode.EMBED) for each in nodes]
        ranked = self._reranker.rank(query_bundle.query_str, texts, top_k=self.top_n)
        return [NodeWithScore(node=nodes[row["corpus_id"]].node, score=row["score"]) for row in ranked]
