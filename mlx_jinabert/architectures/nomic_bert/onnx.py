"""NomicBERT as an ONNX graph (Nussbaum et al., arXiv:2402.01613).

Differs from BERT in: rotary positions; one projection for queries, keys and values; no biases but those
of the norms; SwiGLU in two matrices, ``fc12`` activated. Post-norm, token type 0, no final norm.
"""

from __future__ import annotations

from mlx_jinabert.architectures.nomic_bert.config import NomicBertConfig
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.gated import gated
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.shared.onnx.rotary import PackedAttention

__all__ = ["encode"]


def encode(layers: Layers, config: NomicBertConfig) -> Value:
    """Hidden states of the last layer, (tokens, hidden size)."""
    g = layers.graph
    x = layers.gather("embeddings.word_embeddings")
    if config.type_vocab_size:
        x = g.op("Add", x, g.constant(layers.weight("embeddings.token_type_embeddings")[0]))
    x = layers.norm(x, "emb_ln", config.layer_norm_eps)
    attention = PackedAttention(layers, config.num_heads, base=config.rope_theta)
    for n in range(config.num_layers):
        x = _layer(layers, config, f"encoder.layers.{n}", x, attention)
    return x


def _layer(
    layers: Layers, config: NomicBertConfig, layer: str, x: Value, attention: PackedAttention
) -> Value:
    g, epsilon, arithmetic = layers.graph, config.layer_norm_eps, layers.arithmetic
    rows = arithmetic.rows(ScaledValue(attention(x, f"{layer}.attn.Wqkv")), layers.width)
    attended = arithmetic.dense(rows, layers.weight(f"{layer}.attn.out_proj"))
    residual = layers.norm(g.op("Add", attended, x), f"{layer}.norm1", epsilon)
    gate, up = (layers.weight(f"{layer}.mlp.{name}") for name in ("fc12", "fc11"))
    fed = gated(layers, residual, gate, up, activation="silu", down=f"{layer}.mlp.fc2")
    return layers.norm(g.op("Add", fed, residual), f"{layer}.norm2", epsilon)
