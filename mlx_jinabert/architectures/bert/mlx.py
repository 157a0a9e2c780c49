"""BERT as an encoder of texts (Devlin et al., arXiv:1810.04805).

Reference: transformers' ``BertModel`` (5.x) without its pooler. Post-norm, exact GELU, learned
positions 0..L-1, or from an offset on (so texts are padded on the right), token type 0 throughout.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.shared.mlx.layers import (
    AttentionBias,
    BertAttention,
    BertOutput,
    BertSelfAttention,
    Encoder,
    PaddingBias,
)

__all__ = ["Bert", "build"]


class Embeddings(nn.Module):
    """Word, position and first token type, summed and normalised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(
            config.max_position + config.position_offset, config.hidden_size
        )
        self._offset = config.position_offset
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def __call__(self, ids: mx.array) -> mx.array:
        positions = self._offset + mx.arange(ids.shape[1])
        types = mx.zeros((1,), mx.int32)
        x = (
            self.word_embeddings(ids)
            + self.position_embeddings(positions)
            + self.token_type_embeddings(types)
        )
        normed: mx.array = self.LayerNorm(x)
        return normed


class Intermediate(nn.Module):
    """``intermediate``: the widening half of the feed-forward."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def __call__(self, x: mx.array) -> mx.array:
        return nn.gelu(self.dense(x))


class Layer(nn.Module):
    """Attention and feed-forward, each followed by residual and norm."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attention = BertAttention(BertSelfAttention(width, config.num_heads), width, eps)
        self.intermediate = Intermediate(config)
        self.output = BertOutput(config.intermediate_size, width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        a = self.attention(x, bias)
        out: mx.array = self.output(self.intermediate(a), a)
        return out


class Bert(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(Layer(config) for _ in range(config.num_layers))

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) ids -> (B, L, W); values at padding are finite and mean nothing."""
        x = self.embeddings(ids)
        hidden: mx.array = self.encoder(x, PaddingBias(mask, x.dtype))
        return hidden


build = Bert
