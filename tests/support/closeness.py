"""What several test modules share: one tolerance function and an embedder that needs no model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def assert_close(got: ArrayLike, want: ArrayLike, *, atol: float, what: str) -> None:
    """Shape, then dtype kind, then values: the only place where arrays are compared with a tolerance."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    assert got.dtype.kind == want.dtype.kind, f"{what}: dtype {got.dtype}, expected {want.dtype}"
    assert np.isfinite(got).all(), f"{what}: not finite"
    if got.size:
        worst = float(np.abs(got.astype(np.float64) - want.astype(np.float64)).max())
        assert worst <= atol, f"{what}: differs by {worst:.3g}, tolerance {atol:g}"


@cache
def _word_vector(word: str, model: str) -> NDArray[np.float32]:
    digest = blake2b(word.encode(), digest_size=WordHashEmbedder.dim, key=model.encode()[:64]).digest()
    return np.frombuffer(digest, np.uint8).astype(np.float32) - 127.5


class WordHashEmbedder:
    """An ``Embedder`` whose vectors depend on the words of the text alone: texts that share words are near.

    Identifiers count as their parts (``parseConfig`` and ``parse_config`` as "parse config"). Vectors
    never depend on earlier calls, but on the fingerprint: another fingerprint is another model.
    ``embedded`` and ``queries`` only count the texts that were asked for.
    """

    dim = 64
    max_length = 512

    def __init__(self, fingerprint: str = "word-hash-1") -> None:
        self.fingerprint = fingerprint
        self.embedded = 0
        self.queries = 0

    def encode_query(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        self.queries += len(texts)
        return self._encode(texts)

    def encode_document(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        self.embedded += len(texts)
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for i, text in enumerate(texts):
            for word in _WORD.findall(text) or [text]:
                vectors[i] += _word_vector(word.lower(), self.fingerprint)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
