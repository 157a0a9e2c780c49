"""Values of questions -> figures: means, and where their differences lie with 90 % confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesearch.benchmark.metrics import Interval
from training.evaluate.records import Measured, Slice

__all__ = ["Figure", "bootstrap", "figures", "mean"]

_RESAMPLES = 2_000
_AT_ONCE = 2_000_000
"""Draws: 16 MB."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. ``differences``: of the model under test to each other ranker."""

    task: str
    slice: str
    measure: str
    questions: int
    means: Mapping[str, float]
    differences: Mapping[str, Interval]


def figures(
    task: str, slices: Sequence[Slice], measured: Mapping[str, Sequence[Measured]], tested: str
) -> list[Figure]:
    """Every slice that has questions, every measure; ``measured`` by ranker."""
    found = []
    for part in slices:
        strata = [stratum for stratum in part.strata if len(stratum)]
        for at, own in enumerate(measured[tested]) if strata else ():
            values = {name: each[at].values for name, each in measured.items()}
            means = {name: mean(each, strata) for name, each in values.items()}
            differences = {
                name: bootstrap(own.values - each, strata) for name, each in values.items() if name != tested
            }
            found.append(Figure(task, part.name, own.measure, part.size, means, differences))
    return found


def mean(values: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> float:
    """The mean of the strata's means."""
    return float(np.mean([values[stratum].mean() for stratum in strata]))


def bootstrap(differences: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> Interval:
    """90 % percentile interval of ``mean``: questions are drawn anew within each stratum (Efron 1979)."""
    dice = np.random.default_rng(0)
    drawn = np.mean([_resampled(differences[stratum], dice) for stratum in strata], axis=0)
    low, high = np.quantile(drawn, (0.05, 0.95))
    return Interval(mean(differences, strata), float(low), float(high))


def _resampled(sample: NDArray[np.float64], dice: np.random.Generator) -> NDArray[np.float64]:
    """Means of ``_RESAMPLES`` samples with replacement, (resamples,) float64."""
    rows = max(1, _AT_ONCE // len(sample))
    parts = [
        sample[dice.integers(0, len(sample), (min(rows, _RESAMPLES - start), len(sample)))].mean(axis=1)
        for start in range(0, _RESAMPLES, rows)
    ]
    return np.concatenate(parts)
