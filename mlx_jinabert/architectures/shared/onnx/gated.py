"""Gated feed-forwards (GLU variants, Shazeer, arXiv:2002.05202), as the encoders have them."""

from __future__ import annotations

from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import GraphBuilder, Value
from mlx_jinabert.architectures.shared.onnx.layers import Array, Layers

__all__ = ["GROUPS", "gated"]

GROUPS = 2
"""Of the inputs of attention and of the gated matrices, in int8 (see ``shared/onnx/int8.py``)."""
_INNER_GROUPS = 4
"""Of the input of the second matrix."""


def gated(
    layers: Layers,
    x: Value,
    gate: Array,
    up: Array,
    *,
    activation: str,
    down: str,
    groups: tuple[int, int] = (GROUPS, _INNER_GROUPS),
) -> Value:
    """W_down (act(W_gate x) * W_up x), plus the bias that ``down`` has or has not, (tokens, width).

    ``gate`` and ``up`` are (inner, width); ``activation`` is "gelu" (exact) or "silu"; ``groups``
    of the inputs of both steps, see ``Arithmetic.rows``.
    """
    g, arithmetic = layers.graph, layers.arithmetic
    rows = arithmetic.rows(ScaledValue(x), layers.width, groups[0])
    linear = arithmetic.unscaled(rows, up)
    activated = _activated(g, arithmetic.dense(rows, gate), activation)
    product = g.op("Mul", activated, linear.values)
    inner = arithmetic.rows(ScaledValue(product, linear.scale), len(up), groups[1])
    bias = layers.bias(down) if layers.checkpoint.has(f"{down}.bias") else None
    return arithmetic.dense(inner, layers.weight(down), bias)


def _activated(g: GraphBuilder, x: Value, activation: str) -> Value:
    return g.op("Gelu", x) if activation == "gelu" else g.op("Mul", x, g.op("Sigmoid", x))
