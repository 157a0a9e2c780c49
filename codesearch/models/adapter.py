"""A small change to the vectors of questions, learned from one repository (``codesearch tune``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.records import Embedder, Vectors

__all__ = ["AdaptedEmbedder", "QueryAdapter"]


@dataclass(frozen=True, slots=True)
class QueryAdapter:
    """The affine map ``q -> q + (q @ left) @ right + offset``, brought back to unit length."""

    left: NDArray[np.float32]
    """(dim, rank)."""
    right: NDArray[np.float32]
    """(rank, dim)."""
    offset: NDArray[np.float32]
    """(dim,)."""
    fingerprint: str
    """Of the model whose vectors it changes."""
    note: str = ""
    """What it gained when it was learned, for people."""

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return len(self.offset)

    def apply(self, vectors: Vectors) -> Vectors:
        """Change (n, dim) unit vectors of questions; a vector that would vanish stays as it is."""
        moved = vectors + (vectors @ self.left) @ self.right + self.offset
        length = np.linalg.norm(moved, axis=-1, keepdims=True)
        changed: Vectors = np.where(length > np.finfo(np.float32).eps, moved, vectors).astype(np.float32)
        changed /= np.maximum(np.linalg.norm(changed, axis=-1, keepdims=True), np.finfo(np.float32).tiny)
        return changed


class AdaptedEmbedder:
    """An embedder whose questions go through an adapter; documents stay as they are."""

    def __init__(self, embedder: Embedder, adapter: QueryAdapter) -> None:
        self._embedder, self._adapter = embedder, adapter
        self.dim = embedder.dim
        self.fingerprint = embedder.fingerprint
        self.max_length = embedder.max_length
        self.model_id = str(getattr(embedder, "model_id", type(embedder).__name__))

    def encode_query(self, texts: list[str], /) -> Vectors:
        """Return the adapted vectors of questions."""
        return self._adapter.apply(self._embedder.encode_query(texts))

    def encode_document(self, texts: list[str], /) -> Vectors:
        """Return the vectors of what is searched, which no adapter changes."""
        return self._embedder.encode_document(texts)
