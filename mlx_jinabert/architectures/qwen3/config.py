"""Qwen3 as an embedder: queries and keys normalised by head, no biases (arXiv:2505.09388).

Serves Qwen3-Embedding and F2LLM-v2. Heads are 128 wide whatever the model's width is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.config import Reader, Shape

__all__ = ["CONFIG", "Qwen3Config"]

_HEAD_DIM = 128
"""Default of the reference implementation, transformers' ``Qwen3Config``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3Config(DecoderConfig):
    """Numbers of one Qwen3 checkpoint."""

    architecture: ClassVar[str] = "qwen3"

    @classmethod
    def _check(cls, reader: Reader) -> None:
        reader.only("attention_bias", False, default=False)

    @classmethod
    def _head_dim(cls, reader: Reader, hidden: int, heads: int) -> int:
        return reader.positive_int("head_dim", default=_HEAD_DIM)

    def _attention_shapes(self, attention: str) -> dict[str, Shape]:
        per_head = (self.head_dim,)
        return {f"{attention}.q_norm.weight": per_head, f"{attention}.k_norm.weight": per_head}


CONFIG = Qwen3Config
