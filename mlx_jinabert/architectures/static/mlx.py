"""Static embeddings as an encoder of texts: rows of a table.

Reference: model2vec's ``StaticModel`` (0.10).
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlx_jinabert.architectures.static.config import StaticConfig

__all__ = ["Static", "build"]


class Static(nn.Module):
    """Token ids (B, L) -> their vectors (B, L, W)."""

    def __init__(self, config: StaticConfig) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)

    def __call__(self, ids: mx.array, mask: mx.array | None) -> mx.array:
        """(B, L) -> (B, L, W), whatever the mask says."""
        rows: mx.array = self.embeddings(ids)
        return rows


build = Static
