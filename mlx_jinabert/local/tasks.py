"""The tasks of models: vectors, scores, vectors of tokens. Each loader refuses the others' checkpoints.

Vectors from a reranker's encoder and scores from an embedding model would be numbers without a meaning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mlx_jinabert.catalog import find
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.pooling_mode import tell_pooling
from mlx_jinabert.errors import ModelFolderError, WeightMismatch, naming_folder
from mlx_jinabert.local.spec import LocalSpec

__all__ = ["Task", "answers_yes_or_no", "check_content", "check_name", "scores_by_modules", "task_of"]

Task = Literal["embedding", "reranker", "late-interaction"]

_LOADERS: Mapping[Task, str] = {
    "embedding": "it gives vectors: use mlx_jinabert.load",
    "reranker": "it gives scores of pairs: use mlx_jinabert.load_reranker",
    "late-interaction": "it gives a vector per token: use mlx_jinabert.load_late_interaction",
}
_HEAD = ("classifier.weight", "classifier.bias")


def check_name(name: str | os.PathLike[str], task: Task) -> None:
    """Raise ModelFolderError where the catalogue knows the model, and for another task: before a download."""
    entry = None if isinstance(name, os.PathLike) else find(name)
    if entry is None or entry.task == task or ("/" in str(name) and Path(name).is_dir()):
        return
    raise ModelFolderError(name, f"is not for this: {_LOADERS[entry.task]}")


def task_of(spec: LocalSpec) -> Task:
    """The task of a model, by its tensors and its modules."""
    if spec.architecture.num_labels or answers_yes_or_no(spec.folder) or scores_by_modules(spec.folder):
        return "reranker"
    return "late-interaction" if spec.folder.pooling == "tokens" else "embedding"


def scores_by_modules(folder: ModelFolder) -> bool:
    """Whether a folder holds a reranker of ``headed.py``: its last module is one wide, which no vector is."""
    return bool(folder.dense) and folder.pooling != "tokens" and folder.dense[-1].out_features == 1


def answers_yes_or_no(folder: ModelFolder) -> bool:
    """Whether a folder holds a reranker of ``judge.py``: a language model, which its name calls a reranker.

    Nothing in the files tells it from a decoder for vectors, unless these brought modules of their own.
    """
    kinds = folder.config.get("architectures")
    is_decoder = isinstance(kinds, list) and any(str(kind).endswith("ForCausalLM") for kind in kinds)
    named = folder.entry.task == "reranker" if folder.entry else "rerank" in _last_part(folder.model_id)
    return is_decoder and named


def _last_part(model_id: str) -> str:
    return model_id.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()


def check_content(spec: LocalSpec, task: Task) -> None:
    """Raise WeightMismatch, or ModelFolderError, where a folder holds a model for another task.

    Raise UnsupportedConfig where nobody knows how the token vectors of an embedding model become one.
    """
    found = task_of(spec)
    with naming_folder(spec.folder.path):
        if found == task:
            if task == "embedding" and spec.folder.stated_pooling is None:
                tell_pooling(spec.folder.path, spec.folder.config)
            return
        if found == "reranker" and spec.architecture.num_labels:
            raise WeightMismatch(extra=_HEAD, hint=f"this is a reranker; {_LOADERS[found]}")
        if (found, task) == ("embedding", "reranker"):
            raise WeightMismatch(missing=_HEAD, hint=f"this is an embedding model; {_LOADERS[found]}")
        raise ModelFolderError(spec.folder.path, f"is not for this: {_LOADERS[found]}")
