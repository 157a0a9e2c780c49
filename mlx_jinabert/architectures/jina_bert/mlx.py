"""JinaBERT, code and en variants (Günther et al., arXiv:2310.19923).

References: jinaai/jina-bert-v2-qk-post-norm @3baf9e3 ("code") and jinaai/jina-bert-implementation
("en"); both agree with text-embeddings-inference @0d124dc.

Differs from BERT in:
- no position table; symmetric ALiBi on the scores, the same in every layer;
- a gated feed-forward (GEGLU, Shazeer, arXiv:2002.05202) without bias on the way up.
The code variant differs from en in:
- layer norm on queries and keys, over the full width before the split into heads;
- the layer's input added a second time, after attention's own residual and norm;
- the second half of the widened vector is the activated one; in en it is the first.
Both are post-norm and have no final norm.

With a head (jina-reranker-v1-*), ``classify`` follows transformers' BertForSequenceClassification: the
first token's state goes through the pooler, tanh and the classifier.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.jina_bert.config import JinaBertConfig
from mlx_jinabert.architectures.shared.mlx.layers import (
    AlibiBias,
    AttentionBias,
    BertAttention,
    BertSelfAttention,
    Encoder,
    attend,
)

__all__ = ["JinaBert", "build"]


class Embeddings(nn.Module):
    """Word and token type, summed and normalised."""

    def __init__(self, config: JinaBertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def __call__(self, ids: mx.array, types: mx.array | None) -> mx.array:
        types = mx.zeros((1,), mx.int32) if types is None else types
        normed: mx.array = self.LayerNorm(self.word_embeddings(ids) + self.token_type_embeddings(types))
        return normed


class NormedSelfAttention(BertSelfAttention):
    """``attention.self`` of the code variant: queries and keys are normalised."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__(width, heads)
        self.layer_norm_q = nn.LayerNorm(width, eps)
        self.layer_norm_k = nn.LayerNorm(width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        q, k = self.layer_norm_q(self.query(x)), self.layer_norm_k(self.key(x))
        return attend(q, k, self.value(x), self._heads, bias)


class CodeMLP(nn.Module):
    """``mlp`` of the code variant: the gate is the second half; residual and norm are the layer's."""

    def __init__(self, config: JinaBertConfig) -> None:
        super().__init__()
        self.up_gated_layer = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_layer = nn.Linear(config.intermediate_size, config.hidden_size)

    def __call__(self, x: mx.array) -> mx.array:
        up, gate = mx.split(self.up_gated_layer(x), 2, axis=-1)
        down: mx.array = self.down_layer(up * nn.gelu(gate))
        return down


class EnMLP(nn.Module):
    """``mlp`` of the en variant: the gate is the first half; residual and norm are inside."""

    def __init__(self, config: JinaBertConfig) -> None:
        super().__init__()
        self.gated_layers = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.wo = nn.Linear(config.intermediate_size, config.hidden_size)
        self.layernorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def __call__(self, x: mx.array) -> mx.array:
        gate, up = mx.split(self.gated_layers(x), 2, axis=-1)
        out: mx.array = self.layernorm(self.wo(nn.gelu(gate) * up) + x)
        return out


class CodeLayer(nn.Module):
    """Post-norm, with the layer's input added twice."""

    def __init__(self, config: JinaBertConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attention = BertAttention(NormedSelfAttention(width, config.num_heads, eps), width, eps)
        self.layer_norm_1 = nn.LayerNorm(width, eps)
        self.mlp = CodeMLP(config)
        self.layer_norm_2 = nn.LayerNorm(width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        residual = self.layer_norm_1(self.attention(x, bias) + x)
        out: mx.array = self.layer_norm_2(residual + self.mlp(residual))
        return out


class EnLayer(nn.Module):
    """Post-norm, as in BERT."""

    def __init__(self, config: JinaBertConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attention = BertAttention(BertSelfAttention(width, config.num_heads), width, eps)
        self.mlp = EnMLP(config)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        out: mx.array = self.mlp(self.attention(x, bias))
        return out


class Pooler(nn.Module):
    """``pooler``: a dense layer and tanh."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def __call__(self, x: mx.array) -> mx.array:
        return mx.tanh(self.dense(x))


class JinaBert(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: all 1) -> hidden states (B, L, W).

    The mask is 0 for padding, else how often a token stands in its text.
    """

    def __init__(self, config: JinaBertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        layer = CodeLayer if config.variant == "code" else EnLayer
        self.encoder = Encoder(layer(config) for _ in range(config.num_layers))
        self._heads = config.num_heads
        if config.num_labels:
            self.pooler = Pooler(config.hidden_size)
            self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def __call__(self, ids: mx.array, mask: mx.array | None, types: mx.array | None = None) -> mx.array:
        """(B, L) ids and token types (None: all 0) -> (B, L, W); what is at padding means nothing."""
        x = self.embeddings(ids, types)
        hidden: mx.array = self.encoder(x, AlibiBias(mask, ids.shape[1], self._heads, x.dtype))
        return hidden

    def classify(self, hidden: mx.array, mask: mx.array) -> mx.array:
        """(B, L, W) hidden states -> (B, labels) logits, of the first token, whatever the mask says."""
        logits: mx.array = self.classifier(self.pooler(hidden[:, 0]))
        return logits


build = JinaBert
