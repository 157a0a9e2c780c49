"""Gemma-3's text model as an ONNX graph (arXiv:2503.19786), on Gemma-2's pieces.

Reference: transformers' ``Gemma3TextModel``. Differs from Gemma-2 in: RMSNorm on each head of queries and
keys, before the rotation; another base of the rotation in windowed layers; no cap on the scores.
"""

from __future__ import annotations

import numpy as np

from mlx_jinabert.architectures.decoder.onnx import by_head, dense, rms_norm, rotation
from mlx_jinabert.architectures.gemma2.onnx import encode_gemma
from mlx_jinabert.architectures.gemma3.config import Gemma3Config
from mlx_jinabert.architectures.shared.onnx.arithmetic import Rows
from mlx_jinabert.architectures.shared.onnx.builder import Value
from mlx_jinabert.architectures.shared.onnx.layers import Layers

__all__ = ["encode"]


def encode(layers: Layers, config: Gemma3Config) -> Value:
    """Hidden states after the final norm, (tokens, hidden size)."""
    rotations = {True: rotation(layers, config, config.local_theta), False: rotation(layers, config)}

    def project(name: str, rows: Rows, factor: float) -> Value:
        """The factor goes into the norm's weight: before the norm it would be divided out again."""
        heads = by_head(layers, dense(layers, rows, name), config.head_dim)
        weight = (1 + layers.weight(name.replace("_proj", "_norm"))) * np.float32(factor)
        return rms_norm(layers, heads, weight, config.rms_norm_eps)

    return encode_gemma(layers, config, rotations, project)
