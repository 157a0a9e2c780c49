"""A cache of token vectors for late-interaction rerankers, in fewer bits.

The vectors of a text's tokens are as many numbers as those of a hundred texts, so a component becomes one
byte: round(127 x / m), with m the largest component of the text. They are rounded before they are first used,
so that an answer does not depend on whether they were there. The file is one of its own, bounded like the
other; a text is known by its hash and the identity of the model, and what is damaged is computed again.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesearch.storage.rows import text_hash
from codesearch.vectors.cache import VectorCache, configured_bytes

__all__ = ["MOST_BYTES", "TokenVectorCache", "pack", "unpack"]

MOST_BYTES = 256 << 20
"""Size that the file is kept within, or CODESEARCH_CACHE_BYTES where that is less."""
_HEAD = struct.Struct("<fI")
_TOP = 127

Vectors = NDArray[np.float32]


class TokenVectorCache:
    """The cache at ``path``, which is opened while it is used. Any thread may use it."""

    def __init__(self, path: Path, max_bytes: int | None = None) -> None:
        """``max_bytes`` limits the file; None: ``MOST_BYTES``, or less by CODESEARCH_CACHE_BYTES."""
        self.path = path
        self._max_bytes = max_bytes

    def get(self, identity: str, texts: Sequence[str]) -> list[Vectors | None]:
        """Of each text the vectors of its tokens, (tokens, dim) float32 as they were rounded, or None."""
        with self._opened() as cache:
            found = cache.get_blobs(identity, [text_hash(text) for text in texts])
        return [None if blob is None else unpack(blob) for blob in found]

    def put(self, identity: str, texts: Sequence[str], vectors: Sequence[Vectors]) -> list[Vectors]:
        """Remember the vectors of the tokens of each text. Returns them as ``get`` will give them."""
        blobs = [pack(each) for each in vectors]
        with self._opened() as cache:
            cache.put_blobs(identity, [text_hash(text) for text in texts], blobs)
        return [unpack(blob) for blob in blobs]

    def _opened(self) -> VectorCache:
        limit = min(MOST_BYTES, configured_bytes()) if self._max_bytes is None else self._max_bytes
        return VectorCache(self.path, limit)


def pack(vectors: Vectors) -> bytes:
    """(tokens, dim) float32 -> the largest component, dim, and a byte for each component."""
    peak = float(np.abs(vectors).max(initial=0))
    steps = np.rint(vectors / np.float32(peak or 1) * _TOP).astype(np.int8)
    return _HEAD.pack(peak, vectors.shape[1]) + bytes(steps)


def unpack(blob: bytes) -> Vectors:
    """The vectors that ``pack`` made a text's bytes of, within half a step each."""
    peak, dim = _HEAD.unpack_from(blob)
    steps = np.frombuffer(blob, np.int8, offset=_HEAD.size).astype(np.float32)
    return steps.reshape(-1, dim) * np.float32(peak / _TOP)
