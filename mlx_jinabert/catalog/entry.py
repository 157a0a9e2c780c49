"""The record of a model in the catalogue: what is known of it before it is on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["CatalogEntry", "Pooling"]

Pooling = str
"""How token vectors become one: "mean", "cls" (first token) or "last" (last token)."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What is known of a model before it is on this machine."""

    alias: str
    hub_id: str
    """Repository on the Hugging Face Hub; "" for the shipped model."""
    revision: str | None
    """Commit, 40 hexadecimal digits; None follows the repository's main branch."""
    parameters: int
    dim: int
    context: int
    """Longest text in tokens."""
    licence: str
    commercial_use: bool
    pooling: Pooling
    note: str
    matryoshka_dims: tuple[int, ...] = ()
    """Shorter vectors that the model was trained for; empty where it was not."""
    any_prefix: bool = False
    """True where every prefix of the vector may be used, at a loss that ``note`` states."""
    shortest_prefix: int = 1
    """With ``any_prefix``: the shortest vector that its authors speak of."""
    weights_sha256: str | None = None
    """Hash of model.safetensors at the revision, where it is known: a local copy is recognised by it."""
    task: Literal["embedding", "reranker"] = "embedding"
    """What it gives: vectors (``load``) or scores of pairs (``load_reranker``)."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Used where the checkpoint itself names no prompt of that name; prepended as they are.

    "query" and "document" are what ``encode_query`` and ``encode_document`` take.
    """
    settings: Mapping[str, object] = field(default_factory=dict)
    """Keys of config.json that the checkpoint leaves out and whose values are known. ``append_token``:
    the token that has to close every text (true for the tokenizer's own ``eos_token``)."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Keys that decide about the vectors and that nobody states, with what is known of them: where the
    checkpoint does not have them either, the caller has to, by ``config_overrides``."""
