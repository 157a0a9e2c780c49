"""EuroBERT (arXiv:2503.05500): an encoder with Llama's blocks, in which all tokens see each other.

Reference: transformers' ``EuroBertModel`` (5.x); the base of its rotation is 10,000 where none is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from mlx_jinabert.architectures.llama.config import LlamaConfig
from mlx_jinabert.architectures.shared.config import Reader
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "EuroBertConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EuroBertConfig(LlamaConfig):
    """Numbers of one EuroBERT checkpoint."""

    architecture: ClassVar[str] = "eurobert"
    unused: ClassVar[tuple[str, ...]] = ("lm_head.", "classifier.", "dense.")

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds it against the tensors."""
        return config.get("model_type") == cls.architecture

    @classmethod
    def _language(cls, config: Mapping[str, object]) -> Mapping[str, object]:
        """The keys of Llama: heads of keys are those of queries unless counted, and nothing is causal."""
        Reader(config).only("is_causal", False, default=False)
        heads = {"num_key_value_heads": config.get("num_attention_heads")}
        return {
            **heads,
            **{key: value for key, value in config.items() if value is not None},
            "is_causal": False,
        }


CONFIG = EuroBertConfig
