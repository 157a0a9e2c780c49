"""Questions made of questions, while training: parts joined, shared words taken away.

- A text without the words of its question, or a question without those of its text, can only be found by
  meaning: no corpus has enough such pairs.
- Two questions about one place, one after the other, are what a longer question or an issue looks like.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.data.examples import PAD, Rows

__all__ = ["joined", "without_shared"]

_LEAST_LEFT = 4
"""Tokens that a row keeps, its two borders included; a row that would keep fewer is left as it is."""


def joined(first: Rows, second: Rows, which: Tensor, longest: int) -> Rows:
    """``first``, with ``second`` behind it (less its opening token) in the rows of ``which`` (bool)."""
    own = first.mask.sum(1)
    more = torch.where(which, second.mask.sum(1) - 1, 0)
    lengths = (own + more).clamp(max=longest)
    places = torch.arange(int(lengths.max()), device=own.device)[None, :]
    mask = places < lengths[:, None]
    from_first = places < own[:, None]
    left = first.ids.gather(1, places.clamp(max=first.ids.shape[1] - 1).expand(len(own), -1))
    at = (places - own[:, None] + 1).clamp(0, second.ids.shape[1] - 1)
    ids = torch.where(from_first, left, second.ids.gather(1, at))
    return Rows(torch.where(mask, ids, PAD), mask)


def without_shared(rows: Rows, others: Rows, which: Tensor) -> Rows:
    """``rows``, in those of ``which`` (bool) without the tokens that stand in the same row of ``others``.

    Tokens are masked, not moved: what is left keeps its distances.
    """
    picked = which.nonzero()[:, 0]
    if not len(picked):
        return rows
    ids, mask, other = rows.ids[picked], rows.mask[picked], others.ids[picked]
    shared = torch.zeros_like(mask)
    for column in range(other.shape[1]):
        shared |= ids == other[:, column : column + 1]
    kept = mask & (~shared | (ids < PAD + 2))
    enough = kept.sum(1) >= _LEAST_LEFT
    out = rows.mask.clone()
    out[picked] = torch.where(enough[:, None], kept, mask)
    return Rows(rows.ids, out)
