"""The MLX backend: safetensors into MLX modules, pooled vectors out, on Metal, CUDA or the CPU.

Weights are mapped, cast one by one and kept in one float type; quantised folders and quantisation
at load are both MLX's affine scheme on the dense layers. Nothing is traced: the expensive parts are
fused primitives already, and a trace would be kept for every shape of input.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten
from numpy.typing import NDArray

from mlx_jinabert.architectures import AffineQuantization, ArchitectureConfig, implementation
from mlx_jinabert.architectures.shared.matching import match
from mlx_jinabert.architectures.shared.mlx.conv1d import Conv1D
from mlx_jinabert.checkpoint.weights import FLOAT_DTYPES, Weights
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig, WeightMismatch
from mlx_jinabert.vectors.pooling import pool

if TYPE_CHECKING:
    from mlx_jinabert.checkpoint.folder import ModelFolder
    from mlx_jinabert.text.tokenizer import TokenBatch

__all__ = ["MlxBackend", "device"]

_CACHE_BYTES = 512 << 20
"""Freed buffers that are kept for the next batch. Every new shape adds to them, and nothing else
takes from them (2.3 GB grew to 24 over 320 texts elsewhere)."""

_AT_LOAD: Mapping[str, AffineQuantization] = {
    "int8": AffineQuantization(group_size=64, bits=8),
    "int4": AffineQuantization(group_size=64, bits=4),
}


def device() -> str:
    """ "metal", "cuda" or "cpu": where MLX computes by default."""
    if mx.default_device().type != mx.gpu:
        return "cpu"
    return "metal" if mx.metal.is_available() else "cuda"


class MlxBackend:
    """One model in MLX. Streams belong to threads: open and use it on the same one."""

    name = "mlx"
    brief_tokens = 0

    def __init__(self, folder: ModelFolder, architecture: ArchitectureConfig, dtype: str = "auto") -> None:
        if not folder.weights:
            raise ModelFolderError(folder.path, "holds an ONNX graph alone; MLX needs the safetensors")
        self.device = device()
        self._trim = _heap_trimmer() if self.device == "cpu" else None
        self.dim = architecture.output_size
        self._rows = architecture.vocab_size
        self._classifies = bool(architecture.num_labels)
        self._pools_itself = architecture.pools_itself
        self._pooling = folder.pooling
        with Weights(folder.weights) as weights:
            names = match(weights, architecture)
            floating, at_load = _float_type(dtype, self.device, weights, names, architecture)
            self._model: nn.Module = implementation(type(architecture), "mlx").build(architecture)
            tensors = _cast(weights, names, folder, floating)
            if architecture.quantization is not None:
                _quantize(self._model, architecture.quantization, frozenset(names))
            elif at_load is not None:
                _quantize(self._model, at_load)
                tensors = _packed(tensors, _packed_layers(self._model), at_load)
            self._model.load_weights(list(tensors), strict=True)
        stored = at_load or architecture.quantization
        self.dtype = floating if stored is None else f"int{stored.bits}"
        _assert_types(self._model, floating)
        self._model.eval()
        mx.clear_cache()

    def embed(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Pooled vectors, (batch, dim) float32, not normalised, or logits; sums over tokens are float32."""
        batch.check_ids(self._rows)
        types = () if batch.types is None else (mx.array(batch.types),)
        hidden = self._model(mx.array(batch.ids), _shared_mask(batch.mask), *types)
        if self._classifies:
            vectors = np.array(self._model.classify(hidden, mx.array(batch.mask)).astype(mx.float32))
        elif self._pools_itself:
            vectors = np.array(self._model.pool(hidden, mx.array(batch.mask)).astype(mx.float32))
        elif self._pooling == "tokens":
            vectors = np.array(hidden.astype(mx.float32))
        else:
            weights = mx.sqrt(mx.array(batch.mask).astype(mx.float32))
            vectors = np.array(pool(hidden.astype(mx.float32), weights, self._pooling))
        _bound_cache()
        if self._trim is not None:
            self._trim(0)
        return vectors

    def close(self) -> None:
        """Free the weights and the buffers kept for re-use."""
        self._model = nn.Module()
        mx.clear_cache()


def _shared_mask(mask: NDArray[np.int32]) -> mx.array | None:
    """The mask as the model takes it: none where all tokens count once, one row where all texts are alike."""
    if (mask == 1).all():
        return None
    return mx.array(mask[:1] if (mask == mask[0]).all() else mask)


