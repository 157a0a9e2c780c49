"""Ranks of known answers among a pool's texts, and the task that is measured by them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from codesearch.benchmark.metrics import DEPTH, reciprocal_rank_of
from training.evaluate.records import Measured, Problem, Ranker, Slice

__all__ = ["PoolTask", "ranks"]

_AT_ONCE = 256
"""Questions: their scores of 20,000 texts are 20 MB."""


class PoolTask:
    """MRR over the whole pool, and the share of questions whose answer is among the first ten."""

    def __init__(self, name: str, problems: Sequence[Problem], slices: tuple[Slice, ...]) -> None:
        self.name, self.problems, self.slices = name, tuple(problems), slices

    def measure(self, ranker: Ranker) -> tuple[Measured, ...]:
        """Questions in the order of the problems."""
        found = list(chain.from_iterable(ranks(ranker, problem) for problem in self.problems))
        return (
            Measured("MRR", np.array([reciprocal_rank_of(rank) for rank in found])),
            Measured(f"hit@{DEPTH}", np.array([float(rank <= DEPTH) for rank in found])),
        )


def ranks(ranker: Ranker, problem: Problem) -> list[int]:
    """1-based rank of each question's best answer; equal scores rank in the order of the pool.

    A question that is itself a text of the pool (code asked with) does not rank.
    """
    scorer = ranker.over(problem.texts)
    where = {text: at for at, text in enumerate(problem.texts)}
    found: list[int] = []
    for start in range(0, len(problem.questions), _AT_ONCE):
        asked = problem.questions[start : start + _AT_ONCE]
        for row, question in zip(scorer.scores(asked, problem.role), asked, strict=True):
            if question in where:
                row[where[question]] = -np.inf
            found.append(min(_rank(row, answer) for answer in problem.answers[len(found)]))
    return found


def _rank(scores: NDArray[np.float32], answer: int) -> int:
    own = scores[answer]
    return 1 + int((scores > own).sum()) + int((scores[:answer] == own).sum())
