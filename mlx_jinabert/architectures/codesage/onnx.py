"""CodeSage v2 as an ONNX graph (Zhang et al., arXiv:2402.01935).

Reference: modeling_codesage.py of github.com/amazon-science/CodeSage. Pre-norm with a norm after the last
layer, the tanh form of GELU, learned positions from the first column on (padding belongs on the right),
dense weights stored as (in, out). Nothing is causal, unlike GPT-2, whose tensor names it has.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mlx_jinabert.architectures.codesage.config import CodeSageConfig
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers, Mix

__all__ = ["encode"]

_GROUPS, _INNER_GROUPS = 4, 8
"""Of the inputs of attention and first matrix, and of the second one, in int8: those of BERT, as GELU has
no gate here either (see ``shared/onnx/int8.py``). Not measured on trained weights."""


def encode(layers: Layers, config: CodeSageConfig) -> Value:
    """Hidden states behind the last norm, (tokens, hidden size)."""
    x = layers.add_positions(layers.gather("wte"), layers.weight("wpe"))
    mix = partial(layers.mix, bias=layers.mask_bias())
    for n in range(config.num_layers):
        x = _block(layers, config, f"h.{n}", x, mix)
    return layers.norm(x, "ln_f", config.layer_norm_eps)


def _block(layers: Layers, config: CodeSageConfig, block: str, x: Value, mix: Mix) -> Value:
    g, epsilon = layers.graph, config.layer_norm_eps
    normed = layers.norm(x, f"{block}.ln_1", epsilon)
    x = g.op("Add", x, _attention(layers, config, f"{block}.attn", normed, mix))
    normed = layers.norm(x, f"{block}.ln_2", epsilon)
    inner = g.op("Gelu", _dense(layers, normed, f"{block}.mlp.c_fc", _GROUPS), approximate="tanh")
    return g.op("Add", x, _dense(layers, inner, f"{block}.mlp.c_proj", _INNER_GROUPS))


def _attention(layers: Layers, config: CodeSageConfig, attn: str, x: Value, mix: Mix) -> Value:
    """Queries, keys and values side by side; the scale 1 / sqrt(head width) is folded into the queries."""
    width = config.hidden_size
    rows = layers.arithmetic.rows(ScaledValue(x), width, _GROUPS)
    scales = (np.float32((width // config.num_heads) ** -0.5), np.float32(1), np.float32(1))
    weights = np.split(layers.weight(f"{attn}.c_attn").T, 3)
    biases = np.split(layers.bias(f"{attn}.c_attn"), 3)
    q, k, v = (
        layers.arithmetic.dense(rows, weight * scale, part * scale)
        for weight, part, scale in zip(weights, biases, scales, strict=True)
    )
    return _dense(layers, layers.attend(q, k, v, mix, config.num_heads), f"{attn}.c_proj", 1)


def _dense(layers: Layers, x: Value, name: str, groups: int) -> Value:
    weight = layers.weight(name).T
    rows = layers.arithmetic.rows(ScaledValue(x), weight.shape[1], groups)
    return layers.arithmetic.dense(rows, weight, layers.bias(name))
