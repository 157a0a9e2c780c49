"""Many texts as few requests: within the service's limits, some at a time, smaller where it balks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import RemoteError
from mlx_jinabert.remote.http import Refusal

__all__ = ["AT_ONCE", "embed_all", "plan"]

AT_ONCE = 4
"""Requests under way at a time: enough to keep a server busy, few enough for its rate limit."""
_TOO_MUCH = frozenset({400, 413, 422})
"""Statuses of a request that may be too large: 413 says so; TEI says 422, others 400."""

Vectors = NDArray[np.float32]
Send = Callable[[Sequence[str]], Vectors]
"""One request: texts -> (n, width) float32."""


def plan(texts: Sequence[str], rows: int, payload_bytes: int) -> list[range]:
    """Consecutive texts, at most ``rows`` and ``payload_bytes`` (as JSON) a request, one text at least."""
    batches: list[range] = []
    start, held = 0, 0
    for position, text in enumerate(texts):
        size = len(json.dumps(text)) + 2  # the comma and the space between two
        if position > start and (position - start == rows or held + size > payload_bytes):
            batches.append(range(start, position))
            start, held = position, 0
        held += size
    return [*batches, range(start, len(texts))] if texts else []


def embed_all(texts: Sequence[str], batches: Sequence[range], send: Send) -> Iterator[tuple[range, Vectors]]:
    """(positions, vectors) of each batch in order. RemoteError names the text that a service refuses."""

    def answer(batch: range) -> Vectors:
        return _persistent(texts, batch, send)

    if len(batches) < 2:
        yield from ((batch, answer(batch)) for batch in batches)
        return
    pool = ThreadPoolExecutor(min(AT_ONCE, len(batches)), thread_name_prefix="mlx-jinabert-remote")
    try:
        yield from zip(batches, pool.map(answer, batches), strict=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _persistent(texts: Sequence[str], batch: range, send: Send) -> Vectors:
    """The vectors of a batch, in halves where the service finds it too large."""
    try:
        return send([texts[position] for position in batch])
    except Refusal as refused:
        if refused.status not in _TOO_MUCH:
            raise
        if len(batch) == 1:
            text = texts[batch.start]
            raise RemoteError(
                refused.host, f"text {batch.start} ({len(text):,} characters): {refused.problem}"
            ) from refused
    middle = len(batch) // 2
    halves = [_persistent(texts, half, send) for half in (batch[:middle], batch[middle:])]
    return np.concatenate(halves)
