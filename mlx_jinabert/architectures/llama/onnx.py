"""Llama as an ONNX graph (arXiv:2302.13971): Qwen2's, as biases are taken where a checkpoint has them."""

from __future__ import annotations

from mlx_jinabert.architectures.qwen2.onnx import encode

__all__ = ["encode"]
