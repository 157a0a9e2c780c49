"""JinaBERT (Günther et al., arXiv:2310.19923): BERT with ALiBi and a gated feed-forward, two variants.

``code``  jina-embeddings-v2-base-code, reference code jinaai/jina-bert-v2-qk-post-norm
``en``    jina-embeddings-v2-{base,small}-en, reference code jinaai/jina-bert-implementation

The two differ in flow as well as in names (see ``mlx.py``), and ``config.json`` holds
no key for it: its ``model_type`` is plain "bert". So the tensor names decide, and where the
configuration names its reference code, that has to agree. Other variants
(jinaai/jina-bert-v2-qk-devlin-norm-1e-2 is one) are refused by name: equal names need not mean equal flow.

jina-reranker-v1-{tiny,turbo}-en are the en variant with a head on the first token, pooler and
classifier, for one score; the tensors of the head show it. Other numbers of labels are refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar, Literal, Self

from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.architectures.shared.encoder import EncoderConfig
from mlx_jinabert.architectures.shared.shapes import affine, attention, matrix
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "JinaBertConfig", "Variant"]

Variant = Literal["code", "en"]

_SIGNATURE: Mapping[Variant, str] = {
    "code": "encoder.layer.0.mlp.up_gated_layer.weight",
    "en": "encoder.layer.0.mlp.gated_layers.weight",
}
_REFERENCE_CODE: Mapping[str, Variant] = {
    "jinaai/jina-bert-v2-qk-post-norm": "code",
    "jinaai/jina-bert-implementation": "en",
}
_JINA_CODE = re.compile(r"jinaai/jina-bert-(?:v2-[\w.-]+|implementation)")


@dataclass(frozen=True, slots=True, kw_only=True)
class JinaBertConfig(EncoderConfig):
    """Numbers of one JinaBERT checkpoint; ``max_position`` is a choice (ALiBi has no table)."""

    architecture: ClassVar[str] = "jina_bert"
    unused: ClassVar[tuple[str, ...]] = ("pooler.", "cls.", "embeddings.position_ids")
    final_graphs: ClassVar[frozenset[str]] = frozenset({"float32", "int8"})

    variant: Variant
    type_vocab_size: int

    @property
    def token_types(self) -> int:
        """The height of the table of token types."""
        return self.type_vocab_size

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """A gated feed-forward in one of the two spellings, or a configuration that says JinaBERT."""
        shown = any(name in names for name in _SIGNATURE.values())
        return shown or config.get("position_embedding_type") == "alibi" or any(_reference_code(config))

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Without ``position_embedding_type`` and ``feed_forward_type`` the reference is a plain BERT:
        both are required.
        """
        variant = _agreed_variant(config, names)
        reader = Reader(config)
        reader.only("model_type", "bert", "jina_bert", default="bert")
        reader.only("position_embedding_type", "alibi")
        reader.only("feed_forward_type", "geglu")
        reader.only("hidden_act", "gelu", default="gelu")
        labels = _labels(config, variant, names)
        # Our own key: no checkpoint of Jina's has it.
        counts = reader.only("count_repeated_tokens", False, *([] if labels else [True]), default=False)
        return cls(
            num_labels=labels,
            variant=variant,
            counts_repeats=counts is True,
            **cls.sizes(reader),
            type_vocab_size=reader.positive_int("type_vocab_size", default=2),
            layer_norm_eps=reader.positive_float("layer_norm_eps", default=1e-12),
        )

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of the published checkpoints."""
        width = self.hidden_size
        head = affine("classifier", self.num_labels, width) | affine("pooler.dense", width, width)
        shapes = {
            **(head if self.num_labels else {}),
            **matrix("embeddings.word_embeddings", self.vocab_size, width),
            **matrix("embeddings.token_type_embeddings", self.type_vocab_size, width),
            **affine("embeddings.LayerNorm", width),
        }
        for n in range(self.num_layers):
            layer = f"encoder.layer.{n}"
            shapes |= attention(layer, width)
            shapes |= self._code_layer(layer) if self.variant == "code" else self._en_layer(layer)
        return shapes

    def _code_layer(self, layer: str) -> dict[str, Shape]:
        width, inner = self.hidden_size, self.intermediate_size
        shapes = matrix(f"{layer}.mlp.up_gated_layer", 2 * inner, width)
        shapes |= affine(f"{layer}.mlp.down_layer", width, inner)
        for norm in ("attention.self.layer_norm_q", "attention.self.layer_norm_k"):
            shapes |= affine(f"{layer}.{norm}", width)
        for norm in ("layer_norm_1", "layer_norm_2"):
            shapes |= affine(f"{layer}.{norm}", width)
        return shapes

    def _en_layer(self, layer: str) -> dict[str, Shape]:
        width, inner = self.hidden_size, self.intermediate_size
        shapes = matrix(f"{layer}.mlp.gated_layers", 2 * inner, width)
        shapes |= affine(f"{layer}.mlp.wo", width, inner)
        return shapes | affine(f"{layer}.mlp.layernorm", width)


def _reference_code(config: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """(key, value, repository) for each of Jina's implementations that ``config.json`` names."""
    auto_map = config.get("auto_map")
    values = [("_name_or_path", config.get("_name_or_path"))]
    if isinstance(auto_map, Mapping):
        values += [(f"auto_map.{key}", value) for key, value in auto_map.items()]
    for key, value in values:
        found = _JINA_CODE.match(str(value).partition("--")[0])
        if found:
            yield key, str(value), found.group()


