"""Choose the backend and the type that a model computes in, and open it."""

from __future__ import annotations

from mlx_jinabert.backends import Backend, open_backend, resolve_backend
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.errors import ModelFolderError, naming_folder
from mlx_jinabert.local.spec import LocalSpec

__all__ = ["choose_dtype", "open_for"]


def open_for(spec: LocalSpec, backend: str, dtype: str, onnx_dtype: str | None = None) -> Backend:
    """Open the backend; ``onnx_dtype`` is what ONNX graphs are computed in whatever ``dtype`` says."""
    folder = spec.folder
    chosen = resolve_backend(_allowed_backend(backend, folder)).name
    wanted = (
        onnx_dtype if onnx_dtype and chosen in ("onnx", "openvino") else choose_dtype(dtype, chosen, folder)
    )
    with naming_folder(folder.path):
        return open_backend(chosen, folder, wanted, spec.architecture)


def choose_dtype(dtype: str, backend: str, folder: ModelFolder) -> str:
    """The type to ask a backend for where the caller said "auto".

    ONNX Runtime computes in int8 for the models that were checked with it (the shipped one and the
    catalogue's aliases), else in float32. MLX and OpenVINO know their device and decide themselves.
    """
    if dtype != "auto" or backend != "onnx":
        return dtype
    if folder.quantization is not None:
        # What was packed for MLX is unpacked and computed in int8, whatever its own bits.
        return f"int{folder.quantization.bits}" if folder.onnx is not None else "int8"
    return "int8" if folder.origin in ("embedded", "alias") else "float32"


def _allowed_backend(backend: str, folder: ModelFolder) -> str:
    """The backend that a folder leaves open: one that holds an ONNX graph alone is for ONNX Runtime."""
    if folder.weights:
        return backend
    if backend in ("mlx", "openvino"):
        raise ModelFolderError(folder.path, 'holds an ONNX graph and no weights; load it with backend="onnx"')
    return "onnx"
