"""Attention from one packed projection with rotary positions: what NomicBERT, GTE and ModernBERT share.

The rotation is onnxruntime's ``RotaryEmbedding``; its tables are computed once per run, for the length at
hand, so a graph holds none.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.graphs.arithmetic import Scaled
from mlx_jinabert.graphs.builder import FLOAT, Value
from mlx_jinabert.graphs.gated import GROUPS
from mlx_jinabert.graphs.layers import Array, Layers
from mlx_jinabert.rotary import inverse_frequencies

__all__ = ["PackedAttention"]


class PackedAttention:
    """What layers have in common: the angles of their rotation, the bias of their scores, their heads."""

    def __init__(
        self, layers: Layers, heads: int, bias: Value, *, base: float, ntk_factor: float = 1.0
    ) -> None:
        self._layers = layers
        self._heads = heads
        self._bias = bias
        self._cosines, self._sines = _tables(
            layers, inverse_frequencies(layers.width // heads, base, ntk_factor)
        )

    def __call__(self, x: Value, projection: str) -> Value:
        """softmax(R q (R k)^T / sqrt(D) + bias) v, (tokens, width), all three from one projection of x.

        The scale is folded into the queries' rows; a rotation does not change it.
        """
        layers, width = self._layers, self._layers.width
        factor = np.ones((3 * width, 1), np.float32)
        factor[:width] = (width // self._heads) ** -0.5
        own_bias = None
        if layers.checkpoint.has(f"{projection}.bias"):
            own_bias = layers.bias(projection) * factor[:, 0]
        rows = layers.arithmetic.rows(Scaled(x), width, GROUPS)
        packed = layers.arithmetic.dense(rows, layers.weight(projection) * factor, own_bias)
        query, key, value = layers.graph.split(packed, 3)
        return layers.attend(self._rotated(query), self._rotated(key), value, self._bias, self._heads)

    def _rotated(self, x: Value) -> Value:
        """(tokens, width) -> (batch, length, width), halves of each head paired (arXiv:2104.09864)."""
        g, layers = self._layers.graph, self._layers
        by_text = g.op("Reshape", x, g.op("Concat", layers.batch, layers.length, g.ints(-1), axis=0))
        return g.contrib("RotaryEmbedding", by_text, g.ints(0), self._cosines, self._sines, interleaved=0)


def _tables(layers: Layers, frequencies: Array) -> tuple[Value, Value]:
    """Cosines and sines of all positions, (length, size / 2) each."""
    g = layers.graph
    length = g.op("Cast", g.op("Squeeze", layers.length), to=FLOAT)
    positions = g.op("Unsqueeze", g.op("Range", g.number(0), length, g.number(1)), g.ints(1))
    angles = g.op("Mul", positions, g.constant(frequencies[None]))
    return g.op("Cos", angles), g.op("Sin", angles)
