"""Load a model by its name: find it, check that it is for the task, choose backend and type, open it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.catalog import find
from mlx_jinabert.checkpoint.folder import ModelFolder, resolve
from mlx_jinabert.checkpoint.late_interaction import read_late_interaction
from mlx_jinabert.checkpoint.licence import tell_terms
from mlx_jinabert.embedder import Embedder
from mlx_jinabert.errors import check_choice, naming_folder
from mlx_jinabert.local.backend import open_for
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.local.headed import HeadedReranker, scores_by_modules
from mlx_jinabert.local.judge import JUDGE_MAX_LENGTH, JudgingReranker, verdict_weights
from mlx_jinabert.local.late_interaction import LateInteractionModel
from mlx_jinabert.local.reranker import Activation, Reranker, default_activation
from mlx_jinabert.local.spec import LocalSpec, read_spec
from mlx_jinabert.local.tasks import Task, check_content, check_name
from mlx_jinabert.remote import is_remote
from mlx_jinabert.text.bare import BareTokenizer
from mlx_jinabert.text.judging import DEFAULT_INSTRUCTION, JudgingTokenizer
from mlx_jinabert.text.marked import MarkedTokenizer
from mlx_jinabert.text.pairs import PairTokenizer
from mlx_jinabert.text.tokenizer import Tokenizer

__all__ = [
    "DTYPES",
    "begin_to_load",
    "fingerprint_of",
    "load",
    "load_late_interaction",
    "load_local",
    "load_reranker",
    "load_scorer",
]

Name = str | os.PathLike[str]
T = TypeVar("T")

DTYPES = ("auto", "float32", "float16", "bfloat16", "int8", "int4")
BACKENDS = ("auto", "mlx", "onnx")

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

    ``backend``: "mlx", "onnx", or "auto": MLX where it has a GPU, else ONNX Runtime on the CPU, else MLX
    on the CPU. ``dtype``: float32, float16, bfloat16, int8, int4, or "auto": on MLX the checkpoint's half
    type on a GPU and float32 on a CPU; on ONNX Runtime int8 for aliases and the shipped model, float32 for
    a folder or Hub id. ``truncate_dim``: width of all vectors, for models that allow it. ``max_length``:
    limit in tokens, up to what the model has positions for. ``revision``: branch, tag or commit of a Hub
    repository. ``config_overrides`` state what config.json leaves open.

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
    _check_options(name, backend, dtype)
    spec = _spec_for("embedding", name, revision=revision, **settings)
    tell_terms(spec.folder)
    # The tokenizer of another folder may be refused: before its graph is built.
    shipped = spec.folder.origin == "embedded"
    begin = partial(BackendOwner, partial(open_for, spec, backend, dtype), wait=False)
    opening = begin() if shipped else None
    tokenizer = _tokenizer(spec)
    _warn_of_open_end(spec.folder, tokenizer)
    owner = opening or begin()
    again = _again(load_local, name, spec, backend=backend, **settings)
    return LocalEmbedder(spec, tokenizer, owner, again), owner


def load_reranker(
    name: Name,
    *,
    backend: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    revision: str | None = None,
    activation: Activation | None = None,
    instruction: str | None = None,
) -> Reranker:
    """Load a model that scores how relevant a document is to a query: names as for ``load``.

    A cross-encoder, or a decoder that answers yes or no (Qwen3-Reranker; its folder's name has to say
    "rerank"), which follows an ``instruction``: what makes a document relevant. Options are those of
    ``load``, but that "auto" is float32 on ONNX Runtime. ``activation`` of the scores: "sigmoid" or
    "identity" (the logit); None: as the checkpoint says, else "sigmoid", which is what sentence-transformers
    does. Token types are those of the tokenizer's template for pairs.

    Raises WeightMismatch for an embedding model, and what ``load`` raises.
    """
    _check_options(name, backend, dtype)
    if activation is not None:
        check_choice("activation", activation, get_args(Activation))
    settings = {"dtype": dtype, "max_length": max_length}
    spec = _spec_for("reranker", name, revision=revision, **settings)
    tell_terms(spec.folder)
    with naming_folder(spec.folder.path):
        chosen = activation or default_activation(spec.folder.config, spec.folder.path)
    headed = scores_by_modules(spec.folder)
    if not (spec.architecture.num_labels or headed):
        again = {**settings, "backend": backend, "activation": activation, "instruction": instruction}
        return _judging(name, spec, chosen, again)
    if instruction is not None:
        raise ValueError(f"{spec.folder.model_id} follows no instruction; leave it out")
    tokenizer = PairTokenizer(
        spec.folder.tokenizer,
        spec.max_length,
        spec.architecture.token_types,
        table_rows=spec.architecture.vocab_size,
    )
    owner = _scoring_owner(spec, backend, dtype)
    reload = _again(load_reranker, name, spec, backend=backend, activation=activation, **settings)
    return (HeadedReranker if headed else Reranker)(spec, tokenizer, owner, reload, chosen)


def _judging(name: Name, spec: LocalSpec, activation: Activation, options: dict[str, Any]) -> Reranker:
    """A decoder that answers yes or no. Its last hidden state is what an embedding model would pool."""
    hidden = spec.architecture.output_size
    folder = replace(spec.folder, stated_pooling="last", dense=())
    limit = options["max_length"] or min(spec.max_length, JUDGE_MAX_LENGTH)
    spec = replace(spec, folder=folder, max_length=limit)
    with naming_folder(folder.path):
        instruction = options["instruction"] or DEFAULT_INSTRUCTION
        tokenizer = JudgingTokenizer(folder.tokenizer, limit, spec.architecture.vocab_size, instruction)
        direction = verdict_weights(folder, hidden, tokenizer.yes, tokenizer.no)
    owner = _scoring_owner(spec, options["backend"], options["dtype"])
    reload = _again(load_reranker, name, spec, **options)
    return JudgingReranker(spec, tokenizer, owner, reload, activation, direction)


def _scoring_owner(spec: LocalSpec, backend: str, dtype: str) -> BackendOwner:
    """The backend of a reranker.

    What int8 costs in order has not been measured, so "auto" is float32 on ONNX, for aliases too.
    """
    plain = dtype == "auto" and spec.folder.quantization is None
    return BackendOwner(partial(open_for, spec, backend, dtype, onnx_dtype="float32" if plain else None))


def load_late_interaction(
    name: Name,
    *,
    backend: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
) -> LateInteractionModel:
    """Load a late-interaction (ColBERT) model in PyLate's layout: names and options as for ``load``.

    "auto" is float32 on ONNX Runtime. Raises ModelFolderError for a model of another kind, and what ``load``
    raises.
    """
    _check_options(name, backend, dtype)
    spec = _spec_for("late-interaction", name, revision=revision, dtype=dtype)
    tell_terms(spec.folder)
    with naming_folder(spec.folder.path):
        settings = read_late_interaction(spec.folder.path)
    architecture = spec.architecture
    tokenizer = MarkedTokenizer(
        spec.folder.tokenizer, settings, architecture.max_position, architecture.vocab_size
    )
    onnx_dtype = "float32" if dtype == "auto" else None
    owner = BackendOwner(partial(open_for, spec, backend, dtype, onnx_dtype=onnx_dtype))
    reload = _again(load_late_interaction, name, spec, backend=backend, dtype=dtype)
    return LateInteractionModel(spec, tokenizer, owner, reload)


def load_scorer(name: Name, *, backend: str = "auto", dtype: str = "auto") -> Reranker | LateInteractionModel:
    """Load whatever scores (query, document) pairs under this name, for its ``predict``."""
    entry = None if isinstance(name, os.PathLike) else find(name)
    late = entry.task == "late-interaction" if entry else resolve(name).pooling == "tokens"
    if late:
        return load_late_interaction(name, backend=backend, dtype=dtype)
    return load_reranker(name, backend=backend, dtype=dtype)


def fingerprint_of(name: Name) -> str:
    """The fingerprint of ``load(name)``, without loading weights; a service may be asked.

    An index that has nothing new to embed needs this and no more. Raises what ``load`` raises for a name,
    folder or service.
    """
    if isinstance(name, str) and is_remote(name):
        from mlx_jinabert.remote.opening import load_remote

        return load_remote(name).fingerprint
    return _spec_for("embedding", name).fingerprint


def _check_options(name: Name, backend: str, dtype: str) -> None:
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"name must be a str or a path, not {type(name).__name__}")
    check_choice("backend", backend, BACKENDS)
    check_choice("dtype", dtype, DTYPES)


def _spec_for(task: Task, name: Name, **options: Any) -> LocalSpec:
    """``read_spec`` of a model for this task; others are refused, before a download where that can be."""
    check_name(name, task)
    spec = read_spec(name, **options)
    check_content(spec, task)
    return spec


def _tokenizer(spec: LocalSpec) -> Tokenizer:
    path, rows = spec.folder.tokenizer, spec.architecture.vocab_size
    if spec.architecture.bare_tokens:
        return BareTokenizer(path, spec.max_length, rows)
    return Tokenizer(path, spec.max_length, spec.folder.end_token, rows)


def _warn_of_open_end(folder: ModelFolder, tokenizer: Tokenizer) -> None:
    if folder.pooling == "last" and not tokenizer.closes and "append_token" not in folder.config:
        _log.warning(
            "%s pools the last token, and its texts end with no special one; if it was trained with one, "
            "pass config_overrides={'append_token': True} (its eos_token), else False",
            folder.model_id,
        )


def _again(loader: Callable[..., T], name: Name, spec: LocalSpec, **settings: Any) -> Callable[[], T]:
    """Load the same model in another process: the same commit, and a folder by its whole path."""
    again: Name = Path(spec.folder.model_id) if spec.folder.origin == "folder" else name
    return partial(loader, again, revision=spec.folder.revision, **settings)
