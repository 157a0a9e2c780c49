"""BERT as an embedder: learned positions, post-norm, exact GELU (Devlin et al., arXiv:1810.04805).

Serves all-MiniLM, bge and others of the family. RoBERTa and its kin carry the same tensor names but
number their positions from the padding id on, so ``model_type`` has to say "bert".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from mlx_jinabert.architectures.shared.config import ArchitectureConfig, Reader, Shape
from mlx_jinabert.architectures.shared.shapes import affine, attention, encoder_only, matrix

__all__ = ["CONFIG", "BertConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BertConfig(ArchitectureConfig):
    """Numbers of one BERT checkpoint; ``max_position`` is the height of its position table."""

    architecture: ClassVar[str] = "bert"
    unused: ClassVar[tuple[str, ...]] = ("pooler.", "cls.", "embeddings.position_ids")

    vocab_size: int
    type_vocab_size: int
    num_layers: int
    num_heads: int
    intermediate_size: int
    layer_norm_eps: float

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """Learned positions together with the plain two-matrix feed-forward."""
        shown = {"embeddings.position_embeddings.weight", "encoder.layer.0.intermediate.dense.weight"}
        return all(name in names for name in shown)

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Defaults are those of the reference implementation, transformers' ``BertConfig``."""
        reader = Reader(config)
        reader.only("model_type", "bert")
        reader.only("hidden_act", "gelu", default="gelu")
        reader.only("position_embedding_type", "absolute", default="absolute")
        hidden, heads = encoder_only(reader)
        return cls(
            hidden_size=hidden,
            max_position=reader.positive_int("max_position_embeddings"),
            quantization=reader.quantization(),
            vocab_size=reader.positive_int("vocab_size"),
            type_vocab_size=reader.positive_int("type_vocab_size", default=2),
            num_layers=reader.positive_int("num_hidden_layers"),
            num_heads=heads,
            intermediate_size=reader.positive_int("intermediate_size"),
            layer_norm_eps=reader.positive_float("layer_norm_eps", default=1e-12),
        )

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of transformers' ``BertModel``."""
        width, inner = self.hidden_size, self.intermediate_size
        shapes = {
            **matrix("embeddings.word_embeddings", self.vocab_size, width),
            **matrix("embeddings.position_embeddings", self.max_position, width),
            **matrix("embeddings.token_type_embeddings", self.type_vocab_size, width),
            **affine("embeddings.LayerNorm", width),
        }
        for n in range(self.num_layers):
            layer = f"encoder.layer.{n}"
            shapes |= attention(layer, width)
            shapes |= affine(f"{layer}.intermediate.dense", inner, width)
            shapes |= affine(f"{layer}.output.dense", width, inner)
            shapes |= affine(f"{layer}.output.LayerNorm", width)
        return shapes


CONFIG = BertConfig
