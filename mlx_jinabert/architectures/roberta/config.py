"""RoBERTa and XLM-RoBERTa as embedders (arXiv:1907.11692, arXiv:1911.02116): BERT with shifted positions.

Serves bge-m3 (dense vectors), multilingual-e5 and arctic-embed-l-v2. Reference: transformers'
``XLMRobertaModel``, which numbers the tokens of a text from ``pad_token_id`` + 1 on, so that many rows of the
position table less can be used; what follows the embeddings is BERT.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Self

from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.shared.config import Reader
from mlx_jinabert.architectures.shared.shapes import same_first_layer
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "RobertaConfig"]

_MODEL_TYPES = ("roberta", "xlm-roberta")
_PAD = 1
"""Default of ``pad_token_id`` in the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobertaConfig(BertConfig):
    """Numbers of one checkpoint; the position table has ``max_position`` + ``position_offset`` rows."""

    architecture: ClassVar[str] = "roberta"
    prefixes: ClassVar[tuple[str, ...]] = ("roberta.", "model.")
    unused: ClassVar[tuple[str, ...]] = ("pooler.", "lm_head.", "embeddings.position_ids")

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``, as the tensors are named as BERT's; ``read`` holds it against them."""
        return config.get("model_type") in _MODEL_TYPES

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Defaults are those of transformers' ``XLMRobertaConfig``."""
        offset = Reader(config).count("pad_token_id", default=_PAD) + 1
        architecture = cls._read(config, offset=offset, types=2, epsilon=1e-12)
        same_first_layer(architecture, names, "encoder.layer.0.")
        return architecture


CONFIG = RobertaConfig
