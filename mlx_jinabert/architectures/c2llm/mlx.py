"""C2LLM (arXiv:2512.21332): Qwen2 and pooling by multi-head attention (arXiv:1810.00825).

Scores are divided by the root of the whole width and not of a head's, the residual is the learned query as it
is stored, and the norms come after: what the authors' ``MAB_POST`` computes.

Shapes: B texts, L tokens, W hidden size, V width of the pooled vector, H heads of the pooling.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.c2llm.config import C2LLMConfig
from mlx_jinabert.architectures.qwen2.mlx import Qwen2
from mlx_jinabert.architectures.shared.mlx.layers import PaddingBias

__all__ = ["C2LLM", "build"]


class AttentionBlock(nn.Module):
    """``mab``: one attention of the learned query over the tokens, and a layer behind it."""

    def __init__(self, config: C2LLMConfig) -> None:
        super().__init__()
        width, out = config.hidden_size, config.pma_width
        self.fc_q, self.fc_o = nn.Linear(out, out), nn.Linear(out, out)
        self.fc_k, self.fc_v = nn.Linear(width, out), nn.Linear(width, out)
        self.ln0, self.ln1 = nn.LayerNorm(out), nn.LayerNorm(out)
        self._heads, self._size = config.pma_heads, out // config.pma_heads

    def __call__(self, query: mx.array, x: mx.array, mask: mx.array) -> mx.array:
        """(1, 1, V), (B, L, W) and (B, L) -> (B, V)."""
        q, k, v = (self._by_head(y) for y in (self.fc_q(query), self.fc_k(x), self.fc_v(x)))
        scale = (self._heads * self._size) ** -0.5
        bias = PaddingBias(mask, x.dtype).rows(0, 1)
        q = mx.broadcast_to(q, (x.shape[0], *q.shape[1:]))
        mixed = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=bias)
        pooled = self.ln0(query[:, 0] + mixed.reshape(x.shape[0], -1))
        normed: mx.array = self.ln1(pooled + nn.relu(self.fc_o(pooled)))
        return normed

    def _by_head(self, x: mx.array) -> mx.array:
        return x.reshape(*x.shape[:2], self._heads, self._size).transpose(0, 2, 1, 3)


class AttentionPooling(nn.Module):
    """``mha_pma``: the learned query and the block that it goes through."""

    def __init__(self, config: C2LLMConfig) -> None:
        super().__init__()
        self.S = mx.zeros((1, 1, config.pma_width))
        self.mab = AttentionBlock(config)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        """(B, L, W) and (B, L) -> (B, V)."""
        pooled: mx.array = self.mab(self.S, x, mask)
        return pooled


class C2LLM(Qwen2):
    """Hidden states after the final norm, and their pooling."""

    def __init__(self, config: C2LLMConfig) -> None:
        super().__init__(config)
        self.mha_pma = AttentionPooling(config)

    def pool(self, hidden: mx.array, mask: mx.array) -> mx.array:
        """(B, L, W) and (B, L) of 0 and 1 -> (B, V)."""
        pooled: mx.array = self.mha_pma(hidden, mask)
        return pooled


build = C2LLM
