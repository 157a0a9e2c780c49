"""config.json and tensor names -> the architecture's numbers; the table of architectures.

An architecture is a folder and a row of ``ARCHITECTURES``. The folder holds

    config.py   ``CONFIG``, its ``ArchitectureConfig``
    mlx.py      ``build(config)``: an MLX module, whose attributes are named as the checkpoint's tensors
    onnx.py     ``encode(layers, config)``; where there may be labels, ``classify(layers, config, hidden)``;
                where the architecture pools by layers of its own, ``pool(layers, config, hidden)``

One whose computation is another's leaves mlx.py and onnx.py out: those of the configuration that its own
is derived from are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Literal, cast

from mlx_jinabert.architectures.shared.config import AffineQuantization, ArchitectureConfig
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch

__all__ = [
    "ARCHITECTURES",
    "AffineQuantization",
    "ArchitectureConfig",
    "implementation",
    "read_architecture",
]

ARCHITECTURES: tuple[str, ...] = (
    "jina_bert",
    "nomic_bert",
    "gte",
    "modernbert",
    "roberta",
    "bert",
    "qwen2",
    "qwen3",
    "llama",
    "eurobert",
    "codesage",
    "gemma2",
    "gemma3",
    "qwen2_5_vl",
    "c2llm",
    "static",
)
"""Folders, in the order in which they are asked; the first that recognises a checkpoint reads it. That of the
shipped model comes first: the configurations of others are imported when they are asked."""

_LAYER_COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_COUNTABLE = 1024
"""Layers that are soon counted, and then missed by name."""


def _kinds() -> Iterator[type[ArchitectureConfig]]:
    """Yield the configurations in their order, each imported when it is asked: most are never needed."""
    for name in ARCHITECTURES:
        yield cast("type[ArchitectureConfig]", import_module(f"{__name__}.{name}.config").CONFIG)


def implementation(kind: type[ArchitectureConfig], framework: Literal["mlx", "onnx"]) -> ModuleType:
    """Import mlx.py or onnx.py from the folder of ``kind``, else from that of a configuration it extends."""
    for ancestor in kind.__mro__:
        folder, _, file = ancestor.__module__.rpartition(".")
        if file == "config" and folder.startswith(f"{__name__}.") and find_spec(f"{folder}.{framework}"):
            return import_module(f"{folder}.{framework}")
    raise NotImplementedError(f"{kind.architecture} has no {framework}.py")


def read_architecture(config: Mapping[str, object], tensors: Collection[str]) -> ArchitectureConfig:
    """The architecture of a checkpoint, from its parsed ``config.json`` and its stored tensor names.

    ``model_type`` does not decide: JinaBERT says "bert", and loading it as BERT would leave its
    feed-forward random. Tensor names do, and the configuration has to agree with them.

    Raises ``UnsupportedConfig`` for a key whose value is not implemented, ``WeightMismatch`` where
    configuration and tensors contradict each other.
    """
    _check_layers(config, len(tensors))
    for kind in _kinds():
        names = frozenset(kind.canonical(name) for name in tensors)
        if kind.recognises(config, names):
            try:
                return kind.read(config, names)
            except UnsupportedConfig as error:
                _refuse_swapped(kind, config, tensors, error)
                raise
    if config.get("model_type") in ARCHITECTURES:
        first = sorted(tensors)
        raise WeightMismatch(
            extra=first, hint=f"no tensors of a supported architecture ({', '.join(ARCHITECTURES)})"
        )
    raise UnsupportedConfig("model_type", config.get("model_type"), ARCHITECTURES)


def _check_layers(config: Mapping[str, object], tensors: int) -> None:
    """Refuse more layers than there are tensors, before anything counts to their number."""
    text = config.get("text_config")
    for part in (config, text if isinstance(text, Mapping) else {}):
        for key in _LAYER_COUNTS:
            value = part.get(key)
            if isinstance(value, int | float) and value > max(tensors, _COUNTABLE):
                raise UnsupportedConfig(key, value, f"at most {tensors}, the number of the stored tensors")


def _refuse_swapped(
    found: type[ArchitectureConfig],
    config: Mapping[str, object],
    tensors: Collection[str],
    error: UnsupportedConfig,
) -> None:
    """Where ``config.json`` is that of another architecture: it is not its value that is wrong."""
    for claimed in (found, *_kinds()):
        says_so = claimed.recognises(config, frozenset()) or config.get("model_type") == claimed.architecture
        if says_so and claimed is found:
            return
        if says_so:
            hint = f"config.json says {claimed.architecture!r}; the tensors are {found.architecture!r}'s"
            raise WeightMismatch(extra=sorted(tensors), hint=f"{hint} ({error})") from error
