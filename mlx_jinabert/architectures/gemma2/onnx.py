"""Gemma-2 as an ONNX graph (arXiv:2408.00118), on the decoders' pieces.

Reference: transformers' ``Gemma2Model``. Differs from Qwen2 in: embeddings times the root of the width;
norms that multiply by one plus their weight; a norm behind attention and feed-forward as well as before;
scores capped by a tanh; a window of keys on every other layer; the tanh form of GELU; no biases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mlx_jinabert.architectures.decoder.onnx import by_head, dense, gated, rms_norm, rotation
from mlx_jinabert.architectures.gemma2.config import Gemma2Config
from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows, ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import GraphBuilder, Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.shared.onnx.tiles import TiledAttention

__all__ = ["encode", "encode_gemma", "norm"]

Rotation = Callable[[Value], Value]
"""(batch, length, heads, size) -> (batch, heads, length, size)."""
Projection = Callable[[str, Rows, float], Value]
"""(name, rows, factor) -> queries or keys times the factor, (batch, length, heads, size)."""

_GROUPS = 2
"""Of the inputs of attention and first matrices in int8, those of Qwen2. Not measured on trained weights."""


def encode(layers: Layers, config: Gemma2Config) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    rotate = rotation(layers, config)

    def project(name: str, rows: Rows, factor: float) -> Value:
        return by_head(layers, dense(layers, rows, name, factor), config.head_dim)

    return encode_gemma(layers, config, {True: rotate, False: rotate}, project)


def encode_gemma(
    layers: Layers, config: Gemma2Config, rotations: Mapping[bool, Rotation], project: Projection
) -> Value:
    """The same with a rotation by whether a layer is windowed, and with projections of queries and keys."""
    g = layers.graph
    attentions = {windowed: _attention(layers, config, windowed) for windowed in set(config.windowed)}
    x = g.op("Mul", layers.gather("embed_tokens"), g.number(config.hidden_size**0.5))
    for n, windowed in enumerate(config.windowed):
        layer, rotate = f"layers.{n}", rotations[windowed]
        rows = _rows(layers, config, x, f"{layer}.input_layernorm")
        q = rotate(project(f"{layer}.self_attn.q_proj", rows, config.query_scale))
        k = rotate(project(f"{layer}.self_attn.k_proj", rows, 1.0))
        v = by_head(layers, dense(layers, rows, f"{layer}.self_attn.v_proj"), config.head_dim)
        mixed = attentions[windowed](q, k, g.op("Transpose", v, perm=(0, 2, 1, 3)))
        context = layers.arithmetic.rows(ScaledValue(mixed), config.num_heads * config.head_dim)
        attended = dense(layers, context, f"{layer}.self_attn.o_proj")
        x = g.op("Add", x, norm(layers, config, attended, f"{layer}.post_attention_layernorm"))
        rows = _rows(layers, config, x, f"{layer}.pre_feedforward_layernorm")
        fed = gated(layers, config, rows, f"{layer}.mlp", _gelu)
        x = g.op("Add", x, norm(layers, config, fed, f"{layer}.post_feedforward_layernorm"))
    return norm(layers, config, x, "norm")


def _attention(layers: Layers, config: Gemma2Config, windowed: bool) -> TiledAttention:
    return TiledAttention(
        layers,
        config.num_heads,
        config.num_kv_heads,
        config.head_dim,
        causal=config.is_causal,
        window=config.window if windowed else None,
        cap=config.soft_cap,
    )


def norm(layers: Layers, config: Gemma2Config, x: Value, name: str) -> Value:
    """RMSNorm of the last axis, times one plus the named weight."""
    return rms_norm(layers, x, np.float32(1) + layers.weight(name), config.rms_norm_eps)


def _rows(layers: Layers, config: Gemma2Config, x: Value, name: str) -> Rows:
    """(tokens, hidden size) under the named norm, ready for products."""
    return layers.arithmetic.rows(ScaledValue(norm(layers, config, x, name)), config.hidden_size, _GROUPS)


def _gelu(graph: GraphBuilder, x: Value) -> Value:
    return graph.op("Gelu", x, approximate="tanh")
