"""Blocks that Qwen2 and Qwen3 share: grouped rotary attention, SwiGLU, the stack between embedding and norm.

Differs from BERT in: RMSNorm (arXiv:1910.07467) before each block, one more at the end; positions by
rotation of queries and keys, halves of a head paired (arXiv:2104.09864 as in GPT-NeoX); fewer heads of
keys and values than of queries (arXiv:2305.13245); SwiGLU (arXiv:2002.05202); causal attention, in which
padding on the right is behind every token and needs no mask of its own.

Shapes: B texts, L tokens, H heads of queries, G of keys and values, D width of a head, W hidden size.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, CausalBias, PaddingBias, attend_heads

__all__ = ["MLP", "Decoder", "RotaryAttention"]


class RotaryAttention(nn.Module):
    """``self_attn``: projections, rotation, attention. Subclasses say what queries and keys go through."""

    def __init__(self, config: DecoderConfig, bias: bool) -> None:
        super().__init__()
        width, size = config.hidden_size, config.head_dim
        self.q_proj = nn.Linear(width, config.num_heads * size, bias=bias)
        self.k_proj = nn.Linear(width, config.num_kv_heads * size, bias=bias)
        self.v_proj = nn.Linear(width, config.num_kv_heads * size, bias=bias)
        self.o_proj = nn.Linear(config.num_heads * size, width, bias=False)
        self._size = size
        self._theta = config.rope_theta

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        """(B, L, W) -> (B, L, W)."""
        q, k, v = (self._by_head(part(x)) for part in (self.q_proj, self.k_proj, self.v_proj))
        q, k = self._rotate(self.normed_queries(q)), self._rotate(self.normed_keys(k))
        out: mx.array = self.o_proj(self.attend(q, k, v, bias))
        return out

    def attend(self, q: mx.array, k: mx.array, v: mx.array, bias: AttentionBias) -> mx.array:
        """(B, H, L, D) queries, (B, G, L, D) keys and values -> (B, L, H * D)."""
        return attend_heads(q, k, v, bias)

    def normed_queries(self, q: mx.array) -> mx.array:
        """(B, H, L, D), before the rotation."""
        return q

    def normed_keys(self, k: mx.array) -> mx.array:
        """(B, G, L, D), before the rotation."""
        return k

    def _by_head(self, x: mx.array) -> mx.array:
        return x.reshape(*x.shape[:2], -1, self._size).transpose(0, 2, 1, 3)

    def _rotate(self, x: mx.array) -> mx.array:
        return mx.fast.rope(x, self._size, traditional=False, base=self._theta, scale=1.0, offset=0)


class MLP(nn.Module):
    """``mlp``: W_down (SiLU(W_gate x) * W_up x), or with another activation of the gate."""

    def __init__(self, config: DecoderConfig, activation: Callable[[mx.array], mx.array] = nn.silu) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)
        self._activation = activation

    def __call__(self, x: mx.array) -> mx.array:
        """(..., W) -> (..., W)."""
        down: mx.array = self.down_proj(self._activation(self.gate_proj(x)) * self.up_proj(x))
        return down


class Layer(nn.Module):
    """Attention and feed-forward, each on a normed copy and added to what came in."""

    def __init__(self, config: DecoderConfig, attention: RotaryAttention) -> None:
        super().__init__()
        self.self_attn = attention
        self.mlp = MLP(config)
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        x = x + self.self_attn(self.input_layernorm(x), bias)
        out: mx.array = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Decoder(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W), normed."""

    def __init__(self, config: DecoderConfig, attention: Callable[[DecoderConfig], RotaryAttention]) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = [Layer(config, attention(config)) for _ in range(config.num_layers)]
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self._is_causal = config.is_causal
        if config.projection:
            self.linear = nn.Linear(config.hidden_size, config.projection, bias=False)
        self._projects = bool(config.projection)

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) right-padded ids -> (B, L, W); values at padding are finite and mean nothing."""
        x = self.embed_tokens(ids)
        bias = CausalBias() if self._is_causal else PaddingBias(mask, x.dtype)
        for layer in self.layers:
            x = layer(x, bias)
        normed: mx.array = self.norm(x)
        return self.linear(normed) if self._projects else normed
