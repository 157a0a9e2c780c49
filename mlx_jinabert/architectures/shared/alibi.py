"""Attention with linear biases: the one constant that MLX modules and ONNX graphs share.

Press et al., arXiv:2108.12409. The encoders here use the symmetric form -slope * |i - j|.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["alibi_slopes"]


def alibi_slopes(heads: int) -> NDArray[np.float32]:
    """Slope of each head, (heads,) float32, computed in double precision.

    For a power of two: the geometric sequence that ends at 2^-8. For other counts, as in the
    authors' code: the sequence of the next smaller power, then every second one of the next larger.
    """
    lower = 2 ** (heads.bit_length() - 1)
    slopes = _geometric(lower)
    if lower < heads:
        slopes = np.concatenate([slopes, _geometric(2 * lower)[::2][: heads - lower]])
    return slopes.astype(np.float32)


def _geometric(heads: int) -> NDArray[np.float64]:
    return np.asarray(2.0 ** (-8.0 * np.arange(1, heads + 1) / heads), dtype=np.float64)
