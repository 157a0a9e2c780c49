"""The numbers: pure functions of one query's targets and the hits it got, best first.

NDCG: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (TOIS 2002), with
binary gains. What ``codesearch bench`` needs too is in codesearch/benchmark/metrics.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from benches.retrieval.data.annotations import Target
from codesearch import Hit
from codesearch.benchmark.metrics import (
    DEPTH,
    Interval,
    bootstrap,
    first_ranks,
    recall,
    reciprocal_rank,
)

__all__ = [
    "DEPTH",
    "Interval",
    "bootstrap",
    "first_ranks",
    "ndcg",
    "recall",
    "reciprocal_rank",
    "span_recall",
    "tokens",
    "tokens_to_first",
    "within",
]

CHARACTERS_A_TOKEN = 4
"""Of source, about; stated, so that token figures compare between tools whatever their tokenizers."""


def ndcg(targets: Sequence[Target], hits: Sequence[Hit]) -> float:
    """NDCG@10."""
    gain = sum(1 / math.log2(rank + 1) for rank in first_ranks(targets, hits[:DEPTH]))
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(targets), DEPTH) + 1))


def tokens(hit: Hit) -> int:
    """What reading a hit costs."""
    return math.ceil(len(hit.text) / CHARACTERS_A_TOKEN)


def within(hits: Sequence[Hit], budget: int) -> list[Hit]:
    """The first hits that fit into ``budget`` tokens together."""
    kept: list[Hit] = []
    for hit in hits:
        budget -= tokens(hit)
        if budget < 0:
            break
        kept.append(hit)
    return kept


def tokens_to_first(targets: Sequence[Target], hits: Sequence[Hit], most: int) -> int:
    """Tokens read down to the end of the first answer; ``most`` where that is further, or never."""
    first = min(first_ranks(targets, hits), default=0)
    return min(most, sum(tokens(hit) for hit in hits[:first])) if first else most


def span_recall(target: Target, hits: Sequence[Hit]) -> float | None:
    """Share of a target's lines that the ten best hits hold; None for a target that is a whole file."""
    if target.start_line is None or target.end_line is None:
        return None
    wanted = set(range(target.start_line, target.end_line + 1))
    held: set[int] = set()
    for hit in hits[:DEPTH]:
        if target.found_in(hit):
            held.update(range(hit.start_line, hit.end_line + 1))
    return len(wanted & held) / len(wanted)
