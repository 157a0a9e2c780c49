"""The numbers that all encoders of the BERT family have, read alike from ``config.json``."""

from __future__ import annotations

from typing import Any

from mlx_jinabert.architectures.shared.config import ArchitectureConfig, Reader
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["EncoderConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig(ArchitectureConfig):
    """A transformer whose tokens all see each other, with layer norms."""

    num_layers: int
    num_heads: int
    intermediate_size: int
    layer_norm_eps: float

    @classmethod
    def sizes(cls, reader: Reader) -> dict[str, Any]:
        """The fields whose keys are the same for all of them; a decoder raises ``UnsupportedConfig``."""
        for key in ("is_decoder", "add_cross_attention", "is_causal"):
            reader.only(key, False, default=False)
        hidden, heads = reader.positive_int("hidden_size"), reader.positive_int("num_attention_heads")
        if hidden % heads:
            raise UnsupportedConfig("num_attention_heads", heads, f"a divisor of hidden_size ({hidden})")
        return {
            "hidden_size": hidden,
            "max_position": reader.positive_int("max_position_embeddings"),
            "quantization": reader.quantization(cls.canonical),
            "vocab_size": reader.positive_int("vocab_size"),
            "num_layers": reader.positive_int("num_hidden_layers"),
            "num_heads": heads,
            "intermediate_size": reader.positive_int("intermediate_size"),
        }
