"""config.json and tensor names -> the architecture's numbers. One file and one line per architecture."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.codesage.config import CodeSageConfig
from mlx_jinabert.architectures.gemma2.config import Gemma2Config
from mlx_jinabert.architectures.gte.config import GteConfig
from mlx_jinabert.architectures.jina_bert.config import JinaBertConfig
from mlx_jinabert.architectures.modernbert.config import ModernBertConfig
from mlx_jinabert.architectures.nomic_bert.config import NomicBertConfig
from mlx_jinabert.architectures.qwen2.config import Qwen2Config
from mlx_jinabert.architectures.qwen2_5_vl.config import Qwen25VLConfig
from mlx_jinabert.architectures.qwen3.config import Qwen3Config
from mlx_jinabert.architectures.shared.config import ArchitectureConfig, Quantization
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch

__all__ = [
    "ArchitectureConfig",
    "BertConfig",
    "CodeSageConfig",
    "Gemma2Config",
    "GteConfig",
    "JinaBertConfig",
    "ModernBertConfig",
    "NomicBertConfig",
    "Quantization",
    "Qwen2Config",
    "Qwen3Config",
    "Qwen25VLConfig",
    "read_architecture",
]

_ARCHITECTURES: tuple[type[ArchitectureConfig], ...] = (
    NomicBertConfig,
    GteConfig,
    ModernBertConfig,
    JinaBertConfig,
    BertConfig,
    Qwen2Config,
    Qwen3Config,
    CodeSageConfig,
    Gemma2Config,
    Qwen25VLConfig,
)
"""Asked in this order; the first that recognises the checkpoint reads it."""


def read_architecture(config: Mapping[str, object], tensors: Collection[str]) -> ArchitectureConfig:
    """The architecture of a checkpoint, from its parsed ``config.json`` and its stored tensor names.

    ``model_type`` does not decide: JinaBERT says "bert", and loading it as BERT would leave its
    feed-forward random. Tensor names do, and the configuration has to agree with them.

    Raises ``UnsupportedConfig`` for a key whose value is not implemented, ``WeightMismatch`` where
    configuration and tensors contradict each other.
    """
    for kind in _ARCHITECTURES:
        names = frozenset(kind.canonical(name) for name in tensors)
        if kind.recognises(config, names):
            try:
                return kind.read(config, names)
            except UnsupportedConfig as error:
                _refuse_swapped(kind, config, tensors, error)
                raise
    supported = tuple(kind.architecture for kind in _ARCHITECTURES)
    if config.get("model_type") in supported:
        first = sorted(tensors)
        raise WeightMismatch(
            extra=first, hint=f"no tensors of a supported architecture ({', '.join(supported)})"
        )
    raise UnsupportedConfig("model_type", config.get("model_type"), supported)


def _refuse_swapped(
    found: type[ArchitectureConfig],
    config: Mapping[str, object],
    tensors: Collection[str],
    error: UnsupportedConfig,
) -> None:
    """Where ``config.json`` is that of another architecture: it is not its value that is wrong."""
    for claimed in (found, *_ARCHITECTURES):
        says_so = claimed.recognises(config, frozenset()) or config.get("model_type") == claimed.architecture
        if says_so and claimed is found:
            return
        if says_so:
            hint = f"config.json says {claimed.architecture!r}; the tensors are {found.architecture!r}'s"
            raise WeightMismatch(extra=sorted(tensors), hint=f"{hint} ({error})") from error