def _labels(config: Mapping[str, object], variant: Variant, names: Collection[str]) -> int:
    """Count the scores of the head: 1, or 0 without a head."""
    head = sorted(name for name in names if name.startswith("classifier."))
    if not head:
        return 0
    if variant != "en":
        raise WeightMismatch(extra=head, hint="a classifier is known for the en variant alone")
    named = config.get("id2label")
    found = len(named) if isinstance(named, Mapping) else config.get("num_labels", 1)
    if found != 1:
        raise UnsupportedConfig("id2label", found, "one label, the relevance of a document to a query")
    return 1


def _agreed_variant(config: Mapping[str, object], names: Collection[str]) -> Variant:
    shown: list[Variant] = [variant for variant, name in _SIGNATURE.items() if name in names]
    claimed: list[Variant] = []
    for key, value, repository in _reference_code(config):
        if repository not in _REFERENCE_CODE:
            raise UnsupportedConfig(key, value, tuple(_REFERENCE_CODE))
        claimed.append(_REFERENCE_CODE[repository])
    agreed = set(shown) | set(claimed)
    if len(shown) == len(agreed) == 1:
        return shown[0]
    raise _not_the_claimed(names, claimed or list(_SIGNATURE))


def _not_the_claimed(names: Collection[str], wanted: list[Variant]) -> WeightMismatch:
    """One layer says enough: what it lacks and what it has of the variants in question."""
    first = "encoder.layer.0."
    known = {name for variant in wanted for name in _shapes_of_one_layer(variant) if name.startswith(first)}
    found = {name for name in names if name.startswith(first)}
    variants = " or ".join(repr(variant) for variant in sorted(set(wanted)))
    return WeightMismatch(
        missing=sorted(known - found),
        extra=sorted(found - known),
        hint=f"config.json says JinaBERT, {variants} variant; the tensors say otherwise",
    )


def _shapes_of_one_layer(variant: Variant) -> dict[str, Shape]:
    return JinaBertConfig(
        variant=variant,
        hidden_size=1,
        max_position=1,
        vocab_size=1,
        type_vocab_size=1,
        num_layers=1,
        num_heads=1,
        intermediate_size=1,
        layer_norm_eps=1.0,
    ).tensor_shapes()


CONFIG = JinaBertConfig
