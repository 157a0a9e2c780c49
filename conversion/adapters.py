"""Low-rank adapters (LoRA, Hu et al., arXiv:2106.09685) as PEFT saves them: which one, and what it changes.

A folder holds ``adapter_config.json`` and ``adapter_model.safetensors``; a module's matrices are called
``base_model.model.<module>.lora_A.weight`` and ``lora_B``. Several tasks may share one file, as those of
jina-embeddings-v4 do: the task's name then stands behind ``lora_A``. Refused: every variant that is more than
W + scale * B A (DoRA, biases, modules saved whole, ranks by layer), and any tensor whose place is not known.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conversion.errors import ConversionError
from mlx_jinabert.architectures import ArchitectureConfig
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.checkpoint.weights import FLOAT_DTYPES, Weights
from mlx_jinabert.errors import ModelFolderError

__all__ = ["Adapter", "AdapterFile", "Update", "find_adapter", "names_at", "read_adapter"]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_FOLDER = "adapters"
"""Where a checkpoint has its own."""
_TENSOR = re.compile(
    r"(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<side>[AB])(?:\.(?P<task>[^.]+))?\.weight"
)
_SUPPORTED: Mapping[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    "fan_in_fan_out": (False,),
    "lora_bias": (False,),
    "use_dora": (False,),
    "use_qalora": (False,),
    "modules_to_save": (None, []),
    "layer_replication": (None,),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
    "trainable_token_indices": (None,),
    "target_parameters": (None, []),
}
"""Keys that change the sum, with the values under which they do not; a missing key is the first of them."""


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A folder with an adapter, and the task wanted of several in its file (None: the file holds one)."""

    folder: Path
    task: str | None


@dataclass(frozen=True, slots=True)
class Update:
    """Names in the adapter's file of A (rank, in) and B (out, rank)."""

    down: str
    up: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter, checked against the checkpoint that it belongs to."""

    name: str
    """The task, or the folder's name."""
    path: Path
    scale: float
    updates: Mapping[str, Update]
    """By canonical name of the weight W (out, in): it becomes W + scale * B A."""
    dropped: tuple[str, ...]
    """Its tensors for parts of the model that take no part in an embedding."""
    sha256: str
    """Of the file of tensors and the configuration."""


def find_adapter(source: Path, wanted: str) -> AdapterFile:
    """``wanted``: a folder, or the name of a folder or a task under ``source`` (a model folder)."""
    for place in (source / _FOLDER / wanted, source / wanted, Path(wanted).expanduser()):
        if (place / CONFIG).is_file():
            return AdapterFile(place, None)
        if (place.parent / CONFIG).is_file() and not place.exists():
            return AdapterFile(place.parent, place.name)
    raise ConversionError(
        f"--adapter {wanted}: no folder with {CONFIG}, and {source} has of its own: {names_at(source)}"
    )


def names_at(source: Path) -> str:
    """The adapters and tasks that a model folder brings along, for a message."""
    own = sorted(path.parent.name for path in (source / _FOLDER).glob(f"*/{CONFIG}"))
    for folder in (source / _FOLDER, source):
        if (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file():
            with Weights([folder / WEIGHTS]) as tensors:
                own += _tasks(tensors.names()) or [folder.name]
    return ", ".join(own) or "none"


def read_adapter(located: AdapterFile, architecture: ArchitectureConfig) -> Adapter:
    """The adapter for a checkpoint of this architecture; every tensor has a place or is refused by name."""
    scale, rank = _scale_and_rank(located.folder / CONFIG)
    path = located.folder / WEIGHTS
    if not path.is_file():
        raise ConversionError(f"{located.folder}: no {WEIGHTS}; pickled adapters are never read")
    with Weights([path]) as tensors:
        sides, dropped = _places(located, tensors.names(), architecture)
        for name, places in sides.items():
            _check(name, places, tensors, architecture.tensor_shapes()[name], rank)
    return Adapter(
        name=located.task or located.folder.name,
        path=path,
        scale=scale,
        updates={name: Update(places["A"], places["B"]) for name, places in sorted(sides.items())},
        dropped=tuple(dropped),
        sha256=hashlib.sha256(path.read_bytes() + (located.folder / CONFIG).read_bytes()).hexdigest(),
    )


def _scale_and_rank(path: Path) -> tuple[float, int]:
    """alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski, arXiv:2312.03732)."""
    try:
        config: dict[str, Any] = read_json(path) or {}
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (ModelFolderError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise ConversionError(
            f"{path}: not the configuration of a LoRA, which names numbers r and lora_alpha ({error!r})"
        ) from error
    for key, supported in _SUPPORTED.items():
        if config.get(key, supported[0]) not in supported:
            raise ConversionError(f"{path}: {key} is {config[key]!r}, supported: {supported[0]!r}")
    if rank < 1:
        raise ConversionError(f"{path}: r is {rank}, expected a positive rank")
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank), rank


def _places(
    located: AdapterFile, names: Collection[str], architecture: ArchitectureConfig
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """(weight -> side -> tensor of the wanted task, tensors left out on purpose)."""
    tasks = _tasks(names)
    if located.task is None and len(tasks) > 1:
        raise ConversionError(
            f"{located.folder}: holds several adapters; name one: "
            f"{', '.join(str(located.folder / task) for task in tasks)}"
        )
    if located.task is not None and located.task not in tasks:
        found = ", ".join(tasks) or "one without a name"
        raise ConversionError(f"--adapter {located.task}: {located.folder} holds {found}")
    weights = architecture.tensor_shapes()
    sides: dict[str, dict[str, str]] = {}
    dropped, unknown = [], []
    for name in sorted(names):
        parts = _TENSOR.fullmatch(name)
        if parts is not None and located.task is not None and parts["task"] != located.task:
            continue
        weight = architecture.canonical(f"{parts['module']}.weight") if parts is not None else ""
        if parts is not None and weight in weights:
            sides.setdefault(weight, {})[parts["side"]] = name
        elif parts is not None and architecture.dropped(weight):
            dropped.append(name)
        else:
            unknown.append(name)
    if unknown or not sides:
        listed = ", ".join(unknown[:5]) or "no matrix of this model"
        raise ConversionError(
            f"{located.folder}: {listed}: no place in {architecture.architecture}; is it an adapter of this "
            "model, and a LoRA without variations?"
        )
    return sides, dropped


def _check(name: str, places: Mapping[str, str], tensors: Weights, shape: tuple[int, ...], rank: int) -> None:
    missing = {"A", "B"} - places.keys()
    if missing:
        raise ConversionError(
            f"the adapter has {next(iter(places.values()))} for {name} but no lora_{missing.pop()}"
        )
    found = tuple(tensors.shape(places[side]) for side in "AB")
    wanted = ((rank, shape[-1]), (shape[0], rank))
    if len(shape) != len(wanted) or found != wanted:
        raise ConversionError(
            f"the adapter's matrices for {name} {shape} are {found[0]} and {found[1]}, "
            f"expected {wanted[0]} and {wanted[1]}"
        )
    for side in "AB":
        if tensors.dtype(places[side]) not in FLOAT_DTYPES:
            raise ConversionError(f"{places[side]} is {tensors.dtype(places[side])}, expected a float type")


def _tasks(names: Collection[str]) -> list[str]:
    found = (_TENSOR.fullmatch(name) for name in names)
    return sorted({parts["task"] for parts in found if parts is not None and parts["task"]})
