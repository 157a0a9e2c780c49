"""How much of a question a text holds: its words by their stems, rare ones counting more.

A stem is looked for inside of words (``retr`` in ``auto_retries``), which costs no tokenizing of what is
compared. What is rare is decided among the texts at hand: a word that all candidates hold tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import contains

import numpy as np
from numpy.typing import NDArray

__all__ = ["Holding", "holding", "rarity", "shares_held"]

_LEAST = 0.05
"""Of a word that every text holds: it still orders what nothing else does."""

Holding = NDArray[np.bool_]
"""(n,): which of n texts hold a stem."""


def holding(texts: Sequence[str], stem: str) -> Holding:
    """Return which case-folded texts hold a stem."""
    return np.fromiter(map(contains, texts, repeat(stem)), np.bool_, len(texts))


def rarity(weight: float, held: int, count: int) -> float:
    """Return the weight of a stem that so many of all texts hold, times its rarity among them."""
    return weight * max(math.log((count + 1) / (held + 0.5)), _LEAST)


def shares_held(held: Iterable[Holding], weights: Sequence[float], count: int) -> NDArray[np.float64]:
    """Return the share of the stems' weight that each text holds, (count,) from 0 to 1."""
    shares = np.zeros(count)
    for weight, which in zip(weights, held, strict=True):
        shares += weight * which
    return shares / (sum(weights) or 1.0)
