"""Gemma-2 as an encoder of texts (arXiv:2408.00118).

Reference: transformers' ``Gemma2Model`` (5.x). Differs from Qwen2 in: embeddings times the root of the
width; norms that multiply by one plus their weight, in float32; a norm behind attention and feed-forward as
well as before; scores capped by a tanh, which no fused attention computes; a window of keys on every other
layer; the tanh form of GELU; no biases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.decoder.mlx import MLP, RotaryAttention
from mlx_jinabert.architectures.gemma2.config import Gemma2Config
from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, attend_heads, hidden

__all__ = ["CappedAttention", "Gemma", "Gemma2", "RMSNorm", "build"]


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * (1 + w): rounded once, behind the product."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = mx.zeros((width,))
        self._eps = eps

    def __call__(self, x: mx.array) -> mx.array:
        """(..., W) -> (..., W)."""
        return mx.fast.rms_norm(x, 1 + self.weight.astype(mx.float32), self._eps).astype(x.dtype)


class WindowBias:
    """Hides what is ``window`` or more places away, what is behind (where causal), and padding.

    ``mask`` is (B or 1, L), or None for texts without padding. No window: ``window`` >= ``length``.
    """

    def __init__(self, mask: mx.array | None, length: int, window: int, causal: bool) -> None:
        self._mask = None if mask is None else mask[:, None, None, :] > 0
        self._positions = mx.arange(length)
        self._window = window
        self._causal = causal

    def rows(self, start: int, stop: int) -> mx.array:
        """(B or 1, 1, stop - start, L) bool, True where the key is seen."""
        ahead = self._positions - self._positions[start:stop, None]
        seen = mx.abs(ahead) < self._window
        if self._causal:
            seen = seen & (ahead <= 0)
        return seen[None, None] if self._mask is None else seen & self._mask


class CappedAttention:
    """softmax(cap * tanh(q k^T * scale / cap)) v over the keys that are seen, the softmax in float32."""

    def __init__(self, scale: float, cap: float | None) -> None:
        self._scale = scale
        self._cap = cap

    def __call__(self, q: mx.array, k: mx.array, v: mx.array, *, mask: mx.array | str | None) -> mx.array:
        """(B, H, rows, D) queries, (B, G, L, D) keys and values -> (B, H, rows, D)."""
        B, H, rows, D = q.shape  # noqa: N806
        G, L = k.shape[1:3]  # noqa: N806
        scores = (q.reshape(B, G, -1, D) @ k.swapaxes(2, 3)).reshape(B, H, rows, L) * self._scale
        if self._cap is not None:
            scores = self._cap * mx.tanh(scores / self._cap)
        seen = cast("mx.array", mask)  # ``WindowBias`` gives nothing else
        shares = mx.softmax(mx.where(seen, scores, hidden(q.dtype)), axis=-1, precise=True)
        return (shares.reshape(B, G, -1, L) @ v).reshape(B, H, rows, D)


class Attention(RotaryAttention):
    """``self_attn``, with capped scores."""

    def __init__(self, config: Gemma2Config) -> None:
        super().__init__(config, bias=False)
        self._capped = CappedAttention(config.query_scale, config.soft_cap)

    def attend(self, q: mx.array, k: mx.array, v: mx.array, bias: AttentionBias) -> mx.array:
        """(B, H, L, D) queries, (B, G, L, D) keys and values -> (B, L, H * D)."""
        return attend_heads(q, k, v, bias, self._capped)


class Layer(nn.Module):
    """Attention and feed-forward, each normed before and behind, then added to what came in."""

    def __init__(self, config: Gemma2Config, attention: RotaryAttention) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.rms_norm_eps
        self.self_attn = attention
        self.mlp = MLP(config, nn.gelu_approx)
        self.input_layernorm = RMSNorm(width, eps)
        self.post_attention_layernorm = RMSNorm(width, eps)
        self.pre_feedforward_layernorm = RMSNorm(width, eps)
        self.post_feedforward_layernorm = RMSNorm(width, eps)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        x = x + self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), bias))
        fed = self.mlp(self.pre_feedforward_layernorm(x))
        out: mx.array = x + self.post_feedforward_layernorm(fed)
        return out


class Gemma(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W), normed."""

    def __init__(self, config: Gemma2Config, attention: Callable[[int], RotaryAttention]) -> None:
        """``attention`` makes that of the n-th layer."""
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = [Layer(config, attention(n)) for n in range(config.num_layers)]
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self._config = config

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) right-padded ids -> (B, L, W); values at padding are finite and mean nothing."""
        config, length = self._config, ids.shape[1]
        x = self.embed_tokens(ids)
        x = x * mx.array(config.hidden_size**0.5, x.dtype)  # the root rounded first, as in the reference
        mask = None if config.is_causal else mask
        near, far = (WindowBias(mask, length, window, config.is_causal) for window in (config.window, length))
        for layer, windowed in zip(self.layers, config.windowed, strict=True):
            x = layer(x, near if windowed else far)
        normed: mx.array = self.norm(x)
        return normed


class Gemma2(Gemma):
    """Hidden states after the final norm."""

    def __init__(self, config: Gemma2Config) -> None:
        super().__init__(config, lambda n: Attention(config))


build = Gemma2
