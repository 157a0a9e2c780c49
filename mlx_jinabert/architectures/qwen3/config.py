"""Qwen3 as an embedder: queries and keys normalised by head, no biases (arXiv:2505.09388).

Serves Qwen3-Embedding, F2LLM-v2 and harrier; with ``use_bidirectional_attention`` and a ``linear`` behind
the final norm, voyage-4-nano. Heads are 128 wide whatever the model's width is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "Qwen3Config"]

_MODEL_TYPES = ("qwen3", "bidirectional_pplx_qwen3")
_HEAD_DIM = 128
"""Default of the reference implementation, transformers' ``Qwen3Config``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3Config(DecoderConfig):
    """Numbers of one Qwen3 checkpoint."""

    architecture: ClassVar[str] = "qwen3"

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds it against the tensors."""
        return config.get("model_type") in _MODEL_TYPES

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
