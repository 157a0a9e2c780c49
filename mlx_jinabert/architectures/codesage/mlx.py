"""CodeSage v2 in MLX (Zhang et al., arXiv:2402.01935).

Reference: modeling_codesage.py of github.com/amazon-science/CodeSage. Differs from BERT in: norms before
attention and feed-forward and one after the last layer; the tanh form of GELU; no token types and no norm
of the embeddings; one matrix for queries, keys and values; dense weights stored as (in, out). Nothing is
causal, unlike GPT-2, whose tensor names it has.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.codesage.config import CodeSageConfig
from mlx_jinabert.architectures.shared.mlx.conv1d import Conv1D
from mlx_jinabert.architectures.shared.mlx.layers import AttentionBias, PaddingBias, attend

__all__ = ["CodeSage", "build"]


class Attention(nn.Module):
    """``attn``: queries, keys and values side by side, in this order."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.c_attn = Conv1D(width, 3 * width)
        self.c_proj = Conv1D(width, width)
        self._heads = heads

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        """(B, L, W) -> (B, L, W)."""
        q, k, v = mx.split(self.c_attn(x), 3, axis=-1)
        out: mx.array = self.c_proj(attend(q, k, v, self._heads, bias))
        return out


class MLP(nn.Module):
    """``mlp``: two matrices around GELU in its tanh form."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.c_fc = Conv1D(width, inner)
        self.c_proj = Conv1D(inner, width)

    def __call__(self, x: mx.array) -> mx.array:
        out: mx.array = self.c_proj(nn.gelu_approx(self.c_fc(x)))
        return out


class Block(nn.Module):
    """``h.N``: attention and feed-forward, each with a norm before and the residual after."""

    def __init__(self, config: CodeSageConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.ln_1 = nn.LayerNorm(width, eps)
        self.attn = Attention(width, config.num_heads)
        self.ln_2 = nn.LayerNorm(width, eps)
        self.mlp = MLP(width, config.intermediate_size)

    def __call__(self, x: mx.array, bias: AttentionBias) -> mx.array:
        x = x + self.attn(self.ln_1(x), bias)
        out: mx.array = x + self.mlp(self.ln_2(x))
        return out


class CodeSage(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W)."""

    def __init__(self, config: CodeSageConfig) -> None:
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.hidden_size)
        self.wpe = nn.Embedding(config.max_position, config.hidden_size)
        self.h = [Block(config) for _ in range(config.num_layers)]
        self.ln_f = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) ids -> (B, L, W); positions count from the first column, so padding is on the right."""
        x = self.wte(ids) + self.wpe(mx.arange(ids.shape[1]))
        bias = PaddingBias(mask, x.dtype)
        for block in self.h:
            x = block(x, bias)
        hidden: mx.array = self.ln_f(x)
        return hidden


build = CodeSage
