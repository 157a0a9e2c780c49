"""Vectors in three bits a number: which of many may be nearest to a question, in a tenth of the memory.

Each vector, less the mean of all, is quantised uniformly in units of its own spread, and the question in
four bits of its. The product of two such is a sum over pairs of their bits, each the number of places in
which these differ (xor, then count), so all vectors are compared without becoming floats again. A factor for
each vector makes up for what quantising takes of its length.

Steps: Max, "Quantizing for minimum distortion" (1960), for Gaussian numbers. The factor: Gao and Long,
"RaBitQ" (SIGMOD 2024, arXiv:2405.12497).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass

__all__ = ["BITS", "Codes", "words_of"]

BITS, _QUERY_BITS = 3, 4
_STEPS = {BITS: 0.586, _QUERY_BITS: 0.3352}
"""Of a quantiser with so many bits, in standard deviations."""
_WORD = 64
_BLOCK = 1 << 14
"""Vectors compared at a time: what is made of them on the way fits a core's cache."""
_ENCODED = 1 << 12


@dataclass(frozen=True, slots=True)
class Codes:
    """What n vectors are compared by. Never changed: any number of threads may ask."""

    centre: NDArray[np.float32]
    """(dim,): the mean of all."""
    factors: NDArray[np.float32]
    """(n,): of each, which makes its code as long as it is."""
    planes: NDArray[np.uint64]
    """(BITS, words, n): of each bit of the numbers, the least first, 64 numbers a word."""

    @classmethod
    def of(cls, matrix: NDArray[np.float32]) -> Self:
        """Return the codes of vectors (n, dim)."""
        count, dim = matrix.shape
        centre = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
        factors, planes = np.zeros(count, np.float32), np.empty((BITS, words_of(dim), count), np.uint64)
        for start in range(0, count, _ENCODED):
            rows = slice(start, start + _ENCODED)
            apart = matrix[rows] - centre
            codes, _ = _quantised(apart, BITS)
            planes[..., rows] = _planes(codes, BITS)
            along = np.einsum("ij,ij->i", apart, codes - np.float32((2**BITS - 1) / 2))
            np.divide(np.einsum("ij,ij->i", apart, apart), along, out=factors[rows], where=along > 0)
        return cls(centre, factors, planes)

    def compare(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the inner products with (dim,), about: (n,)."""
        codes, step = _quantised(query[None], _QUERY_BITS)
        differing = self._differing(_planes(codes, _QUERY_BITS)[..., 0]).astype(np.float32)
        most = (2**BITS - 1) * (2**_QUERY_BITS - 1) * len(query)  # where all bits are the same
        differing -= np.float32(most / 2)
        differing *= np.float32(-step[0, 0] / 2)
        differing *= self.factors
        differing += np.float32(self.centre @ query)
        return differing

    def _differing(self, asked: NDArray[np.uint64]) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Return in how many places the bits of each differ from (bits, words): (n,).

        A pair of bits counts by its worth, 2 to the power of the sum of both numbers.
        """
        bits, words, count = self.planes.shape
        most = (2**bits - 1) * (2 ** len(asked) - 1) * words * _WORD
        found: NDArray[Any] = np.zeros(count, np.uint16 if most < 1 << 16 else np.uint32)
        apart, places = np.empty(min(_BLOCK, count), np.uint64), np.empty(min(_BLOCK, count), np.uint8)
        for start in range(0, count, _BLOCK):
            rows = slice(start, start + _BLOCK)
            sums = found[rows]
            here, differ = apart[: len(sums)], places[: len(sums)]
            for worth in reversed(range(bits + len(asked) - 1)):  # those of each power of two together
                sums += sums
                for bit in range(max(0, worth - len(asked) + 1), min(bits, worth + 1)):
                    for word in range(words):
                        np.bitwise_xor(self.planes[bit, word, rows], asked[worth - bit, word], out=here)
                        np.bitwise_count(here, out=differ)
                        np.add(sums, differ, out=sums)
        return found


def words_of(dim: int) -> int:
    """Return how many words hold a bit of each number."""
    return -(-dim // _WORD)


def _quantised(vectors: NDArray[np.float32], bits: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the codes of vectors, (n, dim) from 0 on, and what a step of theirs is, (n, 1)."""
    spread = np.sqrt(np.square(vectors).mean(axis=1, keepdims=True))
    step = np.maximum(spread * np.float32(_STEPS[bits]), np.finfo(np.float32).tiny)
    half = 1 << (bits - 1)
    return (np.clip(np.floor(vectors / step), -half, half - 1) + half).astype(np.uint8), step


def _planes(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint64]:
    """Return the bits of codes (n, dim), the least first: (bits, words, n)."""
    count, dim = codes.shape
    padded = np.zeros((bits, count, words_of(dim) * _WORD), np.uint8)
    for bit in range(bits):
        padded[bit, :, :dim] = codes >> bit & 1
    packed = np.packbits(padded, axis=2).view(np.uint64)
    return np.ascontiguousarray(packed.transpose(0, 2, 1))
