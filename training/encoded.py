"""Pairs as arrays: token ids in one flat array with offsets, and what batching needs to know of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

__all__ = ["Pairs", "Ragged", "encode"]

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

    def flat(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token ids of ``rows`` one after the other (int64), and where each row starts (int64)."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        return self.ids[np.repeat(self.starts[rows], lengths) + within].astype(np.int64), ends - lengths

    def padded(self, rows: np.ndarray, pad: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows, length) int64 ids and their mask; rows beyond ``longest`` lose their ends."""
        lengths = np.minimum(self.starts[rows + 1] - self.starts[rows], longest)
        mask = np.arange(lengths.max())[None, :] < lengths[:, None]
        places = np.where(mask, self.starts[rows][:, None] + np.arange(mask.shape[1])[None, :], 0)
        return np.where(mask, self.ids[places].astype(np.int64), pad), mask.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Pairs:
    """``queries`` and ``texts`` of equal length; per pair: its kind, language, repository, file (int32 codes)
    and a hash of its text (int64), by which right answers of other pairs are known."""

    queries: Ragged
    texts: Ragged
    kind: np.ndarray
    language: np.ndarray
    repository: np.ndarray
    file: np.ndarray
    text_hash: np.ndarray

    def __len__(self) -> int:
        return len(self.queries)

    def save(self, path: Path) -> None:
        """One uncompressed .npz."""
        columns = {f"of_{name}": getattr(self, name) for name in self.__slots__ if name not in _SIDES}
        for name in _SIDES:
            ragged: Ragged = getattr(self, name)
            columns |= {f"{name}_ids": ragged.ids, f"{name}_starts": ragged.starts}
        np.savez(path, **columns)

    @classmethod
    def load(cls, path: Path) -> Pairs:
        """What ``save`` wrote."""
        with np.load(path) as stored:
            columns = {name: stored[name] for name in stored.files}
        queries, texts = (Ragged(columns.pop(f"{n}_ids"), columns.pop(f"{n}_starts")) for n in _SIDES)
        return cls(queries, texts, **{name.removeprefix("of_"): column for name, column in columns.items()})


def encode(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> Ragged:
    """Token ids of ``texts``, each cut to ``longest`` with its closing token kept."""
    tokenizer.enable_truncation(longest)
    rows: list[np.ndarray] = []
    for start in range(0, len(texts), _AT_ONCE):
        encodings = tokenizer.encode_batch_fast(list(texts[start : start + _AT_ONCE]))
        rows.extend(np.array(e.ids, np.uint16) for e in encodings)
    starts = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(r) for r in rows], out=starts[1:])
    return Ragged(np.concatenate(rows), starts)
