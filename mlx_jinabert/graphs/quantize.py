"""int8: 7-bit weights per output channel, 8-bit activations per token, products in integers.

Weights are symmetric, one scale per output channel, in -64..64 and not in -127..127: on x86
processors without VNNI the kernel adds pairs of products in 16 bits with saturation, and 2 * 255 * 64
still fits while 2 * 255 * 127 does not (there every result would be wrong, silently). So the vectors
are the same on every processor. The price is half of the weights' resolution.

Activations are quantised when they are computed, one scale per token (Dettmers et al.,
arXiv:2208.07339), around zero point 128. onnxruntime's own dynamic quantisation takes one scale for
the whole batch, which is a tenth faster on a small model; but then a text's vector depends on its
neighbours in the batch, and one outlier token costs all others their resolution.

The embedding table is kept in float16 and converted after the gather. Layer norms, attention scores
and pooling stay in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.graphs.arithmetic import Rows
from mlx_jinabert.graphs.builder import GraphBuilder, Value

__all__ = ["WEIGHT_LIMIT", "Int8", "Int8Weight", "quantize_weight"]

Array = NDArray[np.float32]

WEIGHT_LIMIT = 64
"""Largest magnitude of a quantised weight: the most for which 2 * 255 * limit < 2 ** 15."""
_ROW_LIMIT = 127
_ZERO_POINT = 128
_TINY = 1e-20
"""Keeps the scale of a row of zeros above zero."""


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """``values`` (in, out) int8 times ``scales`` (out,) float32."""

    values: NDArray[np.int8]
    scales: Array


def quantize_weight(weight: Array) -> Int8Weight:
    """Round a (out, in) weight to the nearest of -64..64 steps per output channel."""
    scales = np.maximum(np.abs(weight).max(axis=1), _TINY) / WEIGHT_LIMIT
    values = np.rint(weight / scales[:, None]).astype(np.int8)
    return Int8Weight(np.ascontiguousarray(values.T), scales.astype(np.float32))


class Int8:
    """Products of integers; everything that enters and leaves is float32."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph
        self._zero_point = graph.number(_ZERO_POINT, np.uint8)

    def rows(self, x: Value, scale: Value | None = None) -> Rows:
        """uint8 values with one scale per token; a scale that ``x`` comes with is multiplied in."""
        g = self._graph
        high = g.op("ReduceMax", x, g.ints(-1), keepdims=0)
        low = g.op("ReduceMin", x, g.ints(-1), keepdims=0)
        peak = g.op("Max", high, g.op("Neg", low), g.number(_TINY))
        step = g.op("Mul", peak, g.number(1 / _ROW_LIMIT))
        zeros = g.op("Expand", self._zero_point, g.op("Shape", step))
        values = g.op("QuantizeLinear", x, step, zeros, axis=0)
        own = g.op("Unsqueeze", step, g.ints(-1))
        return Rows(values, own if scale is None else g.op("Mul", own, scale))

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """The integer product, scaled by channel and by token."""
        g = self._graph
        product = g.op("Mul", self.unscaled(rows, weight), rows.scale)
        return product if bias is None else g.op("Add", product, g.constant(bias))

    def unscaled(self, rows: Rows, weight: Array) -> Value:
        """The integer product, scaled by channel alone."""
        g = self._graph
        quantized = quantize_weight(weight)
        return g.contrib(
            "MatMulIntegerToFloat",
            rows.values,
            g.constant(quantized.values),
            g.number(1),
            g.constant(quantized.scales),
            self._zero_point,
        )

    def table(self, values: Array, half: bool) -> Value:
        """float16 always: half the size, and an error far below that of the products."""
        return self._graph.constant(values.astype(np.float16))
