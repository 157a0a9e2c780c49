"""Recognise the catalogued model that a folder without sentence-transformers files was converted from.

Converters for MLX keep weights, configuration and tokenizer, and leave out 1_Pooling and the prompts, without
which the vectors are others. What is left is the name: README.md says "converted to MLX format from
[owner/name]" (mlx_embeddings/utils.py @9b28270, mlx-lm alike), ``base_model`` there names the original of a
model that is marked as quantised or for MLX, and repositories are called as their original, with the
precision behind it. ``_name_or_path`` of config.json and any other ``base_model`` are what a model was
trained from: they are not read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlx_jinabert import catalog
from mlx_jinabert.catalog import CatalogEntry
from mlx_jinabert.checkpoint.reading import read_file

__all__ = ["original_of"]

_log = logging.getLogger("mlx_jinabert")

_UNKNOWABLE = ("tokens", "unstated")
_MOST_BYTES = 4 << 20
"""The largest cards hold tables of evaluations, some hundred kilobytes."""
_CONVERTED = re.compile(r"converted to MLX format from\s*\[?`?([\w.-]+/[\w.-]+)", re.IGNORECASE)
_BASE = re.compile(r"^base_model:[ \t]*(?:\n[ \t]*-)?[ \t]*[\"']?([\w.-]+/[\w.-]+)", re.MULTILINE)
_IS_CONVERSION = re.compile(
    r"^(base_model_relation:[ \t]*quantized|library_name:[ \t]*mlx|[ \t]*-[ \t]*mlx)[ \t]*$", re.MULTILINE
)
_FRONT = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_PRECISION = re.compile(
    r"[-_.](mlx|gguf|onnx|quantized|dwq|mxfp[48]|nvfp4|(int|q)[2-8]|[2-8]-?bits?"
    r"|(bf|fp|f|float|bfloat)(16|32))\Z",
    re.IGNORECASE,
)
_SNAPSHOT = re.compile(r"models--.+?--(.+)")


def original_of(path: Path, model_id: str, config: Mapping[str, Any]) -> CatalogEntry | None:
    """Return the catalogue's row of the model that ``path`` was converted from, None if it has none.

    A line in the log says which. A row whose vectors cannot be as wide as config.json says is not its own.
    Not recognised are models that give a vector a token, whose marks no name brings back, and those whose
    pooling their files alone state.
    """
    for name in _names(path, model_id):
        entry = catalog.find(name)
        if entry is not None and entry.hub_id and entry.pooling not in _UNKNOWABLE and _fits(entry, config):
            prompts = ", ".join(entry.prompts) or "none"
            _log.warning(
                "%s says nothing about pooling and prompts; taken for a conversion of %s by its name or "
                "README.md: pooling %s, prompts: %s",
                path,
                entry.hub_id,
                entry.pooling,
                prompts,
            )
            return entry
    return None


def _names(path: Path, model_id: str) -> Iterator[str]:
    """What may be the original's name. A README.md that says what was converted is the last word."""
    content = read_file(path / "README.md", _MOST_BYTES) or b""
    card = content.decode("utf-8", "replace").replace("\r\n", "\n")
    converted = _CONVERTED.search(card)
    if converted:
        yield converted[1].rstrip(".")
        return
    places = [model_id.replace("\\", "/").rstrip("/").rpartition("/")[2]]
    places += [found[1] for part in path.parts if (found := _SNAPSHOT.fullmatch(part))]
    for place in places:
        yield from _shortened(place)
    front = _FRONT.match(card)
    if front and _IS_CONVERSION.search(front[1]):
        yield from _BASE.findall(front[1])


def _shortened(name: str) -> Iterator[str]:
    """Yield a name, and what is left of it without one word about the precision after the other."""
    yield name
    shorter = _PRECISION.sub("", name)
    if shorter != name:
        yield from _shortened(shorter)


def _fits(entry: CatalogEntry, config: Mapping[str, Any]) -> bool:
    """Whether a model of config.json's width may give the row's vectors: as wide, or widened at the end."""
    width = config.get("hidden_size")
    return entry.task != "embedding" or (type(width) is int and width > 0 and entry.dim % width == 0)
