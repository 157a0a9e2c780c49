"""Qwen2 as an ONNX graph (arXiv:2407.10671): queries, keys and values have biases.

Reference: transformers' ``Qwen2Model``. Everything else is in ``decoder.py``.
"""

from __future__ import annotations

from mlx_jinabert.configs.decoder import DecoderConfig
from mlx_jinabert.graphs.arithmetic import Rows
from mlx_jinabert.graphs.builder import Value
from mlx_jinabert.graphs.decoder import by_head, dense, encode_decoder
from mlx_jinabert.graphs.layers import Layers

__all__ = ["encode"]


def encode(layers: Layers, config: DecoderConfig) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    return encode_decoder(layers, config, _project)


def _project(layers: Layers, config: DecoderConfig, name: str, rows: Rows, factor: float) -> Value:
    """The factor goes into weight and bias."""
    return by_head(layers, dense(layers, rows, name, factor), config.head_dim)
