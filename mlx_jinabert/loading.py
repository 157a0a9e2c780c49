"""``load``: choose the backend and the type to compute in, and put the parts of an Embedder together."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from mlx_jinabert.architectures.tasks import check_name, check_tensors
from mlx_jinabert.backends import Backend, open_backend, resolve_backend
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.licence import tell_terms
from mlx_jinabert.embedder import Embedder
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig
from mlx_jinabert.spec import open_source
from mlx_jinabert.text.tokenizer import Tokenizer

__all__ = ["DTYPES", "choose_backend", "choose_dtype", "load"]

_log = logging.getLogger("mlx_jinabert")

DTYPES = ("auto", "float32", "float16", "bfloat16", "int8", "int4")


def load(  # noqa: PLR0917 - the public contract
    name: str | os.PathLike[str],
    backend: str = "auto",
    dtype: str = "auto",
    truncate_dim: int | None = None,
    max_length: int | None = None,
    revision: str | None = None,
    config_overrides: Mapping[str, Any] | None = None,
) -> Embedder:
    """See ``mlx_jinabert.load``."""
    if dtype not in DTYPES:
        raise UnsupportedConfig("dtype", dtype, DTYPES)
    check_name(name, "embedding")
    source = open_source(
        name,
        dtype=dtype,
        truncate_dim=truncate_dim,
        max_length=max_length,
        revision=revision,
        config_overrides=config_overrides,
    )
    check_tensors(source.architecture, "embedding")
    tell_terms(source.folder)
    tokenizer = Tokenizer(source.folder.tokenizer, source.max_length, source.folder.end_token)
    if (
        source.folder.pooling == "last"
        and not tokenizer.closes
        and "append_token" not in source.folder.config
    ):
        _log.warning(
            "%s pools the last token, and its texts end with no special one; if it was trained with one, "
            "pass config_overrides={'append_token': True} (its eos_token), else False",
            source.folder.model_id,
        )

    def open_here() -> Backend:
        chosen = resolve_backend(choose_backend(backend, source.folder)).name
        wanted = choose_dtype(dtype, chosen, source.folder)
        return open_backend(chosen, source.folder, wanted, source.architecture)

    return Embedder(source, tokenizer, BackendOwner(open_here))


def choose_backend(backend: str, folder: ModelFolder) -> str:
    """The backend that a folder leaves open: one that holds an ONNX graph alone is for ONNX Runtime."""
    if folder.weights:
        return backend
    if backend == "mlx":
        raise ModelFolderError(folder.path, 'holds an ONNX graph and no weights; load it with backend="onnx"')
    return "onnx"


def choose_dtype(dtype: str, backend: str, folder: ModelFolder) -> str:
    """What "auto" means before a backend is asked.

    ONNX Runtime computes in int8 for the models that were checked with it (the shipped one and the
    catalog's aliases), else in float32. MLX knows its device and decides itself.
    """
    if dtype != "auto" or backend != "onnx":
        return dtype
    if folder.quantization is not None:
        # What was packed for MLX is unpacked and computed in int8, whatever its own bits.
        return f"int{folder.quantization.bits}" if folder.onnx is not None else "int8"
    return "int8" if folder.origin in ("embedded", "alias") else "float32"