def _float_type(
    dtype: str, device: str, weights: Weights, names: Mapping[str, str], architecture: ArchitectureConfig
) -> tuple[str, AffineQuantization | None]:
    """(type of activations and unquantised weights, quantisation to do at load)."""
    supported = ("auto", *FLOAT_DTYPES, *_AT_LOAD)
    if dtype not in supported:
        raise UnsupportedConfig("dtype", dtype, supported)
    if dtype in FLOAT_DTYPES:
        return dtype, None
    stored = {weights.dtype(name) for name in names.values()}
    half = "bfloat16" if "bfloat16" in stored or architecture.overflows_float16 else "float16"
    floating = "float32" if device == "cpu" else half
    if dtype == "auto":
        return floating, None
    if architecture.quantization is None:
        return floating, _AT_LOAD[dtype]
    if architecture.quantization.bits != _AT_LOAD[dtype].bits:
        raise UnsupportedConfig(
            "dtype", dtype, f"int{architecture.quantization.bits}, as stored, or a float type"
        )
    return floating, None


def _cast(
    weights: Weights, names: Mapping[str, str], folder: ModelFolder, floating: str
) -> Iterator[tuple[str, mx.array]]:
    """Canonical name and evaluated array, one at a time: never two copies of more than one tensor."""
    canonical = {stored: name for name, stored in names.items()}
    for path in folder.weights:
        lazy = cast("dict[str, mx.array]", mx.load(str(path), format="safetensors"))
        for stored in sorted(canonical.keys() & lazy.keys()):
            array = lazy.pop(stored)
            if weights.dtype(stored) in FLOAT_DTYPES:
                array = array.astype(getattr(mx, floating))
            mx.eval(array)
            _bound_cache()
            yield canonical[stored], array


def _packed(
    tensors: Iterator[tuple[str, mx.array]], layers: frozenset[str], quantization: AffineQuantization
) -> Iterator[tuple[str, mx.array]]:
    """The weights of ``layers`` as words, scales and biases, each packed before the next one is read."""
    for name, array in tensors:
        layer = name.removesuffix(".weight")
        if layer == name or layer not in layers:
            yield name, array
            continue
        parts = mx.quantize(array, quantization.group_size, quantization.bits)
        mx.eval(parts)
        yield from zip((name, f"{layer}.scales", f"{layer}.biases"), parts, strict=True)


def _packed_layers(model: nn.Module) -> frozenset[str]:
    parameters = cast("list[tuple[str, mx.array]]", tree_flatten(model.parameters()))
    return frozenset(name.removesuffix(".scales") for name, _ in parameters if name.endswith(".scales"))


def _bound_cache() -> None:
    if mx.get_cache_memory() > _CACHE_BYTES:
        mx.clear_cache()


def _heap_trimmer() -> Callable[[int], object] | None:
    """glibc's ``malloc_trim``; None where there is none.

    On a CPU, MLX's buffers are malloc's. Those of one shape leave holes that fit no other, and glibc keeps
    their pages: 50 MiB more after 1,000 texts of up to 1,024 tokens. Giving them back takes 0.05 to 3 ms.
    """
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def _quantize(
    model: nn.Module, quantization: AffineQuantization, names: frozenset[str] | None = None
) -> None:
    """Swap layers for quantised ones: those with stored scales, or every dense layer that divides."""

    def chosen(path: str, module: nn.Module) -> bool | dict[str, int]:
        if names is not None:
            packing = quantization.of(path)
            own = {"group_size": packing.group_size, "bits": packing.bits}
            return own if f"{path}.scales" in names else False
        dense = isinstance(module, nn.Linear | Conv1D)
        return dense and module.weight.shape[-1] % quantization.group_size == 0

    nn.quantize(model, quantization.group_size, quantization.bits, class_predicate=chosen)


def _assert_types(model: nn.Module, floating: str) -> None:
    """MLX loads a wrong type without a word, and one float32 tensor would widen all that follows."""
    expected = {getattr(mx, floating), mx.uint32}
    parameters = cast("list[tuple[str, mx.array]]", tree_flatten(model.parameters()))
    wrong = [name for name, array in parameters if array.dtype not in expected]
    if wrong:
        raise WeightMismatch(extra=wrong, hint=f"these were loaded in another type than {floating}")
