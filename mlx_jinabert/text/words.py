"""Single words to the ids of their known tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.text.tokenizer import Ids, Tokenizer

__all__ = ["WordTokenizer"]

_LONGEST = 128
"""Tokens of a word, and room for special ones, which are not added."""


class WordTokenizer(Tokenizer):
    """The tokenizer of one model folder, for words; see ``Tokenizer``."""

    def __init__(self, path: Path, table_rows: int) -> None:
        super().__init__(path, _LONGEST, table_rows=table_rows)
        unknown = self._file.unknown
        self._unknown = None if unknown is None else self.token_id(unknown)

    def known(self, words: Sequence[str]) -> tuple[Ids, NDArray[np.intp]]:
        """Return the known tokens of all words, one behind the other, and how many each has, maybe none."""
        table = self._file.table
        found = table.ids_of_words(words) if table else None
        if found is None:
            found = [encoding.ids for encoding in self._bare(words)]
        lists = [ids[:_LONGEST] for ids in found]
        lengths = np.fromiter(map(len, lists), np.intp, len(lists))
        ids = np.fromiter(chain.from_iterable(lists), np.int32, int(lengths.sum()))
        is_known = np.ones(len(ids), np.bool_) if self._unknown is None else ids != self._unknown
        before = np.concatenate([[0], np.cumsum(is_known, dtype=np.intp)])
        ends = np.cumsum(lengths)
        return ids[is_known], before[ends] - before[ends - lengths]
