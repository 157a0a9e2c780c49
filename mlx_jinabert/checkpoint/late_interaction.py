"""Read how a late-interaction model marks, cuts and pads its texts: PyLate's part of the sentence files.

Source: pylate/models/colbert.py (@00b0c52). The keys lie in config_sentence_transformers.json; defaults are
PyLate's.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["LateInteraction", "read_late_interaction"]

T = TypeVar("T", bool, str)


@dataclass(frozen=True, slots=True)
class LateInteraction:
    """The treatment of queries and documents; lengths are in tokens, marks and special tokens included."""

    query_prefix: str
    """A token of its own behind the first one; "" for none."""
    document_prefix: str
    query_length: int
    document_length: int
    expands_queries: bool
    """Whether queries are filled up to their length with mask tokens, which have vectors too."""
    attends_expansion: bool
    """Whether other tokens see those mask tokens."""
    skipped: tuple[str, ...]
    """Tokens of documents whose vectors are left out."""
    mask_token: str | None
    unknown_token: str | None


def read_late_interaction(path: Path) -> LateInteraction:
    """Read the settings from the folder ``path``. Raises UnsupportedConfig for a value of another type."""
    config = read_json(path / "config_sentence_transformers.json") or {}
    tokenizer = read_json(path / "tokenizer_config.json") or {}
    expands = _typed(config, "do_query_expansion", True)
    skipped = config.get("skiplist_words")
    if skipped is None:
        skipped = list(string.punctuation)
    if not isinstance(skipped, list) or not all(isinstance(word, str) for word in skipped):
        raise UnsupportedConfig("skiplist_words", skipped, "a list of tokens")
    return LateInteraction(
        query_prefix=_typed(config, "query_prefix", "[Q] "),
        document_prefix=_typed(config, "document_prefix", "[D] "),
        query_length=_positive(config, "query_length", 32),
        document_length=_positive(config, "document_length", 180),
        expands_queries=expands,
        attends_expansion=expands and _typed(config, "attend_to_expansion_tokens", False),
        skipped=tuple(skipped),
        mask_token=_token(tokenizer, "mask_token") or _token(tokenizer, "eos_token"),
        unknown_token=_token(tokenizer, "unk_token"),
    )


def _typed(config: Mapping[str, object], key: str, default: T) -> T:
    found = config.get(key)
    if found is None:
        return default
    if not isinstance(found, type(default)):
        raise UnsupportedConfig(key, found, f"a {type(default).__name__}")
    return found


def _positive(config: Mapping[str, object], key: str, default: int) -> int:
    found = config.get(key)
    if found is None:
        return default
    if type(found) is not int or found < 1:
        raise UnsupportedConfig(key, found, "a positive integer")
    return found


def _token(tokenizer: Mapping[str, object], key: str) -> str | None:
    found = tokenizer.get(key)
    text = found.get("content") if isinstance(found, Mapping) else found
    return text if isinstance(text, str) else None
