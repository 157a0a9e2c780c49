"""The student: JinaBERT, code variant, in PyTorch, with the tensor names of the original checkpoints.

The computation is that of jinaai/jina-bert-v2-qk-post-norm (Q and K normalised over the full width before
the heads are split, the layer's input added a second time, GEGLU that activates its second half, ALiBi
over symmetric distances), so that what is trained here is what the library loads.

A fresh layer is the identity (its two output matrices are zero and x is already normalised: the three norms
then leave it alone). A student therefore starts as a bag of words and only ever improves on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["JinaBertStudent", "Shape"]

_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a student. ``layers`` may be 0: then it is a normalised bag of words."""

    vocabulary: int
    width: int = 256
    layers: int = 2
    heads: int = 4
    feed_forward: int = 384


class _SelfAttention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query, self.key, self.value = (nn.Linear(shape.width, shape.width) for _ in range(3))
        self.layer_norm_q, self.layer_norm_k = (nn.LayerNorm(shape.width, _EPSILON) for _ in range(2))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = (batch, length, self.heads, width // self.heads)
        q = self.layer_norm_q(self.query(x)).view(split).transpose(1, 2)
        k = self.layer_norm_k(self.key(x)).view(split).transpose(1, 2)
        v = self.value(x).view(split).transpose(1, 2)
        scores = torch.matmul(q * (width // self.heads) ** -0.5, k.transpose(2, 3)) + bias
        mixed = torch.matmul(scores.softmax(-1), v)
        return mixed.transpose(1, 2).reshape(batch, length, width)


class _Output(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.dense = nn.Linear(shape.width, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, _EPSILON)


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self = _SelfAttention(shape)
        self.output = _Output(shape)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        attended: Tensor = self.output.LayerNorm(self.output.dense(self.self(x, bias)) + x)
        return attended


class _FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.up_gated_layer = nn.Linear(shape.width, 2 * shape.feed_forward, bias=False)
        self.down_layer = nn.Linear(shape.feed_forward, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        up, gate = self.up_gated_layer(x).chunk(2, dim=-1)
        fed: Tensor = self.down_layer(up * functional.gelu(gate))
        return fed


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention = _Attention(shape)
        self.layer_norm_1, self.layer_norm_2 = (nn.LayerNorm(shape.width, _EPSILON) for _ in range(2))
        self.mlp = _FeedForward(shape)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        residual = self.layer_norm_1(self.attention(x, bias) + x)
        out: Tensor = self.layer_norm_2(residual + self.mlp(residual))
        return out


class _Embeddings(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocabulary, shape.width)
        self.token_type_embeddings = nn.Embedding(2, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, _EPSILON)

    def table(self) -> Tensor:
        """(vocabulary, width): what every token id becomes; it depends on nothing else."""
        rows: Tensor = self.LayerNorm(self.word_embeddings.weight + self.token_type_embeddings.weight[0])
        return rows


class _Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x, bias)
        return x


class JinaBertStudent(nn.Module):
    """``student(ids, mask)``: (batch, length) int64 twice -> (batch, width) float32, pooled, any length.

    ``mask`` holds 0 for padding, else what the token weighs: 1, or more where it stands for several.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = _Embeddings(shape)
        self.encoder = _Encoder(shape)
        slopes = torch.tensor([2.0 ** (-8.0 * (h + 1) / shape.heads) for h in range(shape.heads)])
        self.slopes: Tensor
        self.register_buffer("slopes", slopes, persistent=False)
        self.output_scale = nn.Parameter(torch.ones(shape.width))
        """Folded into the last norm when the student is written: a checkpoint has no such tensor."""
        self._start_as_identity()

    def _start_as_identity(self) -> None:
        nn.init.zeros_(self.embeddings.token_type_embeddings.weight)
        for name, parameter in self.encoder.named_parameters():
            if name.endswith(("output.dense.weight", "down_layer.weight")) or (
                name.endswith("bias") and "orm" not in name
            ):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2:
                nn.init.normal_(parameter, std=self.shape.width**-0.5)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Everything in float32, as the library computes it."""
        x = functional.embedding(ids, self.embeddings.table())
        return self.pooled(self.encoder(x, self.bias(mask)), mask)

    def bias(self, mask: Tensor) -> Tensor:
        """(batch, length) -> (batch, heads, length, length): ALiBi, and much less where a key is padding.

        The logarithm of what a key weighs is added: of every softmax it has so many times its share.
        """
        positions = torch.arange(mask.shape[1], device=mask.device)
        distance = (positions[:, None] - positions[None, :]).abs().float()
        alibi = -self.slopes[:, None, None] * distance
        return alibi[None] + mask[:, None, None, :].float().log().clamp(min=-1e9)

    def pooled(self, x: Tensor, mask: Tensor) -> Tensor:
        """(batch, length, width), (batch, length) -> (batch, width) float32: scaled mean without padding."""
        weights = mask[:, :, None].float()
        return (x.float() * weights).sum(1) / weights.sum(1) * self.output_scale

    def bag(self, ids: Tensor, starts: Tensor) -> Tensor:
        """What ``forward`` gives without layers, for rows that lie one after the other in ``ids``."""
        table = self.embeddings.table() * self.output_scale
        return functional.embedding_bag(ids, table, starts, mode="mean")
