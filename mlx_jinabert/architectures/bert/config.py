"""BERT as an embedder: learned positions, post-norm, exact GELU (Devlin et al., arXiv:1810.04805).

Serves all-MiniLM, bge and others of the family. RoBERTa and its kin carry the same tensor names but
number their positions from the padding id on: ``roberta`` is asked first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Self

from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.encoder import EncoderConfig
from mlx_jinabert.architectures.shared.shapes import affine, attention, matrix
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "BertConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BertConfig(EncoderConfig):
    """Numbers of one BERT checkpoint; ``max_position`` is the height of its position table."""

    architecture: ClassVar[str] = "bert"
    unused: ClassVar[tuple[str, ...]] = ("pooler.", "cls.", "embeddings.position_ids")

    type_vocab_size: int
    position_offset: int = 0
    """The row of the position table that the first token takes."""

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """Learned positions together with the plain two-matrix feed-forward."""
        shown = {"embeddings.position_embeddings.weight", "encoder.layer.0.intermediate.dense.weight"}
        return all(name in names for name in shown)

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Defaults are those of the reference implementation, transformers' ``BertConfig``."""
        Reader(config).only("model_type", "bert")
        return cls._read(config, offset=0, types=2, epsilon=1e-12)

    @classmethod
    def _read(cls, config: Mapping[str, object], *, offset: int, types: int, epsilon: float) -> Self:
        """``types`` and ``epsilon``: the reference's defaults for the number of token types and the norms."""
        reader = Reader(config)
        reader.only("hidden_act", "gelu", default="gelu")
        reader.only("position_embedding_type", "absolute", default="absolute")
        sizes = cls.sizes(reader)
        rows = sizes.pop("max_position")
        if rows <= offset:
            raise UnsupportedConfig("max_position_embeddings", rows, f"more than {offset}")
        return cls(
            **sizes,
            max_position=rows - offset,
            type_vocab_size=reader.positive_int("type_vocab_size", default=types),
            layer_norm_eps=reader.positive_float("layer_norm_eps", default=epsilon),
            position_offset=offset,
        )

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of transformers' ``BertModel``."""
        width, inner = self.hidden_size, self.intermediate_size
        shapes = {
            **matrix("embeddings.word_embeddings", self.vocab_size, width),
            **matrix("embeddings.position_embeddings", self.max_position + self.position_offset, width),
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
