"""Attention from one packed projection with rotary positions: what NomicBERT, GTE and ModernBERT share.

The rotation is onnxruntime's ``RotaryEmbedding``; its tables are computed once per run, for the length at
hand, so a graph holds none. Attention goes in tiles of queries: a text of 4,096 tokens (3 layers, 12 heads
of 8) took 47 MiB where all scores at once took 1,800, for a twentieth more time on short texts at most.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, Value
from mlx_jinabert.architectures.shared.onnx.gated import GROUPS
from mlx_jinabert.architectures.shared.onnx.layers import Array, Layers
from mlx_jinabert.architectures.shared.onnx.tiles import TiledAttention
from mlx_jinabert.architectures.shared.rotary import inverse_frequencies

__all__ = ["PackedAttention"]


class PackedAttention:
    """Shared by layers: the angles of their rotation, their heads, how far their tokens see."""

    def __init__(
        self,
        layers: Layers,
        heads: int,
        *,
        base: float,
        ntk_factor: float = 1.0,
        window: int | None = None,
    ) -> None:
        """``window``: tokens that are seen on either side; None for all of them."""
        self._layers = layers
        self._size = size = layers.width // heads
        self._cosines, self._sines = _tables(layers, inverse_frequencies(size, base, ntk_factor))
        self._places = layers.places()
        nearer = None if window is None else window + 1
        self._attend = TiledAttention(layers, heads, heads, size, causal=False, window=nearer)

    def __call__(self, x: Value, projection: str) -> Value:
        """softmax(R q (R k)^T / sqrt(D)) v over what is seen, (tokens, width), all from one projection of x.

        The scale is folded into the queries' rows; a rotation does not change it.
        """
        layers, width = self._layers, self._layers.width
        factor = np.ones((3 * width, 1), np.float32)
        factor[:width] = self._size**-0.5
        own_bias = None
        if layers.checkpoint.has(f"{projection}.bias"):
            own_bias = layers.bias(projection) * factor[:, 0]
        rows = layers.arithmetic.rows(ScaledValue(x), width, GROUPS)
        packed = layers.arithmetic.dense(rows, layers.weight(projection) * factor, own_bias)
        query, key, value = layers.graph.split(packed, 3)
        return self._attend(self._rotated(query), self._rotated(key), self._by_head(value))

    def _rotated(self, x: Value) -> Value:
        """(tokens, width) -> (batch, heads, length, size), halves of each head paired (arXiv:2104.09864)."""
        g = self._layers.graph
        return g.contrib(
            "RotaryEmbedding", self._by_head(x), self._places, self._cosines, self._sines, interleaved=0
        )

    def _by_head(self, x: Value) -> Value:
        g, layers = self._layers.graph, self._layers
        shape = g.op("Concat", layers.batch, layers.length, g.ints(-1, self._size), axis=0)
        return g.op("Transpose", g.op("Reshape", x, shape), perm=(0, 2, 1, 3))


def _tables(layers: Layers, frequencies: Array) -> tuple[Value, Value]:
    """Cosines and sines of all positions, (length, size / 2) each."""
    g = layers.graph
    length = g.op("Cast", g.op("Squeeze", layers.length), to=FLOAT)
    positions = g.op("Unsqueeze", g.op("Range", g.number(0), length, g.number(1)), g.ints(1))
    angles = g.op("Mul", positions, g.constant(frequencies[None]))
    return g.op("Cos", angles), g.op("Sin", angles)
