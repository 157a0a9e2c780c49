"""Which pairs make up step n: drawn from (seed, n) alone, so that a run that was cut goes on unchanged.

A batch is made of blocks, each from one repository: inside a block the negatives are hard (same project,
same words, often the same file), between blocks they are easy. Languages and repositories are drawn with
the square root of their size, kinds of pairs with stated shares, so that no giant drowns the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.encoded import Pairs

__all__ = ["Batches", "also_right"]


@dataclass(frozen=True, slots=True)
class _Repository:
    rows: np.ndarray
    chance: np.ndarray


class Batches:
    """``at(step) -> (size,) int64`` rows of ``pairs``; ``shares``: kind code -> share (0 leaves it out)."""

    def __init__(self, pairs: Pairs, size: int, block: int, shares: Mapping[int, float], seed: int) -> None:
        self._size, self._block, self._seed = size, block, seed
        self._repositories: list[_Repository] = []
        weights: list[float] = []
        share = np.array([shares.get(int(k), 0.0) for k in range(int(pairs.kind.max()) + 1)])
        for language in np.unique(pairs.language):
            of_language = np.flatnonzero(pairs.language == language)
            codes, sizes = np.unique(pairs.repository[of_language], return_counts=True)
            roots = np.sqrt(sizes)
            for code, root in zip(codes, roots, strict=True):
                rows = of_language[pairs.repository[of_language] == code]
                counts = np.bincount(pairs.kind[rows], minlength=len(share))
                chance = (share / np.maximum(counts, 200))[pairs.kind[rows]]
                if (chance > 0).sum() >= block:
                    self._repositories.append(_Repository(rows, chance / chance.sum()))
                    weights.append(root / roots.sum() * np.sqrt(len(of_language)))
        self._weights = np.array(weights) / np.sum(weights)

    def at(self, step: int) -> np.ndarray:
        """Rows of the pairs of one step."""
        rng = np.random.default_rng((self._seed, step))
        drawn = rng.choice(len(self._repositories), self._size // self._block, p=self._weights)
        blocks = []
        for n in drawn:
            repository = self._repositories[n]
            blocks.append(rng.choice(repository.rows, self._block, replace=False, p=repository.chance))
        return np.concatenate(blocks)


def also_right(pairs: Pairs, rows: np.ndarray, loose: frozenset[int]) -> np.ndarray:
    """(rows, rows) bool: text j answers query i too. The same text always does; for kinds in ``loose`` (the
    query is about a file, not about one place in it) every text of the same file does."""
    same_text = pairs.text_hash[rows][:, None] == pairs.text_hash[rows][None, :]
    same_file = pairs.file[rows][:, None] == pairs.file[rows][None, :]
    about_file = np.isin(pairs.kind[rows], list(loose))
    out: np.ndarray = same_text | (same_file & (about_file[:, None] | about_file[None, :]))
    np.fill_diagonal(out, False)
    return out
