"""Static embeddings as an ONNX graph: rows of a table. Reference: model2vec's ``StaticModel`` (0.10)."""

from __future__ import annotations

from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.static.config import StaticConfig

__all__ = ["encode"]


def encode(layers: Layers, config: StaticConfig) -> Value:
    """Vectors of the tokens, (tokens, hidden size)."""
    return layers.gather("embeddings")
