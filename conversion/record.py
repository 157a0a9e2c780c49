"""``mlx_jinabert.json``: where converted weights come from and how they were made.

Holds hashes of every file read and written, no path and no name of the machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conversion.adapters import Adapter
from conversion.output import RECORD
from conversion.settings import SOURCE_FILES
from mlx_jinabert import __version__
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.verify.published import identify

__all__ = [
    "AdapterRecord",
    "Record",
    "SourceRecord",
    "describe_adapter",
    "describe_source",
    "write_record",
]

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The source of a conversion."""

    model: str | None
    """Hub id, "embedded", or None for a local folder that is not a known checkpoint."""
    name: str
    """Name for people: the Hub id, or the last part of a local folder's path."""
    revision: str | None
    files: Mapping[str, str]
    """Name -> sha256, hexadecimal."""


@dataclass(frozen=True, slots=True)
class AdapterRecord:
    """An adapter that was merged into the weights."""

    name: str
    sha256: str
    """Of its tensors and its configuration, hexadecimal."""
    scale: float
    """Of the product of its matrices."""
    tensors: Sequence[str]
    """Canonical names of the weights that it changed."""
    dropped: Sequence[str]
    """Its tensors for parts that were left out on purpose."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that a reader, or a later version, needs to know of a converted folder."""

    source: SourceRecord
    target: str
    """"mlx" or "onnx"."""
    dtype: str
    """float32 | float16 | bfloat16 of what is not quantised, int8 or int4 for a quantised graph."""
    quantization: Mapping[str, int] | None
    """bits and group_size; group_size 0 is one scale per output channel."""
    tensors: Sequence[str]
    """Canonical names of the tensors that the model uses: they tell the architecture."""
    dropped: Sequence[str]
    """Stored names of the tensors that were left out on purpose."""
    adapter: AdapterRecord | None = None


def describe_source(folder: ModelFolder, *, merged: bool = False) -> SourceRecord:
    """Hash what is about to be read. ``merged``: an adapter makes another model of a known one."""
    paths = {path.name: path for path in folder.weights}
    paths |= {name: folder.path / name for name in SOURCE_FILES if (folder.path / name).is_file()}
    name = Path(folder.model_id).name if folder.origin == "folder" else folder.model_id
    known = "embedded" if folder.origin == "embedded" else identify(folder)
    known = None if merged else known
    return SourceRecord(known, name, folder.revision, {key: _sha256(paths[key]) for key in sorted(paths)})


def describe_adapter(adapter: Adapter) -> AdapterRecord:
    """Describe an adapter to a reader, without the path of its folder."""
    return AdapterRecord(
        adapter.name, adapter.sha256, adapter.scale, sorted(adapter.updates), adapter.dropped
    )


def write_record(target: Path, record: Record) -> None:
    """Write the record; every file that is in ``target`` by now is listed with its hash."""
    files = {
        path.relative_to(target).as_posix(): _sha256(path)
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }
    content: dict[str, Any] = {
        "format": FORMAT,
        "written_by": {"tool": "convert-weights", "version": __version__},
        **asdict(record),
        "files": files,
    }
    (target / RECORD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
