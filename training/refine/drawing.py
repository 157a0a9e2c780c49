"""Which pairs a step sees: blocks of one repository each, in part pairs whose texts are near to each other.

Drawn from (seed, step) and from the texts' vectors. Repositories are drawn with the square root of their
size, kinds of pairs with stated shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.batches import shares_of, weights_of
from training.data.encoded import Pairs

__all__ = ["NearBlocks", "left_out"]

_NEAR = 400
"""Pairs nearest to one that was drawn, of which half a block is drawn."""
_ENOUGH = 300
"""Pairs of a repository that can be left out."""


def left_out(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """Return the codes of ``count`` repositories that tell how far a run is, the same in every run."""
    sizes = np.bincount(pairs.repository)
    return np.sort(np.random.default_rng(7).permutation(np.flatnonzero(sizes > _ENOUGH))[:count])


class NearBlocks:
    """``at(step, vectors)`` -> blocks of rows of ``pairs``, each (block,) int64 of one repository."""

    def __init__(
        self,
        pairs: Pairs,
        shares: Mapping[int, float],
        *,
        count: int,
        block: int,
        without: Sequence[int] = (),
        seed: int = 1,
    ) -> None:
        """``count`` blocks a step. ``shares``: by code of the kind. ``without``: repositories left out."""
        self._pairs, self._count, self._block, self._seed = pairs, count, block, seed
        share = shares_of(pairs, shares)
        self._rows: list[NDArray[np.int64]] = []
        self._weights: list[NDArray[np.float64]] = []
        for code in np.unique(pairs.repository):
            rows = np.flatnonzero(pairs.repository == code)
            if code not in without and len(rows) >= block:
                weights = weights_of(pairs.kind[rows], share)
                self._rows.append(rows)
                self._weights.append(weights / weights.sum())
        roots = np.sqrt([len(rows) for rows in self._rows])
        self._often = roots / roots.sum()

    def at(self, step: int, vectors: NDArray[np.float16]) -> list[NDArray[np.int64]]:
        """``vectors``: (texts, width) of unit length, of all texts of the pairs."""
        dice = np.random.default_rng((self._seed, step))
        drawn = dice.choice(len(self._rows), self._count, p=self._often)
        return [self._one(self._rows[at], self._weights[at], vectors, dice) for at in drawn]

    def _one(
        self,
        rows: NDArray[np.int64],
        weights: NDArray[np.float64],
        vectors: NDArray[np.float16],
        dice: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Half of a block anywhere in the repository, half near to the first of it."""
        half = dice.choice(rows, self._block // 2, p=weights)
        texts = self._pairs.text
        nearness = vectors[texts[rows]].astype(np.float32) @ vectors[texts[half[0]]].astype(np.float32)
        near = np.argpartition(-nearness, min(_NEAR, len(rows) - 1))[:_NEAR]
        near = near[weights[near] > 0]
        count = min(self._block - len(half), len(near))
        own = weights[near] / weights[near].sum()
        close = rows[dice.choice(near, count, replace=False, p=own)] if count else half[:0]
        rest = dice.choice(rows, self._block - len(half) - count, p=weights)
        return np.concatenate([half, close, rest])
