"""Gemma-2 as an embedder (arXiv:2408.00118): capped scores, four norms a block, windows on every other layer.

Serves SFR-Embedding-Code-2B_R, which has a ``model_type`` of its own. With ``is_causal`` false a window
reaches as far ahead as behind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.shapes import matrix
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "Gemma2Config"]

_MODEL_TYPES = ("gemma2", "codexembed2b")
_KINDS = ("sliding_attention", "full_attention")
"""Of the layers in turn, the first one windowed, where ``layer_types`` does not list them."""
_HEAD_DIM, _QUERY_SCALAR, _SOFT_CAP, _WINDOW = 256, 256, 50.0, 4096
"""Defaults of the reference implementation, transformers' ``Gemma2Config``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemma2Config(DecoderConfig):
    """Numbers of one Gemma-2 checkpoint; norms multiply by one plus their weight."""

    architecture: ClassVar[str] = "gemma2"
    overflows_float16: ClassVar[bool] = True

    query_scale: float
    """Factor of the scores, ``query_pre_attn_scalar`` ** -0.5: not that of the head's width in every size."""
    soft_cap: float | None
    """Scores become cap * tanh(score / cap); None leaves them as they are."""
    window: int
    """In a windowed layer tokens see those that are less than so many places away."""
    windowed: tuple[bool, ...]
    """By layer."""

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds it against the tensors."""
        return config.get("model_type") in _MODEL_TYPES

    @classmethod
    def _check(cls, reader: Reader) -> None:
        reader.only("attention_bias", False, default=False)
        reader.only("use_bidirectional_attention", False, None, default=False)

    @classmethod
    def _check_blocks(cls, config: Mapping[str, object]) -> None:
        for key in ("hidden_act", "hidden_activation"):
            Reader(config).only(key, "gelu_pytorch_tanh", default="gelu_pytorch_tanh")

    @classmethod
    def _own(cls, config: Mapping[str, object]) -> dict[str, Any]:
        reader, uncapped = Reader(config), config.get("attn_logit_softcapping", _SOFT_CAP) is None
        return {
            "query_scale": reader.positive_float("query_pre_attn_scalar", default=_QUERY_SCALAR) ** -0.5,
            "soft_cap": None
            if uncapped
            else reader.positive_float("attn_logit_softcapping", default=_SOFT_CAP),
            "window": reader.positive_int("sliding_window", default=_WINDOW),
            "windowed": _windowed(config, reader.positive_int("num_hidden_layers")),
        }

    @classmethod
    def _head_dim(cls, reader: Reader, hidden: int, heads: int) -> int:
        return reader.positive_int("head_dim", default=_HEAD_DIM)

    def _attention_shapes(self, attention: str) -> dict[str, Shape]:
        return {}

    def _layer(self, layer: str) -> dict[str, Shape]:
        # Not super(): a dataclass with slots is another class than the one that the name is bound to.
        shapes = DecoderConfig._layer(self, layer)
        for place in ("pre", "post"):
            shapes |= matrix(f"{layer}.{place}_feedforward_layernorm", self.hidden_size)
        return shapes


def _windowed(config: Mapping[str, object], layers: int) -> tuple[bool, ...]:
    """Which layers have a window: ``layer_types`` as transformers 5 writes it, else every other one."""
    kinds = config.get("layer_types")
    if kinds is None:
        kinds = [_KINDS[n % len(_KINDS)] for n in range(layers)]
    if not isinstance(kinds, list) or len(kinds) != layers or set(kinds) - set(_KINDS):
        raise UnsupportedConfig("layer_types", kinds, f"{layers} times one of {', '.join(_KINDS)}")
    return tuple(kind == _KINDS[0] for kind in kinds)


CONFIG = Gemma2Config
