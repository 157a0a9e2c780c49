"""MLX modules, one file and one line per architecture; attribute names are the checkpoints' tensor names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlx import nn

from mlx_jinabert.architectures import ArchitectureConfig
from mlx_jinabert.architectures.bert.mlx import Bert
from mlx_jinabert.architectures.codesage.mlx import CodeSage
from mlx_jinabert.architectures.gemma2.mlx import Gemma2
from mlx_jinabert.architectures.gte.mlx import Gte
from mlx_jinabert.architectures.jina_bert.mlx import JinaBert
from mlx_jinabert.architectures.modernbert.mlx import ModernBert
from mlx_jinabert.architectures.nomic_bert.mlx import NomicBert
from mlx_jinabert.architectures.qwen2.mlx import Qwen2
from mlx_jinabert.architectures.qwen3.mlx import Qwen3

__all__ = ["build"]

_MODELS: Mapping[str, Callable[[Any], nn.Module]] = {
    "jina_bert": JinaBert,
    "bert": Bert,
    "qwen2": Qwen2,
    "qwen3": Qwen3,
    "codesage": CodeSage,
    "gemma2": Gemma2,
    "qwen2_5_vl": Qwen2,  # its text path
    "nomic_bert": NomicBert,
    "gte": Gte,
    "modernbert": ModernBert,
}


def build(architecture: ArchitectureConfig) -> nn.Module:
    """The module of an architecture, its parameters not yet loaded (and never evaluated)."""
    return _MODELS[architecture.architecture](architecture)
