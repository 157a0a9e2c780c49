"""Gemma-3's text model as an encoder of texts (arXiv:2503.19786).

Reference: transformers' ``Gemma3TextModel`` (5.x). Differs from Gemma-2 in: RMSNorm on each head of queries
and keys, before the rotation; another base of the rotation in windowed layers; no cap on the scores.
"""

from __future__ import annotations

import mlx.core as mx

from mlx_jinabert.architectures.decoder.mlx import RotaryAttention
from mlx_jinabert.architectures.gemma2.mlx import CappedAttention, Gemma, RMSNorm
from mlx_jinabert.architectures.gemma3.config import Gemma3Config
from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, attend_heads

__all__ = ["Gemma3", "build"]


class Attention(RotaryAttention):
    """``self_attn`` with ``q_norm`` and ``k_norm``, whose weights all heads share."""

    def __init__(self, config: Gemma3Config, windowed: bool) -> None:
        super().__init__(config, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        self._theta = config.local_theta if windowed else config.rope_theta
        self._attention = CappedAttention(config.query_scale, cap=None)

    def normed_queries(self, q: mx.array) -> mx.array:
        """(B, H, L, D)."""
        normed: mx.array = self.q_norm(q)
        return normed

    def normed_keys(self, k: mx.array) -> mx.array:
        """(B, G, L, D)."""
        normed: mx.array = self.k_norm(k)
        return normed

    def attend(self, q: mx.array, k: mx.array, v: mx.array, bias: AttentionBias) -> mx.array:
        """(B, H, L, D) queries, (B, G, L, D) keys and values -> (B, L, H * D)."""
        return attend_heads(q, k, v, bias, self._attention)


class Gemma3(Gemma):
    """Hidden states after the final norm."""

    def __init__(self, config: Gemma3Config) -> None:
        super().__init__(config, lambda n: Attention(config, config.windowed[n]))


build = Gemma3
