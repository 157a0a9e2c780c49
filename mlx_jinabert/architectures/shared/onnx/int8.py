"""int8: 8-bit weights per output channel, 8-bit activations per token, products in integers.

Weights are symmetric, one scale per output channel, and bounded in pairs: on x86 processors without VNNI the
kernel multiplies two neighbouring inputs and adds the products in 16 bits with saturation (``vpmaddubsw`` in
``onnxruntime/core/mlas/lib/x86_64/QgemmU8S8KernelAvx2.S``), and the sum of the two weights, times 255, has
to fit. There every result would be wrong, silently; so the vectors are the same on every processor. Single
weights reach 127; a bound of 64 for each would guard the pairs as well, and cost all-MiniLM-L6-v2 three times
as much by its weights (1 - cosine 0.0021 against 0.0006).

Activations are quantised when they are computed, one scale per token (Dettmers et al.,
arXiv:2208.07339), around zero point 128. onnxruntime's own dynamic quantisation takes one scale for
the whole batch, which is a tenth faster on a small model; but then a text's vector depends on its
neighbours in the batch, and one outlier token costs all others their resolution (1 - cosine was ten
times larger on the shipped model).

Trained models of some width have outlier channels, ten times the others, that cost the channels beside
them their resolution. So inputs are cut into groups, each with scales of its own for activations and
weights: an outlier spoils its own group alone. all-MiniLM-L6-v2 (384 wide) on 220 texts: lowest cosine
to float32 0.997 with 4 and 8 groups, 0.990 with none, for a quarter of the speed. The shipped model
(256 wide) has no outliers and needs no groups: 0.9998.

The embedding table is kept in float16 and converted after the gather. Layer norms, attention scores
and pooling stay in float32.
"""

from __future__ import annotations

from functools import reduce
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows, ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import GraphBuilder, Value
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["WEIGHT_LIMIT", "Int8", "Int8Weight", "quantize_weight"]

Array = NDArray[np.float32]

WEIGHT_LIMIT = 127
"""Largest magnitude of a weight, and, before rounding, of the sum of a pair: (127 + 1) * 255 < 2 ** 15."""
_ROW_LIMIT = 127
_NO_OUTLIERS = 256
"""Width up to which a model is taken to have no outlier channels."""
_ZERO_POINT = 128
_TINY = 1e-20
"""Keeps the scale of a row of zeros above zero."""


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """``values`` (in, out) int8 times ``scales`` (out,) float32."""

    values: NDArray[np.int8]
    scales: Array


def quantize_weight(weight: Array) -> Int8Weight:
    """Round a (out, in) weight to the nearest of -127..127 steps per output channel, bounded in pairs."""
    scales = np.maximum(_largest(weight), _TINY) / WEIGHT_LIMIT
    values = np.rint(weight / scales[:, None]).astype(np.int8)
    return Int8Weight(np.ascontiguousarray(values.T), scales.astype(np.float32))


def _largest(weight: Array) -> Array:
    """The largest magnitude among a channel's weights and the sums of inputs 2n and 2n + 1, (out,)."""
    single = np.abs(weight).max(axis=1)
    even, odd = weight[:, 0::2], weight[:, 1::2]
    pairs = np.abs(even[:, : odd.shape[1]] + odd).max(axis=1, initial=0)
    return np.asarray(np.maximum(single, pairs))


class Int8:
    """Products of integers; everything that enters and leaves is float32."""

    def __init__(self, graph: GraphBuilder, width: int) -> None:
        """``width`` of the model: groups are for those that have outlier channels."""
        self._graph = graph
        self._grouped = width > _NO_OUTLIERS
        self._zero_point = graph.number(_ZERO_POINT, np.uint8)

    def rows(self, x: ScaledValue, width: int, groups: int = 1) -> Rows:
        """uint8 values with one scale per token and group; the scale that ``x`` has is multiplied in."""
        g = self._graph
        groups = gcd(groups, width) if self._grouped else 1
        parts = x.values
        if groups > 1:
            parts = g.op("Reshape", parts, g.ints(-1, width // groups))
        high = g.op("ReduceMax", parts, g.ints(-1), keepdims=0)
        low = g.op("ReduceMin", parts, g.ints(-1), keepdims=0)
        peak = g.op("Max", high, g.op("Neg", low), g.number(_TINY))
        step = g.op("Mul", peak, g.number(1 / _ROW_LIMIT))
        zeros = g.op("Expand", self._zero_point, g.op("Shape", step))
        values = g.op("QuantizeLinear", parts, step, zeros, axis=0)
        scale = g.op("Reshape", step, g.ints(-1, groups))
        if x.scale is not None:
            scale = g.op("Mul", scale, x.scale)
        if groups == 1:
            return Rows((values,), (scale,))
        values = g.op("Reshape", values, g.ints(-1, width))
        return Rows(g.split(values, groups), g.split(scale, groups))

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """The integer products, scaled by channel and by token, summed over the groups."""
        g = self._graph
        parts = zip(rows.values, rows.scales, np.split(weight, len(rows.values), axis=1), strict=True)
        products = [g.op("Mul", self._product(values, part), scale) for values, scale, part in parts]
        terms = products if bias is None else [*products, g.constant(bias)]
        return reduce(lambda total, term: g.op("Add", total, term), terms)

    def unscaled(self, rows: Rows, weight: Array) -> ScaledValue:
        """The integer product, scaled by channel alone; groups have no scale in common."""
        if len(rows.values) > 1:
            return ScaledValue(self.dense(rows, weight))
        return ScaledValue(self._product(rows.values[0], weight), rows.scales[0])

    def table_type(self, half: bool) -> np.dtype[Any]:
        """float16 always: half the size, and an error far below that of the products."""
        return np.dtype(np.float16)

    def _product(self, values: Value, weight: Array) -> Value:
        g = self._graph
        quantized = quantize_weight(weight)
        return g.contrib(
            "MatMulIntegerToFloat",
            values,
            g.constant(quantized.values),
            g.number(1),
            g.constant(quantized.scales),
            self._zero_point,
        )
