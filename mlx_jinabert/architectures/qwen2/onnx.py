"""Qwen2 as an ONNX graph (arXiv:2407.10671): queries, keys and values have biases.

Reference: transformers' ``Qwen2Model``. Everything else is in ``decoder.py``.
"""

from __future__ import annotations

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.decoder.onnx import by_head, dense, encode_decoder
from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers

__all__ = ["encode"]


def encode(layers: Layers, config: DecoderConfig) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    return encode_decoder(layers, config, _project)


def _project(layers: Layers, config: DecoderConfig, name: str, rows: Rows, factor: float) -> Value:
    """The factor goes into weight and bias."""
    return by_head(layers, dense(layers, rows, name, factor), config.head_dim)
