"""GTE's encoder (Zhang et al., arXiv:2407.19669): gte-base/large-en-v1.5, SFR-Embedding-Code-400M_R.

References: Alibaba-NLP/new-impl and text-embeddings-inference @0d124dc (``gte.rs``, ``rotary.rs``).

Differs from BERT in:
- rotary positions, in the larger models with NTK scaling (``rotary.inverse_frequencies``);
- queries, keys and values in one projection;
- a gated feed-forward (GEGLU, Shazeer, arXiv:2002.05202) without bias on the way up, in which the second
  half of the widened vector is the activated one;
- token types may be missing altogether.
Post-norm as in BERT, no final norm.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.gte.config import GteConfig
from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, Encoder, PaddingBias
from mlx_jinabert.architectures.shared.mlx.rotary import Rotation, packed_attention

__all__ = ["Gte", "build"]


class Embeddings(nn.Module):
    """Word and first token type, where there are types, normalised."""

    def __init__(self, config: GteConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        if config.type_vocab_size:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def __call__(self, ids: mx.array) -> mx.array:
        x = self.word_embeddings(ids)
        if "token_type_embeddings" in self:
            x = x + self.token_type_embeddings(mx.zeros((1,), mx.int32))
        normed: mx.array = self.LayerNorm(x)
        return normed


class Attention(nn.Module):
    """``attention``: packed projection, rotation, attention, projection."""

    def __init__(self, config: GteConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.qkv_proj = nn.Linear(width, 3 * width)
        self.o_proj = nn.Linear(width, width)
        self._heads = config.num_heads
        self._rotate = Rotation(width // config.num_heads, config.rope_theta, config.ntk_factor)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        out: mx.array = self.o_proj(packed_attention(self.qkv_proj(x), self._heads, self._rotate, bias))
        return out


class MLP(nn.Module):
    """``mlp``: W_down (up * GELU(gate)) + b, up and gate being the halves of one product."""

    def __init__(self, config: GteConfig) -> None:
        super().__init__()
        self.up_gate_proj = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size)

    def __call__(self, x: mx.array) -> mx.array:
        up, gate = mx.split(self.up_gate_proj(x), 2, axis=-1)
        down: mx.array = self.down_proj(up * nn.gelu(gate))
        return down


class Layer(nn.Module):
    """Attention and feed-forward, each followed by residual and norm."""

    def __init__(self, config: GteConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attention = Attention(config)
        self.attn_ln = nn.LayerNorm(width, eps)
        self.mlp = MLP(config)
        self.mlp_ln = nn.LayerNorm(width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        x = self.attn_ln(x + self.attention(x, bias))
        out: mx.array = self.mlp_ln(x + self.mlp(x))
        return out


class Gte(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W)."""

    def __init__(self, config: GteConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(Layer(config) for _ in range(config.num_layers))

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) ids -> (B, L, W); values at padding are finite and mean nothing."""
        x = self.embeddings(ids)
        hidden: mx.array = self.encoder(x, PaddingBias(mask, x.dtype))
        return hidden


build = Gte
