"""C2LLM as an ONNX graph (arXiv:2512.21332): Qwen2 and pooling by multi-head attention (arXiv:1810.00825).

The query is learned, so what a head looks for is known when the graph is built: its score of a token is the
product of the token with one vector, W_k^T q, and what the bias of the keys adds is the same for every token.
Shares of a head sum to one, so that tokens can be mixed before they are sent through W_v. Two products of
L x W with H columns stand in for two with V, and all of it stays float32.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.architectures.c2llm.config import C2LLMConfig
from mlx_jinabert.architectures.qwen2.onnx import encode
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Array, Layers

__all__ = ["encode", "pool"]

_BLOCK = "mha_pma.mab"
_EPSILON = 1e-5
"""PyTorch's default, which no key states."""


def pool(layers: Layers, config: C2LLMConfig, hidden: Value) -> Value:
    """(tokens, hidden size) -> (batch, ``pma_width``)."""
    g, out = layers.graph, config.pma_width
    by_text = layers.by_text(hidden)
    scores = g.op("MatMul", by_text, g.constant(_sought(layers, config)))
    scores = g.op("Transpose", scores, perm=(0, 2, 1))
    scores = g.op("Add", scores, g.op("Squeeze", layers.mask_bias(), g.ints(1)))
    mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), by_text)
    values = layers.weight(f"{_BLOCK}.fc_v").reshape(config.pma_heads, -1, config.hidden_size)
    by_head = g.op("Transpose", mixed, perm=(1, 0, 2))
    seen = g.op("MatMul", by_head, g.constant(np.ascontiguousarray(values.transpose(0, 2, 1))))
    seen = g.op("Reshape", g.op("Transpose", seen, perm=(1, 0, 2)), g.ints(-1, out))
    start = layers.checkpoint.read("mha_pma.S").reshape(out) + layers.bias(f"{_BLOCK}.fc_v")
    x = layers.norm(g.op("Add", seen, g.constant(start)), f"{_BLOCK}.ln0", _EPSILON)
    weight = g.constant(np.ascontiguousarray(layers.weight(f"{_BLOCK}.fc_o").T))
    further = g.op("Add", g.op("MatMul", x, weight), g.constant(layers.bias(f"{_BLOCK}.fc_o")))
    return layers.norm(g.op("Add", x, g.op("Relu", further)), f"{_BLOCK}.ln1", _EPSILON)


def _sought(layers: Layers, config: C2LLMConfig) -> Array:
    """Return what each head multiplies a token with for its score, (hidden size, heads) float32."""
    query = layers.checkpoint.read("mha_pma.S").reshape(-1).astype(np.float64)
    query = layers.weight(f"{_BLOCK}.fc_q") @ query + layers.bias(f"{_BLOCK}.fc_q")
    keys = layers.weight(f"{_BLOCK}.fc_k").reshape(config.pma_heads, -1, config.hidden_size)
    by_head = query.reshape(config.pma_heads, -1) * config.pma_width**-0.5
    sought: Array = np.einsum("hs,hsw->wh", by_head, keys).astype(np.float32)
    return sought
