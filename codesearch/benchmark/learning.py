"""Learn a query adapter in closed form from questions, their answers and the wrong chunks ranked above them.

Each question is to move towards its answer and away from the chunks that a search ranks before it. Ridge
regression (Hoerl and Kennard 1970) finds the affine map that does so on average; as it shrinks towards the
identity, few questions change little. The step is Rocchio's (1971), learned instead of asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.models.adapter import QueryAdapter
from codesearch.quick_dataclass import dataclass

__all__ = ["GRID", "Example", "Step", "learn"]

_MOST_RANK = 32


@dataclass(frozen=True, slots=True)
class Step:
    """How far a question goes."""

    length: float
    """Of the whole way from the wrong chunks to the answer."""
    shrinkage: float
    """Ridge's penalty, in questions: a direction in which fewer than so many lie is hardly moved."""


GRID = (Step(0.03, 30), Step(0.1, 30), Step(0.1, 3), Step(0.3, 30), Step(0.3, 3), Step(0.6, 3))
"""Those that are tried."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question as vectors of unit length, (dim,) float32 each."""

    question: NDArray[np.float32]
    answer: NDArray[np.float32]
    wrong: NDArray[np.float32]
    """(n, dim): chunks before the answer; n may be 0."""


def learn(examples: Sequence[Example], step: Step, fingerprint: str) -> QueryAdapter:
    """Fit the adapter."""
    questions = np.stack([example.question for example in examples]).astype(np.float64)
    steps = step.length * np.stack([_direction(example) for example in examples])
    middle, mean_step = questions.mean(axis=0), steps.mean(axis=0)
    centred = questions - middle
    gram = centred @ centred.T + step.shrinkage * np.eye(len(examples))
    weights = np.linalg.solve(gram, steps - mean_step)  # dual form: n is less than dim for large models
    left, right = _factors(centred, weights)
    offset = mean_step - (middle @ left) @ right
    single = np.float32
    return QueryAdapter(left.astype(single), right.astype(single), offset.astype(single), fingerprint)


def _direction(example: Example) -> NDArray[np.float64]:
    """From the wrong chunks to the answer; zero where nothing stands before it."""
    if not len(example.wrong):
        return np.zeros(len(example.question))
    direction: NDArray[np.float64] = example.answer.astype(np.float64) - example.wrong.mean(axis=0)
    return direction


def _factors(
    centred: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``centred.T @ weights`` as (dim, rank) @ (rank, dim), the best of that rank (Eckart and Young 1936)."""
    basis, triangle = np.linalg.qr(centred.T)
    left, values, right = np.linalg.svd(triangle @ weights, full_matrices=False)
    rank = min(_MOST_RANK, len(values))
    return basis @ (left[:, :rank] * values[:rank]), right[:rank]
