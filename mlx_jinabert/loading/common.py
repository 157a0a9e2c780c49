"""What loading any model has in common: its options, what is known of it, how to load it again."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mlx_jinabert.errors import check_choice
from mlx_jinabert.local.spec import LocalSpec, read_spec
from mlx_jinabert.local.tasks import Task, check_content, check_name

__all__ = ["DTYPES", "Name", "again", "check_options", "spec_for"]

Name = str | os.PathLike[str]
T = TypeVar("T")

DTYPES = ("auto", "float32", "float16", "bfloat16", "int8", "int4")
BACKENDS = ("auto", "mlx", "onnx", "openvino")


def check_options(name: Name, backend: str, dtype: str) -> None:
    """Raise TypeError for what is no name, ValueError for an unknown backend or type."""
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"name must be a str or a path, not {type(name).__name__}")
    check_choice("backend", backend, BACKENDS)
    check_choice("dtype", dtype, DTYPES)


def spec_for(task: Task, name: Name, **options: Any) -> LocalSpec:
    """``read_spec`` of a model for this task; others are refused, before a download where that can be."""
    check_name(name, task)
    spec = read_spec(name, **options)
    check_content(spec, task)
    return spec


def again(loader: Callable[..., T], name: Name, spec: LocalSpec, **settings: Any) -> Callable[[], T]:
    """Load the same model in another process: the same commit, and a folder by its whole path."""
    found: Name = Path(spec.folder.model_id) if spec.folder.origin == "folder" else name
    return partial(loader, found, revision=spec.folder.revision, **settings)
