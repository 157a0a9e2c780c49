"""Vectors that are computed once: files of a few hundred, found again by a hash of their text.

A run may be killed at any time; the next one goes on behind the last whole file. What a folder holds is of
one model in one float type and one role (its name says so), so nothing in it can be stale.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["VectorCache", "key_of"]

_AT_ONCE = 512
"""Texts a file: what a killed run loses at most."""
_KEY_BYTES = 16


def key_of(text: str) -> bytes:
    """16 bytes."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


class VectorCache:
    """The vectors of ``encode`` in ``folder``; several processes may fill it at once."""

    def __init__(self, folder: Path, encode: Callable[[list[str]], NDArray[np.float32]], dim: int) -> None:
        self._folder, self._encode, self._dim = folder, encode, dim
        self._known: dict[bytes, NDArray[np.float32]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.npz")):
            with np.load(path) as stored:
                self._remember(list(map(bytes, stored["keys"])), stored["vectors"])

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dim) float32, in their order; what is not there yet is computed and stored."""
        keys = [key_of(text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        waiting = list(missing.items())
        for start in range(0, len(waiting), _AT_ONCE):
            part = waiting[start : start + _AT_ONCE]
            self.put([text for _, text in part], self._encode([text for _, text in part]))
            done = min(start + _AT_ONCE, len(waiting))
            print(f"\r{self._folder.name}: {done:,} of {len(waiting):,} texts", end="", file=sys.stderr)
        if waiting:
            print(file=sys.stderr)
        return np.array([self._known[key] for key in keys], np.float32).reshape(len(keys), self._dim)

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store what was computed, as one file that is there whole or not at all."""
        keys = [key_of(text) for text in texts]
        stem = hashlib.blake2b(b"".join(keys), digest_size=8).hexdigest()
        unfinished = self._folder / f"{stem}.{os.getpid()}.new"
        with unfinished.open("wb") as stream:
            raw = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY_BYTES)
            np.savez(stream, keys=raw, vectors=vectors.astype(np.float32))
        unfinished.replace(self._folder / f"{stem}.npz")
        self._remember(keys, vectors)

    def _remember(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        self._known.update(zip(keys, vectors, strict=True))
