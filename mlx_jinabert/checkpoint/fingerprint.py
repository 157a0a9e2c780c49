"""The identity of a model's vectors: two models with one fingerprint give the same text the same vector.

Hashed are weights, tokenizer, the numbers of the configuration, pooling, prompts, length limit, width and
the way the stored weights are quantised, but neither the backend nor the type it computes in: an index that
one machine built serves another. Computing in int8 with one scale per output channel (what ONNX Runtime
does on a CPU) counts as such a type, whether it was stored so or not; weights quantised in groups, and
int4, differ too much.

Identity is content. Every file of a folder is hashed here, in full, once (``hashes.py`` remembers it);
whatever a folder says about its own hashes is not read. Two are known without: the shipped model, which is
part of the program and brings its hashes in ``fingerprint.json``, and a folder that ``convert-weights``
wrote on this machine, which keeps the identity of its source, so that a change of float type alone keeps
the fingerprint. That is remembered here, by the hash of what was written, and not in the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlx_jinabert.checkpoint.folder import EMBEDDED, ModelFolder
from mlx_jinabert.checkpoint.hashes import FileHashes, origin_of, remember_origin
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.quick_dataclass import dataclass

__all__ = [
    "RECORD",
    "Content",
    "content",
    "fingerprint",
    "remember_conversion",
    "shipped_content",
    "shipped_record",
    "stored_content",
]

RECORD = "fingerprint.json"
"""The shipped model's own hashes; in any other folder a file that is not read."""
_SHIPPED_FILES = (EMBEDDED / "model.safetensors", EMBEDDED / "tokenizer.json")
_FORMAT = 1
_LENGTH = 32
"""Hexadecimal digits of a fingerprint: 128 bits."""
_SAMPLES = 16
_SAMPLE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Content:
    """sha256 (hexadecimal) of the weights, over all shards in order, and of tokenizer.json."""

    weights: str
    tokenizer: str


def fingerprint(
    folder: ModelFolder,
    *,
    dim: int,
    max_length: int,
    numbers: Mapping[str, Any] | None = None,
    variant: Mapping[str, Any] | None = None,
) -> str:
    """Return 32 hexadecimal digits.

    Args:
        folder: The model.
        dim: Width of the vectors.
        max_length: Limit in tokens.
        numbers: The architecture's configuration; None for that of the shipped model.
        variant: What the caller changed in the model, such as config overrides.
    """
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
    if numbers is not None:
        identity["numbers"] = dict(numbers)
    if folder.dense:
        identity["dense"] = _dense_content(folder)
    if folder.rounds:
        identity["rounds"] = "tanh-int8"
    end = folder.end_token
    if end is not None:
        identity["end_token"] = end.text
    if folder.config.get("count_repeated_tokens"):  # The shipped model has no other numbers here.
        identity["count_repeated_tokens"] = True
    if folder.config.get("is_causal") is False:  # Decoders hide what is behind a token unless told not to.
        identity["is_causal"] = False
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:_LENGTH]


def _dense_content(folder: ModelFolder) -> list[list[object]]:
    """Return, for each layer behind the transformer, the hash of its weights and its settings."""
    hashes = FileHashes()
    found: list[list[object]] = [
        [" ".join(map(hashes.sha256, module.files)), *module.identity] for module in folder.dense
    ]
    hashes.save()
    return found


def content(folder: ModelFolder) -> Content:
    """Return the hashes that stand for the folder: its own, or those of what was converted here to it."""
    found = stored_content(folder)
    origin = origin_of(_joined(found)) if folder.path != EMBEDDED else None
    return Content(*origin.split()) if origin else found


def stored_content(folder: ModelFolder) -> Content:
    """Return the hashes of the bytes that lie in the folder."""
    if folder.path == EMBEDDED and (shipped := shipped_content()):
        return shipped
    hashes = FileHashes()
    weights = [hashes.sha256(path) for path in folder.weights]
    if folder.onnx is not None:  # A graph may take its numbers from any file beside it.
        weights += [f"{name} {hashes.sha256(path)}" for name, path in _files_below(folder.onnx.parent)]
    tokenizer = hashes.sha256(folder.tokenizer)
    hashes.save()
    joined = weights[0] if len(weights) == 1 else hashlib.sha256("".join(weights).encode()).hexdigest()
    return Content(joined, tokenizer)


def shipped_content() -> Content | None:
    """Return the recorded hashes of the shipped model; None where it was replaced and the record was not."""
    record = read_json(EMBEDDED / RECORD) or {}
    try:
        fits = record.get("format") == _FORMAT and record.get("samples") == _samples()
    except OSError:
        return None
    return Content(str(record.get("weights")), str(record.get("tokenizer"))) if fits else None


def shipped_record() -> dict[str, Any]:
    """Return what belongs into the shipped model's ``fingerprint.json``, hashed anew."""
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _SHIPPED_FILES}
    weights, tokenizer = hashes.values()
    return {"format": _FORMAT, "weights": weights, "tokenizer": tokenizer, "samples": _samples()}


def remember_conversion(converted: ModelFolder, source: Content) -> None:
    """Give a folder that was converted here, from what ``source`` is the content of, its identity."""
    remember_origin(_joined(stored_content(converted)), _joined(source))


def _joined(found: Content) -> str:
    return f"{found.weights} {found.tokenizer}"


def _files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file below ``folder`` with its relative name, in order. Follow no link to a folder."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and name != RECORD:
                yield path.relative_to(folder).as_posix(), path


def _samples() -> dict[str, str]:
    return {path.name: _sample(path) for path in _SHIPPED_FILES}


def _sample(path: Path) -> str:
    """Hash a file's size and evenly spaced blocks of it: cheap, and different after any training."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for index in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * index // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:_LENGTH]
