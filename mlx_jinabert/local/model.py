"""The base of models on this machine: their record, their backend, and how to load both again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.local.spec import LocalSpec

__all__ = ["LocalModel", "Reload"]

Reload = Callable[[], Any]
"""Loads an equal model; picklable, as it is pickled in the model's place."""


class LocalModel:
    """A model with weights on this machine. Any thread may call it; one computes all that is not brief."""

    def __init__(self, spec: LocalSpec, owner: BackendOwner, reload: Reload) -> None:
        self._spec = spec
        self._owner = owner
        self._reload = reload

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model_id!r}, {self.backend} {self.dtype} on {self.device})"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reload, ()

    @property
    def max_length(self) -> int:
        """Longest input in tokens, special tokens and prompt included; longer ones are cut."""
        return self._spec.max_length

    @property
    def model_id(self) -> str:
        """A name that the model can be loaded by again: "embedded", a Hub id or a path."""
        return self._spec.folder.model_id

    @property
    def folder(self) -> ModelFolder:
        """The files that the model was loaded from, and all that is said there about using it."""
        return self._spec.folder

    @property
    def fingerprint(self) -> str:
        """Identity of the results, 32 hexadecimal digits; the same on every backend and float type."""
        return self._spec.fingerprint

    @property
    def backend(self) -> str:
        """ "mlx", "onnx" or "openvino"."""
        return self._owner.name

    @property
    def device(self) -> str:
        """Where it computes, as the framework calls it."""
        return self._owner.device

    @property
    def head_width(self) -> int:
        """Width of an attention head; 0 for a model without attention."""
        return self._spec.architecture.head_width

    @property
    def dtype(self) -> str:
        """The type computed in: float32, float16, bfloat16, int8 or int4. Results are float32."""
        return self._owner.dtype
