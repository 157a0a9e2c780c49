"""Vectors of all texts that questions are asked of: the model's at the beginning, then those of each step.

A memory bank (Wu et al., arXiv:1805.01978): a text that no step drew has the vector that it began with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.loading.embedding import load_local
from training.data.encoded import Pairs

__all__ = ["Bank"]

_AT_ONCE = 8_192
_ASKED = 2_048
"""Texts of a repository that a question is compared with, beside those of its step."""


class Bank:
    """``vectors``: (texts, width) float16 of unit length, in the order of ``pairs.texts``."""

    def __init__(self, folder: Path, begin: Path, texts: list[str], pairs: Pairs, seed: int) -> None:
        """``folder``: where the first vectors, int8 of the model in ``begin``, are kept from run to run."""
        self.vectors = _computed(folder, begin, texts)
        self._seed = seed
        repository = np.zeros(len(texts), np.int64)
        repository[pairs.text] = pairs.repository
        self._texts = [np.flatnonzero(repository == code) for code in range(int(repository.max()) + 1)]

    def pool(self, repository: int, own: NDArray[np.int32], step: int) -> NDArray[np.int64]:
        """Return texts of a repository in ascending order, ``own`` among them."""
        texts = self._texts[repository]
        if len(texts) > _ASKED:
            texts = np.random.default_rng((self._seed, step, repository)).choice(texts, _ASKED, replace=False)
        return np.unique(np.concatenate([own.astype(np.int64), texts]))

    def put(self, texts: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Take the vectors that a step computed of these texts."""
        self.vectors[texts] = vectors


def _computed(folder: Path, begin: Path, texts: list[str]) -> NDArray[np.float16]:
    """Go on behind the last whole part; of a run that was cut, nothing is computed twice."""
    embedder = load_local(begin, backend="onnx", dtype="int8")
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for start in range(0, len(texts), _AT_ONCE):
        part = folder / f"{start}.npy"
        if not part.exists():
            vectors = embedder.encode_document(texts[start : start + _AT_ONCE], truncation="silent")
            unfinished = folder / "unfinished.npy"
            np.save(unfinished, vectors.astype(np.float16))
            unfinished.replace(part)
        found.append(np.load(part))
    return np.concatenate(found)
