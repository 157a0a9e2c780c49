"""What the evaluation's parts hand to each other, and the two protocols between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Measured", "Problem", "Ranker", "Role", "Scorer", "Slice", "Task"]

Role = Literal["query", "document"]
"""What a question is to a model: prose that asks ("query"), or code itself ("document")."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Questions to one pool of texts. ``answers``: of each question, the positions of texts that answer."""

    group: str
    questions: tuple[str, ...]
    texts: tuple[str, ...]
    answers: tuple[tuple[int, ...], ...]
    role: Role = "query"


@dataclass(frozen=True, slots=True)
class Slice:
    """A figure's questions, by strata: it is the mean of the strata's means. Positions, int64."""

    name: str
    strata: tuple[NDArray[np.int64], ...]

    @property
    def size(self) -> int:
        """Questions."""
        return sum(map(len, self.strata))


@dataclass(frozen=True, slots=True)
class Measured:
    """One value a question, (questions,) float64, of the measure named."""

    measure: str
    values: NDArray[np.float64]


class Scorer(Protocol):
    """One pool, ready to be asked."""

    def scores(self, questions: Sequence[str], role: Role) -> NDArray[np.float32]:
        """(questions, texts) float32, higher is better."""


class Ranker(Protocol):
    """Something that ranks texts: a model, or BM25."""

    name: str

    def over(self, texts: Sequence[str]) -> Scorer:
        """A scorer of this pool."""


class Task(Protocol):
    """Questions with known answers, and what is computed of their ranks."""

    name: str
    slices: tuple[Slice, ...]

    def measure(self, ranker: Ranker) -> tuple[Measured, ...]:
        """One or more measures of every question, the same questions in the same order for every ranker."""
