"""CodeSage v2 (Zhang et al., arXiv:2402.01935): GPT-2's blocks without the causal mask, as an encoder.

Its tensors carry GPT-2's names, so ``model_type`` has to say "codesage": a GPT-2 would be computed
without its mask. ``bos_token_id`` and ``eos_token_id`` of the published configurations lie outside of the
vocabulary and are not read; the end token is the tokenizer's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Self

from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.encoder import EncoderConfig
from mlx_jinabert.architectures.shared.shapes import affine, matrix
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "CodeSageConfig"]

_GPT2_KEYS: Mapping[str, str] = {
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "n_layer": "num_hidden_layers",
    "n_positions": "max_position_embeddings",
}
"""Spelling of GPT-2 -> spelling of the reference implementation, which wins where both are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSageConfig(EncoderConfig):
    """Numbers of one CodeSage checkpoint; ``max_position`` is the height of its position table."""

    architecture: ClassVar[str] = "codesage"
    prefixes: ClassVar[tuple[str, ...]] = ("transformer.",)
    unused: ClassVar[tuple[str, ...]] = ("lm_head.",)

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """GPT-2's names, or a configuration that claims them."""
        shown = {"wte.weight", "wpe.weight", "h.0.attn.c_attn.weight"}
        return config.get("model_type") == cls.architecture or all(name in names for name in shown)

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Without ``intermediate_size`` (or with null) the reference takes four times the width."""
        respelled = {_GPT2_KEYS.get(key, key): value for key, value in config.items()}
        given = {key: value for key, value in (respelled | dict(config)).items() if value is not None}
        width = given.get("hidden_size")
        reader = Reader({"intermediate_size": 4 * width, **given} if isinstance(width, int) else given)
        reader.only("model_type", cls.architecture)
        reader.only("activation_function", "gelu_new", default="gelu_new")
        reader.only("position_embedding_type", "absolute", default="absolute")
        return cls(
            **cls.sizes(reader),
            layer_norm_eps=reader.positive_float("layer_norm_epsilon", default=1e-5),
        )

    def tensor_shapes(self) -> dict[str, Shape]:
        """Dense weights are (in, out), as in GPT-2."""
        width, inner = self.hidden_size, self.intermediate_size
        shapes = {
            **matrix("wte", self.vocab_size, width),
            **matrix("wpe", self.max_position, width),
            **affine("ln_f", width),
        }
        for n in range(self.num_layers):
            shapes |= affine(f"h.{n}.ln_1", width) | affine(f"h.{n}.ln_2", width)
            shapes |= _transposed(f"h.{n}.attn.c_attn", width, 3 * width)
            shapes |= _transposed(f"h.{n}.attn.c_proj", width, width)
            shapes |= _transposed(f"h.{n}.mlp.c_fc", width, inner)
            shapes |= _transposed(f"h.{n}.mlp.c_proj", inner, width)
        return shapes


def _transposed(name: str, wide: int, out: int) -> dict[str, Shape]:
    """A dense layer that is stored as (in, out), with its bias."""
    return {f"{name}.weight": (wide, out), f"{name}.bias": (out,)}


CONFIG = CodeSageConfig
