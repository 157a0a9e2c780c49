"""Pairs of texts to token ids, with truncation that is counted.

The template (which special tokens stand where, which token type the second text has) is tokenizer.json's
own post-processor. A pair that is too long loses tokens at the end of its longer text, one by one, as in
sentence-transformers' CrossEncoder and text-embeddings-inference ("longest first"): that is the document
alone, as long as it is longer than the query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.tokenizer import Ids, Tokenizer, without_surrogates

__all__ = ["Pair", "PairTokenizer", "TokenizedPairs", "list_pairs"]

Pair = tuple[str, str]
"""(query, document)."""


@dataclass(frozen=True, slots=True)
class TokenizedPairs:
    """Per pair: ``ids`` and ``types``, (length,) int32, cut to the limit; ``lengths`` before the cut."""

    ids: tuple[Ids, ...]
    types: tuple[Ids, ...]
    lengths: tuple[int, ...]


class PairTokenizer(Tokenizer):
    """The tokenizer of a reranker, limited to ``max_length`` tokens with special tokens included.

    ``type_vocab_size``: how many token types the model knows; a template with more is refused. 0: none, and
    those of the template count for nothing.
    """

    def __init__(
        self, path: Path, max_length: int, type_vocab_size: int, table_rows: int | None = None
    ) -> None:
        super().__init__(path, max_length, table_rows=table_rows)
        self._cutter = type(self._reader).from_str(self._reader.to_str())
        specials = self._reader.num_special_tokens_to_add(is_pair=True)
        if max_length < specials + 2:
            raise ModelFolderError(
                path, f"max_length {max_length} leaves no room for two texts beside {specials} special tokens"
            )
        self._cutter.enable_truncation(max_length, strategy="longest_first")
        with self._failing():
            types = max(self._reader.encode("a", "b").type_ids)
        if type_vocab_size and types >= type_vocab_size:
            raise ModelFolderError(
                path, f"its template has token type {types}, the model has types 0 to {type_vocab_size - 1}"
            )

    def encode_pairs(self, pairs: Sequence[Pair]) -> TokenizedPairs:
        """Ids and token types by the template, each pair cut to ``max_length``."""
        clean = [(without_surrogates(query), without_surrogates(document)) for query, document in pairs]
        with self._failing():
            encodings = self._reader.encode_batch(clean)
        lengths = tuple(len(encoding.ids) for encoding in encodings)
        long = [position for position, length in enumerate(lengths) if length > self.max_length]
        with self._failing():
            cut = self._cutter.encode_batch([clean[position] for position in long])
        for position, encoding in zip(long, cut, strict=True):
            encodings[position] = encoding
        ids = (np.asarray(encoding.ids, np.int32) for encoding in encodings)
        types = (np.asarray(encoding.type_ids, np.int32) for encoding in encodings)
        return TokenizedPairs(tuple(ids), tuple(types), lengths)


def list_pairs(pairs: Sequence[Pair] | Pair) -> tuple[list[Pair], bool]:
    """The pairs as a list, and whether there was one alone. TypeError names the first that is not a pair."""
    if isinstance(pairs, str | bytes | Mapping) or not isinstance(pairs, Iterable):
        raise TypeError(f"pairs must be a list of (query, document), not {type(pairs).__name__}")
    found: list[Any] = list(pairs)
    alone = len(found) == 2 and all(isinstance(text, str) for text in found)
    checked: list[Pair] = []
    for position, pair in enumerate([found] if alone else found):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"pair {position} must be (query, document), not {pair!r:.80}")
        query, document = pair
        if not isinstance(query, str) or not isinstance(document, str):
            raise TypeError(f"pair {position} must hold two str, not {pair!r:.80}")
        checked.append((query, document))
    return checked, alone
