"""Attention with grouped heads in tiles of queries, so that long texts need no (length, length) scores.

A tile is as many queries as keep the scores under ``_TILE_ELEMENTS``: a whole text up to about 500
tokens, 10 queries at a time of one of 32,768. The causal bias is built once per run, for one tile: the
rows of the next tile are the same, shifted, so every tile takes a window of it. Keys behind a tile's last
query are not looked at. A run over 32,768 tokens (2 layers, 12 heads of 16) took 170 MiB, where the
scores of one head alone are 4 GiB; several texts at a time take as much each.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, Value
from mlx_jinabert.architectures.shared.onnx.layers import Array, Layers

__all__ = ["TiledAttention", "fits_one_tile"]

_TILE_ELEMENTS = 1 << 22
"""Scores (batch x heads x queries x keys) of one tile: 16 MiB."""
_MASKED = np.finfo(np.float32).min / 2


def fits_one_tile(layers: Layers, heads: int) -> Value:
    """Whether the scores of all queries are one tile: (1,) bool."""
    g = layers.graph
    row = g.op("Mul", g.op("Mul", layers.batch, layers.length), g.ints(heads))
    return g.op("LessOrEqual", g.op("Mul", row, layers.length), g.ints(_TILE_ELEMENTS))


class TiledAttention:
    """Shared by all layers of one run: the size of a tile, and the bias of its scores.

    Padding stands on the right. Under ``causal`` it needs no bias: no token sees what is behind it. With a
    ``window`` only keys that are less than so many places away are seen; with a ``cap`` scores become
    cap * tanh(score / cap) before the bias. ALiBi ``slopes``, (heads,), put -slope * |i - j| on top, made for
    one tile at a time; that form is symmetric, so ValueError under ``causal``.
    """

    def __init__(
        self,
        layers: Layers,
        heads: int,
        kv_heads: int,
        size: int,
        *,
        causal: bool,
        window: int | None = None,
        cap: float | None = None,
        slopes: Array | None = None,
    ) -> None:
        self._layers = layers
        self._heads, self._kv_heads, self._size = heads, kv_heads, size
        self._causal, self._window, self._cap = causal, window, cap
        self._slopes = slopes
        if causal and slopes is not None:
            raise ValueError("causal attention with slopes: only the symmetric form of ALiBi is built")
        g, length = layers.graph, layers.length
        if layers.tiles is False:
            self._step = self._padded = length
            self._bias = self._band() if causal else layers.mask_bias()
            self._whole_bias = self._tile_bias(g.ints(0), length, length)
            return
        row = g.op("Mul", g.op("Mul", layers.batch, length), g.ints(heads))
        fitting = g.op("Max", g.op("Div", g.ints(_TILE_ELEMENTS), row), g.ints(1))
        self._step = step = g.op("Min", fitting, length)
        self._rounds = g.op("Div", g.op("Add", length, g.op("Sub", step, g.ints(1))), step)
        self._padded = g.op("Mul", self._rounds, step)
        self._bias = self._band() if causal else layers.mask_bias()

    def __call__(self, query: Value, key: Value, value: Value) -> Value:
        """softmax(q k^T + bias) v, (tokens, heads * size), for scaled queries (batch, heads, length, size).

        Keys and values are (batch, kv_heads, length, size), each for heads / kv_heads heads of queries.
        """
        g, length = self._layers.graph, self._layers.length
        if self._layers.tiles is False:
            mixed = self._mixed(
                query, g.op("Transpose", key, perm=(0, 1, 3, 2)), value, length, self._whole_bias
            )
            return g.op(
                "Reshape", g.op("Transpose", mixed, perm=(0, 2, 1, 3)), g.ints(-1, self._heads * self._size)
            )
        tiles = self._tiles(query, g.op("Transpose", key, perm=(0, 1, 3, 2)), value)
        rows = g.op("Transpose", tiles, perm=(1, 0, 3, 2, 4))  # (batch, rounds, step, heads, size)
        width = self._heads * self._size
        joined = g.op("Reshape", rows, g.op("Concat", g.ints(0), self._padded, g.ints(width), axis=0))
        return g.op("Reshape", g.op("Slice", joined, g.ints(0), length, g.ints(1)), g.ints(-1, width))

    def mix(self, query: Value, key: Value, value: Value) -> Value:
        """The same as (batch, heads, length, size), for keys that are (batch, kv_heads, size, length)."""
        g = self._layers.graph
        rows = g.op("Transpose", self._tiles(query, key, value), perm=(1, 2, 0, 3, 4))
        shape = g.op("Concat", g.ints(0, self._heads), self._padded, g.ints(self._size), axis=0)
        return g.op("Slice", g.op("Reshape", rows, shape), g.ints(0), self._layers.length, g.ints(2))

    def _tiles(self, query: Value, key: Value, value: Value) -> Value:
        """All tiles, (rounds, batch, heads, step, size); the last ones end in queries of zeros."""
        g = self._layers.graph
        missing = g.op("Sub", self._padded, self._layers.length)
        pads = g.op("Concat", g.ints(0, 0, 0, 0, 0, 0), missing, g.ints(0), axis=0)
        padded = g.op("Pad", query, pads)
        return g.stacked(g.op("Squeeze", self._rounds), lambda index: self._tile(index, padded, key, value))

    def _tile(self, index: Value, query: Value, key: Value, value: Value) -> Value:
        """Queries index * step .. (index + 1) * step - 1: (batch, heads, step, size)."""
        g, step = self._layers.graph, self._step
        start = g.op("Mul", index, step)
        stop = g.op("Add", start, step)
        seen = g.op("Min", stop, self._layers.length) if self._causal else self._layers.length
        q = g.op("Slice", query, start, stop, g.ints(2))
        k = g.op("Slice", key, g.ints(0), seen, g.ints(3))
        v = g.op("Slice", value, g.ints(0), seen, g.ints(2))
        return self._mixed(q, k, v, seen, self._tile_bias(start, stop, seen))

    def _mixed(self, query: Value, key: Value, value: Value, seen: Value, bias: Value) -> Value:
        """softmax(q k + bias) v of a tile: (batch, heads, step, size), for ``seen`` keys."""
        g, step = self._layers.graph, self._step
        by_group = g.op("Concat", g.ints(0, self._kv_heads, -1), seen, axis=0)
        by_head = g.op("Concat", g.ints(0, self._heads), step, seen, axis=0)
        grouped = self._shaped(query, g.ints(0, self._kv_heads, -1, self._size))
        scores = self._shaped(g.op("MatMul", grouped, key), by_head)
        shares = g.op("Softmax", g.op("Add", self._capped(scores), bias), axis=-1)
        mixed = g.op("MatMul", self._shaped(shares, by_group), value)
        return self._shaped(mixed, g.op("Concat", g.ints(0, self._heads), step, g.ints(-1), axis=0))

    def _shaped(self, x: Value, shape: Value) -> Value:
        """``x`` as it is where nothing has to be grouped: what stands between products keeps them apart."""
        is_plain = self._layers.tiles is False and self._heads == self._kv_heads
        return x if is_plain else self._layers.graph.op("Reshape", x, shape)

    def _capped(self, scores: Value) -> Value:
        if self._cap is None:
            return scores
        g = self._layers.graph
        return g.op("Mul", g.op("Tanh", g.op("Mul", scores, g.number(1 / self._cap))), g.number(self._cap))

    def _tile_bias(self, start: Value, stop: Value, seen: Value) -> Value:
        """The bias of a tile: its columns of the band, or padding's and on it that of distances."""
        g = self._layers.graph
        if self._causal:
            first = g.op("Sub", self._padded, stop)
            return g.op("Slice", self._bias, first, g.op("Add", first, seen), g.ints(1))
        if self._window is None and self._slopes is None:
            return self._bias
        rows = g.op("Add", self._count(self._step, 1), start)
        away = g.op("Abs", g.op("Sub", self._count(seen, 0), rows))
        bias = self._bias
        if self._window is not None:
            bias = g.op("Add", bias, self._where(g.op("Less", away, g.ints(self._window))))
        if self._slopes is not None:
            slopes = g.constant(-self._slopes[:, None, None])
            bias = g.op("Add", bias, g.op("Mul", g.op("Cast", away, to=FLOAT), slopes))
        return bias

    def _band(self) -> Value:
        """(step, padded): the bias of the last tile, whose row r sees columns up to padded - step + r."""
        g = self._layers.graph
        columns = self._count(self._padded, 0)
        last = g.op("Add", self._count(self._step, 1), g.op("Sub", self._padded, self._step))
        seen = g.op("LessOrEqual", columns, last)
        if self._window is not None:
            near = g.op("Less", g.op("Sub", last, columns), g.ints(self._window))
            seen = g.op("And", seen, near)
        return self._where(seen)

    def _count(self, stop: Value, axis: int) -> Value:
        """0 .. ``stop`` - 1, with a new ``axis`` of one."""
        g = self._layers.graph
        numbers = g.op("Range", g.number(0, np.int64), g.op("Squeeze", stop), g.number(1, np.int64))
        return g.op("Unsqueeze", numbers, g.ints(axis))

    def _where(self, seen: Value) -> Value:
        g = self._layers.graph
        return g.op("Where", seen, g.number(0), g.number(_MASKED))
