"""The identity of a model's vectors: two models with one fingerprint give the same text the same vector.

Hashed are weights, tokenizer, pooling, prompts, length limit, width and the way the stored weights are
quantised, but neither the backend nor the type it computes in: an index that one machine built serves
another. Computing in int8 with one scale per output channel (what ONNX Runtime does on a CPU) counts as
such a type, whether it was stored so or not; weights quantised in groups, and int4, differ too much.

Hashes of large files are kept in the cache folder by (path, size, mtime_ns). A shipped or converted
folder brings them along in ``fingerprint.json``; a converted one carries those of its source, so that a
change of float type alone keeps the fingerprint. The record names a sample of the bytes of each file and
is not believed where that sample differs.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_jinabert.checkpoint.cache_folder import cache_dir
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.sentence_files import read_json

__all__ = ["Content", "content", "fingerprint", "write_record"]

RECORD = "fingerprint.json"
_FORMAT = 1
_LENGTH = 32
"""Hexadecimal digits of a fingerprint: 128 bits."""
_BLOCK = 1 << 20
_SAMPLES = 16
_SAMPLE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Content:
    """sha256 (hexadecimal) of the weights, over all shards in order, and of tokenizer.json."""

    weights: str
    tokenizer: str


def fingerprint(
    folder: ModelFolder, *, dim: int, max_length: int, variant: Mapping[str, Any] | None = None
) -> str:
    """32 hexadecimal digits. ``variant``: what the caller changed in the model, such as config overrides."""
    found = content(folder)
    stored = folder.quantization
    known = folder.entry.prompts if folder.entry else {}
    identity = {
        "format": _FORMAT,
        "weights": found.weights,
        "tokenizer": found.tokenizer,
        "pooling": folder.pooling,
        "prompts": {**known, **folder.prompts},
        "default_prompt_name": folder.default_prompt_name,
        "max_length": max_length,
        "dim": dim,
        "quantization": [stored.bits, stored.group_size] if stored and stored.group_size else None,
        "variant": dict(variant or {}),
    }
    end = folder.end_token
    if end is not None:
        identity["end_token"] = end.text
    if folder.config.get("is_causal") is False:  # Decoders hide what is behind a token unless told not to.
        identity["is_causal"] = False
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:_LENGTH]


def content(folder: ModelFolder) -> Content:
    """Hashes of the folder's weights and tokenizer: from its record where that fits, else of the files."""
    record = read_json(folder.path / RECORD) or {}
    if record.get("format") == _FORMAT and record.get("samples") == _samples(folder):
        return Content(str(record.get("weights")), str(record.get("tokenizer")))
    return _hash_content(folder)


def write_record(folder: ModelFolder, source: Content | None = None) -> None:
    """Write ``fingerprint.json``; ``source``: content of the checkpoint that was converted."""
    found = source or _hash_content(folder)
    record = {
        "format": _FORMAT,
        "weights": found.weights,
        "tokenizer": found.tokenizer,
        "samples": _samples(folder),
    }
    (folder.path / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _hash_content(folder: ModelFolder) -> Content:
    cache = _HashCache(cache_dir() / "hashes.json")
    weights = [cache.sha256(path) for path in _weight_files(folder)]
    tokenizer = cache.sha256(folder.tokenizer)
    cache.save()
    joined = weights[0] if len(weights) == 1 else hashlib.sha256("".join(weights).encode()).hexdigest()
    return Content(joined, tokenizer)


def _weight_files(folder: ModelFolder) -> Sequence[Path]:
    if folder.weights or folder.onnx is None:
        return folder.weights
    return sorted(folder.onnx.parent.glob(f"{folder.onnx.name}*"))


def _samples(folder: ModelFolder) -> dict[str, str]:
    return {path.name: _sample(path) for path in (*_weight_files(folder), folder.tokenizer)}


def _sample(path: Path) -> str:
    """Hash of a file's size and of evenly spaced blocks of it: cheap, and different after any training."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for index in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * index // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:_LENGTH]


class _HashCache:
    """sha256 by (path, size, mtime_ns) in one JSON file; one that can't be read or written is no error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fresh: dict[str, list[Any]] = {}
        self._known: dict[str, Any] = self._read()

    def sha256(self, path: Path) -> str:
        stat = path.stat()
        key = str(path.resolve())
        match self._known.get(key):
            case [stat.st_size, stat.st_mtime_ns, str(digest)]:
                return digest
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._fresh[key] = [stat.st_size, stat.st_mtime_ns, digest]
        return digest

    def save(self) -> None:
        if not self._fresh:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self._read() | self._fresh, file)
            Path(name).replace(self._path)
        except OSError:
            return

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
