"""Attention to the tokens near by: each token sees ``window`` of them on either side and itself.

Long texts go in stretches of queries with the keys that these can see, so time and memory grow with the
length and not with its square. Masks are made once per run and shared by the layers.
"""

from __future__ import annotations

import mlx.core as mx

from mlx_jinabert.architectures.shared.mlx.layers import PaddingBias, attend_heads, hidden

__all__ = ["LocalBias", "attend_locally"]

_STRETCH = 512
"""Queries that are taken together once a text is longer than twice this."""


class LocalBias:
    """Hides padding and what is farther than ``window`` tokens away. ``mask`` as in ``PaddingBias``."""

    def __init__(self, mask: mx.array | None, length: int, window: int, dtype: mx.Dtype) -> None:
        self.window = window
        self._mask = None if mask is None else mask[:, None, None, :] > 0
        self._dtype = dtype
        self._positions = mx.arange(length)
        self._near_all = PaddingBias(mask, dtype) if length <= window + 1 else None
        self._built: dict[tuple[int, int, int, int], mx.array] = {}

    def rows(self, start: int, stop: int) -> mx.array | None:
        """Bias of queries start..stop-1 on all keys, (B or 1, 1, rows, L)."""
        if self._near_all is not None:
            return self._near_all.rows(start, stop)
        return self.tile(start, stop, 0, self._positions.shape[0])

    def tile(self, start: int, stop: int, first: int, end: int) -> mx.array:
        """Bias of queries start..stop-1 on keys first..end-1, (B or 1, 1, stop - start, end - first)."""
        key = start, stop, first, end
        if key not in self._built:
            distance = mx.abs(self._positions[start:stop, None] - self._positions[first:end])
            seen = (distance <= self.window)[None, None]
            if self._mask is not None:
                seen = mx.logical_and(seen, self._mask[..., first:end])
            self._built[key] = mx.where(seen, mx.array(0, self._dtype), hidden(self._dtype))
        return self._built[key]


def attend_locally(q: mx.array, k: mx.array, v: mx.array, bias: LocalBias) -> mx.array:
    """softmax(q k^T / sqrt(D) + bias) v, (B, H, L, D) -> (B, L, H * D)."""
    B, H, L, D = q.shape  # noqa: N806
    if L <= 2 * _STRETCH:
        return attend_heads(q, k, v, bias)
    parts = []
    for start in range(0, L, _STRETCH):
        stop = min(start + _STRETCH, L)
        first, end = max(0, start - bias.window), min(L, stop + bias.window)
        parts.append(
            mx.fast.scaled_dot_product_attention(
                q[:, :, start:stop],
                k[:, :, first:end],
                v[:, :, first:end],
                scale=D**-0.5,
                mask=bias.tile(start, stop, first, end),
            )
        )
    return mx.concatenate(parts, axis=2).transpose(0, 2, 1, 3).reshape(B, L, H * D)
