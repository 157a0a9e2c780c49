"""ModernBERT (Warner et al., arXiv:2412.13663): an encoder with local and global attention, without biases.

Serves gte-modernbert-base and IBM's granite-embedding r2 models, the multilingual ones included. Keys are
those of transformers 4 (``global_attn_every_n_layers``, ``global_rope_theta``) and 5 (``layer_types``,
``rope_parameters`` by kind of layer); biases, scaled rotation and other activations are refused by key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, Self

from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.encoder import EncoderConfig
from mlx_jinabert.architectures.shared.rope import unscaled_theta
from mlx_jinabert.architectures.shared.shapes import affine, matrix, same_first_layer
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "ModernBertConfig"]

_KINDS = ("full_attention", "sliding_attention")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModernBertConfig(EncoderConfig):
    """Numbers of one ModernBERT checkpoint."""

    architecture: ClassVar[str] = "modernbert"
    unused: ClassVar[tuple[str, ...]] = ("head.", "decoder.")

    activation: str
    """Of the first half of the widened vector: "gelu" (exact) or "silu"."""
    is_global: tuple[bool, ...]
    """By layer: attention over the whole text, or over ``window`` tokens to either side."""
    window: int
    global_theta: float
    local_theta: float
    classifies: Literal["cls", "mean"] = "cls"
    """The pooling in front of a classifier."""
    classifier_bias: bool = False
    """Of the dense layer in front of the classifier."""

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds the tensors against it."""
        return config.get("model_type") == cls.architecture

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Defaults are those of transformers' ``ModernBertConfig``, the same in releases 4 and 5."""
        reader = Reader(config)
        for key in ("attention_bias", "mlp_bias", "norm_bias"):
            reader.only(key, False, default=False)
        reader.only("rope_scaling", None, default=None)
        sizes = cls.sizes(reader)
        architecture = cls(
            **sizes,
            layer_norm_eps=reader.positive_float("norm_eps", default=1e-5),
            activation=str(reader.only("hidden_activation", "gelu", "silu", default="gelu")),
            is_global=_global_layers(config, sizes["num_layers"]),
            window=_window(reader),
            global_theta=_theta(config, "full_attention", "global_rope_theta", 160_000.0),
            local_theta=_theta(config, "sliding_attention", "local_rope_theta", 10_000.0),
            **_classifier(config, names),
        )
        same_first_layer(architecture, names, "layers.0.")
        return architecture

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of transformers' ``ModernBertModel``; layer 0 has no ``attn_norm``."""
        width, inner = self.hidden_size, self.intermediate_size
        shapes = matrix("embeddings.tok_embeddings", self.vocab_size, width)
        shapes |= matrix("embeddings.norm", width) | matrix("final_norm", width)
        for n in range(self.num_layers):
            layer = f"layers.{n}"
            if n:
                shapes |= matrix(f"{layer}.attn_norm", width)
            shapes |= matrix(f"{layer}.attn.Wqkv", 3 * width, width)
            shapes |= matrix(f"{layer}.attn.Wo", width, width)
            shapes |= matrix(f"{layer}.mlp_norm", width)
            shapes |= matrix(f"{layer}.mlp.Wi", 2 * inner, width)
            shapes |= matrix(f"{layer}.mlp.Wo", width, inner)
        if self.num_labels:
            head = affine if self.classifier_bias else matrix
            shapes |= head("head.dense", width, width) | matrix("head.norm", width)
            shapes |= affine("classifier", self.num_labels, width)
        return shapes

    def dropped(self, name: str) -> bool:
        """The head for masked words; that of a classifier is used."""
        unused = ("decoder.",) if self.num_labels else self.unused
        return self.canonical(name).startswith(unused)


def _classifier(config: Mapping[str, object], names: Collection[str]) -> dict[str, Any]:
    """The fields of a head that gives one score; none where there is no head."""
    if "classifier.weight" not in names:
        return {}
    reader = Reader(config)
    reader.only("classifier_activation", "gelu", default="gelu")
    named = config.get("id2label")
    found = len(named) if isinstance(named, Mapping) else config.get("num_labels", 1)
    if found != 1:
        raise UnsupportedConfig("id2label", found, "one label, the relevance of a document to a query")
    return {
        "num_labels": 1,
        "classifies": reader.only("classifier_pooling", "cls", "mean", default="cls"),
        "classifier_bias": reader.only("classifier_bias", True, False, default=False),
    }


def _window(reader: Reader) -> int:
    """Tokens that a local layer sees on either side: half of ``local_attention``, itself not counted."""
    window = reader.positive_int("local_attention", default=128) // 2
    reader.only("sliding_window", window, None, default=None)
    return window


def _global_layers(config: Mapping[str, object], layers: int) -> tuple[bool, ...]:
    kinds = config.get("layer_types")
    if kinds is None:
        every = Reader(config).positive_int("global_attn_every_n_layers", default=3)
        return tuple(n % every == 0 for n in range(layers))
    if not isinstance(kinds, list) or len(kinds) != layers or set(kinds) - set(_KINDS):
        raise UnsupportedConfig("layer_types", kinds, f"{layers} of {' and '.join(_KINDS)}")
    return tuple(kind == "full_attention" for kind in kinds)


def _theta(config: Mapping[str, object], kind: str, old: str, default: float) -> float:
    parameters = config.get("rope_parameters")
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, Mapping) or set(parameters) - set(_KINDS):
        raise UnsupportedConfig("rope_parameters", parameters, f"objects by {' and '.join(_KINDS)}")
    return unscaled_theta(f"rope_parameters.{kind}", parameters.get(kind), config, old, default)


CONFIG = ModernBertConfig
