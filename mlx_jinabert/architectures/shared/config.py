"""The base of every architecture's configuration: the strict reader and the tensor-name rules.

``config.json`` is never trusted: a key that changes numbers is read or held against its one
supported value, and anything else raises ``UnsupportedConfig`` with the key. Nothing here (nor in
its neighbours) imports a framework; shapes are plain tuples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import ClassVar, Self

from mlx_jinabert.checkpoint.weights import Shape
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["AffineQuantization", "ArchitectureConfig", "Reader", "Shape"]

_REQUIRED = object()
_MOST = 2**31 - 1
"""More fits no table and no position id."""
_PACKING = ("group_size", "bits", "mode")
_GROUP_SIZES, _BITS = (32, 64, 128), (2, 3, 4, 5, 6, 8)


class Reader:
    """Typed access to ``config.json``; every failure names the key, its value and what is supported."""

    def __init__(self, config: Mapping[str, object]) -> None:
        self._config = config

    def positive_int(self, key: str, default: object = _REQUIRED) -> int:
        """A count or width; a missing key without a default is an error."""
        return self._integer(key, default, 1, "a positive integer")

    def count(self, key: str, default: object = _REQUIRED) -> int:
        """A count that may be 0, where the part in question can be left out."""
        return self._integer(key, default, 0, "an integer, 0 or more")

    def positive_float(self, key: str, default: object = _REQUIRED) -> float:
        """A number greater than zero, such as the epsilon of a layer norm."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise UnsupportedConfig(key, value, "a positive number")
        return float(value)

    def only(self, key: str, *supported: object, default: object = _REQUIRED) -> object:
        """The value of a key that is implemented for ``supported`` alone.

        ``default`` is what the reference implementation takes where the key is missing; it has to
        be among ``supported`` as well.
        """
        value = self._get(key, default)
        if not any(value == known and type(value) is type(known) for known in supported):
            raise UnsupportedConfig(key, value, supported)
        return value

    def quantization(self, canonical: Callable[[str], str]) -> AffineQuantization | None:
        """The record that MLX tools leave beside quantised weights; foreign schemes are refused.

        Beside the packing of all layers it may state that of single ones, by their stored name: another one,
        true for that of all, or false for none. ``canonical`` is that of the architecture's tensor names.
        """
        record, foreign = self._config.get("quantization"), self._config.get("quantization_config")
        if foreign is not None and foreign != record:
            raise UnsupportedConfig("quantization_config", foreign, "the affine scheme of MLX, or none")
        if record is None:
            return None
        if not isinstance(record, Mapping):
            raise UnsupportedConfig("quantization", record, "an object with group_size and bits")
        single = {key: value for key, value in record.items() if key not in _PACKING}
        layers = []
        for name, value in single.items():
            key = f"quantization.{name}"
            if isinstance(value, Mapping):
                layer = canonical(f"{name}.weight").removesuffix(".weight")
                layers.append((layer, _packing(key, {**record, **value})))
            elif not isinstance(value, bool):
                raise UnsupportedConfig(key, value, "group_size and bits of that layer, true or false")
        return replace(_packing("quantization", record), layers=tuple(sorted(layers, key=itemgetter(0))))

    def _integer(self, key: str, default: object, least: int, expected: str) -> int:
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UnsupportedConfig(key, value, expected)
        if value > _MOST:
            raise UnsupportedConfig(key, value, f"at most {_MOST}")
        return value

    def _get(self, key: str, default: object) -> object:
        if key in self._config:
            return self._config[key]
        return None if default is _REQUIRED else default


def _packing(key: str, record: Mapping[str, object]) -> AffineQuantization:
    """The packing that one object of the record states; ``key``: its place in config.json."""
    if record.get("mode", "affine") != "affine":
        supported = "'affine'; convert the original weights, or quantise them so"
        raise UnsupportedConfig(f"{key}.mode", record["mode"], supported)
    found = Reader({f"{key}.{part}": record.get(part) for part in _PACKING})
    found.only(f"{key}.group_size", *_GROUP_SIZES)
    found.only(f"{key}.bits", *_BITS)
    return AffineQuantization(found.positive_int(f"{key}.group_size"), found.positive_int(f"{key}.bits"))


