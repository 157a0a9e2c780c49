"""Affine quantisation in the layout of MLX, in NumPy: no GPU, no MLX, bounded memory.

Each row of a (out, in) weight is cut into groups of ``group_size`` inputs; a group is stored as
``bits`` wide codes c with w ~ scale * c + bias. The rule for scale and bias, and the packing (little-endian
bit stream in uint32 words), are those of ``mlx.core.quantize`` (mode "affine"; ml-explore/mlx,
mlx/ops.cpp and mlx/backend/metal/kernels/quantized.h): the end of the range that is larger in magnitude is
hit exactly, and so is zero. tests/conversion/test_conversion.py holds it against MLX.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["GROUP_SIZES", "QuantizedRows", "group_size_for", "quantize_rows"]

GROUP_SIZES = (64, 32)
"""Inputs that share a scale; the first that divides every width is taken."""
_SMALLEST_SCALE = np.float32(1e-7)


@dataclass(frozen=True, slots=True)
class QuantizedRows:
    """Rows of a quantised weight."""

    words: NDArray[np.uint32]
    """(rows, in * bits / 32)"""
    scales: NDArray[np.float32]
    """(rows, in / group_size)"""
    biases: NDArray[np.float32]
    """(rows, in / group_size)"""


def group_size_for(widths: set[int]) -> int | None:
    """The group size that divides all input widths; None where there is none."""
    return next((size for size in GROUP_SIZES if all(width % size == 0 for width in widths)), None)


def quantize_rows(
    rows: NDArray[np.float32], bits: int, group_size: int, scale_dtype: str = "float32"
) -> QuantizedRows:
    """Quantise (rows, in) float32. ``scale_dtype`` is the type that scale and bias will be stored in.

    Codes are chosen for the scale and bias as stored, so a half type costs no second rounding error.
    """
    top = np.float32(2**bits - 1)
    groups = rows.reshape(len(rows), -1, group_size)
    low, high = groups.min(axis=2), groups.max(axis=2)
    low_is_larger = np.abs(low) > np.abs(high)
    scales = np.maximum((high - low) / top, _SMALLEST_SCALE)
    scales = np.where(low_is_larger, scales, -scales)
    edge = np.where(low_is_larger, low, high)
    steps = np.rint(edge / scales)
    scales = np.where(steps == 0, scales, edge / np.where(steps == 0, 1, steps))
    biases = np.where(steps == 0, np.float32(0), edge)
    scales, biases = _as_stored(scales, scale_dtype), _as_stored(biases, scale_dtype)
    divisors = np.where(scales == 0, np.float32(1), scales)[..., None]
    codes = np.clip(np.rint((groups - biases[..., None]) / divisors), 0, top).astype(np.uint8)
    return QuantizedRows(_pack(codes.reshape(rows.shape), bits), scales, biases)


def _as_stored(values: NDArray[np.float32], dtype: str) -> NDArray[np.float32]:
    from conversion.numbers import narrowed, widened

    return widened(narrowed(values, dtype), dtype)


def _pack(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint32]:
    """(rows, in) codes -> (rows, in * bits / 32) words; the first code is in the lowest bits."""
    stream = np.unpackbits(codes[..., None], axis=2, count=bits, bitorder="little")
    octets = np.packbits(stream.reshape(len(codes), -1), axis=1, bitorder="little")
    return octets.view("<u4")
