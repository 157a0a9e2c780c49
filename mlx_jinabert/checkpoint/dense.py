"""Read the layers behind a transformer, of pooled or token vectors: ``Dense`` and ``LayerNorm``.

Sources: sentence_transformers/models/Dense.py and LayerNorm.py, and pylate/models/Dense.py for the residual
(@034d6aa). A folder holds config.json and model.safetensors: ``linear.weight`` (out, in), ``linear.bias``
and, for a residual that changes the width, ``residual.weight``; or ``norm.weight`` and ``norm.bias``. What
mlx-embeddings converts has no such folders: the layers lie among the transformer's weights as ``dense.0``,
``dense.1``, quantised as those are, without bias or activation (mlx_embeddings/models/gemma3_text.py
@9b28270).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.packed import unpack
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.checkpoint.weights import FLOAT_DTYPES, Shape, Weights
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig, WeightMismatch
from mlx_jinabert.quick_dataclass import dataclass

__all__ = [
    "IDENTITY",
    "DenseActivation",
    "DenseModule",
    "Layer",
    "NormModule",
    "check_chain",
    "read_dense",
    "read_inner_dense",
    "read_norm",
]

DenseActivation = Literal["identity", "tanh", "gelu"]
IDENTITY = "torch.nn.modules.linear.Identity"
_ACTIVATIONS: Mapping[str, DenseActivation] = {
    IDENTITY: "identity",
    "torch.nn.modules.activation.Tanh": "tanh",
    "torch.nn.modules.activation.GELU": "gelu",
}
_TANH = "torch.nn.modules.activation.Tanh"
"""Default of sentence-transformers."""
_PACKED = "expected floats, or words with scales and biases as MLX packs them"
_PARTS = ("weight", "scales", "biases")
_GROUP_SIZES, _BITS = (32, 64, 128), (2, 3, 4, 5, 6, 8)
_INPUTS = (None, "sentence_embedding", "token_embeddings", "scores")
"""Names under which modules hand on what they compute; "scores" is what the last one of a reranker gives."""


@dataclass(frozen=True, slots=True)
class DenseModule:
    """One dense layer: activation(W x + b), plus x or V x where it has a residual."""

    path: Path
    """Its folder, or that of the transformer."""
    in_features: int
    out_features: int
    bias: bool
    activation: DenseActivation
    residual: bool
    files: tuple[Path, ...]
    """Those with its tensors."""
    layer: str = "linear"
    """Name of its weight and bias there."""

    @property
    def identity(self) -> list[object]:
        """What decides about the numbers beside the tensors."""
        return [self.activation, self.residual]

    def tensor_shapes(self) -> dict[str, Shape]:
        """Stored name -> shape of every tensor."""
        shapes: dict[str, Shape] = {f"{self.layer}.weight": (self.out_features, self.in_features)}
        if self.bias:
            shapes[f"{self.layer}.bias"] = (self.out_features,)
        if self.residual and self.in_features != self.out_features:
            shapes["residual.weight"] = (self.out_features, self.in_features)
        return shapes

    def read(self) -> dict[str, NDArray[np.float32]]:
        """The tensors as float32, unpacked, by their names in a folder of their own."""
        found: dict[str, NDArray[np.float32]] = {}
        with Weights(self.files) as weights:
            for name, shape in self.tensor_shapes().items():
                layer, _, part = name.rpartition(".")
                own = f"linear.{part}" if layer == self.layer else name
                if f"{layer}.scales" in weights.names():
                    words, *groups = (weights.read(f"{layer}.{part}") for part in _PARTS)
                    found[own] = unpack(words, groups[0], groups[1], shape[-1])
                else:
                    found[own] = np.array(weights.read(name), np.float32)
        return found


@dataclass(frozen=True, slots=True)
class NormModule:
    """A layer norm with weight and bias over vectors that stay as wide as they are; epsilon is PyTorch's."""

    path: Path
    """Its folder."""
    in_features: int
    files: tuple[Path, ...]
    """Those with its tensors."""

    @property
    def out_features(self) -> int:
        """Width of what it gives."""
        return self.in_features

    @property
    def identity(self) -> list[object]:
        """What decides about the numbers beside the tensors."""
        return ["layer norm"]

    def tensor_shapes(self) -> dict[str, Shape]:
        """Stored name -> shape of every tensor."""
        return {"norm.weight": (self.in_features,), "norm.bias": (self.in_features,)}

    def read(self) -> dict[str, NDArray[np.float32]]:
        """The tensors as float32, by their names."""
        with Weights(self.files) as weights:
            return {name: np.array(weights.read(name), np.float32) for name in self.tensor_shapes()}


Layer: TypeAlias = DenseModule | NormModule


