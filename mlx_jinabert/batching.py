"""Which texts go through the model together: length-sorted batches under a token budget, in few shapes.

Shapes are few because a compiled graph and its buffers are kept per shape (ml-explore/mlx#4464): lengths
round up to four buckets an octave, rows round down to powers of two and their halves between (1, 2, 3, 4,
6, 8, 12, ...). Nothing is padded with empty rows: what a row count leaves over starts the next batch.
A batch ends where more padding would cost more than one more launch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Batch", "bucket", "plan"]

_STEP = 8
"""Lengths up to 64 are multiples of this."""
_LAUNCH_SHARE = 16
"""One launch counts as this share of the token budget when padding is weighed against it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Positions of texts in the call, longest first, and the length in tokens they are padded to."""

    indices: tuple[int, ...]
    padded_length: int


def bucket(length: int, max_length: int) -> int:
    """The length that ``length`` tokens are padded to; at most ``max_length``."""
    step = max(_STEP, 1 << max(0, (length - 1).bit_length() - 3))
    return min(-(-length // step) * step, max_length)


def plan(lengths: Sequence[int], max_batch_tokens: int, max_length: int) -> list[Batch]:
    """Batches that hold every position of ``lengths`` once, longest texts first.

    ``rows * padded_length`` stays within ``max_batch_tokens``, except for one text that is longer itself.
    ``lengths`` are in tokens, each at least 1 and at most ``max_length``.
    """
    padded = np.array([bucket(length, max_length) for length in lengths], dtype=np.int64)
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    batches: list[Batch] = []
    start = 0
    while start < len(order):
        longest = int(padded[order[start]])
        room = max(1, max_batch_tokens // longest)
        rows = _rows(padded[order[start : start + room]], max_batch_tokens // _LAUNCH_SHARE)
        batches.append(Batch(tuple(order[start : start + rows].tolist()), longest))
        start += rows
    return batches


def _rows(padded: NDArray[np.int64], launch_tokens: int) -> int:
    """How many of the candidates (bucketed lengths, descending) to take: an allowed row count."""
    waste = np.cumsum(padded[0] - padded)
    fitting = max(1, int(np.searchsorted(waste, launch_tokens, side="right")))
    power = 1 << (fitting.bit_length() - 1)
    return power + power // 2 if fitting >= power + power // 2 else power
