"""ModernBERT (Warner et al., arXiv:2412.13663): gte-modernbert-base and the granite-embedding r2 models.

References: transformers' ``ModernBertModel`` (4.48 and 5.x), text-embeddings-inference @0d124dc.

Differs from BERT in:
- a norm before each block instead of after it, and one at the end; the first layer's attention has none
  of its own, as the embeddings were normalised already;
- no biases anywhere, norms included, and no token types;
- rotary positions, with one base in global layers and another in local ones;
- local attention, ``window`` tokens to either side, in all but every third layer;
- a gated feed-forward (Shazeer, arXiv:2002.05202), the first half of the widened vector activated.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.modernbert.config import ModernBertConfig
from mlx_jinabert.architectures.shared.mlx.layers import PaddingBias, attend_heads
from mlx_jinabert.architectures.shared.mlx.local_attention import LocalBias, attend_locally
from mlx_jinabert.architectures.shared.mlx.rotary import Rotation, split_packed
from mlx_jinabert.vectors.pooling import pool

__all__ = ["ModernBert", "build"]

_ACTIVATIONS = {"gelu": nn.gelu, "silu": nn.silu}


class Embeddings(nn.Module):
    """Words, normalised."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.tok_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps, bias=False)

    def __call__(self, ids: mx.array) -> mx.array:
        normed: mx.array = self.norm(self.tok_embeddings(ids))
        return normed


class Attention(nn.Module):
    """``attn``: packed projection, rotation, attention near by or over the whole text, projection."""

    def __init__(self, config: ModernBertConfig, is_global: bool) -> None:
        super().__init__()
        width = config.hidden_size
        self.Wqkv = nn.Linear(width, 3 * width, bias=False)
        self.Wo = nn.Linear(width, width, bias=False)
        self._heads = config.num_heads
        theta = config.global_theta if is_global else config.local_theta
        self._rotate = Rotation(width // config.num_heads, theta)

    def __call__(self, x: mx.array, bias: PaddingBias | LocalBias) -> mx.array:
        q, k, v = split_packed(self.Wqkv(x), self._heads)
        q, k = self._rotate(q), self._rotate(k)
        if isinstance(bias, LocalBias):
            context = attend_locally(q, k, v, bias)
        else:
            context = attend_heads(q, k, v, bias)
        out: mx.array = self.Wo(context)
        return out


class MLP(nn.Module):
    """``mlp``: W_o (act(first half of W_i x) * second half)."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.Wi = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.Wo = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self._activate = _ACTIVATIONS[config.activation]

    def __call__(self, x: mx.array) -> mx.array:
        gate, up = mx.split(self.Wi(x), 2, axis=-1)
        out: mx.array = self.Wo(self._activate(gate) * up)
        return out


class Layer(nn.Module):
    """Attention and feed-forward, each on a normed copy and added to what came in."""

    def __init__(self, config: ModernBertConfig, number: int) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.is_global = config.is_global[number]
        if number:
            self.attn_norm = nn.LayerNorm(width, eps, bias=False)
        self.attn = Attention(config, self.is_global)
        self.mlp_norm = nn.LayerNorm(width, eps, bias=False)
        self.mlp = MLP(config)

    def __call__(self, x: mx.array, bias: PaddingBias | LocalBias) -> mx.array:
        normed = self.attn_norm(x) if "attn_norm" in self else x
        x = x + self.attn(normed, bias)
        out: mx.array = x + self.mlp(self.mlp_norm(x))
        return out


class Head(nn.Module):
    """``head``: a dense layer, GELU and a norm, in front of the classifier."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.dense = nn.Linear(width, width, bias=config.classifier_bias)
        self.norm = nn.LayerNorm(width, config.layer_norm_eps, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        """(B, W) -> (B, W)."""
        normed: mx.array = self.norm(nn.gelu(self.dense(x)))
        return normed


class ModernBert(nn.Module):
    """Token ids (B, L) and mask (B or 1, L; None: no padding) -> hidden states (B, L, W), normed."""

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.layers = [Layer(config, number) for number in range(config.num_layers)]
        self.final_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps, bias=False)
        self._window = config.window
        if config.num_labels:
            self.head = Head(config)
            self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self._classifies = config.classifies

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) ids -> (B, L, W); values at padding are finite and mean nothing."""
        x = self.embeddings(ids)
        whole = PaddingBias(mask, x.dtype)
        near = LocalBias(mask, ids.shape[1], self._window, x.dtype)
        for layer in self.layers:
            x = layer(x, whole if layer.is_global else near)
        normed: mx.array = self.final_norm(x)
        return normed

    def classify(self, hidden: mx.array, mask: mx.array) -> mx.array:
        """(B, L, W) hidden states and (B, L) mask -> (B, labels) logits."""
        pooled = pool(hidden.astype(mx.float32), mask, self._classifies).astype(hidden.dtype)
        logits: mx.array = self.classifier(self.head(pooled))
        return logits


build = ModernBert
