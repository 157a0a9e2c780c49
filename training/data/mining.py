"""Hard negatives: to each query, texts of the same repository that the student takes for answers.

A text above the right one, or nearly as near, may be another right one, so those are passed over
(NV-Retriever, Moreira et al., arXiv:2407.15831, "TopK-PercPos").
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data.encoded import Pairs
from training.data.examples import Examples, Rows, Side

__all__ = ["mine", "vectors"]

_AT_ONCE = 4096
_NEARER_THAN = 0.95
"""Of the right text's similarity."""
Embed = Callable[[Rows], Tensor]


def vectors(side: Side, lengths: np.ndarray, embed: Embed, longest: int, device: torch.device) -> Tensor:
    """(rows, width) float16 of unit length, rows in their order; computed by length."""
    order = torch.from_numpy(np.argsort(lengths, kind="stable")).to(device)
    parts = []
    with torch.no_grad():
        for part in order.split(_AT_ONCE):
            parts.append(functional.normalize(embed(side.rows(part, longest)), dim=-1).half())
    out = torch.empty_like(torch.cat(parts))
    out[order] = torch.cat(parts)
    return out


def mine(pairs: Pairs, examples: Examples, queries: Tensor, texts: Tensor, count: int) -> Tensor:
    """(pairs, count) int64: rows of ``texts`` that answer not; the query's own text where there are too few.

    ``queries`` and ``texts``: unit-length vectors of all of them.
    """
    device = queries.device
    found = examples.text[:, None].expand(-1, count).clone()
    for repository in np.unique(pairs.repository):
        rows = torch.from_numpy(np.flatnonzero(pairs.repository == repository)).to(device)
        own = examples.text[rows].unique()
        for part in rows.split(_AT_ONCE):
            scores = queries[part].float() @ texts[own].float().T
            limit = (queries[part].float() * texts[examples.text[part]].float()).sum(1) * _NEARER_THAN
            scores = scores.masked_fill(examples.right(part, own) | (scores > limit[:, None]), -1.0)
            best, at = scores.topk(min(count, len(own)), dim=1)
            found[part, : at.shape[1]] = torch.where(best > 0, own[at], found[part, : at.shape[1]])
    return found
