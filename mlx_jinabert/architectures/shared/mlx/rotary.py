"""Attention from one packed projection with rotary positions: what NomicBERT, GTE and ModernBERT share."""

from __future__ import annotations

import mlx.core as mx

from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, attend_heads
from mlx_jinabert.architectures.shared.rotary import inverse_frequencies

__all__ = ["Rotation", "packed_attention", "split_packed"]


class Rotation:
    """Rotates heads by their tokens' positions 0..L-1, halves paired (Su et al., arXiv:2104.09864).

    Angles are float32 whatever the type of the heads: in half precision, positions beyond 2,048 collapse.
    """

    def __init__(self, size: int, base: float, ntk_factor: float = 1.0) -> None:
        self._size = size
        self._periods = mx.array(1 / inverse_frequencies(size, base, ntk_factor))

    def __call__(self, x: mx.array) -> mx.array:
        """(B, H, L, D) -> (B, H, L, D), in its dtype."""
        return mx.fast.rope(
            x, self._size, traditional=False, base=None, scale=1.0, offset=0, freqs=self._periods
        )


def packed_attention(qkv: mx.array, heads: int, rotate: Rotation, bias: AttentionBias) -> mx.array:
    """softmax(R q (R k)^T / sqrt(D) + bias) v for (B, L, 3 W) of queries, keys, values -> (B, L, W)."""
    q, k, v = split_packed(qkv, heads)
    return attend_heads(rotate(q), rotate(k), v, bias)


def split_packed(qkv: mx.array, heads: int) -> mx.array:
    """(B, L, 3 W), the three one after the other, heads in order within each -> (3, B, H, L, D)."""
    B, L, _ = qkv.shape  # noqa: N806
    return qkv.reshape(B, L, 3, heads, -1).transpose(2, 0, 3, 1, 4)
