"""Configuration of decoders, shared by Qwen2 and Qwen3: grouped heads, RoPE, the mask, names of one layer.

Both are decoders with pre-norm RMSNorm (Zhang and Sennrich, arXiv:1910.07467), rotary positions (Su et
al., arXiv:2104.09864), grouped queries (Ainslie et al., arXiv:2305.13245) and SwiGLU (Shazeer,
arXiv:2002.05202). Refused by key: scaled RoPE, sliding windows, other activations; and a mask that nobody
states: a checkpoint that brings its own attention code without saying ``is_causal`` may be either.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from mlx_jinabert.architectures.shared.config import ArchitectureConfig, Reader, Shape
from mlx_jinabert.architectures.shared.shapes import matrix
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["DecoderConfig"]

_PLAIN_ROPE = {"rope_type", "type", "rope_theta", "partial_rotary_factor"}
_CAUSAL_CODE = ("", "modeling_jina_embeddings_c1")
"""Modules of attention code that are known to be causal: none at all, and that of jina-code-embeddings."""
_PROJECTION = "linear.weight"
_SCALES = (".scales", ".biases")
"""Endings of the tensors that quantised layers have beside their weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig(ArchitectureConfig):
    """Numbers of one decoder; ``head_dim`` need not be ``hidden_size / num_heads``."""

    prefixes: ClassVar[tuple[str, ...]] = ("model.",)
    unused: ClassVar[tuple[str, ...]] = ("lm_head.",)

    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    rms_norm_eps: float
    rope_theta: float
    is_causal: bool
    """Whether a token sees only what is before it; with False all tokens see each other."""

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``, as the two differ in little: ``read`` holds it against the tensors."""
        return config.get("model_type") == cls.architecture

    @classmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Keys and defaults are those of transformers; ``is_causal`` is what loaders made of it."""
        config = cls._language(config)
        reader = Reader(config)
        cls._check(reader)
        cls._check_blocks(config)
        hidden, heads = reader.positive_int("hidden_size"), reader.positive_int("num_attention_heads")
        kv_heads = reader.positive_int("num_key_value_heads")
        if heads % kv_heads:
            raise UnsupportedConfig("num_key_value_heads", kv_heads, f"a divisor of {heads} heads")
        architecture = cls(
            hidden_size=hidden,
            max_position=reader.positive_int("max_position_embeddings"),
            quantization=reader.quantization(cls.canonical),
            vocab_size=reader.positive_int("vocab_size"),
            num_layers=reader.positive_int("num_hidden_layers"),
            num_heads=heads,
            num_kv_heads=kv_heads,
            head_dim=cls._head_dim(reader, hidden, heads),
            intermediate_size=reader.positive_int("intermediate_size"),
            rms_norm_eps=reader.positive_float("rms_norm_eps"),
            rope_theta=_rope_theta(config),
            is_causal=_is_causal(config),
            projection=reader.positive_int("num_labels") if _PROJECTION in names else 0,
            **cls._own(config),
        )
        architecture._check_first_layer(names)
        return architecture

    @classmethod
    def _check(cls, reader: Reader) -> None:
        """Refuse values of keys that this architecture alone has."""

    @classmethod
    def _language(cls, config: Mapping[str, object]) -> Mapping[str, object]:
        """The part of ``config.json`` that is about the decoder, in the spelling of one for text alone."""
        return config

    @classmethod
    def _check_blocks(cls, config: Mapping[str, object]) -> None:
        """Refuse another feed-forward or attention than that of both Qwen."""
        Reader(config).only("hidden_act", "silu", default="silu")
        _no_window(config)

    @classmethod
    def _own(cls, config: Mapping[str, object]) -> dict[str, Any]:
        """Fields that a family has beside the shared ones."""
        return {}

    @classmethod
    @abstractmethod
    def _head_dim(cls, reader: Reader, hidden: int, heads: int) -> int:
        """Width of one head."""

    @abstractmethod
    def _attention_shapes(self, attention: str) -> dict[str, Shape]:
        """Shapes of the tensors that the attention block has beside its four matrices."""

    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical names are those of transformers' base model: no ``model.`` before them."""
        shapes = {
            **matrix("embed_tokens", self.vocab_size, self.hidden_size),
            **matrix("norm", self.hidden_size),
        }
        if self.projection:
            shapes[_PROJECTION] = (self.projection, self.hidden_size)
        for n in range(self.num_layers):
            shapes |= self._layer(f"layers.{n}")
        return shapes

    def dropped(self, name: str) -> bool:
        """The head over the vocabulary (tied or not), and the RoPE tables of old saves."""
        canonical = self.canonical(name)
        return canonical.startswith(self.unused) or canonical.endswith(".rotary_emb.inv_freq")

    def _layer(self, layer: str) -> dict[str, Shape]:
        width, inner, attention = self.hidden_size, self.intermediate_size, f"{layer}.self_attn"
        queries, keys = self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim
        return {
            **matrix(f"{layer}.input_layernorm", width),
            **matrix(f"{attention}.q_proj", queries, width),
            **matrix(f"{attention}.k_proj", keys, width),
            **matrix(f"{attention}.v_proj", keys, width),
            **matrix(f"{attention}.o_proj", width, queries),
            **self._attention_shapes(attention),
            **matrix(f"{layer}.post_attention_layernorm", width),
            **matrix(f"{layer}.mlp.gate_proj", inner, width),
            **matrix(f"{layer}.mlp.up_proj", inner, width),
            **matrix(f"{layer}.mlp.down_proj", width, inner),
        }

    def _check_first_layer(self, names: Collection[str]) -> None:
        """One layer says enough to tell Qwen2, Qwen3 and foreign decoders apart, before a weight is read."""
        first = "layers.0."
        known = set(self._layer("layers.0"))
        found = {name for name in names if name.startswith(first) and not name.endswith(_SCALES)}
        extra = {name for name in found - known if not self.dropped(name)}
        if extra or known - found:
            hint = f"config.json says {self.architecture!r}; the tensors say otherwise"
            raise WeightMismatch(missing=sorted(known - found), extra=sorted(extra), hint=hint)


