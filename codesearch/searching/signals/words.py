"""How much of a question a text holds: its words by their stems, rare ones counting more.

A stem is looked for inside of words (``retr`` in ``auto_retries``), which costs no tokenizing of what is
compared. What is rare is decided among the texts at hand: a word that all candidates hold tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

__all__ = ["rarities", "shares_held"]

_LEAST = 0.05
"""Of a word that every text holds: it still orders what nothing else does."""


def rarities(texts: Sequence[str], stems: Mapping[str, float]) -> dict[str, float]:
    """The weight of each stem times its rarity among case-folded texts."""
    found = {stem: sum(stem in text for text in texts) for stem in stems}
    return {
        stem: weight * max(math.log((len(texts) + 1) / (found[stem] + 0.5)), _LEAST)
        for stem, weight in stems.items()
    }


def shares_held(texts: Sequence[str], rarity: Mapping[str, float]) -> list[float]:
    """The share of the stems' weight that each case-folded text holds, from 0 to 1."""
    total = sum(rarity.values()) or 1.0
    held = [0.0] * len(texts)
    for stem, weight in rarity.items():
        for at, text in enumerate(texts):
            if stem in text:
                held[at] += weight
    return [weight / total for weight in held]
