"""JinaBERT as an ONNX graph, code and en variants (Günther et al., arXiv:2310.19923).

References: jinaai/jina-bert-v2-qk-post-norm (code) and jinaai/jina-bert-implementation (en).
Differs from BERT in: ALiBi instead of position embeddings; a gated feed-forward whose first matrix
has no bias. The code variant also: normalises queries and keys over the full width before the heads
are split; adds the layer's input a second time, under a norm of its own; activates the second half
of the gated matrix, where the en variant activates the first.
"""

from __future__ import annotations

from mlx_jinabert.architectures.jina_bert.config import JinaBertConfig
from mlx_jinabert.architectures.shared.onnx.alibi import AlibiMix
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.gated import gated
from mlx_jinabert.architectures.shared.onnx.layers import Layers, Mix

__all__ = ["classify", "encode"]

_GROUPS = (1, 1)
"""In int8 (see ``shared/onnx/int8.py``): 2 and 4 cost a fifth of the speed, for what weights bounded in pairs
give without them."""


def encode(layers: Layers, config: JinaBertConfig) -> Value:
    """Hidden states of the last layer, (tokens, hidden size); there is no final norm."""
    g = layers.graph
    table = layers.weight("embeddings.token_type_embeddings")
    token_type = layers.token_types(table) if config.num_labels else g.constant(table[0])
    x = g.op("Add", layers.gather("embeddings.word_embeddings"), token_type)
    x = layers.norm(x, "embeddings.LayerNorm", config.layer_norm_eps)
    mix = AlibiMix(layers, config.num_heads)
    layer = _code_layer if config.variant == "code" else _en_layer
    for n in range(config.num_layers):
        x = layer(layers, config, f"encoder.layer.{n}", x, mix)
    return x


def classify(layers: Layers, config: JinaBertConfig, hidden: Value) -> Value:
    """(tokens, hidden size) -> (batch, labels) logits: first token, pooler, tanh, classifier.

    As in transformers' BertForSequenceClassification, in float32 whatever the layers compute in.
    """
    g = layers.graph
    names = ("pooler.dense", "classifier")
    pooler, classifier = ((g.constant(layers.weight(n)), g.constant(layers.bias(n))) for n in names)
    pooled = g.op("Tanh", g.op("Gemm", layers.first_tokens(hidden), *pooler, transB=1))
    return g.op("Gemm", pooled, *classifier, transB=1)


def _code_layer(layers: Layers, config: JinaBertConfig, layer: str, x: Value, mix: Mix) -> Value:
    g, epsilon = layers.graph, config.layer_norm_eps
    attended = g.op("Add", _code_attention(layers, config, f"{layer}.attention", x, mix), x)
    normed = layers.norm(attended, f"{layer}.attention.output.LayerNorm", epsilon)
    residual = layers.norm(g.op("Add", normed, x), f"{layer}.layer_norm_1", epsilon)
    widened = layers.weight(f"{layer}.mlp.up_gated_layer")
    up, gate = widened[: config.intermediate_size], widened[config.intermediate_size :]
    fed = gated(layers, residual, gate, up, activation="gelu", groups=_GROUPS, down=f"{layer}.mlp.down_layer")
    return layers.norm(g.op("Add", residual, fed), f"{layer}.layer_norm_2", epsilon)


def _en_layer(layers: Layers, config: JinaBertConfig, layer: str, x: Value, mix: Mix) -> Value:
    g, epsilon = layers.graph, config.layer_norm_eps
    attended = g.op(
        "Add", layers.self_attention(f"{layer}.attention", x, mix, config.num_heads, _GROUPS[0]), x
    )
    residual = layers.norm(attended, f"{layer}.attention.output.LayerNorm", epsilon)
    widened = layers.weight(f"{layer}.mlp.gated_layers")
    gate, up = widened[: config.intermediate_size], widened[config.intermediate_size :]
    fed = gated(layers, residual, gate, up, activation="gelu", groups=_GROUPS, down=f"{layer}.mlp.wo")
    return layers.norm(g.op("Add", residual, fed), f"{layer}.mlp.layernorm", epsilon)


def _code_attention(layers: Layers, config: JinaBertConfig, attention: str, x: Value, mix: Mix) -> Value:
    """Queries and keys are normalised over the full width; the norm's affine takes the scale along."""
    rows = layers.arithmetic.rows(ScaledValue(x), config.hidden_size, _GROUPS[0])
    q, k = (
        layers.arithmetic.dense(rows, layers.weight(name), layers.bias(name))
        for name in (f"{attention}.self.query", f"{attention}.self.key")
    )
    v = layers.arithmetic.dense(rows, layers.weight(f"{attention}.self.value"))
    scale = (config.hidden_size // config.num_heads) ** -0.5
    q = layers.norm(q, f"{attention}.self.layer_norm_q", config.layer_norm_eps, scale)
    k = layers.norm(k, f"{attention}.self.layer_norm_k", config.layer_norm_eps)
    return layers.attention_output(layers.attend(q, k, v, mix, config.num_heads), attention)
