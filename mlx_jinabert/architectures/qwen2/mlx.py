"""Qwen2 as an encoder of texts (arXiv:2407.10671): queries, keys and values have biases.

Reference: transformers' ``Qwen2Model`` (5.x). Everything else is in ``decoder.py``.
"""

from __future__ import annotations

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.decoder.mlx import Decoder, RotaryAttention

__all__ = ["Qwen2", "build"]


class Qwen2(Decoder):
    """Hidden states after the final norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__(config, lambda config: RotaryAttention(config, bias=True))


build = Qwen2
