"""LlamaIndex: a retriever over the index of a folder. Needs llama-index-core."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from codesearch.index.opening import open_index
from codesearch.records import metadata_of
from codesearch.searching.request import Mode

__all__ = ["CodeSearchRetriever"]


class CodeSearchRetriever(BaseRetriever):
    """The chunks of code that answer a question, as nodes with scores.

    Metadata of a node: path, start_line, end_line, language, kind, symbol, root.
    """

    def __init__(
        self,
        path: str = ".",
        *,
        similarity_top_k: int = 4,
        mode: Mode = "hybrid",
        refresh: bool = True,
        **options: Any,
    ) -> None:
        """``path``: a folder; its index is made where there is none. ``refresh`` it before each question."""
        super().__init__(**options)
        self._index = open_index(path)
        self._limit = similarity_top_k
        self._mode = mode
        self._refreshes = refresh

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if self._refreshes:
            self._index.refresh()
        hits = self._index.search(query_bundle.query_str, limit=self._limit, mode=self._mode)
        return [
            NodeWithScore(
                node=TextNode(
                    text=hit.text,
                    metadata={**metadata_of(hit), "root": hit.root},
                ),
                score=hit.score,
            )
            for hit in hits
        ]
