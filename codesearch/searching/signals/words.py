"""How much of a question a text holds: its words by their stems, rare ones counting more.

A stem is looked for inside of words (``retr`` in ``auto_retries``), which costs no tokenizing of what is
compared. What is rare is decided among the texts at hand: a word that all candidates hold tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

__all__ = ["rarities", "rarities_and_shares", "shares_held"]

_LEAST = 0.05
"""Of a word that every text holds: it still orders what nothing else does."""


def rarities(texts: Sequence[str], stems: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of each stem times its rarity among case-folded texts."""
    return _rarities(
        {stem: [at for at, text in enumerate(texts) if stem in text] for stem in stems}, stems, len(texts)
    )


def rarities_and_shares(
    texts: Sequence[str], stems: Mapping[str, float]
) -> tuple[dict[str, float], list[float]]:
    """Return both at once, for the same texts."""
    holding = {stem: [at for at, text in enumerate(texts) if stem in text] for stem in stems}
    rarity = _rarities(holding, stems, len(texts))
    return rarity, _shares(holding, rarity, len(texts))


def shares_held(texts: Sequence[str], rarity: Mapping[str, float]) -> list[float]:
    """Return the share of the stems' weight that each case-folded text holds, from 0 to 1."""
    holding = {stem: [at for at, text in enumerate(texts) if stem in text] for stem in rarity}
    return _shares(holding, rarity, len(texts))


def _rarities(holding: Mapping[str, list[int]], stems: Mapping[str, float], count: int) -> dict[str, float]:
    return {
        stem: weight * max(math.log((count + 1) / (len(holding[stem]) + 0.5)), _LEAST)
        for stem, weight in stems.items()
    }


def _shares(holding: Mapping[str, list[int]], rarity: Mapping[str, float], count: int) -> list[float]:
    total = sum(rarity.values()) or 1.0
    held = [0.0] * count
    for stem, weight in rarity.items():
        for at in holding[stem]:
            held[at] += weight
    return [weight / total for weight in held]
