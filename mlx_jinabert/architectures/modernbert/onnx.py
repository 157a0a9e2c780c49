"""ModernBERT as an ONNX graph (Warner et al., arXiv:2412.13663).

Differs from BERT in: a norm before each block but the very first, and one at the end; no biases and no
token types; rotary positions with one base in global layers and another in local ones; attention to
``window`` tokens on either side in the local ones; a gated feed-forward, its first half activated.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.architectures.modernbert.config import ModernBertConfig
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.gated import gated
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.shared.onnx.rotary import PackedAttention

__all__ = ["classify", "encode"]


def encode(layers: Layers, config: ModernBertConfig) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    g, epsilon = layers.graph, config.layer_norm_eps
    x = layers.norm(layers.gather("embeddings.tok_embeddings"), "embeddings.norm", epsilon)
    over_all = PackedAttention(layers, config.num_heads, base=config.global_theta)
    near = PackedAttention(layers, config.num_heads, base=config.local_theta, window=config.window)
    for n, is_global in enumerate(config.is_global):
        layer = f"layers.{n}"
        normed = layers.norm(x, f"{layer}.attn_norm", epsilon) if n else x
        context = (over_all if is_global else near)(normed, f"{layer}.attn.Wqkv")
        rows = layers.arithmetic.rows(ScaledValue(context), layers.width)
        x = g.op("Add", x, layers.arithmetic.dense(rows, layers.weight(f"{layer}.attn.Wo")))
        normed = layers.norm(x, f"{layer}.mlp_norm", epsilon)
        gate, up = np.split(layers.weight(f"{layer}.mlp.Wi"), 2)
        x = g.op(
            "Add", x, gated(layers, normed, gate, up, activation=config.activation, down=f"{layer}.mlp.Wo")
        )
    return layers.norm(x, "final_norm", epsilon)


def classify(layers: Layers, config: ModernBertConfig, hidden: Value) -> Value:
    """(tokens, hidden size) -> (batch, labels) logits: pooling, dense, GELU, norm, classifier, in float32.

    As in transformers' ``ModernBertForSequenceClassification``.
    """
    g = layers.graph
    biases = [g.constant(layers.bias("head.dense"))] if config.classifier_bias else []
    dense = g.op(
        "Gemm",
        layers.pooled(hidden, config.classifies),
        g.constant(layers.weight("head.dense")),
        *biases,
        transB=1,
    )
    normed = layers.norm(g.op("Gelu", dense), "head.norm", config.layer_norm_eps)
    classifier = (g.constant(layers.weight("classifier")), g.constant(layers.bias("classifier")))
    return g.op("Gemm", normed, *classifier, transB=1)
