"""NomicBERT (Nussbaum et al., arXiv:2402.01613): BERT with rotary positions, SwiGLU and no biases in it.

Serves CodeRankEmbed, SweRankEmbed-Small and nomic-embed-text-v1.5. The reference code has switches for
much that no published embedder uses (norms before the blocks, partial, interleaved or scaled rotation,
xPos, biases, experts): each is refused by its key.

A configuration is in GPT-2's spelling (``n_embd``), in that of transformers 5 (``hidden_size``), or in
both, which then have to agree. The reference's defaults are those of a GPT-2, so its switches are required.
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

__all__ = ["CONFIG", "NomicBertConfig"]

_SPELLINGS: Mapping[str, str] = {
    "n_embd": "hidden_size",
    "n_layer": "num_hidden_layers",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "layer_norm_epsilon": "layer_norm_eps",
}
"""GPT-2's key -> that of transformers."""

_REQUIRED: Mapping[str, tuple[object, ...]] = {
    "activation_function": ("swiglu",),
    "prenorm": (False,),
    "qkv_proj_bias": (False,),
    "mlp_fc1_bias": (False,),
    "mlp_fc2_bias": (False,),
    "rotary_emb_fraction": (1.0, 1),
}
_OPTIONAL: Mapping[str, object] = {
    "rotary_emb_interleaved": False,
    "rotary_emb_scale_base": None,
    "rotary_scaling_factor": None,
    "use_rms_norm": False,
    "parallel_block": False,
    "causal": False,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "moe_every_n_layers": 0,
}
"""Switches of the reference code, and the value that is implemented; where missing it is the default."""

_THETA = 1000.0
"""Base of the rotation that transformers takes where none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NomicBertConfig(EncoderConfig):
    """Numbers of one NomicBERT checkpoint; ``type_vocab_size`` 0 has no token types."""

    architecture: ClassVar[str] = "nomic_bert"
    unused: ClassVar[tuple[str, ...]] = ("pooler.", "cls.", "embeddings.position_ids")

    type_vocab_size: int
    rope_theta: float

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds the tensors against it."""
        return config.get("model_type") == cls.architecture

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """``max_position`` is ``n_positions``: rotation has no table, and no scaling begins at a length."""
        reader = Reader(_one_spelling(config))
        _check_switches(reader, in_gpt2_spelling="n_embd" in config)
        sizes = cls.sizes(reader)
        reader.only("head_dim", sizes["hidden_size"] // sizes["num_heads"], None, default=None)
        architecture = cls(
            **sizes,
            type_vocab_size=reader.count("type_vocab_size", default=2),
            layer_norm_eps=reader.positive_float("layer_norm_eps", default=1e-12),
            rope_theta=_rope_theta(config),
        )
        same_first_layer(architecture, names, "encoder.layers.0.")
        return architecture

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of the published checkpoints."""
        width, inner = self.hidden_size, self.intermediate_size
        shapes = matrix("embeddings.word_embeddings", self.vocab_size, width)
        if self.type_vocab_size:
            shapes |= matrix("embeddings.token_type_embeddings", self.type_vocab_size, width)
        shapes |= affine("emb_ln", width)
        for n in range(self.num_layers):
            layer = f"encoder.layers.{n}"
            shapes |= matrix(f"{layer}.attn.Wqkv", 3 * width, width)
            shapes |= matrix(f"{layer}.attn.out_proj", width, width)
            shapes |= matrix(f"{layer}.mlp.fc11", inner, width)
            shapes |= matrix(f"{layer}.mlp.fc12", inner, width)
            shapes |= matrix(f"{layer}.mlp.fc2", width, inner)
            shapes |= affine(f"{layer}.norm1", width) | affine(f"{layer}.norm2", width)
        return shapes


def _one_spelling(config: Mapping[str, object]) -> dict[str, object]:
    """The configuration with transformers' keys filled from GPT-2's."""
    filled = dict(config)
    for old, new in _SPELLINGS.items():
        if old not in config:
            continue
        if config.get(new, config[old]) != config[old]:
            raise UnsupportedConfig(new, config[new], f"{config[old]}, as {old} says")
        filled[new] = config[old]
    if "n_positions" in config:  # the reference reads it alone, whatever the other key says
        filled["max_position_embeddings"] = config["n_positions"]
    return filled


def _check_switches(reader: Reader, *, in_gpt2_spelling: bool) -> None:
    reader.only("hidden_act", "silu", default="silu")
    for key, supported in _REQUIRED.items():
        if in_gpt2_spelling:
            reader.only(key, *supported)
        else:
            reader.only(key, *supported, default=supported[0])
    for key, value in _OPTIONAL.items():
        reader.only(key, value, default=value)


def _rope_theta(config: Mapping[str, object]) -> float:
    """GPT-2's spelling has to name it (the reference would take 10,000), that of transformers need not."""
    default = None if "n_embd" in config and "rope_parameters" not in config else _THETA
    return unscaled_theta(
        "rope_parameters", config.get("rope_parameters"), config, "rotary_emb_base", default
    )


CONFIG = NomicBertConfig
