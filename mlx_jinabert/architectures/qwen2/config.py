"""Qwen2 as an embedder: biases on queries, keys and values, no norm on them (arXiv:2407.10671).

Serves jina-code-embeddings, Qodo-Embed-1, nomic-embed-code, SweRankEmbed-Large and bge-code-v1.
"""

from __future__ import annotations

from typing import ClassVar

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "Qwen2Config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen2Config(DecoderConfig):
    """Numbers of one Qwen2 checkpoint."""

    architecture: ClassVar[str] = "qwen2"

    @classmethod
    def _head_dim(cls, reader: Reader, hidden: int, heads: int) -> int:
        if hidden % heads:
            raise UnsupportedConfig("num_attention_heads", heads, f"a divisor of hidden_size ({hidden})")
        return reader.positive_int("head_dim", default=hidden // heads)

    def _attention_shapes(self, attention: str) -> dict[str, Shape]:
        keys = (self.num_kv_heads * self.head_dim,)
        return {
            f"{attention}.q_proj.bias": (self.num_heads * self.head_dim,),
            f"{attention}.k_proj.bias": keys,
            f"{attention}.v_proj.bias": keys,
        }


CONFIG = Qwen2Config
