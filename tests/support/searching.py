"""A searcher over one open store, asked as the tests of the searching stage ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codesearch.models.reranker import Rerankers
from codesearch.records import Embedder, Filter, Hit
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.search import Searcher
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import VectorIndex

__all__ = ["Ask", "single"]


def single(store: Store, root: str = "/root") -> SingleStore:
    """Return a store as searching sees it."""
    return SingleStore(root, store, lambda: VectorIndex(store, store.path.parent))


class Ask:
    """Puts requests made of plain arguments."""

    def __init__(self, store: Store, embedder: Callable[[], Embedder]) -> None:
        self.searcher = Searcher(single(store), embedder)

    def search(self, query: str, limit: int = 10, mode: Any = "hybrid", **more: Any) -> list[Hit]:
        """Answer a ``SearchRequest``."""
        request = SearchRequest(query, limit, mode, **more)
        return self.searcher.search(request, Rerankers().scorer(request.rerank))

    def similar(self, path: str, line: int, limit: int = 10, filter: Filter | None = None) -> list[Hit]:
        """Answer a ``SimilarRequest`` for a line of a file."""
        request = SimilarRequest(limit, filter or Filter(), path=path, line=line)
        return list(self.searcher.answer(request).hits)
