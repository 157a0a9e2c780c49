"""Pairs as arrays: token ids in one flat array with offsets, and what batching needs to know of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

__all__ = ["Pairs", "Ragged", "encode", "ragged"]

_AT_ONCE = 20_000
_SIDES = ("queries", "texts")


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of token ids of unequal length. ``ids`` uint16, ``starts`` int64 with one more entry than rows."""

    ids: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def lengths(self) -> np.ndarray:
        """(rows,) int64."""
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class Pairs:
    """``queries``: one a pair. ``texts``: each different text once. Per pair, int32: its text (a row of
    ``texts``), kind, language, repository, file and chunk; texts of one chunk are right answers to each
    other's queries."""

    queries: Ragged
    texts: Ragged
    text: np.ndarray
    kind: np.ndarray
    language: np.ndarray
    repository: np.ndarray
    file: np.ndarray
    chunk: np.ndarray

    def __len__(self) -> int:
        return len(self.queries)

    def save(self, path: Path) -> None:
        """One uncompressed .npz."""
        columns = {f"of_{name}": getattr(self, name) for name in self.__slots__ if name not in _SIDES}
        for name in _SIDES:
            ragged: Ragged = getattr(self, name)
            columns |= {f"{name}_ids": ragged.ids, f"{name}_lengths": ragged.lengths().astype(np.uint16)}
        np.savez(path, **columns)

    @classmethod
    def load(cls, path: Path) -> Pairs:
        """What ``save`` wrote."""
        with np.load(path) as stored:
            columns = {name: stored[name] for name in stored.files}
        queries, texts = (ragged(columns.pop(f"{n}_ids"), columns.pop(f"{n}_lengths")) for n in _SIDES)
        return cls(queries, texts, **{name.removeprefix("of_"): column for name, column in columns.items()})


def ragged(ids: np.ndarray, lengths: np.ndarray) -> Ragged:
    """Rows of these lengths, one after the other in ``ids``."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return Ragged(ids, starts)


def encode(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> Ragged:
    """Token ids of ``texts``, each cut to ``longest`` with its closing token kept."""
    tokenizer.enable_truncation(longest)
    rows: list[np.ndarray] = []
    for start in range(0, len(texts), _AT_ONCE):
        encodings = tokenizer.encode_batch_fast(list(texts[start : start + _AT_ONCE]))
        rows.extend(np.array(e.ids, np.uint16) for e in encodings)
    return ragged(np.concatenate(rows), np.array([len(r) for r in rows], np.int64))
