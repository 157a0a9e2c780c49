"""The prompt of rerankers that answer yes or no: a chat in which a model judges a document.

Source: the card of Qwen/Qwen3-Reranker-0.6B (function ``process_inputs``): the texts of the chat stand around
the pair, and a pair that is too long loses its end, never the chat. No special tokens are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.text.pairs import Pair, TokenizedPairs
from mlx_jinabert.text.tokenizer import Ids, TokenizedTexts, Tokenizer

__all__ = ["DEFAULT_INSTRUCTION", "JudgingTokenizer"]

DEFAULT_INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"
_BEFORE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the "
    'Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
_AFTER = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
_ANSWERS = ("yes", "no")


class JudgingTokenizer(Tokenizer):
    """The tokenizer of such a reranker, limited to ``max_length`` tokens with the chat included."""

    def __init__(self, path: Path, max_length: int, table_rows: int, instruction: str) -> None:
        super().__init__(path, max_length, table_rows=table_rows)
        self._instruction = instruction
        self._before, self._after = (self._plain([text])[0] for text in (_BEFORE, _AFTER))
        found = [self.token_id(answer) for answer in _ANSWERS]
        if None in found:
            raise ModelFolderError(path, "has no tokens 'yes' and 'no': this reranker cannot answer so")
        self.yes, self.no = (int(token) for token in found if token is not None)
        """Ids of the two answers."""
        if max_length <= self._around:
            raise ModelFolderError(
                path,
                f"max_length {max_length} leaves no room for texts beside the {self._around} of the chat",
            )

    @property
    def _around(self) -> int:
        return len(self._before) + len(self._after)

    def encode_pairs(self, pairs: Sequence[Pair]) -> TokenizedPairs:
        """Ids of the chat about each pair, cut to ``max_length``; token types are zeros."""
        texts = [
            f"<Instruct>: {self._instruction}\n<Query>: {query}\n<Document>: {document}"
            for query, document in pairs
        ]
        return self._judged(texts)

    def encode(self, texts: Sequence[str]) -> TokenizedTexts:
        """Ids of the chat about single texts, which stand where a pair would."""
        found = self._judged(texts)
        return TokenizedTexts(found.ids, found.lengths)

    def _judged(self, texts: Sequence[str]) -> TokenizedPairs:
        inner = self._plain(texts)
        room = self.max_length - self._around
        ids = tuple(np.concatenate([self._before, each[:room], self._after]) for each in inner)
        types = tuple(np.zeros_like(each) for each in ids)
        return TokenizedPairs(ids, types, tuple(len(each) + self._around for each in inner))

    def _plain(self, texts: Sequence[str]) -> list[Ids]:
        return [
            np.asarray([piece.id for piece in self.pieces(text, add_special_tokens=False)], np.int32)
            for text in texts
        ]
