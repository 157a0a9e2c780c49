"""Qwen3 as an ONNX graph (arXiv:2505.09388): RMSNorm on each head of queries and keys, no biases.

Reference: transformers' ``Qwen3Model``. The norm comes before the rotation. Everything else is in
``decoder.py``.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.decoder.onnx import by_head, dense, encode_decoder, rms_norm
from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers

__all__ = ["encode"]


def encode(layers: Layers, config: DecoderConfig) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    return encode_decoder(layers, config, _project)


def _project(layers: Layers, config: DecoderConfig, name: str, rows: Rows, factor: float) -> Value:
    """The factor goes into the norm's weight: before the norm it would be divided out again."""
    heads = by_head(layers, dense(layers, rows, name), config.head_dim)
    weight = layers.weight(name.replace("_proj", "_norm")) * np.float32(factor)
    return rms_norm(layers, heads, weight, config.rms_norm_eps)
