"""Load an embedding model, on this machine or behind HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.licence import tell_terms
from mlx_jinabert.embedder import Embedder
from mlx_jinabert.loading.common import Name, again, check_options, spec_for
from mlx_jinabert.local.backend import open_for
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.remote import is_remote
from mlx_jinabert.text.tokenizer import Tokenizer

__all__ = ["begin_to_load", "fingerprint_of", "load", "load_local"]

_log = logging.getLogger("mlx_jinabert")


def load(
    name: Name,
    *,
    backend: str = "auto",
    dtype: str = "auto",
    truncate_dim: int | None = None,
    max_length: int | None = None,
    revision: str | None = None,
    config_overrides: Mapping[str, Any] | None = None,
) -> Embedder:
    """Load an embedding model by alias (``available_models``), Hub id ("owner/name"), folder, or "embedded".

    ``backend``: "mlx", "onnx", "openvino", or "auto": MLX where it has a GPU, else ONNX Runtime on the CPU,
    else MLX on the CPU. ``dtype``: float32, float16, bfloat16, int8, int4, or "auto": on MLX the checkpoint's
    half type on a GPU and float32 on a CPU; on ONNX Runtime int8 for aliases and the shipped model, float32
    for a folder or Hub id; on OpenVINO bfloat16 on a CPU with AMX, else float32. ``truncate_dim``: width of
    all vectors, for models that allow it. ``max_length``: limit in tokens, up to what the model has positions
    for. ``revision``: branch, tag or commit of a Hub repository. ``config_overrides`` state what config.json
    leaves open.

    A name such as "tei+http://host:8080", "triton+http://host:8000/model", "openai+https://host/v1#model" or
    "voyage:voyage-code-3" is a model behind HTTP: texts are sent to that host, and with no other name
    anywhere. Of the options it takes ``truncate_dim`` alone.

    Raises ValueError or TypeError for an option, ModelFolderError, UnsupportedConfig, WeightMismatch,
    BackendUnavailable or RemoteError for a model.
    """
    options: dict[str, Any] = {
        "backend": backend,
        "dtype": dtype,
        "truncate_dim": truncate_dim,
        "max_length": max_length,
        "revision": revision,
        "config_overrides": config_overrides,
    }
    if isinstance(name, str) and is_remote(name):
        from mlx_jinabert.remote.opening import load_remote, refuse_local_options

        refuse_local_options(options)
        return load_remote(name, truncate_dim)
    return load_local(name, **options)


def begin_to_load(name: Name) -> Callable[[], Embedder]:
    """Begin ``load(name)``, and return a function that waits for the model.

    What takes longest is done in another thread meanwhile. Either raises what ``load`` raises.
    """
    if isinstance(name, str) and is_remote(name):
        return partial(load, name)
    model, owner = _begin_local(name)

    def finish() -> Embedder:
        owner.wait()
        return model

    return finish


def load_local(
    name: Name,
    *,
    backend: str = "auto",
    dtype: str = "auto",
    truncate_dim: int | None = None,
    max_length: int | None = None,
    revision: str | None = None,
    config_overrides: Mapping[str, Any] | None = None,
) -> LocalEmbedder:
    """``load`` for a model on this machine."""
    settings = {
        "dtype": dtype,
        "truncate_dim": truncate_dim,
        "max_length": max_length,
        "config_overrides": dict(config_overrides or {}),
    }
    model, owner = _begin_local(name, backend, dtype, revision, settings)
    owner.wait()
    return model


def _begin_local(
    name: Name,
    backend: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[LocalEmbedder, BackendOwner]:
    """A model whose backend is still being opened: its owner has to be waited for before it is used."""
    check_options(name, backend, dtype)
    spec = spec_for("embedding", name, revision=revision, **settings)
    tell_terms(spec.folder)
    # The tokenizer of another folder may be refused: before its graph is built.
    shipped = spec.folder.origin == "embedded"
    begin = partial(BackendOwner, partial(open_for, spec, backend, dtype), wait=False)
    opening = begin() if shipped else None
    tokenizer = _tokenizer(spec)
    _warn_of_open_end(spec.folder, tokenizer)
    owner = opening or begin()
    reload = again(load_local, name, spec, backend=backend, **settings)
    return LocalEmbedder(spec, tokenizer, owner, reload), owner


def fingerprint_of(name: Name) -> str:
    """The fingerprint of ``load(name)``, without loading weights; a service may be asked.

    An index that has nothing new to embed needs this and no more. Raises what ``load`` raises for a name,
    folder or service.
    """
    if isinstance(name, str) and is_remote(name):
        from mlx_jinabert.remote.opening import load_remote

        return load_remote(name).fingerprint
    return spec_for("embedding", name).fingerprint


def _tokenizer(spec: LocalSpec) -> Tokenizer:
    path, rows = spec.folder.tokenizer, spec.architecture.vocab_size
    if spec.architecture.bare_tokens:
        from mlx_jinabert.text.bare import BareTokenizer  # late, with ``statistics``: few models need it

        return BareTokenizer(path, spec.max_length, rows)
    return Tokenizer(path, spec.max_length, spec.folder.end_token, rows)


def _warn_of_open_end(folder: ModelFolder, tokenizer: Tokenizer) -> None:
    if folder.pooling == "last" and not tokenizer.closes and "append_token" not in folder.config:
        _log.warning(
            "%s pools the last token, and its texts end with no special one; if it was trained with one, "
            "pass config_overrides={'append_token': True} (its eos_token), else False",
            folder.model_id,
        )
