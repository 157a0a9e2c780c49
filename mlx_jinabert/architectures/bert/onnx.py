"""BERT as an ONNX graph: learned positions, post-norm, exact GELU (Devlin et al., arXiv:1810.04805).

Reference: transformers' ``BertModel``. All tokens are of type 0; positions count from 0, or an
offset, at the first column, so padding belongs on the right. The pooler takes no part.
"""

from __future__ import annotations

from functools import partial

from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers, Mix

__all__ = ["encode"]

_GROUPS, _INNER_GROUPS = 4, 8
"""Of the inputs of attention and first matrix, and of the second one, in int8 (see ``shared/onnx/int8.py``).
Twice those of JinaBERT: GELU without a gate lets single channels grow large."""


def encode(layers: Layers, config: BertConfig) -> Value:
    """Hidden states of the last layer, (tokens, hidden size)."""
    token_type = layers.weight("embeddings.token_type_embeddings")[0]
    table = layers.weight("embeddings.position_embeddings")[config.position_offset :] + token_type
    x = layers.add_positions(layers.gather("embeddings.word_embeddings"), table)
    x = layers.norm(x, "embeddings.LayerNorm", config.layer_norm_eps)
    mix = partial(layers.mix, bias=layers.mask_bias())
    for n in range(config.num_layers):
        x = _layer(layers, config, f"encoder.layer.{n}", x, mix)
    return x


def _layer(layers: Layers, config: BertConfig, layer: str, x: Value, mix: Mix) -> Value:
    g, epsilon = layers.graph, config.layer_norm_eps
    attended = layers.self_attention(f"{layer}.attention", x, mix, config.num_heads, _GROUPS)
    residual = layers.norm(g.op("Add", attended, x), f"{layer}.attention.output.LayerNorm", epsilon)
    fed = g.op("Gelu", _dense(layers, residual, f"{layer}.intermediate.dense", _GROUPS))
    out = _dense(layers, fed, f"{layer}.output.dense", _INNER_GROUPS)
    return layers.norm(g.op("Add", out, residual), f"{layer}.output.LayerNorm", epsilon)


def _dense(layers: Layers, x: Value, name: str, groups: int) -> Value:
    weight = layers.weight(name)
    rows = layers.arithmetic.rows(ScaledValue(x), weight.shape[1], groups)
    return layers.arithmetic.dense(rows, weight, layers.bias(name))
