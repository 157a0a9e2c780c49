"""Haystack: embedders of texts and of documents, and a ranker. Needs haystack-ai."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

import mlx_jinabert

__all__ = ["JinabertDocumentEmbedder", "JinabertRanker", "JinabertTextEmbedder"]


class _Component:
    """Names its model when it is stored, and loads it when it is warmed up or first used."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._loaded: Any = None

    def to_dict(self) -> dict[str, Any]:
        """For a stored pipeline."""
        stored: dict[str, Any] = default_to_dict(self, model=self.model)
        return stored

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> _Component:
        """From a stored pipeline."""
        made: _Component = default_from_dict(cls, data)
        return made

    def warm_up(self) -> None:
        """Load the model."""
        self._loaded = self._loaded or mlx_jinabert.load(self.model)


@component
class JinabertTextEmbedder(_Component):
    """Embeds a query, with the model's query prompt."""

    def __init__(self, model: str = "embedded") -> None:
        """``model`` is what ``mlx_jinabert.load`` takes."""
        _Component.__init__(self, model)  # the decorator makes another class, on which super() fails

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """{"embedding": of unit length}."""
        self.warm_up()
        return {"embedding": self._loaded.encode_query(text).tolist()}


@component
class JinabertDocumentEmbedder(_Component):
    """Embeds the contents of documents, with the model's document prompt."""

    def __init__(self, model: str = "embedded") -> None:
        """``model`` is what ``mlx_jinabert.load`` takes."""
        _Component.__init__(self, model)  # the decorator makes another class, on which super() fails

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """{"documents": copies of them, each with its embedding}."""
        self.warm_up()
        vectors = self._loaded.encode_document([each.content or "" for each in documents]).tolist()
        pairs = zip(documents, vectors, strict=True)
        return {"documents": [replace(each, embedding=vector) for each, vector in pairs]}


@component
class JinabertRanker(_Component):
    """Orders documents by relevance to a query with a cross-encoder."""

    def __init__(self, model: str, top_k: int = 10) -> None:
        """``model`` is what ``mlx_jinabert.load_reranker`` takes."""
        _Component.__init__(self, model)  # the decorator makes another class, on which super() fails
        self.top_k = top_k

    def to_dict(self) -> dict[str, Any]:
        """For a stored pipeline."""
        stored: dict[str, Any] = default_to_dict(self, model=self.model, top_k=self.top_k)
        return stored

    def warm_up(self) -> None:
        """Load the model."""
        self._loaded = self._loaded or mlx_jinabert.load_reranker(self.model)

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document]) -> dict[str, Any]:
        """{"documents": copies of the best, with their scores}."""
        if not documents:
            return {"documents": []}
        self.warm_up()
        ranked = self._loaded.rank(query, [each.content or "" for each in documents], top_k=self.top_k)
        return {"documents": [replace(documents[row["corpus_id"]], score=row["score"]) for row in ranked]}