def read_norm(path: Path) -> NormModule:
    """Read and check the layer norm in the folder ``path``, its tensors against its configuration."""
    config = read_json(path / "config.json")
    if config is None:
        raise ModelFolderError(path, "no config.json; modules.json lists it as a layer norm")
    width = config.get("dimension")
    if type(width) is not int or width < 1:
        raise UnsupportedConfig("dimension", width, "a positive integer")
    module = NormModule(path, width, (path / "model.safetensors",))
    _check_tensors(module)
    return module


def read_inner_dense(files: tuple[Path, ...], width: object) -> tuple[DenseModule, ...]:
    """Read the layers that lie among the weights of a transformer whose vectors are ``width`` wide."""
    modules: list[DenseModule] = []
    with Weights(files) as weights:
        while f"{(layer := f'dense.{len(modules)}')}.weight" in weights.names():
            if type(width) is not int or width < 1:
                raise UnsupportedConfig("hidden_size", width, "a positive integer")
            before, out = width, weights.shape(f"{layer}.weight")[:1]
            width = out[0] if out else 0
            module = DenseModule(files[0].parent, before, width, False, "identity", False, files, layer)
            _check_packing(module, weights)
            modules.append(module)
    return tuple(modules)


def read_dense(path: Path) -> DenseModule:
    """Read and check the module in the folder ``path``; its tensors are held against its configuration."""
    config = read_json(path / "config.json")
    if config is None:
        raise ModelFolderError(path, "no config.json; modules.json lists it as a dense layer")
    for key in ("module_input_name", "module_output_name"):
        if config.get(key) not in _INPUTS:
            raise UnsupportedConfig(key, config[key], _INPUTS[1:])
    activation = config.get("activation_function", _TANH)
    if activation not in _ACTIVATIONS:
        raise UnsupportedConfig("activation_function", activation, tuple(_ACTIVATIONS))
    widths = config.get("in_features"), config.get("out_features")
    for key, width in zip(("in_features", "out_features"), widths, strict=True):
        if type(width) is not int or width < 1:
            raise UnsupportedConfig(key, width, "a positive integer")
    module = DenseModule(
        path=path,
        in_features=int(str(widths[0])),
        out_features=int(str(widths[1])),
        bias=_flag(config, "bias", default=True),
        activation=_ACTIVATIONS[activation],
        residual=_flag(config, "use_residual", default=False),
        files=(path / "model.safetensors",),
    )
    _check_tensors(module)
    return module


def check_chain(modules: tuple[Layer, ...], width: int) -> int:
    """Hold each module's input against the width before it, ``width`` at first; the width behind them all."""
    for module in modules:
        if module.in_features != width:
            raise UnsupportedConfig(
                f"{module.path.name}/in_features", module.in_features, f"{width}, the width before it"
            )
        width = module.out_features
    return width


def _flag(config: Mapping[str, object], key: str, *, default: bool) -> bool:
    found = config.get(key, default)
    if not isinstance(found, bool):
        raise UnsupportedConfig(key, found, (True, False))
    return found


def _check_packing(module: DenseModule, weights: Weights) -> None:
    """Check a layer among a transformer's weights, whose packing no configuration states."""
    name, wide = f"{module.layer}.weight", module.in_features
    found, expected = weights.shape(name), (module.out_features, wide)
    parts = [f"{module.layer}.{part}" for part in ("scales", "biases")]
    packed = [part for part in parts if part in weights.names()]
    if not packed and found == expected and weights.dtype(name) in FLOAT_DTYPES:
        return
    groups = {weights.shape(part) for part in packed}
    fits = len(packed) == len(parts) and weights.dtype(name) == "uint32" and len(found) == len(expected)
    if not fits or found[1] * 32 / wide not in _BITS or groups not in _groups(module):
        raise WeightMismatch(shapes={name: (found, expected)}, hint=f"{weights.dtype(name)}; {_PACKED}")


def _groups(module: DenseModule) -> list[set[Shape]]:
    """The shapes that scales and biases may have."""
    return [{(module.out_features, module.in_features // size)} for size in _GROUP_SIZES]


def _check_tensors(module: Layer) -> None:
    if not module.files[0].is_file():
        raise ModelFolderError(module.path, "no model.safetensors; pickled weights are never read")
    expected = module.tensor_shapes()
    with Weights(module.files) as weights:
        names = weights.names()
        shapes = {
            name: (weights.shape(name), shape)
            for name, shape in expected.items()
            if name in names and weights.shape(name) != shape
        }
        types = [name for name in names & expected.keys() if weights.dtype(name) not in FLOAT_DTYPES]
    missing, extra = sorted(expected.keys() - names), sorted(names - expected.keys())
    if missing or extra or shapes or types:
        raise WeightMismatch(missing, extra, shapes, hint=f"tensors of {module.path.name}")
