"""Attention under ALiBi: at once while the scores fit one tile, in tiles of queries beyond.

Short texts keep the plain form, whose bias all layers share, behind an ``If`` around no more than the
products and the softmax: at 20 tokens, an ``If`` costs what it is given more than what it does.
"""

from __future__ import annotations

from mlx_jinabert.architectures.shared.alibi import alibi_slopes
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.shared.onnx.tiles import TiledAttention, fits_one_tile

__all__ = ["AlibiMix"]


class AlibiMix:
    """Shared by all layers of one run: whether the text is short, and its bias if it is."""

    def __init__(self, layers: Layers, heads: int) -> None:
        self._layers, self._heads = layers, heads
        self._slopes = slopes = alibi_slopes(heads)
        if layers.tiles is not None:
            self._bias = layers.mask_bias(None if layers.tiles else slopes)
            return
        self._short = fits_one_tile(layers, heads)
        self._bias = layers.graph.either(self._short, lambda: layers.mask_bias(slopes), layers.mask_bias)

    def __call__(self, query: Value, key: Value, value: Value) -> Value:
        """A ``Mix``: softmax(q k - slope |i - j|) v."""
        layers = self._layers
        if layers.tiles is False:
            return layers.mix(query, key, value, self._bias)
        if layers.tiles:
            return self._tiled().mix(query, key, value)
        return layers.graph.either(
            self._short,
            lambda: layers.mix(query, key, value, self._bias),
            lambda: self._tiled().mix(query, key, value),
        )

    def _tiled(self) -> TiledAttention:
        """Made inside a branch, so that short texts do not even count tiles."""
        heads, size = self._heads, self._layers.width // self._heads
        return TiledAttention(self._layers, heads, heads, size, causal=False, slopes=self._slopes)
