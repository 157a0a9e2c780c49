"""The numbers: pure functions of one query's targets and the hits it got, best first.

NDCG: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (TOIS 2002), with
binary gains. A target counts at its first hit; a second chunk of a file earns nothing and uses up a rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from benches.retrieval.annotations import Target
from codesearch import Hit

DEPTH = 10
CHARACTERS_A_TOKEN = 4
"""Of source, about; stated, so that token figures compare between tools whatever their tokenizers."""


def first_ranks(targets: Sequence[Target], hits: Sequence[Hit]) -> list[int]:
    """1-based rank of the first hit of each target that is found at all."""
    ranks = (next((i for i, hit in enumerate(hits, 1) if t.found_in(hit)), None) for t in targets)
    return [rank for rank in ranks if rank]


def ndcg(targets: Sequence[Target], hits: Sequence[Hit]) -> float:
    """NDCG@10."""
    gain = sum(1 / math.log2(rank + 1) for rank in first_ranks(targets, hits[:DEPTH]))
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(targets), DEPTH) + 1))


def reciprocal_rank(targets: Sequence[Target], hits: Sequence[Hit]) -> float:
    """1 / the rank of the first answer, 0 where none is among the hits."""
    return 1 / min(first_ranks(targets, hits[:DEPTH]), default=math.inf)


def recall(targets: Sequence[Target], hits: Sequence[Hit]) -> float:
    """Share of the targets among the hits."""
    return len(first_ranks(targets, hits)) / len(targets)


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


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where it lies with 90 % confidence."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def bootstrap(values: ArrayLike, resamples: int = 10_000) -> Interval:
    """90 % percentile interval of a mean over queries (Efron 1979); paired, where these are differences."""
    sample = np.asarray(values, np.float64)
    drawn = np.random.default_rng(0).integers(0, len(sample), (resamples, len(sample)))
    low, high = np.quantile(sample[drawn].mean(axis=1), (0.05, 0.95))
    return Interval(float(sample.mean()), float(low), float(high))
