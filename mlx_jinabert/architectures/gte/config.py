"""GTE's encoder (Zhang et al., arXiv:2407.19669): BERT with rotary positions and a gated feed-forward.

Serves gte-base-en-v1.5, gte-large-en-v1.5 and SFR-Embedding-Code-400M_R: reference code
Alibaba-NLP/new-impl, ``model_type`` "new"; transformers 5 calls the same "gte". Refused by key: other
positions and norms than the published ones, unpacked or log-scaled attention, and any scaling of the
rotation but "ntk", which no release of transformers computes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Self

from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.encoder import EncoderConfig
from mlx_jinabert.architectures.shared.rope import unscaled_theta
from mlx_jinabert.architectures.shared.shapes import affine, matrix, same_first_layer
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "GteConfig"]

_MODEL_TYPES = ("new", "gte")
_SWITCHES: Mapping[str, object] = {
    "hidden_act": "gelu",
    "position_embedding_type": "rope",
    "layer_norm_type": "layer_norm",
    "pack_qkv": True,
    "logn_attention_scale": False,
    "logn_attention_clip1": False,
}
"""Key -> the value that is implemented, which the published code also takes where it is missing."""

_THETA = 160_000.0
"""Base of the rotation that transformers takes for "gte" where none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GteConfig(EncoderConfig):
    """Numbers of one checkpoint; ``type_vocab_size`` 0 (as in gte-base-en-v1.5) has no token types."""

    architecture: ClassVar[str] = "gte"
    unused: ClassVar[tuple[str, ...]] = (
        "pooler.",
        "classifier.",
        "lm_head.",
        "embeddings.position_ids",
        "embeddings.rotary_emb.",
    )

    type_vocab_size: int
    rope_theta: float
    ntk_factor: float
    """See ``rotary.inverse_frequencies``; 1 for plain rotation."""

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds the tensors against it."""
        return config.get("model_type") in _MODEL_TYPES

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Keys are those of new-impl; the rotation's base may be in transformers' ``rope_parameters``."""
        reader = Reader(config)
        for key, supported in _SWITCHES.items():
            reader.only(key, supported, default=supported)
        architecture = cls(
            **cls.sizes(reader),
            type_vocab_size=reader.count("type_vocab_size"),
            layer_norm_eps=reader.positive_float("layer_norm_eps", default=1e-12),
            rope_theta=unscaled_theta(
                "rope_parameters",
                config.get("rope_parameters"),
                config,
                "rope_theta",
                _THETA if config["model_type"] == "gte" else None,
            ),
            ntk_factor=_ntk_factor(config.get("rope_scaling")),
        )
        same_first_layer(architecture, names, "encoder.layer.0.")
        return architecture

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of the published checkpoints, ``new.`` left out."""
        width, inner = self.hidden_size, self.intermediate_size
        shapes = matrix("embeddings.word_embeddings", self.vocab_size, width)
        if self.type_vocab_size:
            shapes |= matrix("embeddings.token_type_embeddings", self.type_vocab_size, width)
        shapes |= affine("embeddings.LayerNorm", width)
        for n in range(self.num_layers):
            layer = f"encoder.layer.{n}"
            shapes |= affine(f"{layer}.attention.qkv_proj", 3 * width, width)
            shapes |= affine(f"{layer}.attention.o_proj", width, width)
            shapes |= affine(f"{layer}.attn_ln", width)
            shapes |= matrix(f"{layer}.mlp.up_gate_proj", 2 * inner, width)
            shapes |= affine(f"{layer}.mlp.down_proj", width, inner)
            shapes |= affine(f"{layer}.mlp_ln", width)
        return shapes


def _ntk_factor(scaling: object) -> float:
    """``rope_scaling``: null, or {"type": "ntk", "factor": 2.0}."""
    if scaling is None:
        return 1.0
    supported = "null, or type 'ntk' with a factor of at least 1 alone"
    if not isinstance(scaling, Mapping) or set(scaling) - {"type", "rope_type", "factor", "mixed_b"}:
        raise UnsupportedConfig("rope_scaling", scaling, supported)
    kinds = {scaling[key] for key in ("type", "rope_type") if key in scaling}
    factor = Reader(scaling).positive_float("factor")
    if kinds != {"ntk"} or scaling.get("mixed_b") is not None or factor < 1:
        raise UnsupportedConfig("rope_scaling", scaling, supported)
    return factor


CONFIG = GteConfig
