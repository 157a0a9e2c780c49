"""int4: weights of 4 bits in blocks of 32 inputs, products by onnxruntime's ``MatMulNBits``.

For models that would not fit otherwise: a dense layer takes 5.1 bits a weight instead of 32. Each row of a
weight is cut into blocks, and a block is stored as codes 0..15 with a float32 scale and a zero point of 4
bits: w ~ scale * (code - zero point).

Why so: lowest and mean cosine to float32 of all-MiniLM-L6-v2 on 220 texts. Zero points and blocks of 32:
0.949, 0.972 (this file); symmetric 0.939, 0.964; zero points and blocks of 64: 0.938, 0.963 for a twentieth
less of size; a search for the scale with the smallest squared error: 0.953, 0.973 for 17 times the work.

``accuracy_level`` 4 lets the kernel round activations to 8 bits with a scale per token and block, so that
rows know nothing of each other: it costs 0.001 of the lowest cosine and takes three quarters of the time of
level 1, which computes in float32. No pair of products saturates 16 bits (2 * 15 * 127), whatever the
processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows, ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import GraphBuilder, Value
from mlx_jinabert.architectures.shared.onnx.dtypes import GROUP_SIZES
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["BLOCK", "Int4", "Int4Weight", "quantize_weight"]

Array = NDArray[np.float32]

BLOCK = GROUP_SIZES["int4"]
"""Inputs that share a scale; the last block of a row is filled up with zeros."""
_BITS = 4
_TOP = 15
_LEVEL = 4
_TINY = np.float32(1e-20)
_STEP_VALUES = 1 << 22
"""Weights that are rounded at a time: intermediate results stay small beside the weight itself."""


@dataclass(frozen=True, slots=True)
class Int4Weight:
    """A (out, in) weight in the layout of ``MatMulNBits``; the first of two codes is in the lower bits."""

    codes: NDArray[np.uint8]
    """(out, blocks, BLOCK / 2)"""
    scales: Array
    """(out * blocks,)"""
    zero_points: NDArray[np.uint8]
    """(out * ceil(blocks / 2),)"""


def quantize_weight(weight: Array) -> Int4Weight:
    """Round a (out, in) weight to 16 steps between the ends of each block; zero stays zero."""
    step = max(1, _STEP_VALUES // weight.shape[1])
    parts = [_quantize_rows(weight[start : start + step]) for start in range(0, len(weight), step)]
    return Int4Weight(
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.scales for part in parts]),
        np.concatenate([part.zero_points for part in parts]),
    )


def _quantize_rows(rows: Array) -> Int4Weight:
    filled = np.pad(rows, ((0, 0), (0, -rows.shape[1] % BLOCK)))
    blocks = filled.reshape(len(rows), -1, BLOCK)
    low = np.minimum(blocks.min(axis=2, keepdims=True), 0)
    high = np.maximum(blocks.max(axis=2, keepdims=True), 0)
    scales = np.maximum((high - low) / np.float32(_TOP), _TINY)
    zeros = np.rint(-low / scales)
    codes = np.clip(np.rint(blocks / scales) + zeros, 0, _TOP)
    zero_points = zeros[..., 0]
    even = np.pad(zero_points, ((0, 0), (0, zero_points.shape[1] % 2)))
    return Int4Weight(_pairs(codes), scales.ravel().astype(np.float32), _pairs(even).ravel())


def _pairs(codes: Array) -> NDArray[np.uint8]:
    """Two codes to a byte along the last axis."""
    whole = codes.astype(np.uint8)
    packed: NDArray[np.uint8] = whole[..., ::2] | (whole[..., 1::2] << np.uint8(_BITS))
    return packed


class Int4:
    """Products of 4-bit weights; everything that enters and leaves is float32."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph

    def rows(self, x: ScaledValue, width: int, groups: int = 1) -> Rows:
        """Nothing to prepare: the kernel rounds activations itself, and every block is a group."""
        return Rows((x.values,))

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """One product; the bias is added to it."""
        g, quantized = self._graph, quantize_weight(weight)
        product = g.contrib(
            "MatMulNBits",
            rows.values[0],
            g.constant(quantized.codes),
            g.constant(quantized.scales),
            g.constant(quantized.zero_points),
            N=weight.shape[0],
            K=weight.shape[1],
            bits=_BITS,
            block_size=BLOCK,
            accuracy_level=_LEVEL,
        )
        return product if bias is None else g.op("Add", product, g.constant(bias))

    def unscaled(self, rows: Rows, weight: Array) -> ScaledValue:
        """The same as ``dense``."""
        return ScaledValue(self.dense(rows, weight))

    def table_type(self, half: bool) -> np.dtype[Any]:
        """float16 always, as in int8."""
        return np.dtype(np.float16)
