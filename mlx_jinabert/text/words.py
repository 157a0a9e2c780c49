"""Single words to the ids of their known tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlx_jinabert.text.tokenizer import Ids, Tokenizer

__all__ = ["WordTokenizer"]

_LONGEST = 128
"""Tokens of a word, and room for special ones, which are not added."""


class WordTokenizer(Tokenizer):
    """The tokenizer of one model folder, for words; see ``Tokenizer``."""

    def __init__(self, path: Path, table_rows: int) -> None:
        super().__init__(path, _LONGEST, table_rows=table_rows)
        unknown = getattr(self._reader.model, "unk_token", None)
        self._unknown = self.token_id(unknown) if isinstance(unknown, str) else None

    def known(self, words: Sequence[str]) -> list[Ids]:
        """Return the ids of the known tokens of each word, maybe none."""
        found = (np.asarray(encoding.ids[:_LONGEST], np.int32) for encoding in self._bare(words))
        return [ids[ids != self._unknown] if self._unknown is not None else ids for ids in found]
