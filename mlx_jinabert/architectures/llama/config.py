"""Llama as an embedder (arXiv:2302.13971): the plainest decoder, no biases, no norms on queries and keys.

Serves models that were made to see both ways ("llama_bidirec"), and causal ones. Scaled RoPE ("llama3") is
refused by key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "LlamaConfig"]

_BOTH_WAYS = "llama_bidirec"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaConfig(DecoderConfig):
    """Numbers of one Llama checkpoint."""

    architecture: ClassVar[str] = "llama"

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds it against the tensors."""
        return config.get("model_type") in ("llama", _BOTH_WAYS)

    @classmethod
    def _language(cls, config: Mapping[str, object]) -> Mapping[str, object]:
        """The type that was made to see both ways states nothing else about it."""
        return {"is_causal": False, **config} if config.get("model_type") == _BOTH_WAYS else config

    @classmethod
    def _check(cls, reader: Reader) -> None:
        for key in ("attention_bias", "mlp_bias"):
            reader.only(key, False, default=False)
        reader.only("pretraining_tp", 1, default=1)

    @classmethod
    def _head_dim(cls, reader: Reader, hidden: int, heads: int) -> int:
        if hidden % heads:
            raise UnsupportedConfig("num_attention_heads", heads, f"a divisor of hidden_size ({hidden})")
        return reader.positive_int("head_dim", default=hidden // heads)

    def _attention_shapes(self, attention: str) -> dict[str, Shape]:
        return {}


CONFIG = LlamaConfig
