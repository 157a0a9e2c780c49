"""The pairs on the device that trains: rows of token ids are cut out there, not on the way to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.encoded import Pairs, Ragged

__all__ = ["PAD", "Examples", "Rows", "Side"]

PAD = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """``ids`` (rows, length) int64, ``mask`` (rows, length) bool: true where a token counts."""

    ids: Tensor
    mask: Tensor


class Side:
    """Ragged rows of token ids on a device."""

    def __init__(self, ragged: Ragged, device: torch.device) -> None:
        self._ids = torch.from_numpy(ragged.ids.astype(np.int32)).to(device)
        self._starts = torch.from_numpy(ragged.starts).to(device)

    def rows(self, which: Tensor, longest: int) -> Rows:
        """(rows,) int64 -> the rows, those beyond ``longest`` without their ends."""
        starts = self._starts[which]
        lengths = (self._starts[which + 1] - starts).clamp(max=longest)
        places = torch.arange(int(lengths.max()), device=which.device)
        mask = places < lengths[:, None]
        ids = self._ids[torch.where(mask, starts[:, None] + places, 0)].long()
        return Rows(torch.where(mask, ids, PAD), mask)


class Examples:
    """What a run learns from, on ``device``. Columns are (pairs,) int64."""

    def __init__(self, pairs: Pairs, loose: Collection[int], device: torch.device) -> None:
        """``loose``: codes of kinds whose query is about a file, not about one place in it."""
        self.queries = Side(pairs.queries, device)
        self.texts = Side(pairs.texts, device)
        self.text, self.kind, self.file, self.chunk = (
            torch.from_numpy(column.astype(np.int64)).to(device)
            for column in (pairs.text, pairs.kind, pairs.file, pairs.chunk)
        )
        self._loose = torch.tensor(sorted(loose), dtype=torch.int64, device=device)
        self.chunk_of_text = torch.zeros(len(pairs.texts), dtype=torch.int64, device=device)
        self.chunk_of_text[self.text] = self.chunk
        self.file_of_text = torch.zeros_like(self.chunk_of_text)
        self.file_of_text[self.text] = self.file
        self.sibling = torch.from_numpy(siblings(pairs.chunk)).to(device)
        """Another pair of the same chunk, itself where there is none."""

    def exact(self, rows: Tensor) -> Tensor:
        """(rows, 1) bool: the query is about one place, so that other places of its file are wrong."""
        return ~torch.isin(self.kind[rows], self._loose)[:, None]

    def right(self, rows: Tensor, texts: Tensor) -> Tensor:
        """(rows, texts) bool: text j answers the query of i. Texts of one chunk do, and for queries about a
        file all texts of the file."""
        same_chunk = self.chunk[rows][:, None] == self.chunk_of_text[texts][None, :]
        same_file = self.file[rows][:, None] == self.file_of_text[texts][None, :]
        return same_chunk | (same_file & ~self.exact(rows))


def siblings(chunk: np.ndarray) -> np.ndarray:
    """(pairs,) codes -> (pairs,) int64: the next pair with the same code, the first after the last."""
    order = np.argsort(chunk, kind="stable")
    ordered = chunk[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    following = np.arange(1, len(order) + 1)
    following[np.r_[begins[1:], len(order)] - 1] = begins
    out = np.empty(len(order), np.int64)
    out[order] = order[following]
    return out
