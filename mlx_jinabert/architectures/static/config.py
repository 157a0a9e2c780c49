"""Static embeddings: a table of token vectors and their mean, in model2vec's layout (github.com/MinishLab).

Serves potion-base, potion-retrieval and potion-code. No token sees another, so texts may be of any length.
Tables that several tokens share (``mapping``, ``weights``) are refused by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Self

from mlx_jinabert.architectures.shared.config import ArchitectureConfig, Reader, Shape
from mlx_jinabert.architectures.shared.shapes import matrix
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "StaticConfig"]

_LONGEST = 1_000_000
"""Tokens of a text; nothing in the model limits them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticConfig(ArchitectureConfig):
    """The width and height of the table."""

    architecture: ClassVar[str] = "static"
    bare_tokens: ClassVar[bool] = True
    prefixes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; a table of that name is all that a checkpoint has to have."""
        return config.get("model_type") == "model2vec"

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """``hidden_size`` and ``vocab_size`` are those of the stored table (see ``checkpoint/folder.py``)."""
        reader = Reader(config)
        return cls(
            hidden_size=reader.positive_int("hidden_size"),
            vocab_size=reader.positive_int("vocab_size"),
            max_position=_LONGEST,
        )

    def tensor_shapes(self) -> dict[str, Shape]:
        """One table."""
        return matrix("embeddings", self.vocab_size, self.hidden_size)

    @classmethod
    def canonical(cls, name: str) -> str:
        """The table's name in model2vec's saves and in sentence-transformers' is one."""
        return "embeddings.weight" if name in ("embeddings", "embedding.weight") else name


CONFIG = StaticConfig
