"""Gemma-3's text model as an embedder (arXiv:2503.19786, EmbeddingGemma arXiv:2509.20354).

Gemma-2 without capped scores, with norms on queries and keys, windows on all but every sixth layer, and two
bases of the rotation: one for windowed layers, one for the others. Reference: transformers'
``Gemma3TextModel`` (5.x). With ``use_bidirectional_attention`` tokens see each other, and ``sliding_window``
counts both sides of a token: less than half of it plus one away is seen. Scaled RoPE is refused by key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from mlx_jinabert.architectures.gemma2.config import Gemma2Config
from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.rope import unscaled_theta
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "Gemma3Config"]

_KINDS = ("sliding_attention", "full_attention")
_PATTERN, _QUERY_SCALAR, _WINDOW = 6, 256, 4096
_THETA, _LOCAL_THETA = 1_000_000.0, 10_000.0
"""Defaults of the reference implementation, transformers' ``Gemma3TextConfig``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemma3Config(Gemma2Config):
    """Numbers of one Gemma-3 checkpoint; ``rope_theta`` is that of layers without a window."""

    architecture: ClassVar[str] = "gemma3"
    unused: ClassVar[tuple[str, ...]] = ("lm_head.", "dense.")
    """``dense.`` are layers behind the pooling, of conversions for MLX: see ``checkpoint/dense.py``."""

    local_theta: float
    """Base of the rotation in windowed layers."""

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds it against the tensors."""
        return config.get("model_type") == "gemma3_text"

    @classmethod
    def _check(cls, reader: Reader) -> None:
        reader.only("attention_bias", False, default=False)
        reader.only("use_bidirectional_attention", True, False, None, default=False)
        reader.only("attn_logit_softcapping", None, default=None)

    @classmethod
    def _language(cls, config: Mapping[str, object]) -> Mapping[str, object]:
        """One spelling of the rotation, and of which way tokens see."""
        sections = config.get("rope_parameters")
        by_kind = isinstance(sections, Mapping) and bool(sections.keys() & set(_KINDS))
        near, far = (
            (sections.get(kind) for kind in _KINDS)
            if isinstance(sections, Mapping) and by_kind
            else (None, None)
        )
        spelled = {key: value for key, value in config.items() if not (by_kind and key == "rope_parameters")}
        theta = unscaled_theta("rope_parameters", far, config, "rope_theta", _THETA)
        local = unscaled_theta("rope_parameters", near, config, "rope_local_base_freq", _LOCAL_THETA)
        causal = {"is_causal": not config.get("use_bidirectional_attention")}
        return {**causal, **spelled, "rope_theta": theta, "rope_local_base_freq": local}

    @classmethod
    def _own(cls, config: Mapping[str, object]) -> dict[str, Any]:
        reader = Reader(config)
        window = reader.positive_int("sliding_window", default=_WINDOW)
        return {
            "query_scale": reader.positive_float("query_pre_attn_scalar", default=_QUERY_SCALAR) ** -0.5,
            "soft_cap": None,
            "window": window // 2 + 1 if config.get("use_bidirectional_attention") else window,
            "windowed": _windowed(config, reader.positive_int("num_hidden_layers")),
            "local_theta": reader.positive_float("rope_local_base_freq"),
        }

    def _attention_shapes(self, attention: str) -> dict[str, Shape]:
        per_head = (self.head_dim,)
        return {f"{attention}.q_norm.weight": per_head, f"{attention}.k_norm.weight": per_head}


def _windowed(config: Mapping[str, object], layers: int) -> tuple[bool, ...]:
    """Which layers have a window: ``layer_types``, else all but every n-th one, as older saves say."""
    kinds = config.get("layer_types")
    if kinds is None:
        key = next((k for k in ("sliding_window_pattern", "_sliding_window_pattern") if k in config), "")
        pattern = Reader(config).positive_int(key, default=_PATTERN)
        kinds = [_KINDS[(n + 1) % pattern == 0] for n in range(layers)]
    if not isinstance(kinds, list) or len(kinds) != layers or set(kinds) - set(_KINDS):
        raise UnsupportedConfig("layer_types", kinds, f"{layers} times one of {', '.join(_KINDS)}")
    return tuple(kind == _KINDS[0] for kind in kinds)


CONFIG = Gemma3Config
