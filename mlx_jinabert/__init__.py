"""Texts to vectors: local embedding models on MLX and ONNX Runtime.

>>> import mlx_jinabert
>>> model = mlx_jinabert.load("embedded")
>>> model.encode(["def add(a, b): return a + b"]).shape
(1, 256)

Importing this package imports neither a framework nor NumPy; ``load`` does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlx_jinabert.catalog import CATALOG, CatalogEntry
from mlx_jinabert.errors import (
    BackendUnavailable,
    JinabertError,
    ModelFolderError,
    NonFinite,
    RemoteError,
    TooLong,
    UnsupportedConfig,
    WeightMismatch,
)
from mlx_jinabert.remote import is_remote

if TYPE_CHECKING:
    from mlx_jinabert.embedder import Embedder
    from mlx_jinabert.remote.embedder import RemoteEmbedder
    from mlx_jinabert.reranker import Activation, Reranker

__version__ = "0.1.0"

__all__ = [
    "BackendUnavailable",
    "Embedder",
    "JinabertError",
    "ModelFolderError",
    "NonFinite",
    "RemoteError",
    "Reranker",
    "TooLong",
    "UnsupportedConfig",
    "WeightMismatch",
    "available_models",
    "load",
    "load_reranker",
]


def load(  # noqa: PLR0917 - the contract allows positions
    name: str | os.PathLike[str],
    backend: str = "auto",
    dtype: str = "auto",
    truncate_dim: int | None = None,
    max_length: int | None = None,
    revision: str | None = None,
    config_overrides: Mapping[str, Any] | None = None,
) -> Embedder | RemoteEmbedder:
    """Load a model by alias (``available_models``), Hub id ("owner/name"), folder, or "embedded".

    ``backend``: "auto" takes MLX where it has a GPU, else ONNX Runtime on the CPU, else MLX on the CPU;
    or "mlx" or "onnx". ``dtype``: float32, float16, bfloat16, int8, int4, or "auto": the checkpoint's half
    type on an MLX GPU, float32 on an MLX CPU; on ONNX Runtime int8 for aliases and the shipped model,
    float32 for a folder or Hub id. ``truncate_dim``: width of all vectors, for models that allow it.
    ``max_length``: limit in tokens, up to what the model has positions for. ``revision``: branch, tag or
    commit of a Hub repository. ``config_overrides`` state what config.json leaves open.

    A name such as "tei+http://host:8080", "openai+https://host/v1#model" or "voyage:voyage-code-3" is a model
    behind HTTP: texts are sent to that host, and with no other name anywhere (see ``remote/__init__.py``).
    Of the options it has ``truncate_dim`` alone.

    Raises ModelFolderError, UnsupportedConfig, WeightMismatch, BackendUnavailable or RemoteError.
    """
    if isinstance(name, str) and is_remote(name):
        from mlx_jinabert.remote.loading import load_remote, refuse_local_options

        local = {"max_length": max_length, "revision": revision, "config_overrides": config_overrides}
        refuse_local_options({"backend": backend, "dtype": dtype, **local})
        return load_remote(name, truncate_dim)
    from mlx_jinabert.loading import load as load_parts

    return load_parts(name, backend, dtype, truncate_dim, max_length, revision, config_overrides)


def load_reranker(  # noqa: PLR0917 - the contract allows positions
    name: str | os.PathLike[str],
    backend: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    revision: str | None = None,
    activation: Activation | None = None,
) -> Reranker:
    """Load a cross-encoder that scores how relevant a document is to a query: names as for ``load``.

    Options are those of ``load``, but that "auto" is float32 on ONNX Runtime. ``activation`` of the scores:
    "sigmoid" or "identity" (the logit); None: as the checkpoint says, else "sigmoid", which is what
    sentence-transformers does. Token types are those of the tokenizer's template for pairs.

    Raises WeightMismatch for an embedding model, and what ``load`` raises.
    """
    from mlx_jinabert.reranker_loading import load_reranker as load_parts

    return load_parts(name, backend, dtype, max_length, revision, activation)


def available_models() -> Mapping[str, CatalogEntry]:
    """The models that are known by a short name: alias to what is known of each, nothing is downloaded."""
    return CATALOG


def __getattr__(name: str) -> Any:
    if name == "Embedder":
        from mlx_jinabert.embedder import Embedder

        return Embedder
    if name == "Reranker":
        from mlx_jinabert.reranker import Reranker

        return Reranker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
