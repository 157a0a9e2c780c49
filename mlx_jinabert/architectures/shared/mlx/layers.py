"""Layers of several architectures: attention under a bias that fits in memory, and BERT's blocks.

Shapes: B texts, L tokens, H heads, D width of a head, W = H * D. Attribute names are the
checkpoints' tensor names.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Protocol

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.shared.alibi import alibi_slopes

__all__ = [
    "AlibiBias",
    "Attention",
    "AttentionBias",
    "BertAttention",
    "BertOutput",
    "BertSelfAttention",
    "CausalBias",
    "Encoder",
    "PaddingBias",
    "attend",
    "attend_heads",
]

_TILE_ELEMENTS = 1 << 26
"""Scores (B x H x rows x L) that one tile of attention may have: 128 MiB in half precision."""


class Attention(Protocol):
    """Attention over one tile of queries."""

    def __call__(self, q: mx.array, k: mx.array, v: mx.array, *, mask: mx.array | str | None) -> mx.array:
        """(B, H, rows, D) queries, (B, G, L, D) keys and values and their bias -> (B, H, rows, D)."""


class AttentionBias(Protocol):
    """A bias to add to the scaled scores, a stretch of query rows at a time."""

    def rows(self, start: int, stop: int) -> mx.array | str | None:
        """Bias of queries start..stop-1, broadcastable to (B, H, stop - start, L), in the queries' dtype.

        "causal": keys after the query are hidden, those after ``stop`` are not even looked at.
        """


class CausalBias:
    """Each token sees itself and what is before it. Padding on the right is seen by padding alone."""

    def rows(self, start: int, stop: int) -> str:
        """The name under which the fused attention knows it: no array is built."""
        return "causal"


class PaddingBias:
    """Hides padding and nothing else. ``mask`` is (B or 1, L), or None for texts without padding."""

    def __init__(self, mask: mx.array | None, dtype: mx.Dtype) -> None:
        zero = mx.array(0, dtype)
        self._bias = None if mask is None else mx.where(mask[:, None, None, :] > 0, zero, hidden(dtype))

    def rows(self, start: int, stop: int) -> mx.array | None:
        """(B or 1, 1, 1, L), the same for every query."""
        return self._bias


class AlibiBias:
    """Symmetric ALiBi, -slope_h * |i - j|, with padding hidden as in ``PaddingBias``.

    A mask may say more than 1, how often a token stands in its text: it counts by the square root of that.
    Built in float32 and rounded once: made in half precision, distances beyond 2,048 collapse. All
    layers share it where it fits into one tile; otherwise it is made a tile at a time and never whole.
    """

    def __init__(self, mask: mx.array | None, length: int, heads: int, dtype: mx.Dtype) -> None:
        self._counts = None if mask is None else mask[:, None, None, :].astype(mx.float32)
        self._dtype = dtype
        self._slopes = mx.array(alibi_slopes(heads))[:, None, None]
        self._positions = mx.arange(length, dtype=mx.float32)
        self._built: tuple[int, int, mx.array] | None = None

    def rows(self, start: int, stop: int) -> mx.array:
        """(B or 1, H, stop - start, L)."""
        if self._built is None or self._built[:2] != (start, stop):
            distance = mx.abs(self._positions[start:stop, None] - self._positions)
            bias = (-self._slopes * distance)[None]
            if self._counts is not None:
                bias = bias + 0.5 * mx.log(mx.maximum(self._counts, 1))
            bias = bias.astype(self._dtype)
            if self._counts is not None:
                bias = mx.where(self._counts > 0, bias, hidden(self._dtype))
            self._built = start, stop, bias
        return self._built[2]


def hidden(dtype: mx.Dtype) -> mx.array:
    """Bias of a key that nobody may see: far below any real score, yet finite after adding one.

    It replaces a bias rather than being added to one, because the sum of two could overflow to
    minus infinity, and a row of nothing but that is NaN after the softmax.
    """
    return mx.array(mx.finfo(dtype).min / 2, dtype)


def attend(q: mx.array, k: mx.array, v: mx.array, heads: int, bias: AttentionBias) -> mx.array:
    """softmax(q k^T / sqrt(D) + bias) v for (B, L, W) inputs -> (B, L, W)."""
    B, L, _ = q.shape  # noqa: N806
    q, k, v = (x.reshape(B, L, heads, -1).transpose(0, 2, 1, 3) for x in (q, k, v))
    return attend_heads(q, k, v, bias)


def attend_heads(
    q: mx.array, k: mx.array, v: mx.array, bias: AttentionBias, attention: Attention | None = None
) -> mx.array:
    """softmax(q k^T / sqrt(D) + bias) v, (B, H, L, D) -> (B, L, H * D).

    ``k`` and ``v`` are (B, G, L, D): H / G heads of queries share one of theirs.
    ``attention`` stands in for the fused one where that does not do.
    """
    B, H, L, D = q.shape  # noqa: N806
    attention = attention or partial(mx.fast.scaled_dot_product_attention, scale=D**-0.5)
    step = max(1, min(L, _TILE_ELEMENTS // (B * H * L)))
    if step == L:
        context = attention(q, k, v, mask=bias.rows(0, L))
    else:
        tiles = []
        for start in range(0, L, step):
            stop = min(start + step, L)
            mask = bias.rows(start, stop)
            seen = stop if isinstance(mask, str) else L
            tiles.append(attention(q[:, :, start:stop], k[:, :, :seen], v[:, :, :seen], mask=mask))
            mx.eval(tiles[-1])  # Left lazy, the biases of all tiles would be made before the first is used.
        context = mx.concatenate(tiles, axis=2)
    return context.transpose(0, 2, 1, 3).reshape(B, L, H * D)


class BertSelfAttention(nn.Module):
    """``attention.self``: projections and attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self._heads = heads

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        """(B, L, W) -> (B, L, W)."""
        return attend(self.query(x), self.key(x), self.value(x), self._heads, bias)


class BertOutput(nn.Module):
    """Projection, residual, layer norm: ``attention.output``, and BERT's ``output``."""

    def __init__(self, inner: int, width: int, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps)

    def __call__(self, x: mx.array, residual: mx.array) -> mx.array:
        """(B, L, inner) and the (B, L, W) that the block started from -> (B, L, W)."""
        normed: mx.array = self.LayerNorm(self.dense(x) + residual)
        return normed


class BertAttention(nn.Module):
    """``attention``: self-attention of some kind, then projection, residual and norm."""

    def __init__(self, self_attention: nn.Module, width: int, eps: float) -> None:
        super().__init__()
        self.self = self_attention
        self.output = BertOutput(width, width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        """(B, L, W) -> (B, L, W)."""
        out: mx.array = self.output(self.self(x, bias), x)
        return out


class Encoder(nn.Module):
    """``encoder.layer.N``, in order; all layers see one bias. No final norm."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layer = list(layers)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        """(B, L, W) -> (B, L, W)."""
        for layer in self.layer:
            x = layer(x, bias)
        return x
