"""The second half of a refresh: embed every chunk that has no vector.

Vectors come from the look-aside cache where any index of this user has seen the text, else from the
model, in batches of about a second that are committed one by one: a kill costs one batch. What is
stored goes to the cache after its commit, so that the cache never knows more than an index does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import field

import numpy as np

from codesearch.errors import CodesearchError
from codesearch.models.embedder import Model, encode_documents
from codesearch.quick_dataclass import dataclass
from codesearch.records import Progress, StoredChunk
from codesearch.storage.rows import text_hash
from codesearch.storage.store import Store
from codesearch.updating.tally import Deadline, Tally
from codesearch.vectors.cache import VectorCache

__all__ = ["Vectorizer"]

_LOOKED_UP = 512
"""Chunks fetched at a time; each batch is cut from them, longest texts last."""
_FIRST_BATCH, _LEAST_BATCH, _LARGEST_BATCH = 32, 8, 512
_SHORT_SECONDS, _LONG_SECONDS = 0.7, 3.0
_NAMED = 3  # failures shown by place


@dataclass(slots=True)
class Vectorizer:
    """One run over the chunks that wait. ``dim`` is that of the stored vectors, None before the first."""

    store: Store
    model: Model
    cache: VectorCache
    tally: Tally
    deadline: Deadline
    progress: Progress
    dim: int | None
    size: int = field(default_factory=lambda: _FIRST_BATCH)
    """Chunks in the next batch for the model; follows its speed."""

    def run(self) -> bool:
        """Fill in what is missing; False where the deadline came first."""
        counts = self.store.counts()
        total, done = counts.to_embed - counts.embedded, 0
        failed: list[StoredChunk] = []
        self.progress("embed", done, total)
        ids = self.store.pending()
        for at in range(0, len(ids), _LOOKED_UP):
            if self.deadline.passed:
                break
            waiting = list(self.store.chunks(ids[at : at + _LOOKED_UP]).values())
            missing = self._from_cache(waiting)
            done += len(waiting) - len(missing)
            self.progress("embed", done, total)
            for batch in self._batches(missing):
                failed += self._embed(batch)
                done += len(batch)
                self.progress("embed", done, total)
                if self.deadline.passed:
                    break
        self._note(failed)
        return not self.store.has_pending()

    def _from_cache(self, waiting: Sequence[StoredChunk]) -> list[StoredChunk]:
        """Store the vectors that are known already; the chunks that are left."""
        dim = self.dim or self.model.load().dim
        hashes = [text_hash(stored.chunk.embedded_text) for stored in waiting]
        with self.tally.timed("cache"):
            found = self.cache.get(self.model.cache_identity, hashes, dim)
        known = [
            (stored.id, vector) for stored, vector in zip(waiting, found, strict=True) if vector is not None
        ]
        if known:
            self.store.put_vectors([ident for ident, _ in known], np.stack([vector for _, vector in known]))
            self.tally.from_cache += len(known)
        return [stored for stored, vector in zip(waiting, found, strict=True) if vector is None]

    def _batches(self, missing: list[StoredChunk]) -> Iterator[list[StoredChunk]]:
        left = sorted(missing, key=lambda stored: len(stored.chunk.text))
        while left:
            batch, left = left[: self.size], left[self.size :]
            yield batch

    def _embed(self, batch: list[StoredChunk]) -> list[StoredChunk]:
        """Embed, commit, remember; the chunks for which the model has no vector."""
        texts = [stored.chunk.embedded_text for stored in batch]
        with self.tally.timed("model"):
            embedder = self.model.load()
        self._check_dim(embedder.dim)
        started = time.perf_counter()
        with self.tally.timed("embed"):
            encoded = encode_documents(embedder, texts)
        self._adapt(time.perf_counter() - started)
        self.store.put_vectors([stored.id for stored in batch], encoded.vectors)
        bad = set(encoded.failed)
        good = [i for i in range(len(batch)) if i not in bad]
        with self.tally.timed("cache"):
            self.cache.put(
                self.model.cache_identity, [text_hash(texts[i]) for i in good], encoded.vectors[good]
            )
        self.tally.embedded += len(good)
        self.tally.truncated += encoded.truncated
        return [batch[i] for i in encoded.failed]

    def _check_dim(self, dim: int) -> None:
        if self.dim is not None and dim != self.dim:
            raise CodesearchError(
                f"model {self.model.name} gives {dim} dimensions under a fingerprint whose stored vectors "
                f"have {self.dim}; its fingerprint must change when its vectors do"
            )

    def _adapt(self, seconds: float) -> None:
        if seconds < _SHORT_SECONDS:
            self.size = min(self.size * 2, _LARGEST_BATCH)
        elif seconds > _LONG_SECONDS:
            self.size = max(self.size // 2, _LEAST_BATCH)

    def _note(self, failed: list[StoredChunk]) -> None:
        if failed:
            places = [f"{stored.chunk.path}:{stored.chunk.start_line}" for stored in failed[:_NAMED]]
            self.tally.notes.append(
                f"the model has no finite vector for {len(failed)} chunk(s), which are found by their words "
                f"only: {', '.join(places)}"
            )
