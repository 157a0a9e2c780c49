"""NomicBERT (Nussbaum et al., arXiv:2402.01613): CodeRankEmbed, SweRankEmbed-Small, nomic-embed-text-v1.5.

References: nomic-ai/contrastors @613ddfd (``modeling_hf_nomic_bert``) and transformers' ``NomicBertModel``.

Differs from BERT in:
- rotary positions (base 1000 in the published models) instead of a position table;
- queries, keys and values in one projection, and no biases but those of the norms;
- SwiGLU (Shazeer, arXiv:2002.05202) in two matrices, of which ``fc12`` is the activated one.
Post-norm as in BERT, token type 0 throughout, no final norm.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.nomic_bert.config import NomicBertConfig
from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, PaddingBias
from mlx_jinabert.architectures.shared.mlx.rotary import Rotation, packed_attention

__all__ = ["NomicBert", "build"]


class Embeddings(nn.Module):
    """Word and first token type, where there are types."""

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        if config.type_vocab_size:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)

    def __call__(self, ids: mx.array) -> mx.array:
        words: mx.array = self.word_embeddings(ids)
        if "token_type_embeddings" not in self:
            return words
        types: mx.array = self.token_type_embeddings(mx.zeros((1,), mx.int32))
        return words + types


class Attention(nn.Module):
    """``attn``: packed projection, rotation, attention, projection."""

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.Wqkv = nn.Linear(width, 3 * width, bias=False)
        self.out_proj = nn.Linear(width, width, bias=False)
        self._heads = config.num_heads
        self._rotate = Rotation(width // config.num_heads, config.rope_theta)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        out: mx.array = self.out_proj(packed_attention(self.Wqkv(x), self._heads, self._rotate, bias))
        return out


class MLP(nn.Module):
    """``mlp``: W_2 (W_11 x * SiLU(W_12 x))."""

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.fc11 = nn.Linear(width, inner, bias=False)
        self.fc12 = nn.Linear(width, inner, bias=False)
        self.fc2 = nn.Linear(inner, width, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        out: mx.array = self.fc2(self.fc11(x) * nn.silu(self.fc12(x)))
        return out


class Layer(nn.Module):
    """Attention and feed-forward, each followed by residual and norm."""

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attn = Attention(config)
        self.norm1 = nn.LayerNorm(width, eps)
        self.mlp = MLP(config)
        self.norm2 = nn.LayerNorm(width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        x = self.norm1(self.attn(x, bias) + x)
        out: mx.array = self.norm2(self.mlp(x) + x)
        return out


class Encoder(nn.Module):
    """``encoder.layers.N``, in order."""

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        self.layers = [Layer(config) for _ in range(config.num_layers)]

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        for layer in self.layers:
            x = layer(x, bias)
        return x


class NomicBert(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W)."""

    def __init__(self, config: NomicBertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.emb_ln = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.encoder = Encoder(config)

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) ids -> (B, L, W); values at padding are finite and mean nothing."""
        x = self.emb_ln(self.embeddings(ids))
        hidden: mx.array = self.encoder(x, PaddingBias(mask, x.dtype))
        return hidden


build = NomicBert
