"""Backends run models: the ``Backend`` protocol and the two functions that choose and open one.

A backend takes padded token ids and gives pooled vectors; texts, batching, normalisation and input
order are the embedder's. Frameworks are imported when a backend is opened, never before.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import BackendUnavailable
from mlx_jinabert.quick_dataclass import dataclass

if TYPE_CHECKING:
    from mlx_jinabert.architectures import ArchitectureConfig
    from mlx_jinabert.checkpoint.folder import ModelFolder
    from mlx_jinabert.text.tokenizer import TokenBatch

__all__ = ["BACKENDS", "Backend", "BackendChoice", "open_backend", "resolve_backend"]


class Backend(Protocol):
    """A loaded model on a device. One thread opens it, and computes all but brief batches."""

    name: str
    """"mlx", "onnx" or "openvino"."""
    device: str
    """Where it computes, as the framework calls it."""
    dtype: str
    """float32 | float16 | bfloat16 | int8 | ...: what "auto" resolved to."""
    dim: int
    """Width of the vectors; of a classifier, the number of its labels."""
    brief_tokens: int
    """Batches up to so many tokens may be computed in any thread, beside others; 0: none."""

    def embed(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Pooled vectors of right-padded sequences, (batch, dim) float32, not normalised; or logits.

        Without pooling ("tokens"), hidden states: (batch, length, dim).
        """

    def close(self) -> None:
        """Free the weights; the backend cannot be used afterwards."""


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str
    backend: str
    """Name of the class in ``module``, made from (folder, architecture, dtype)."""
    needs: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """The backend that "auto" resolves to. ``device`` is "metal", "cuda" or "cpu"."""

    name: str
    device: str


BACKENDS: Mapping[str, _Entry] = {
    "mlx": _Entry(
        "mlx_jinabert.backends.mlx",
        "MlxBackend",
        ("mlx.core",),
        "pip install mlx on Apple Silicon, 'mlx-jinabert[mlx-cpu]' or 'mlx-jinabert[mlx-cuda]' on Linux",
    ),
    "onnx": _Entry(
        "mlx_jinabert.backends.onnx",
        "OnnxBackend",
        ("mlx_jinabert.backends.ort",),
        "pip install 'mlx-jinabert[onnx]'",
    ),
    "openvino": _Entry(
        "mlx_jinabert.backends.openvino",
        "OpenVinoBackend",
        ("mlx_jinabert.backends.ov",),
        "pip install 'mlx-jinabert[openvino]'",
    ),
}
_AUTO = ("mlx", "onnx")
"""What "auto" chooses among; OpenVINO pays for large models on some CPUs, and is never chosen unasked."""
_GPUS = ("/dev/nvidiactl", "/dev/nvmap", "/dev/dxg")
"""Devices of NVIDIA's drivers: of cards, of Jetson boards, and in Windows' Linux."""


def resolve_backend(name: str = "auto") -> BackendChoice:
    """MLX where it imports and has a GPU, else ONNX Runtime, else MLX on the CPU.

    A backend that is asked for by name is taken, or raises ``BackendUnavailable`` with the remedy.
    """
    if name != "auto":
        return BackendChoice(name, _device(name, _load(name)))
    found: dict[str, BackendChoice] = {}
    causes: list[BackendUnavailable] = []
    has_gpu = _may_have_gpu()
    for candidate in _AUTO if has_gpu else _AUTO[::-1]:
        try:
            choice = BackendChoice(candidate, _device(candidate, _load(candidate)))
        except BackendUnavailable as unavailable:
            causes.append(unavailable)
            continue
        if choice.device != "cpu" or not has_gpu:
            return choice  # before the other framework is imported: 0.1 s of every start
        found[candidate] = choice
    for candidate in ("onnx", "mlx"):
        if candidate in found:
            return found[candidate]
    remedy = " or ".join(BACKENDS[candidate].remedy for candidate in _AUTO)
    raise BackendUnavailable("auto", remedy) from ExceptionGroup("no backend can be imported", causes)


def open_backend(name: str, folder: ModelFolder, dtype: str, architecture: ArchitectureConfig) -> Backend:
    """Load a model. ``name`` is one of ``BACKENDS`` or "auto"; ``dtype`` "auto" or one that it has."""
    name = resolve_backend(name).name
    factory = getattr(_load(name), BACKENDS[name].backend)
    return cast(Backend, factory(folder, architecture, dtype))


def _load(name: str) -> ModuleType:
    """The backend's module, after its frameworks: a failing import of ours is a fault, not a lack."""
    if name not in BACKENDS:
        raise BackendUnavailable(name, f"pass one of {', '.join(('auto', *BACKENDS))}")
    entry = BACKENDS[name]
    for framework in entry.needs:
        try:  # Found is not enough: mlx without its platform library is found and cannot be imported.
            import_module(framework)
        except ImportError as error:
            raise BackendUnavailable(name, f"{entry.remedy} ({error})") from error
    return import_module(entry.module)


def _may_have_gpu() -> bool:
    """Whether MLX may find a GPU: on a Mac, and on Linux where a driver of NVIDIA's has made its device."""
    return sys.platform == "darwin" or any(Path(device).exists() for device in _GPUS)


def _device(name: str, module: ModuleType) -> str:
    """ONNX Runtime's other providers run only when asked for, so "auto" counts it as a CPU."""
    return str(module.device()) if name == "mlx" else "cpu"
