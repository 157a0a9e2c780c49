"""Qwen3 as an encoder of texts (arXiv:2505.09388): RMSNorm on each head of queries and keys, no biases.

Reference: transformers' ``Qwen3Model`` (5.x). The norm comes before the rotation. Everything else is in
``decoder.py``.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.decoder.mlx import Decoder, RotaryAttention

__all__ = ["Qwen3", "build"]


class NormedAttention(RotaryAttention):
    """``self_attn`` with ``q_norm`` and ``k_norm``, whose weights all heads share."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__(config, bias=False)
        self.q_norm = nn.RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = nn.RMSNorm(config.head_dim, config.rms_norm_eps)

    def normed_queries(self, q: mx.array) -> mx.array:
        """(B, H, L, D)."""
        normed: mx.array = self.q_norm(q)
        return normed

    def normed_keys(self, k: mx.array) -> mx.array:
        """(B, G, L, D)."""
        normed: mx.array = self.k_norm(k)
        return normed


class Qwen3(Decoder):
    """Hidden states after the final norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__(config, NormedAttention)


build = Qwen3
