"""The metrics: pure functions of the expected answers and the hits, best first.

An answer counts at its first hit; a second chunk of it earns nothing and uses up a rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit

__all__ = [
    "DEPTH",
    "Answer",
    "Interval",
    "bootstrap",
    "first_ranks",
    "recall",
    "reciprocal_rank",
    "reciprocal_rank_of",
]

DEPTH = 10
"""Hits that are looked at."""


class Answer(Protocol):
    """A place that answers a question."""

    def found_in(self, hit: Hit) -> bool:
        """Whether this hit shows it."""


def first_ranks(answers: Sequence[Answer], hits: Sequence[Hit]) -> list[int]:
    """1-based rank of the first hit of each answer that is found at all."""
    ranks = (next((i for i, hit in enumerate(hits, 1) if a.found_in(hit)), None) for a in answers)
    return [rank for rank in ranks if rank]


def reciprocal_rank(answers: Sequence[Answer], hits: Sequence[Hit]) -> float:
    """1 / the rank of the first answer, 0 where none is among the ten best hits."""
    return reciprocal_rank_of(min(first_ranks(answers, hits[:DEPTH]), default=None))


def reciprocal_rank_of(rank: int | None) -> float:
    """1 / a 1-based rank; 0 for None, which is not found."""
    return 1 / rank if rank else 0.0


def recall(answers: Sequence[Answer], hits: Sequence[Hit]) -> float:
    """Share of the answers among the hits."""
    return len(first_ranks(answers, hits)) / len(answers)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where it lies with 90 % confidence."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def bootstrap(values: ArrayLike, resamples: int = 10_000) -> Interval:
    """90 % percentile interval of a mean over questions (Efron 1979); paired, where these are differences."""
    sample = np.asarray(values, np.float64)
    drawn = np.random.default_rng(0).integers(0, len(sample), (resamples, len(sample)))
    low, high = np.quantile(sample[drawn].mean(axis=1), (0.05, 0.95))
    return Interval(float(sample.mean()), float(low), float(high))
