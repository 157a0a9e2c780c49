"""Read sentence-transformers' ``Dense`` modules: layers behind the transformer, of pooled or token vectors.

Sources: sentence_transformers/models/Dense.py, and pylate/models/Dense.py for the residual (@034d6aa). A
folder holds config.json and model.safetensors with ``linear.weight`` (out, in), ``linear.bias`` and, for a
residual that changes the width, ``residual.weight``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.checkpoint.weights import FLOAT_DTYPES, Shape, Weights
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig, WeightMismatch

__all__ = ["DenseActivation", "DenseModule", "check_chain", "read_dense"]

DenseActivation = Literal["identity", "tanh"]
_ACTIVATIONS: Mapping[str, DenseActivation] = {
    "torch.nn.modules.linear.Identity": "identity",
    "torch.nn.modules.activation.Tanh": "tanh",
}
_TANH = "torch.nn.modules.activation.Tanh"
"""Default of sentence-transformers."""
_INPUTS = (None, "sentence_embedding", "token_embeddings")


@dataclass(frozen=True, slots=True)
class DenseModule:
    """One dense layer: activation(W x + b), plus x or V x where it has a residual."""

    path: Path
    """Its folder."""
    in_features: int
    out_features: int
    bias: bool
    activation: DenseActivation
    residual: bool

    @property
    def weights(self) -> Path:
        """The file with its tensors."""
        return self.path / "model.safetensors"

    def tensor_shapes(self) -> dict[str, Shape]:
        """Stored name -> shape of every tensor."""
        shapes: dict[str, Shape] = {"linear.weight": (self.out_features, self.in_features)}
        if self.bias:
            shapes["linear.bias"] = (self.out_features,)
        if self.residual and self.in_features != self.out_features:
            shapes["residual.weight"] = (self.out_features, self.in_features)
        return shapes


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
    )
    _check_tensors(module)
    return module


def check_chain(modules: tuple[DenseModule, ...], width: int) -> int:
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


def _check_tensors(module: DenseModule) -> None:
    if not module.weights.is_file():
        raise ModelFolderError(module.path, "no model.safetensors; pickled weights are never read")
    expected = module.tensor_shapes()
    with Weights([module.weights]) as weights:
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
