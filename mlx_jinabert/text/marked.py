"""Queries and documents of late-interaction models to token ids: marked, cut, filled up, as PyLate does.

Source: ``ColBERT.preprocess`` of pylate/models/colbert.py (@00b0c52): the mark of a role comes behind the
first token; a text is cut to its role's length less the mark; queries are filled up with mask tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.late_interaction import LateInteraction
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.tokenizer import Ids, Tokenizer

__all__ = ["MarkedTexts", "MarkedTokenizer", "Role"]

Role = Literal["query", "document"]


@dataclass(frozen=True, slots=True)
class MarkedTexts:
    """Per text: ``ids``; ``counts``: 0 for what others do not see, else 1, both (length,) int32; ``kept``:
    those with a vector, (length,) bool.

    ``lengths`` are in tokens before the cut, marks included.
    """

    ids: tuple[Ids, ...]
    counts: tuple[Ids, ...]
    kept: tuple[NDArray[np.bool_], ...]
    lengths: tuple[int, ...]


class MarkedTokenizer:
    """The tokenizer of one late-interaction model; ``most`` is what its encoder takes in tokens."""

    def __init__(self, path: Path, settings: LateInteraction, most: int, table_rows: int) -> None:
        """Raises ModelFolderError for marks that tokenizer.json has no token for."""
        self.settings = settings = replace(
            settings,
            query_length=min(settings.query_length, most),
            document_length=min(settings.document_length, most),
        )
        roles: dict[Role, tuple[str, int]] = {
            "query": (settings.query_prefix, settings.query_length),
            "document": (settings.document_prefix, settings.document_length),
        }
        self._marks: dict[Role, int | None] = {}
        self._tokenizers: dict[Role, Tokenizer] = {}
        for role, (prefix, length) in roles.items():
            tokenizer = Tokenizer(path, length - (1 if prefix else 0), table_rows=table_rows)
            self._tokenizers[role] = tokenizer
            self._marks[role] = _id(tokenizer, path, prefix) if prefix else None
        tokenizer = self._tokenizers["query"]
        self.pad_id = tokenizer.pad_id
        self._filler = self.pad_id
        if settings.mask_token is not None:
            self._filler = _id(tokenizer, path, settings.mask_token)
        self._skipped = np.array(sorted(self._skipped_ids(tokenizer)), np.int32)

    def encode(self, texts: Sequence[str], role: Role) -> MarkedTexts:
        """Ids of texts in a role, and which of their vectors count."""
        tokens = self._tokenizers[role].encode(texts)
        mark = self._marks[role]
        ids = [ids if mark is None else np.insert(ids, 1, mark).astype(np.int32) for ids in tokens.ids]
        lengths = tuple(length + (mark is not None) for length in tokens.lengths)
        if role == "document":
            kept = tuple(~np.isin(each, self._skipped) for each in ids)
            return MarkedTexts(tuple(ids), tuple(map(np.ones_like, ids)), kept, lengths)
        seen = [len(each) for each in ids]
        if self.settings.expands_queries:
            whole = self.settings.query_length
            ids = [np.concatenate([each, np.full(whole - len(each), self._filler, np.int32)]) for each in ids]
            seen = [whole] * len(ids) if self.settings.attends_expansion else seen
        counts = (np.arange(len(each)) < first for each, first in zip(ids, seen, strict=True))
        kept = tuple(np.ones(len(each), bool) for each in ids)
        return MarkedTexts(tuple(ids), tuple(each.astype(np.int32) for each in counts), kept, lengths)

    def _skipped_ids(self, tokenizer: Tokenizer) -> set[int]:
        """As transformers' ``convert_tokens_to_ids``: what is not a token is the unknown one."""
        unknown = tokenizer.token_id(self.settings.unknown_token or "")
        found = (tokenizer.token_id(word) for word in self.settings.skipped)
        ids = {unknown if each is None else each for each in found}
        return {each for each in ids if each is not None}


def _id(tokenizer: Tokenizer, path: Path, token: str) -> int:
    found = tokenizer.token_id(token)
    if found is None:
        raise ModelFolderError(path, f"has no token {token!r}, which marks or fills up the model's texts")
    return found
