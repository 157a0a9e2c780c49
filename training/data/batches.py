"""Which pairs make up step n: drawn from (seed, n) alone, so that a run that was cut goes on unchanged.

A batch is made of blocks, each from one repository: inside a block the negatives are hard (same project,
same words, often the same file), between blocks they are easy. Languages and repositories are drawn with
the square root of their size, kinds of pairs with stated shares, so that no giant drowns the others.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.data.encoded import Pairs

__all__ = ["Batches", "shares_of", "weights_of"]

_TYPICAL = 200
"""A kind with fewer pairs in a repository is drawn as often as if each of its pairs were one of so many."""


class Batches:
    """``at(step) -> (size,) int64`` rows of ``pairs``; ``shares``: kind code -> share (0 leaves it out)."""

    def __init__(self, pairs: Pairs, size: int, block: int, shares: Mapping[int, float], seed: int) -> None:
        self._size, self._block, self._seed = size, block, seed
        self._rows: list[np.ndarray] = []
        self._sums: list[np.ndarray] = []
        weights: list[float] = []
        share = shares_of(pairs, shares)
        wanted = np.flatnonzero(share[pairs.kind] > 0)
        for language in np.unique(pairs.language[wanted]):
            of_language = wanted[pairs.language[wanted] == language]
            codes, sizes = np.unique(pairs.repository[of_language], return_counts=True)
            roots = np.sqrt(sizes)
            for code, root in zip(codes, roots, strict=True):
                rows = of_language[pairs.repository[of_language] == code]
                if len(rows) >= block:
                    self._rows.append(rows)
                    self._sums.append(np.cumsum(weights_of(pairs.kind[rows], share)))
                    weights.append(root / roots.sum() * np.sqrt(len(of_language)))
        self._weights = np.array(weights) / np.sum(weights)

    def at(self, step: int) -> np.ndarray:
        """Rows of the pairs of one step; a block may hold a pair twice, as it may hold two of one chunk."""
        rng = np.random.default_rng((self._seed, step))
        drawn = rng.choice(len(self._rows), self._size // self._block, p=self._weights)
        lots = rng.random((len(drawn), self._block))
        blocks = [
            self._rows[n][np.searchsorted(self._sums[n], lot * self._sums[n][-1], side="right")]
            for n, lot in zip(drawn, lots, strict=True)
        ]
        return np.concatenate(blocks)


def shares_of(pairs: Pairs, shares: Mapping[int, float]) -> np.ndarray:
    """(kinds,) float64: the share of each kind by its code, 0 for those that are not wanted."""
    return np.array([shares.get(kind, 0.0) for kind in range(int(pairs.kind.max()) + 1)])


def weights_of(kinds: np.ndarray, share: np.ndarray) -> np.ndarray:
    """How often pairs of one repository are drawn: (pairs,) kinds by code -> (pairs,) float64."""
    weights: np.ndarray = (share / np.maximum(np.bincount(kinds, minlength=len(share)), _TYPICAL))[kinds]
    return weights
