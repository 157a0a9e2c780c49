"""Unpack weights that MLX tools quantise: words of 32 bits, a scale and a bias per group of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["unpack"]

_WORD_BITS = 32


def unpack(
    words: NDArray[np.uint32], scales: NDArray[Any], biases: NDArray[Any], width: int
) -> NDArray[np.float32]:
    """Return (rows, width) float32: scale * integer + bias, MLX's affine scheme.

    ``words`` are (rows, width * bits / 32), ``scales`` and ``biases`` (rows, width / group size) of any float
    type. The integers of a row are one little-endian stream of bits, for every supported width.
    """
    bits = words.shape[-1] * _WORD_BITS // width
    scale, bias = (np.asarray(part, np.float32)[..., None] for part in (scales, biases))
    stream = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
    integers = stream.reshape(*words.shape[:-1], width, bits) @ (1 << np.arange(bits)).astype(np.float32)
    grouped = integers.reshape(*scale.shape[:-1], -1)
    return (grouped * scale + bias).reshape(words.shape[0], width).astype(np.float32)
