"""What a model is for: vectors or scores. Each loader refuses the other's checkpoints.

Vectors from a reranker's encoder and scores from an embedding model would be numbers without a meaning.
A name that the catalog knows is refused before a download, everything else by its tensor names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mlx_jinabert.architectures import ArchitectureConfig
from mlx_jinabert.catalog import find
from mlx_jinabert.errors import ModelFolderError, WeightMismatch

__all__ = ["Task", "check_name", "check_tensors"]

Task = Literal["embedding", "reranker"]

_LOADER: Mapping[str, str] = {
    "embedding": "it gives vectors: use mlx_jinabert.load",
    "reranker": "it gives scores of pairs: use mlx_jinabert.load_reranker",
}
_HEAD = ("classifier.weight", "classifier.bias")


def check_name(name: str | os.PathLike[str], task: Task) -> None:
    """ModelFolderError where the catalog knows the model, and for another task."""
    entry = None if isinstance(name, os.PathLike) else find(name)
    if entry is None or entry.task == task or ("/" in str(name) and Path(name).is_dir()):
        return
    raise ModelFolderError(name, f"is not for this: {_LOADER[entry.task]}")


def check_tensors(architecture: ArchitectureConfig, task: Task) -> None:
    """WeightMismatch with the names of a classifier's tensors that are there, or are not."""
    if task == "embedding" and architecture.num_labels:
        raise WeightMismatch(extra=_HEAD, hint=f"this is a reranker; {_LOADER['reranker']}")
    if task == "reranker" and not architecture.num_labels:
        raise WeightMismatch(missing=_HEAD, hint=f"this is an embedding model; {_LOADER['embedding']}")
