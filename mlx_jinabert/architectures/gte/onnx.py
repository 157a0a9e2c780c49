"""GTE's encoder as an ONNX graph (Zhang et al., arXiv:2407.19669; reference code Alibaba-NLP/new-impl).

Differs from BERT in: rotary positions, NTK-scaled in the larger models; one projection for queries, keys
and values; a gated feed-forward, the second half of the widened vector activated. Post-norm, token type 0
where there are types, no final norm.
"""

from __future__ import annotations

from mlx_jinabert.architectures.gte.config import GteConfig
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.gated import gated
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.shared.onnx.rotary import PackedAttention

__all__ = ["encode"]


def encode(layers: Layers, config: GteConfig) -> Value:
    """Hidden states of the last layer, (tokens, hidden size)."""
    g = layers.graph
    x = layers.gather("embeddings.word_embeddings")
    if config.type_vocab_size:
        x = g.op("Add", x, g.constant(layers.weight("embeddings.token_type_embeddings")[0]))
    x = layers.norm(x, "embeddings.LayerNorm", config.layer_norm_eps)
    attention = PackedAttention(
        layers, config.num_heads, base=config.rope_theta, ntk_factor=config.ntk_factor
    )
    for n in range(config.num_layers):
        x = _layer(layers, config, f"encoder.layer.{n}", x, attention)
    return x


def _layer(layers: Layers, config: GteConfig, layer: str, x: Value, attention: PackedAttention) -> Value:
    g, epsilon, arithmetic = layers.graph, config.layer_norm_eps, layers.arithmetic
    projection, output = f"{layer}.attention.qkv_proj", f"{layer}.attention.o_proj"
    rows = arithmetic.rows(ScaledValue(attention(x, projection)), layers.width)
    attended = arithmetic.dense(rows, layers.weight(output), layers.bias(output))
    residual = layers.norm(g.op("Add", attended, x), f"{layer}.attn_ln", epsilon)
    widened = layers.weight(f"{layer}.mlp.up_gate_proj")
    up, gate = widened[: config.intermediate_size], widened[config.intermediate_size :]
    fed = gated(layers, residual, gate, up, activation="gelu", down=f"{layer}.mlp.down_proj")
    return layers.norm(g.op("Add", fed, residual), f"{layer}.mlp_ln", epsilon)
