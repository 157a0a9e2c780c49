"""The vectors of pplx-embed, which was trained to give small integers (arXiv:2602.11151).

A component x of the pooled vector becomes round(127 tanh(x)), and its sign where bits are asked for: the
``FlexibleQuantizer`` of the checkpoints' st_quantize.py. They are compared by cosine, so that unit length,
which ``encode`` gives unless told otherwise, changes nothing; without it components are whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["round_squashed", "squash"]

_TOP = np.float32(127)


def squash(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """127 tanh(x) of every component: float32, signs as they were."""
    squashed: NDArray[np.float32] = np.tanh(vectors) * _TOP
    return squashed


def round_squashed(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """round(127 tanh(x)) of every component, halves to even: float32 whole numbers from -127 to 127."""
    rounded: NDArray[np.float32] = np.rint(squash(vectors))
    return rounded
