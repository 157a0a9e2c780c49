"""ONNX graphs of decoders, shared by Qwen2 and Qwen3: RMSNorm, RoPE, grouped causal attention, SwiGLU.

Differs from BERT in: a norm before each block and one at the end, without mean or bias
(arXiv:1910.07467); positions by rotation of queries and keys, halves of a head paired
(arXiv:2104.09864, as in GPT-NeoX); SwiGLU (arXiv:2002.05202). RMSNorm is onnxruntime's
``SimplifiedLayerNormalization``, as the standard has none at this opset.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows, ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, GraphBuilder, Value
from mlx_jinabert.architectures.shared.onnx.layers import Array, Layers
from mlx_jinabert.architectures.shared.onnx.tiles import TiledAttention
from mlx_jinabert.architectures.shared.rotary import inverse_frequencies

__all__ = ["Activation", "Projection", "by_head", "dense", "encode_decoder", "gated", "rms_norm", "rotation"]

Projection = Callable[[Layers, DecoderConfig, str, Rows, float], Value]
"""(layers, config, name, rows, factor) -> queries or keys before rotation, times ``factor``,
(batch, length, heads, size)."""
Activation = Callable[[GraphBuilder, Value], Value]
"""Element by element."""


_GROUPS, _INNER_GROUPS = 2, 4
"""Parts of the width with an int8 resolution of their own, see ``shared/onnx/int8.py``."""


def encode_decoder(layers: Layers, config: DecoderConfig, project: Projection) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    g = layers.graph
    shared = TiledAttention(
        layers, config.num_heads, config.num_kv_heads, config.head_dim, causal=config.is_causal
    )
    rotate = rotation(layers, config)
    x = layers.gather("embed_tokens")
    for n in range(config.num_layers):
        layer = f"layers.{n}"
        rows = normed(layers, config, x, f"{layer}.input_layernorm")
        attention = f"{layer}.self_attn"
        scale = config.head_dim**-0.5
        q = rotate(project(layers, config, f"{attention}.q_proj", rows, scale))
        k = rotate(project(layers, config, f"{attention}.k_proj", rows, 1.0))
        v = by_head(layers, dense(layers, rows, f"{attention}.v_proj"), config.head_dim)
        context = shared(q, k, g.op("Transpose", v, perm=(0, 2, 1, 3)))
        rows = layers.arithmetic.rows(ScaledValue(context), config.num_heads * config.head_dim)
        x = g.op("Add", x, dense(layers, rows, f"{attention}.o_proj"))
        rows = normed(layers, config, x, f"{layer}.post_attention_layernorm")
        x = g.op("Add", x, gated(layers, config, rows, f"{layer}.mlp", _silu))
    x = rms_norm(layers, x, layers.weight("norm"), config.rms_norm_eps)
    if config.projection:
        x = dense(layers, layers.arithmetic.rows(ScaledValue(x), config.hidden_size, _GROUPS), "linear")
        layers.width = config.projection
    return x


def rms_norm(layers: Layers, x: Value, weight: Array, epsilon: float) -> Value:
    """x / sqrt(mean(x^2) + epsilon) * weight over the last axis."""
    g = layers.graph
    return g.op("SimplifiedLayerNormalization", x, g.constant(weight), axis=-1, epsilon=epsilon, stash_type=1)


def dense(layers: Layers, rows: Rows, name: str, factor: float = 1.0) -> Value:
    """The named projection, with the bias that it has or has not, times ``factor``: (tokens, out)."""
    has_bias = layers.checkpoint.has(f"{name}.bias")
    bias = layers.bias(name) * np.float32(factor) if has_bias else None
    return layers.arithmetic.dense(rows, layers.weight(name) * np.float32(factor), bias)


def by_head(layers: Layers, x: Value, size: int) -> Value:
    """(tokens, heads * size) -> (batch, length, heads, size)."""
    g = layers.graph
    return g.op("Reshape", x, g.op("Concat", layers.batch, layers.length, g.ints(-1, size), axis=0))


def normed(layers: Layers, config: DecoderConfig, x: Value, name: str) -> Rows:
    """(tokens, hidden size) under the named norm, ready for products."""
    result = rms_norm(layers, x, layers.weight(name), config.rms_norm_eps)
    return layers.arithmetic.rows(ScaledValue(result), config.hidden_size, _GROUPS)


def rotation(layers: Layers, config: DecoderConfig, theta: float | None = None) -> Callable[[Value], Value]:
    """(batch, length, heads, size) -> rotated, (batch, heads, length, size); angles are made once per run.

    ``theta`` stands in for the base that the configuration has for all layers.
    """
    g = layers.graph
    frequencies = g.constant(inverse_frequencies(config.head_dim, theta or config.rope_theta)[None])
    length = g.op("Cast", g.op("Squeeze", layers.length), to=FLOAT)
    positions = g.op("Unsqueeze", g.op("Range", g.number(0), length, g.number(1)), g.ints(1))
    angles = g.op("Mul", positions, frequencies)
    cosines, sines = g.op("Cos", angles), g.op("Sin", angles)
    places = layers.places()

    def rotate(x: Value) -> Value:
        heads_first = g.op("Transpose", x, perm=(0, 2, 1, 3))
        return g.contrib("RotaryEmbedding", heads_first, places, cosines, sines, interleaved=0)

    return rotate


def gated(layers: Layers, config: DecoderConfig, rows: Rows, mlp: str, activate: Activation) -> Value:
    """W_down (activate(W_gate x) * W_up x)."""
    g, arithmetic = layers.graph, layers.arithmetic
    gate = arithmetic.dense(rows, layers.weight(f"{mlp}.gate_proj"))
    up = arithmetic.unscaled(rows, layers.weight(f"{mlp}.up_proj"))
    product = g.op("Mul", activate(g, gate), up.values)
    inner = arithmetic.rows(ScaledValue(product, up.scale), config.intermediate_size, _INNER_GROUPS)
    return arithmetic.dense(inner, layers.weight(f"{mlp}.down_proj"))


def _silu(graph: GraphBuilder, x: Value) -> Value:
    return graph.op("Mul", x, graph.op("Sigmoid", x))
