"""Safetensors to safetensors: cast or quantised, tensor by tensor, a block of rows at a time.

The output is one file, or several of at most 5 GB with the index that Hugging Face and mlx-lm read. A file's
header is known before any value is read, so neither a shard nor a whole tensor has to fit in memory. Tensors
keep their Hugging Face names (without a wrapper's prefix); a quantised ``x.weight`` becomes packed words with
``x.scales`` and ``x.biases``, the convention of mlx-lm.

Refused by ``plan``: widths that no group size divides, weights that are quantised already.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conversion.errors import ConversionError
from conversion.numbers import ITEM_BYTES, STORED_NAME, NotRepresentable, narrowed
from conversion.quantize import GROUP_SIZES, group_size_for, quantize_rows
from mlx_jinabert.checkpoint.weights import Weights

__all__ = ["SHARD_BYTES", "Entry", "Plan", "Tensor", "plan", "write"]

SHARD_BYTES = 5_000_000_000
"""Size above which tensors go to a further file: what transformers and mlx-lm take as well."""
_BLOCK_VALUES = 1 << 22
_EMBEDDING_MARKS = ("embed", "wte.", "wpe.")
_MATRIX = 2


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the source and what becomes of it."""

    name: str
    """Canonical name: what it is called in the output."""
    stored: str
    """Name in the source."""
    shape: tuple[int, ...]
    packed: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of the output."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Size in the file."""
        return ITEM_BYTES[self.dtype] * math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Plan:
    """The layout of the file to write: types, quantisation and the tensors in the order of the file."""

    dtype: str
    bits: int | None
    group_size: int
    """0 without quantisation."""
    tensors: tuple[Tensor, ...]

    def entries(self, tensor: Tensor) -> dict[str, Entry]:
        """Output name -> what becomes of one tensor."""
        if not tensor.packed or self.bits is None:
            return {tensor.name: Entry(self.dtype, tensor.shape)}
        layer, (rows, width) = tensor.name.removesuffix(".weight"), tensor.shape
        groups = Entry(self.dtype, (rows, width // self.group_size))
        return {
            tensor.name: Entry("uint32", (rows, width * self.bits // 32)),
            f"{layer}.scales": groups,
            f"{layer}.biases": groups,
        }

    def size(self, tensor: Tensor) -> int:
        """Bytes that become of one tensor."""
        return sum(entry.nbytes for entry in self.entries(tensor).values())

    def total_bytes(self) -> int:
        """Size of all tensors on disk."""
        return sum(self.size(tensor) for tensor in self.tensors)

    def shards(self, most: int) -> list[Plan]:
        """The same in parts of at most ``most`` bytes each, or of one tensor."""
        parts: list[list[Tensor]] = [[]]
        filled = 0
        for tensor in self.tensors:
            size = self.size(tensor)
            if parts[-1] and filled + size > most:
                parts.append([])
                filled = 0
            parts[-1].append(tensor)
            filled += size
        return [replace(self, tensors=tuple(part)) for part in parts]


def plan(weights: Weights, names: Mapping[str, str], *, dtype: str | None, bits: int | None) -> Plan:
    """Lay out the output. ``names``: canonical -> stored, as ``match`` gives it.

    ``dtype`` None keeps the type of the source (float32, where it mixes them), and is a half type beside
    quantised weights. Linear weights are quantised; embedding tables, norms and biases keep the float type.
    """
    stored_types = {weights.dtype(stored) for stored in names.values()}
    if "uint32" in stored_types:
        raise ConversionError("the source is quantised already; convert from the original weights instead")
    if dtype is None:
        dtype = stored_types.pop() if len(stored_types) == 1 else "float32"
        dtype = "float16" if bits is not None and dtype == "float32" else dtype
    tensors = tuple(
        Tensor(
            name,
            names[name],
            weights.shape(names[name]),
            bits is not None and _is_linear(weights, name, names),
        )
        for name in sorted(names)
    )
    group_size = 0
    if bits is not None:
        widths = {tensor.shape[1] for tensor in tensors if tensor.packed}
        group_size = group_size_for(widths) or 0
        if not group_size:
            raise ConversionError(
                f"the widths of the linear layers ({', '.join(map(str, sorted(widths)))}) are not all "
                f"multiples of {min(GROUP_SIZES)}, the smallest quantisation group; use --quantize none"
            )
    return Plan(dtype, bits, group_size, tensors)


def _is_linear(weights: Weights, name: str, names: Mapping[str, str]) -> bool:
    if not name.endswith(".weight") or any(mark in name for mark in _EMBEDDING_MARKS):
        return False
    return len(weights.shape(names[name])) == _MATRIX


def write(path: Path, weights: Weights, plan: Plan, shard_bytes: int = SHARD_BYTES) -> None:
    """Write the planned tensors to ``path``, or to shards and an index named after it.

    Raises ConversionError for a value that the type can't hold.
    """
    shards = plan.shards(shard_bytes)
    if len(shards) == 1:
        _write_file(path, weights, plan)
        return
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"{path.stem}-{number:05}-of-{len(shards):05}{path.suffix}"
        _write_file(path.with_name(name), weights, shard)
        places |= {entry: name for tensor in shard.tensors for entry in shard.entries(tensor)}
    index = {"metadata": {"total_size": plan.total_bytes()}, "weight_map": places}
    path.with_name(f"{path.name}.index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def _write_file(path: Path, weights: Weights, plan: Plan) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    offsets: dict[str, int] = {}
    end = 0
    for tensor in plan.tensors:
        for name, entry in plan.entries(tensor).items():
            offsets[name], end = end, end + entry.nbytes
            place = {"dtype": STORED_NAME[entry.dtype], "shape": list(entry.shape)}
            header[name] = {**place, "data_offsets": [offsets[name], end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        base = file.tell()
        file.truncate(base + end)
        for tensor in plan.tensors:
            try:
                for name, offset, block in _blocks(weights, tensor, plan):
                    file.seek(base + offsets[name] + offset)
                    file.write(np.ascontiguousarray(block).data)
            except NotRepresentable as error:
                raise ConversionError(
                    f"tensor {tensor.stored} {error}; choose another --dtype, or check the download"
                ) from error


def _blocks(weights: Weights, tensor: Tensor, plan: Plan) -> Iterator[tuple[str, int, NDArray[Any]]]:
    """(output name, byte offset in it, words) over blocks of rows."""
    rows, *rest = tensor.shape
    width = math.prod(rest)
    step = max(1, _BLOCK_VALUES // max(1, width))
    layer = tensor.name.removesuffix(".weight")
    for start in range(0, rows, step):
        block = weights.rows(tensor.stored, start, start + step).astype(np.float32)
        if not tensor.packed or plan.bits is None:
            yield tensor.name, start * width * ITEM_BYTES[plan.dtype], narrowed(block, plan.dtype)
            continue
        if not np.isfinite(block).all():
            raise NotRepresentable("holds NaN or infinity")
        packed = quantize_rows(block, plan.bits, plan.group_size, plan.dtype)
        groups = packed.scales.shape[1] * ITEM_BYTES[plan.dtype]
        yield tensor.name, start * packed.words.shape[1] * 4, packed.words
        yield f"{layer}.scales", start * groups, narrowed(packed.scales, plan.dtype)
        yield f"{layer}.biases", start * groups, narrowed(packed.biases, plan.dtype)
