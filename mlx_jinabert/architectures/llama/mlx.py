"""Llama as an encoder of texts (arXiv:2302.13971): no biases anywhere.

Reference: transformers' ``LlamaModel`` (5.x). Everything else is in ``decoder/mlx.py``.
"""

from __future__ import annotations

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.decoder.mlx import Decoder, RotaryAttention

__all__ = ["Llama", "build"]


class Llama(Decoder):
    """Hidden states after the final norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__(config, lambda config: RotaryAttention(config, bias=False))


build = Llama
