"""The lessons: a text in another script comes near the vector of its English, or of its code, and no other's.

As a bag of words, which is what the layers get to see of it. The targets are computed once; so a step costs
no more than sums of short texts.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.foreign.examples import Examples
from training.foreign.words import Words

__all__ = ["Teaching"]

_TEMPERATURE = 0.05
_DIMENSIONS = ((256, 1.0), (64, 0.3))
"""Numbers of the vector that are compared, and the weight of that."""
_BLOCK = 64
"""Examples in a row from one repository: they are each other's hard negatives."""
_WARM_UP, _LEAST_RATE = 20, 0.02
_OFTEN = 0.7
"""A repository is drawn by its size to this power."""
_RATE_UNIT = 1 / 16
"""A row is sixteen times as long as what a number of it typically is: rates are of those."""


class Teaching:
    """``go`` trains ``words.learnt``. Half of a batch are translations, half comments with their code."""

    def __init__(self, words: Words, examples: Examples, batch: int) -> None:
        self._words, self._examples, self._batch = words, examples, batch
        self._vectors = torch.from_numpy(examples.vectors)
        self._dice = np.random.default_rng(0)

    def go(self, steps: int, rate: float) -> None:
        """Take ``steps`` of Adam at ``rate`` in units of a row's numbers, falling to nearly nothing."""
        learnt = self._words.learnt
        optimiser = torch.optim.Adam([learnt], betas=(0.9, 0.99))
        for step in range(steps):
            falling = max(_LEAST_RATE, 1 - step / steps) * min(1.0, (step + 1) / _WARM_UP)
            optimiser.param_groups[0]["lr"] = rate * falling * self._words.typical * _RATE_UNIT
            loss = self._loss(self._drawn())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if (step + 1) % 50 == 0:
                print(f"step {step + 1}: {float(loss.detach()):.3f}", file=sys.stderr)

    def _loss(self, chosen: NDArray[np.int64]) -> Tensor:
        made = self._embedded(chosen)
        wanted = self._vectors[self._examples.target[chosen]]
        target = torch.from_numpy(self._examples.target[chosen])
        same = (target[:, None] == target[None, :]) & ~torch.eye(len(chosen), dtype=torch.bool)
        answers = torch.arange(len(chosen))
        translated = torch.from_numpy(self._examples.is_translation[chosen])
        loss = (1 - (functional.normalize(made) * wanted).sum(1))[translated].mean()
        for size, weight in _DIMENSIONS:
            near = functional.normalize(made[:, :size]) @ functional.normalize(wanted[:, :size]).T
            near = (near / _TEMPERATURE).masked_fill(same, -1e4)
            both = functional.cross_entropy(near, answers) + functional.cross_entropy(near.T, answers)
            loss = loss + weight * both / 2
        return loss

    def _embedded(self, chosen: NDArray[np.int64]) -> Tensor:
        """(chosen, width): means of words, at the scale at which the last norm leaves them."""
        texts = [self._examples.ids[at] for at in chosen]
        table = self._words.table() * self._words.student.encoder.layer[-1].layer_norm_2.weight
        starts = np.cumsum([0, *map(len, texts)])[:-1]
        flat = torch.from_numpy(np.concatenate(texts))
        return functional.embedding_bag(flat, table, torch.from_numpy(starts), mode="mean")

    def _drawn(self) -> NDArray[np.int64]:
        half = self._batch // 2
        return np.concatenate([self._of_kind(True, half), self._of_kind(False, self._batch - half)])

    def _of_kind(self, is_translation: bool, count: int) -> NDArray[np.int64]:
        kind = self._examples.is_translation
        groups = [group for group in self._examples.groups if kind[group[0]] == is_translation]
        weights = np.array([len(group) for group in groups]) ** _OFTEN
        drawn: list[int] = []
        while len(drawn) < count:
            group = groups[self._dice.choice(len(groups), p=weights / weights.sum())]
            size = min(_BLOCK, len(group), count - len(drawn))
            drawn += self._dice.choice(group, size, replace=False).tolist()
        return np.array(drawn)
