"""Pieces of graphs, over (tokens, width) activations: gather, norms, attention, pooling.

Attention is written out in standard operators: onnxruntime's fused ``MultiHeadAttention`` was as fast
at best, and its ``SkipLayerNormalization`` slower than an addition and a layer norm (measured on x86).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.architectures.shared.onnx.arithmetic import Arithmetic, ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import DOUBLE, FLOAT, INT64, GraphBuilder, Value
from mlx_jinabert.architectures.shared.onnx.tensors import Checkpoint

__all__ = ["Layers", "Mix"]

Array = NDArray[np.float32]

Mix = Callable[[Value, Value, Value], Value]
"""Queries and values (batch, heads, length, size), keys (batch, heads, size, length) -> the mix of values
for each query, (batch, heads, length, size)."""

_MASKED = np.finfo(np.float32).min / 2
"""Added to the scores of padding: finite, also with ALiBi on top, so that a row of padding alone
stays a number."""


class Layers:
    """One graph under construction, with its inputs, its checkpoint and its arithmetic.

    ``tiles``: whether attention is computed in tiles of queries; None: where its scores are many.
    """

    def __init__(
        self,
        graph: GraphBuilder,
        checkpoint: Checkpoint,
        arithmetic: Arithmetic,
        width: int,
        *,
        tiles: bool | None = None,
        most: int = 1,
    ) -> None:
        """``most``: how often a token may stand in a text that is read once; 1 where all are read."""
        self.graph = g = graph
        self.checkpoint = checkpoint
        self.arithmetic = arithmetic
        self.width = width
        self.tiles = tiles
        self.ids = g.input("input_ids", INT64, ("batch", "length"))
        self._present = g.input("attention_mask", INT64, ("batch", "length"))
        self._most = most
        self._mask = g.op("Cast", self._present, to=FLOAT)
        if most > 1:
            self._mask = g.op("Sqrt", self._mask)
        self.batch = g.op("Shape", self.ids, start=0, end=1)  # (1,), as is the length
        self.length = g.op("Shape", self.ids, start=1, end=2)

    def weight(self, name: str) -> Array:
        """``name``.weight as float32."""
        return self.checkpoint.read(f"{name}.weight")

    def bias(self, name: str) -> Array:
        """``name``.bias as float32."""
        return self.checkpoint.read(f"{name}.bias")

    def gather(self, name: str) -> Value:
        """Rows of a table for the input ids, (tokens, width) float32."""
        g, stored = self.graph, f"{name}.weight"
        dtype = self.arithmetic.table_type(self.checkpoint.half(stored))
        table = g.rows(self.checkpoint.shape(stored), dtype, self.checkpoint.blocks(stored))
        rows = g.op("Gather", table, g.op("Reshape", self.ids, g.ints(-1)))
        return g.op("Cast", rows, to=FLOAT)

    def token_types(self, table: Array) -> Value:
        """Rows of (types, width) for the input ``token_type_ids``, (tokens, width) float32."""
        g = self.graph
        types = g.input("token_type_ids", INT64, ("batch", "length"))
        return g.op("Gather", g.constant(table), g.op("Reshape", types, g.ints(-1)))

    def first_tokens(self, x: Value) -> Value:
        """(tokens, width) -> the first token of each text, (batch, width); padding is on the right."""
        g = self.graph
        first = g.op("Gather", self.by_text(x), g.ints(0), axis=1)
        return g.op("Reshape", first, g.ints(-1, self.width))

    def add_positions(self, x: Value, table: Array) -> Value:
        """Add row n of (max length, width) to the n-th token of every text of (tokens, width)."""
        g = self.graph
        rows = g.op("Slice", g.constant(table), g.ints(0), self.length, g.ints(0))
        return g.op("Reshape", g.op("Add", self.by_text(x), rows), g.ints(-1, self.width))

    def places(self) -> Value:
        """The place of every token in its text, (batch, length) int64: position ids of a rotation.

        Operators take one number for the first place as well, which OpenVINO reads as the place of all.
        """
        g = self.graph
        row = g.op("Range", g.number(0, np.int64), g.op("Squeeze", self.length), g.number(1, np.int64))
        return g.op("Expand", row, g.op("Concat", self.batch, self.length, axis=0))

    def norm(self, x: Value, name: str, epsilon: float, factor: float = 1.0) -> Value:
        """Layer norm over the last axis, with a bias where there is one, its result times ``factor``."""
        g, scale = self.graph, np.float32(factor)
        parts = [g.constant(self.weight(name) * scale)]
        if self.checkpoint.has(f"{name}.bias"):
            parts.append(g.constant(self.bias(name) * scale))
        return g.op("LayerNormalization", x, *parts, axis=-1, epsilon=epsilon)

    def mask_bias(self, slopes: Array | None = None) -> Value:
        """Build the bias of attention scores, once per run.

        (batch, 1, 1, length), the logarithm of what a token weighs: 0 where it stands once, far below any
        score for padding. With ALiBi slopes (heads,) the symmetric distances come on top:
        (batch, heads, length, length).
        """
        g = self.graph
        bias = g.op("Unsqueeze", self._weights_in_softmax(), g.ints(1, 2))
        if slopes is None:
            return bias
        alibi = g.op("Mul", self._distances(), g.constant(-slopes[:, None, None]))
        return g.op("Add", bias, alibi)

    def _weights_in_softmax(self) -> Value:
        """What is added to the scores of a key, (batch, length).

        Logarithms come from a table: an operator computes the last numbers of a row in another way, and a
        text would have other bits in other company.
        """
        g = self.graph
        if self._most == 1:
            return g.op("Mul", g.op("Sub", g.number(1), self._mask), g.number(_MASKED))
        logarithms = np.log(np.arange(1, self._most + 1)) / 2
        table = np.concatenate([[_MASKED], logarithms]).astype(np.float32)
        return g.op("Gather", g.constant(table), self._present)

    def self_attention(self, attention: str, x: Value, mix: Mix, heads: int, groups: int) -> Value:
        """BERT's attention block under its tensor names, projection included, (tokens, width).

        The scale 1 / sqrt(head width) is folded into the queries' weights; ``groups`` as in
        ``Arithmetic.rows``.
        """
        rows = self.arithmetic.rows(ScaledValue(x), self.width, groups)
        scale = np.float32((self.width // heads) ** -0.5)
        query, key = f"{attention}.self.query", f"{attention}.self.key"
        q = self.arithmetic.dense(rows, self.weight(query) * scale, self.bias(query) * scale)
        k = self.arithmetic.dense(rows, self.weight(key), self.bias(key))
        v = self.arithmetic.dense(rows, self.weight(f"{attention}.self.value"))
        return self.attention_output(self.attend(q, k, v, mix, heads), attention)

    def attend(self, query: Value, key: Value, value: Value, mix: Mix, heads: int) -> Value:
        """``mix`` by head of (tokens, width) each, (tokens, width); the queries are scaled already."""
        g = self.graph
        width = self.width
        split = g.op("Concat", self.batch, self.length, g.ints(heads, width // heads), axis=0)

        def by_head(x: Value, *axes: int) -> Value:
            return g.op("Transpose", g.op("Reshape", x, split), perm=axes)

        mixed = mix(by_head(query, 0, 2, 1, 3), by_head(key, 0, 2, 3, 1), by_head(value, 0, 2, 1, 3))
        return g.op("Reshape", g.op("Transpose", mixed, perm=(0, 2, 1, 3)), g.ints(-1, width))

    def mix(self, query: Value, key: Value, value: Value, bias: Value) -> Value:
        """softmax(q k + bias) v, all scores at once: with its bias, a ``Mix``."""
        g = self.graph
        scores = g.op("Add", g.op("MatMul", query, key), bias)
        return g.op("MatMul", g.op("Softmax", scores, axis=-1), value)

    def attention_output(self, context: Value, attention: str) -> Value:
        """The output projection, which takes over the bias of the values.

        Each row of shares sums to one, so the mix of v + b is the mix of v, plus b: that bias, sent
        through the projection, joins the projection's own.
        """
        dense = f"{attention}.output.dense"
        weight = self.weight(dense)
        bias = self.bias(dense) + weight.astype(np.float64) @ self.bias(f"{attention}.self.value")
        rows = self.arithmetic.rows(ScaledValue(context), self.width)
        return self.arithmetic.dense(rows, weight, bias.astype(np.float32))

    def pool(self, hidden: Value, mode: str) -> None:
        """Weighted mean over the tokens of each text as the output; weights as in ``pooling.py``.

        "tokens" puts out the hidden states as they are, (batch, length, width).
        """
        g = self.graph
        if mode == "tokens":
            g.output(self.by_text(hidden), "token_embeddings", FLOAT, ("batch", "length", self.width))
            return
        g.output(self.pooled(hidden, mode), "sentence_embedding", FLOAT, ("batch", self.width))

    def pooled(self, hidden: Value, mode: str) -> Value:
        """(tokens, width) -> the weighted mean over the tokens of each text, (batch, width)."""
        g = self.graph
        weights = self._token_weights(mode)
        total = self._sum(weights)
        share = g.op("Div", weights, g.op("Max", total, g.number(1)))
        row = g.op("Unsqueeze", share, g.ints(1))
        return g.op("Squeeze", g.op("MatMul", row, self.by_text(hidden)), g.ints(1))

    def _sum(self, weights: Value) -> Value:
        """The sum of each row, (batch, 1) float32, the same to the bit however long its padding is.

        Roots that are rounded to float32 are summed without an error in float64, in whatever order.
        """
        g = self.graph
        if self._most == 1:
            return g.op("ReduceSum", weights, g.ints(1), keepdims=1)
        exact = g.op("ReduceSum", g.op("Cast", weights, to=DOUBLE), g.ints(1), keepdims=1)
        return g.op("Cast", exact, to=FLOAT)

    def _token_weights(self, mode: str) -> Value:
        g = self.graph
        if mode == "mean":
            return self._mask
        # In integers: a runtime that computes in bfloat16 would count to 256.
        seen = g.op("CumSum", self._present, g.number(1, np.int64))
        wanted = {
            "cls": lambda: g.number(1, np.int64),
            "last": lambda: g.op("ReduceSum", self._present, g.ints(1), keepdims=1),
        }[mode]()
        return g.op("Mul", self._mask, g.op("Cast", g.op("Equal", seen, wanted), to=FLOAT))

    def _distances(self) -> Value:
        """|i - j| of all tokens, (length, length) float32."""
        g = self.graph
        length = g.op("Cast", g.op("Squeeze", self.length), to=FLOAT)
        position = g.op("Range", g.number(0), length, g.number(1))
        rows, columns = (g.op("Unsqueeze", position, g.ints(axis)) for axis in (1, 0))
        return g.op("Abs", g.op("Sub", rows, columns))

    def by_text(self, x: Value) -> Value:
        """(tokens, width) -> (batch, length, width)."""
        g = self.graph
        return g.op("Reshape", x, g.op("Concat", self.batch, self.length, g.ints(self.width), axis=0))