@dataclass(frozen=True, slots=True)
class AffineQuantization:
    """Affine quantisation of MLX: ``bits`` per weight, one scale and bias per ``group_size`` columns."""

    group_size: int
    bits: int
    layers: tuple[tuple[str, AffineQuantization], ...] = ()
    """Layers that are packed in another way, by their canonical name."""

    def of(self, layer: str) -> AffineQuantization:
        """The packing of one layer, by its canonical name."""
        return dict(self.layers).get(layer, self)

    def packed_shape(self, shape: Shape) -> Shape:
        """Shape of the uint32 words that hold a (out, in) weight."""
        return (*shape[:-1], shape[-1] * self.bits // 32)

    def group_shape(self, shape: Shape) -> Shape:
        """Shape of the scales, and of the biases, of a (out, in) weight."""
        return (*shape[:-1], shape[-1] // self.group_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureConfig(ABC):
    """One architecture, as numbers: what a model, a graph and the weights are held against."""

    architecture: ClassVar[str]
    """Name of its folder."""
    prefixes: ClassVar[tuple[str, ...]] = ("bert.", "model.", "transformer.", "new.")
    """Prefixes that saves of a larger model put before every tensor name."""
    unused: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the canonical names of tensors that take no part in an embedding."""

    bare_tokens: ClassVar[bool] = False
    """Whether texts go in without special tokens and without unknown ones."""
    pools_itself: ClassVar[bool] = False
    """Whether the vectors of tokens become one by layers of its own: ``pool`` of its implementations."""
    overflows_float16: ClassVar[bool] = False
    """Whether activations leave the range of float16, so that bfloat16 is the half type to compute in."""
    final_graphs: ClassVar[frozenset[str]] = frozenset()
    """Types whose ONNX graphs are what ONNX Runtime's optimiser would make of them, so that they are opened
    without it, which takes less time. Graphs with labels never are."""

    hidden_size: int
    vocab_size: int
    """Rows of the embedding table."""
    max_position: int
    """The longest input in tokens."""
    quantization: AffineQuantization | None = None
    projection: int = 0
    """Width that the vectors of tokens are projected to at last; 0 where they stay as they are."""
    counts_repeats: bool = False
    """Whether a token that stands in a text several times is read once, where it stands first, and weighs
    more in attention and in pooling: the square root of how often it stands."""
    num_labels: int = 0
    """Scores that a classifier head gives for a sequence; 0 for a model that gives vectors."""

    @property
    def token_types(self) -> int:
        """Token types that tell the two texts of a pair apart; 0 where the model knows none."""
        return 0

    @property
    def output_size(self) -> int:
        """Width of what a sequence is turned into: scores, or the components of a vector."""
        return self.num_labels or self.projection or self.hidden_size

    @property
    def head_width(self) -> int:
        """Width of an attention head; 0 for an architecture without attention."""
        heads = getattr(self, "num_heads", 0)
        return getattr(self, "head_dim", 0) or (self.hidden_size // heads if heads else 0)

    @classmethod
    @abstractmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """Whether canonical tensor names show this architecture, or ``config.json`` claims it."""

    @classmethod
    @abstractmethod
    def read(cls, config: Mapping[str, object], names: Collection[str]) -> Self:
        """Checks ``config.json`` against the code and, for variants, against canonical tensor names."""

    @abstractmethod
    def tensor_shapes(self) -> dict[str, Shape]:
        """Canonical name -> shape of every tensor that the forward pass uses, unquantised."""

    @classmethod
    def canonical(cls, name: str) -> str:
        """The tensor's name without a prefix and in today's spelling of the layer-norm parameters."""
        for prefix in cls.prefixes:
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
                break
        for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
            if name.endswith(old):
                return name.removesuffix(old) + new
        return name

    def dropped(self, name: str) -> bool:
        """Whether a tensor (stored or canonical name) is left out on purpose."""
        return self.canonical(name).startswith(self.unused)
