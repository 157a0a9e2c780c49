"""Vectors and logits that others published for the catalogue's models, to hold our own against.

``published.json`` carries the numbers with the line of their source. They are compared by cosine, as their
authors compute GELU by another formula or round; of some only the first five components were published.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.catalog import available_models, find
from mlx_jinabert.checkpoint.fingerprint import content
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CheckLogit", "CheckVector", "check_logits", "check_vectors", "identify"]


@dataclass(frozen=True, slots=True)
class CheckVector:
    """One published vector; the text goes in without a prompt."""

    hub_id: str
    text: str
    pooling: str
    values: NDArray[np.float32]
    """(dim,) un-normalised, or the first few components of the normalised vector."""
    source: str

    def cosine(self, vector: NDArray[np.float32]) -> float:
        """Agreement with ``vector``, ours, (dim,) float32, over as many components as were published.

        0 for a vector with fewer: it is of another model.
        """
        theirs = self.values.astype(np.float64)
        if len(vector) < len(theirs):
            return 0.0
        ours = vector[: len(theirs)].astype(np.float64)
        return float(ours @ theirs / (np.linalg.norm(ours) * np.linalg.norm(theirs)))


@dataclass(frozen=True, slots=True)
class CheckLogit:
    """One published logit of a reranker, for a single text and no pair: ``Reranker.logits_of_texts``."""

    hub_id: str
    text: str
    value: float
    source: str

    def difference(self, logit: float) -> float:
        """How far ours is off."""
        return abs(float(logit) - self.value)


def check_logits(hub_id: str | None) -> tuple[CheckLogit, ...]:
    """The published logits of a reranker."""
    record = _record()
    return tuple(
        CheckLogit(logit["hub_id"], logit["text"], logit["value"], record["sources"][logit["source"]])
        for logit in record["logits"]
        if logit["hub_id"] == hub_id
    )


def check_vectors(folder: ModelFolder) -> tuple[CheckVector, ...]:
    """The published vectors of this checkpoint with this pooling; none for most."""
    hub_id = identify(folder)
    return tuple(
        vector for vector in _published() if vector.hub_id == hub_id and vector.pooling == folder.pooling
    )


def identify(folder: ModelFolder) -> str | None:
    """The Hub id of a folder's checkpoint: by name, by the record of its conversion, or by its weights."""
    if folder.entry is not None:
        return folder.entry.hub_id or None
    if folder.origin == "hub":
        return folder.model_id
    source = (read_json(folder.path / "mlx_jinabert.json") or {}).get("source")
    if isinstance(source, dict) and isinstance(source.get("model"), str):
        entry = find(source["model"])
        return entry.hub_id if entry else str(source["model"])
    weights = content(folder).weights
    return next(
        (entry.hub_id for entry in available_models().values() if entry.weights_sha256 == weights), None
    )


@cache
def _published() -> tuple[CheckVector, ...]:
    record = _record()
    return tuple(
        CheckVector(
            hub_id=vector["hub_id"],
            text=vector["text"],
            pooling=vector["pooling"],
            values=np.array(vector["values"], dtype=np.float32),
            source=record["sources"][vector["source"]],
        )
        for vector in record["vectors"]
    )


def _record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return found
