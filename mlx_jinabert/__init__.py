"""Texts to vectors: local embedding models on MLX and ONNX Runtime."""

__version__ = "0.1.0"
