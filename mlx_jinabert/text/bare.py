"""Texts to the ids of their known tokens alone, as static embeddings take them.

Source: ``StaticModel.tokenize`` of model2vec (0.10): no special tokens; a text is cut to ``max_length``
tokens, and before that to ``max_length`` times the median length of a token in characters; unknown tokens are
left out of what remains. A text may have no token at all: its vector is zeros.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from mlx_jinabert.text.tokenizer import Ids, TokenizedTexts, Tokenizer

__all__ = ["BareTokenizer"]


class BareTokenizer(Tokenizer):
    """The tokenizer of static embeddings; see ``Tokenizer``."""

    def __init__(self, path: Path, max_length: int, table_rows: int) -> None:
        super().__init__(path, max_length + _SPECIALS, table_rows=table_rows)
        self.max_length = max_length
        self._characters = max_length * int(median(map(len, self._reader.get_vocab(with_added_tokens=True))))
        self._unknown = self._find_unknown()

    def encode(self, texts: Sequence[str]) -> TokenizedTexts:
        """Ids of known tokens, cut, maybe none; ``lengths`` are before the cut, at least ``max_length`` + 1
        for a text that was cut by its characters."""
        ids: list[Ids] = []
        lengths: list[int] = []
        cut = [text[: self._characters] for text in texts]
        for text, short, encoding in zip(texts, cut, self._bare(cut), strict=True):
            found = np.asarray(encoding.ids, np.int32)
            lengths.append(max(len(found), self.max_length + 1) if short != text else len(found))
            kept = found[: self.max_length]
            ids.append(kept if self._unknown is None else kept[kept != self._unknown])
        return TokenizedTexts(tuple(ids), tuple(lengths))

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, before any cut, unknown ones included."""
        return [len(encoding.ids) for encoding in self._bare(texts)]

    def _find_unknown(self) -> int | None:
        model = json.loads(self._reader.to_str())["model"]
        if model.get("type") == "Unigram":
            found = model.get("unk_id")
            return found if isinstance(found, int) else None
        token = model.get("unk_token")
        return self.token_id(token) if isinstance(token, str) else None


_SPECIALS = 64
"""More special tokens than any template adds: none are added here, so they need no room."""
