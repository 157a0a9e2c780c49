"""Load a model that scores pairs of texts: a reranker, or a late-interaction model."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any, get_args

from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.catalog import find
from mlx_jinabert.checkpoint.folder import resolve
from mlx_jinabert.checkpoint.late_interaction import read_late_interaction
from mlx_jinabert.checkpoint.licence import tell_terms
from mlx_jinabert.errors import check_choice, naming_folder
from mlx_jinabert.loading.common import Name, again, check_options, spec_for
from mlx_jinabert.local.backend import open_for
from mlx_jinabert.local.headed import HeadedReranker
from mlx_jinabert.local.judge import JUDGE_MAX_LENGTH, JudgingReranker, verdict_weights
from mlx_jinabert.local.late_interaction import LateInteractionModel
from mlx_jinabert.local.reranker import Activation, Reranker, default_activation
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.local.tasks import scores_by_modules
from mlx_jinabert.text.judging import DEFAULT_INSTRUCTION, JudgingTokenizer
from mlx_jinabert.text.marked import MarkedTokenizer
from mlx_jinabert.text.pairs import PairTokenizer

__all__ = ["load_late_interaction", "load_reranker", "load_scorer"]


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
    ``load``, but that "auto" is float32 on ONNX Runtime and OpenVINO. ``activation`` of the scores: "sigmoid"
    or "identity" (the logit); None: as the checkpoint says, else "sigmoid", which is what
    sentence-transformers does. Token types are those of the tokenizer's template for pairs.

    Raises WeightMismatch for an embedding model, and what ``load`` raises.
    """
    check_options(name, backend, dtype)
    if activation is not None:
        check_choice("activation", activation, get_args(Activation))
    settings = {"dtype": dtype, "max_length": max_length}
    spec = spec_for("reranker", name, revision=revision, **settings)
    tell_terms(spec.folder)
    with naming_folder(spec.folder.path):
        chosen = activation or default_activation(spec.folder.config, spec.folder.path)
    headed = scores_by_modules(spec.folder)
    if not (spec.architecture.num_labels or headed):
        options = {**settings, "backend": backend, "activation": activation, "instruction": instruction}
        return _judging(name, spec, chosen, options)
    if instruction is not None:
        raise ValueError(f"{spec.folder.model_id} follows no instruction; leave it out")
    tokenizer = PairTokenizer(
        spec.folder.tokenizer,
        spec.max_length,
        spec.architecture.token_types,
        table_rows=spec.architecture.vocab_size,
    )
    owner = _scoring_owner(spec, backend, dtype)
    reload = again(load_reranker, name, spec, backend=backend, activation=activation, **settings)
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
    reload = again(load_reranker, name, spec, **options)
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

    "auto" is float32 on ONNX Runtime and OpenVINO. Raises ModelFolderError for a model of another kind, and
    what ``load`` raises.
    """
    check_options(name, backend, dtype)
    spec = spec_for("late-interaction", name, revision=revision, dtype=dtype)
    tell_terms(spec.folder)
    with naming_folder(spec.folder.path):
        settings = read_late_interaction(spec.folder.path)
    architecture = spec.architecture
    tokenizer = MarkedTokenizer(
        spec.folder.tokenizer, settings, architecture.max_position, architecture.vocab_size
    )
    onnx_dtype = "float32" if dtype == "auto" else None
    owner = BackendOwner(partial(open_for, spec, backend, dtype, onnx_dtype=onnx_dtype))
    reload = again(load_late_interaction, name, spec, backend=backend, dtype=dtype)
    return LateInteractionModel(spec, tokenizer, owner, reload)


def load_scorer(name: Name, *, backend: str = "auto", dtype: str = "auto") -> Reranker | LateInteractionModel:
    """Load whatever scores (query, document) pairs under this name, for its ``predict``."""
    entry = None if isinstance(name, os.PathLike) else find(name)
    late = entry.task == "late-interaction" if entry else resolve(name).pooling == "tokens"
    if late:
        return load_late_interaction(name, backend=backend, dtype=dtype)
    return load_reranker(name, backend=backend, dtype=dtype)
