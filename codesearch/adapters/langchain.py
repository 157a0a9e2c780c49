"""LangChain: a retriever over the index of a folder. Needs langchain-core."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import PrivateAttr

from codesearch.index.index import Index
from codesearch.index.opening import open_index
from codesearch.records import metadata_of

__all__ = ["CodeSearchRetriever"]


class CodeSearchRetriever(BaseRetriever):
    """The ``k`` chunks of code that answer a question; the index is refreshed before each one.

    Metadata of a document: path, start_line, end_line, language, kind, symbol, score, root.
    """

    path: str = "."
    """A folder; its index is made where there is none."""
    k: int = 4
    mode: Literal["hybrid", "semantic", "lexical"] = "hybrid"
    refresh: bool = True
    """Whether to look for changed files before each question."""
    _index: Index = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Open the index."""
        self._index = open_index(self.path)

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        if self.refresh:
            self._index.refresh()
        return [
            Document(
                page_content=hit.text,
                metadata={**metadata_of(hit), "score": hit.score, "root": hit.root},
            )
            for hit in self._index.search(query, limit=self.k, mode=self.mode)
        ]