def _no_window(config: Mapping[str, object]) -> None:
    """``sliding_window`` counts where it is switched on alone; the published configurations leave it off."""
    Reader(config).only("use_sliding_window", False, default=False)
    kinds = config.get("layer_types")
    if kinds is not None and (not isinstance(kinds, list) or set(kinds) != {"full_attention"}):
        raise UnsupportedConfig("layer_types", kinds, ("full_attention",))


def _rope_theta(config: Mapping[str, object]) -> float:
    """``rope_theta``, or ``rope_parameters`` as transformers 5 writes it; there is no default to guess."""
    parameters: dict[str, Any] = {}
    for key in ("rope_scaling", "rope_parameters"):
        section = config.get(key)
        if section is None:
            continue
        if not isinstance(section, Mapping) or set(section) - _PLAIN_ROPE:
            raise UnsupportedConfig(key, section, "rope_theta and rope_type 'default', unscaled")
        reader = Reader(section)
        reader.only("rope_type", "default", default="default")
        reader.only("type", "default", default="default")
        reader.only("partial_rotary_factor", 1.0, 1, default=1.0)
        parameters |= section
    if "rope_theta" in config:
        top = Reader(config).positive_float("rope_theta")
        if parameters.get("rope_theta", top) != top:
            raise UnsupportedConfig("rope_parameters", parameters, f"rope_theta {top:g}, as beside it")
        return top
    return Reader(parameters).positive_float("rope_theta")


def _is_causal(config: Mapping[str, object]) -> bool:
    """Stated, or causal by nature; foreign attention code that states nothing is not guessed at.

    gte-Qwen2's ``modeling_qwen`` computes both ways, and of its descendants some were trained one way and
    some the other.
    """
    if "is_causal" in config:
        return bool(Reader(config).only("is_causal", True, False))
    if Reader(config).only("use_bidirectional_attention", True, False, None, default=None):
        return False
    auto_map = config.get("auto_map")
    code = str(auto_map.get("AutoModel", "")) if isinstance(auto_map, Mapping) else ""
    if code.rpartition("--")[2].partition(".")[0] not in _CAUSAL_CODE:
        raise UnsupportedConfig(
            "is_causal",
            None,
            f"true or false: config.json names {code}, which may compute either; pass "
            'config_overrides={"is_causal": False} (or True), or convert-weights --set is_causal=...',
        )
    return True
