"""Run token sequences through a backend: plan batches, pad them, compute, name results by position.

Embedding and reranking have this in common: both turn a sequence into one row of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends import Backend
from mlx_jinabert.backends.cores import usable_cores
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.errors import check_count
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text import batching
from mlx_jinabert.text.tokenizer import Ids, TokenBatch

__all__ = ["WINDOW", "Limits", "ResultRows", "compute", "compute_at_once", "limits_of"]

WINDOW = 4096
"""Texts whose token ids are held at once; batches are sorted within a window."""
_TOKENS_PER_CORE = 1024
_GPU_TOKENS = 16_384
"""Default ``max_batch_tokens``. A CPU needs pieces for every core and no more; a GPU has to be filled."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one call: ``batch_tokens`` bounds rows times padded length, ``rows`` (None: no bound) the rows."""

    batch_tokens: int
    max_length: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class ResultRows:
    """Results, (n, width) or (n, length, width) float32, and the n positions of their sequences."""

    positions: tuple[int, ...]
    values: NDArray[np.float32]


def limits_of(batch_size: int | None, batch_tokens: int | None, max_length: int, device: str) -> Limits:
    """The limits of a call: None leaves the rows unbounded, and the tokens at what suits the device.

    Raises ValueError for a bound that is not a positive int.
    """
    check_count("batch_size", batch_size)
    check_count("max_batch_tokens", batch_tokens)
    if batch_tokens is None:
        batch_tokens = _suiting(device)
    return Limits(batch_tokens, max_length, batch_size)


@cache
def _suiting(device: str) -> int:
    """Tokens of a batch that suit a device. Cores are counted once: a short query takes little longer."""
    return _TOKENS_PER_CORE * usable_cores() if "cpu" in device.lower() else _GPU_TOKENS


def compute(
    owner: BackendOwner,
    sequences: Sequence[Ids],
    limits: Limits,
    pad_id: int,
    types: Sequence[Ids] | None = None,
    *,
    counts: Sequence[Ids] | None = None,
) -> Iterator[ResultRows]:
    """Run every sequence once, longest first.

    ``types``: the token types of each sequence, if it has any. ``counts``: how often each of its tokens
    stands, as long as the sequence; 0 for one that no other sees. All stand once without it.
    """
    for positions, padded in _batches(sequences, limits, pad_id, types, counts):
        yield ResultRows(positions, owner.run(partial(_embed, padded), padded.ids.size))


def compute_at_once(
    owner: BackendOwner,
    sequences: Sequence[Ids],
    limits: Limits,
    pad_id: int,
    types: Sequence[Ids] | None = None,
    *,
    counts: Sequence[Ids] | None = None,
) -> list[ResultRows]:
    """The same in one turn of the owner's thread, for a few batches: other callers wait for all of them."""
    batches = _batches(sequences, limits, pad_id, types, counts)
    return owner.run(
        lambda backend: [ResultRows(positions, backend.embed(padded)) for positions, padded in batches]
    )


def _batches(
    sequences: Sequence[Ids],
    limits: Limits,
    pad_id: int,
    types: Sequence[Ids] | None,
    counts: Sequence[Ids] | None,
) -> Iterator[tuple[tuple[int, ...], TokenBatch]]:
    """Positions of sequences, and the batch that they are computed in."""
    lengths = [max(1, len(ids)) for ids in sequences]  # a text without tokens is one of padding
    for batch in batching.plan(lengths, limits.batch_tokens, limits.max_length):
        step = limits.rows or len(batch.indices)
        for start in range(0, len(batch.indices), step):
            positions = batch.indices[start : start + step]
            padded = TokenBatch.pad(
                [sequences[position] for position in positions],
                batch.padded_length,
                pad_id,
                _at(positions, types),
                _at(positions, counts),
            )
            yield positions, padded


def _at(positions: Sequence[int], column: Sequence[Ids] | None) -> list[Ids] | None:
    return None if column is None else [column[position] for position in positions]


def _embed(batch: TokenBatch, backend: Backend) -> NDArray[np.float32]:
    return backend.embed(batch)
