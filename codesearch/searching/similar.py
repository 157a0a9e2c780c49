"""Chunks like one of the index or like given code: nearest vectors, scores are cosines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import BadQuery, CodesearchError
from codesearch.models.embedder import encode_documents
from codesearch.records import ChunkRef, Embedder
from codesearch.searching.ranking.ranking import Candidate
from codesearch.searching.request import SimilarRequest
from codesearch.searching.signals.definition_places import definition_in, only_definition, shown_path
from codesearch.searching.stores.protocol import Scope, SearchStore

__all__ = ["chunk_of", "nearest_to"]


def nearest_to(
    request: SimilarRequest, store: SearchStore, embedder: Callable[[], Embedder]
) -> list[Candidate]:
    """Return the chunks nearest to what the request gives, without itself, best first.

    Raises:
        BadQuery: nothing is indexed at that line, or the symbol is not defined, or in several places.
    """
    if request.code is not None:
        vector = _embedded(request.code, embedder)
        with store.snapshot():
            return _nearest(request, store, vector, None)
    with store.snapshot():
        own = chunk_of(request, store)
        stored = store.vector(own)
        if stored is None:
            stored = _embedded(store.chunks([own])[own].embedded_text, embedder)
        return _nearest(request, store, stored, own)


def chunk_of(request: SimilarRequest, store: SearchStore) -> ChunkRef:
    """Return the chunk at the place that a request names. BadQuery as in ``nearest_to``."""
    root, path = request.root or store.roots[0], request.path
    if path is not None and request.line is not None:
        found = store.chunk_at(root, path, request.line)
        if found is None:
            place = f"{shown_path(store, root, path)}:{request.line}"
            raise BadQuery(f"nothing is indexed at {place}; give a line of an indexed file, FILE:LINE")
        return found
    assert request.symbol is not None, "a request names a line, a symbol or code"
    if path is not None:
        return definition_in(store, root, path, request.symbol)
    return only_definition(store, request.symbol)


def _nearest(
    request: SimilarRequest, store: SearchStore, vector: NDArray[np.float32], own: ChunkRef | None
) -> list[Candidate]:
    near = store.nearest(vector, request.limit + 1, Scope(request.filter))
    near = [match for match in near if match.ref != own][: request.limit]
    chunks = store.chunks([match.ref for match in near])
    return [Candidate(ref, chunks[ref], score) for ref, score in near if ref in chunks]


def _embedded(text: str, embedder: Callable[[], Embedder]) -> NDArray[np.float32]:
    encoded = encode_documents(embedder(), [text])
    if encoded.failed:
        raise CodesearchError("the model gives no finite vector for this code; try another part of it")
    vector: NDArray[np.float32] = encoded.vectors[0]
    return vector
