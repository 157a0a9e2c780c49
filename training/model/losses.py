"""What the student is trained on: find the text to a query among a batch, see queries as the teacher does.

- ``contrastive``: InfoNCE (van den Oord et al., arXiv:1807.03748), both ways, as in CLIP; the other pairs of
  the batch are the negatives, those excepted that would be right answers too, and texts that were mined.
- ``relational``: the student's similarities among the queries of a batch follow the teacher's (relational
  distillation, Park et al., arXiv:1904.05068, as a KL divergence of softmaxes, so that the dimensions of the
  two may differ).
- Both at several prefixes of the vector (Matryoshka, Kusupati et al., arXiv:2205.13147).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["PREFIXES", "contrastive", "matryoshka", "relational"]

PREFIXES: Mapping[int, float] = {256: 1.0, 128: 0.4, 64: 0.3}
"""Length of the prefix -> weight of its loss."""


def contrastive(queries: Tensor, texts: Tensor, also_right: Tensor, temperature: float) -> Tensor:
    """(batch, dim), (batch or more, dim), unit length -> scalar. Text i answers query i; what follows the
    first ``batch`` texts was mined and only counts against queries. ``also_right``: (batch, texts) bool,
    true off the diagonal where text j would answer query i as well; such pairs are left out of the sums."""
    logits = (queries @ texts.T / temperature).masked_fill(also_right, -1e4)
    target = torch.arange(len(queries), device=queries.device)
    back = logits[:, : len(queries)].T
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(back, target)) / 2


def relational(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """(batch, dim), (batch, dim of the teacher), both unit length -> scalar: KL(teacher || student) over the
    similarities of each item to all others of the batch."""
    itself = torch.eye(len(student), dtype=torch.bool, device=student.device)
    wanted = (teacher @ teacher.T / temperature).masked_fill(itself, -1e4).softmax(-1)
    found = (student @ student.T / temperature).masked_fill(itself, -1e4).log_softmax(-1)
    return functional.kl_div(found, wanted, reduction="batchmean")


def matryoshka(loss: Callable[..., Tensor], *vectors: Tensor) -> Tensor:
    """``loss`` of the unit-length prefixes of ``vectors``, summed with the weights of ``PREFIXES``."""
    total = torch.zeros((), device=vectors[0].device)
    for length, weight in PREFIXES.items():
        cut = (functional.normalize(v[:, :length], dim=-1) for v in vectors)
        total = total + weight * loss(*cut)
    return total
