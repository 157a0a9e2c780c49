"""Which texts go through the model together: length-sorted batches under a token budget, in few shapes.

Shapes are few because a compiled graph and its buffers are kept per shape (ml-explore/mlx#4464): lengths
round up to four buckets an octave, rows round down to powers of two and what lies half-way between (1, 2,
3, 4, 6, 8, 12, ...). Nothing is padded with empty rows: what a row count leaves over is the next batch.

Short texts join longer ones only where their padding costs less than launches of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlx_jinabert.quick_dataclass import dataclass

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
    order = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    padded = [bucket(lengths[position], max_length) for position in order]
    batches: list[Batch] = []
    for segment in _segments(padded, max_batch_tokens):
        longest = padded[segment.start]
        start = segment.start
        while start < segment.stop:
            rows = _rows(min(segment.stop - start, max(1, max_batch_tokens // longest)))
            batches.append(Batch(tuple(order[start : start + rows]), longest))
            start += rows
    return batches


def _segments(padded: Sequence[int], max_batch_tokens: int) -> list[range]:
    """Runs of texts (bucketed lengths, descending) that are padded alike, at the least cost over all.

    A run costs its padded tokens and its launches. Runs begin where a bucket does, so there are few to try.
    """
    starts = [i for i in range(len(padded)) if i == 0 or padded[i] != padded[i - 1]]
    ends = [*starts, len(padded)][1:]
    best = [(0.0, 0)]
    """Least cost of everything before a border, and the border where the last run begins."""
    for end in ends:
        costs = (
            (best[k][0] + _cost(padded[s], end - s, max_batch_tokens), k)
            for k, s in enumerate(starts[: len(best)])
        )
        best.append(min(costs))
    runs: list[range] = []
    border = len(ends)
    while border:
        begin = best[border][1]
        runs.append(range(starts[begin], ends[border - 1]))
        border = begin
    return runs[::-1]


def _cost(longest: int, rows: int, max_batch_tokens: int) -> float:
    launches = -(-rows // max(1, max_batch_tokens // longest))
    return rows * longest + launches * max_batch_tokens / _LAUNCH_SHARE


def _rows(available: int) -> int:
    """The largest allowed row count up to ``available``."""
    power = 1 << (available.bit_length() - 1)
    return power + power // 2 if available >= power + power // 2 else power
