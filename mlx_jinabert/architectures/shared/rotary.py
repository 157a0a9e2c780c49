"""Rotary positions (RoPE, Su et al., arXiv:2104.09864): the numbers that both backends rotate by.

Heads are rotated in halves, as in GPT-NeoX: component n is paired with component n + size / 2. The
interleaved form, partial rotation and xPos are refused where configurations are read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["inverse_frequencies"]


def inverse_frequencies(size: int, base: float, ntk_factor: float = 1.0) -> NDArray[np.float32]:
    """Radians per position of each pair of components, (size / 2,) float32, computed in float64.

    base^(-2n / size) for n = 0 .. size / 2 - 1. ``ntk_factor`` is the scaling of Alibaba-NLP/new-impl
    (rope_scaling of type "ntk"): the base times the factor, and all frequencies divided by
    factor^(2 / size), for texts of every length.
    """
    exponents = np.arange(0, size, 2, dtype=np.float64) / size
    frequencies = np.power(base * ntk_factor, -exponents) / ntk_factor ** (2 / size)
    return np.asarray(frequencies, np.float32)
