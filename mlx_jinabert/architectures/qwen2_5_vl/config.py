"""The text path of Qwen2.5-VL (arXiv:2502.13923) as an embedder: its language model is Qwen2.

Serves jina-embeddings-v4, whose adapters convert-weights merges into the weights. Positions are M-RoPE:
three numbers a token, for time, height and width, which in a text are one and the same, so that it is
plain RoPE. What sees images is dropped by name, and images are not taken: every input is a text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from mlx_jinabert.architectures.qwen2.config import Qwen2Config
from mlx_jinabert.architectures.shared.config import Reader
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "Qwen25VLConfig"]

_MODEL_TYPES = ("qwen2_5_vl", "qwen2_5_vl_text")
_ROPE_SECTIONS = ("rope_scaling", "rope_parameters")
_ROTARY_TYPES = ("mrope", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen25VLConfig(Qwen2Config):
    """Numbers of the language model of one Qwen2.5-VL checkpoint."""

    architecture: ClassVar[str] = "qwen2_5_vl"
    prefixes: ClassVar[tuple[str, ...]] = ("model.language_model.", "language_model.", "model.")
    """By version of the library that saved it."""
    unused: ClassVar[tuple[str, ...]] = (
        "lm_head.",
        "visual.",
        "single_vector_projector.",
        "multi_vector_projector.",
    )

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``, of the whole or of its part for text: those derived from it rename the whole."""
        text = config.get("text_config")
        kinds = [config.get("model_type"), text.get("model_type") if isinstance(text, Mapping) else None]
        return any(kind in _MODEL_TYPES for kind in kinds)

    @classmethod
    def _language(cls, config: Mapping[str, object]) -> Mapping[str, object]:
        """``text_config`` over what stands beside it (older saves have no such part), M-RoPE as RoPE."""
        text = config.get("text_config")
        language = {**config, **(text if isinstance(text, Mapping) else {})}
        for key in _ROPE_SECTIONS:
            if language.get(key) is not None:
                language[key] = _plain(key, language[key])
        stated = config.get("is_causal", language.get("is_causal"))
        return language if stated is None else language | {"is_causal": stated}


def _plain(key: str, section: object) -> dict[str, object]:
    """A section of M-RoPE without what tells the three positions of a token apart."""
    if not isinstance(section, Mapping):
        raise UnsupportedConfig(key, section, "an object with mrope_section")
    for kind in ("type", "rope_type"):
        Reader(section).only(kind, *_ROTARY_TYPES, default=_ROTARY_TYPES[0])
    return {
        name: value for name, value in section.items() if name not in {"type", "rope_type", "mrope_section"}
    }


CONFIG = Qwen25VLConfig
