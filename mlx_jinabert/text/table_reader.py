"""Few texts to ids without reading a vocabulary: the library splits them, words are looked up in a table.

A question has a dozen words. That the tokenizers library reads all 43,000 of the shipped model takes longer
than everything else about its tokens, so here it reads the tokenizer with its added tokens alone, and
normalises and splits as ever; what a WordPiece does with the words then is ``word_table.py``. Most texts of
the shipped model are split without the library (``plain_split.py``), which is then not even imported. Texts
in which an added token may stand are left to the whole tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.plain_split import split, splits_plainly
from mlx_jinabert.text.word_table import WordTable

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Reader
    from tokenizers.normalizers import Normalizer
    from tokenizers.pre_tokenizers import PreTokenizer

__all__ = ["Answers", "TableReader"]

_SPELLINGS = (str.lower, str.capitalize, str.upper)
_FREQUENT = 8_192
"""Words whose spellings are tried when a table is made (0.1 s): half of those in a file of code or more."""
_LONGEST_WORD = 1_000
"""Characters of a word that is still cut into pieces, at most: some take as many steps."""
_NO_WORD = "x"
"""A text of one word that no added token is: what stands around its token stands around every text."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the library answered when a table was made; with it the library is not asked again."""

    before: Sequence[int]
    """The special tokens before every text ..."""
    behind: Sequence[int]
    """... and behind it."""
    spellings: NDArray[np.uint8]
    """Of each row of the table, which of ``_SPELLINGS`` are texts of that word alone, as bits."""


class TableReader:
    """The tokenizer of a tokenizer.json with a WordPiece."""

    def __init__(
        self, described: Mapping[str, Any], table: WordTable, answers: Answers | None = None
    ) -> None:
        """``described``: the file, but with the words of its added tokens alone. ``table``: all words.

        ``answers`` are those of an earlier ``TableReader`` of the same file; None: the library is asked.

        Raises ValueError for a file that has to be read whole: one whose added tokens are not looked for in
        the text as it stands, or that does more to a text than to put special tokens around it.
        """
        self.described, self.table = described, table
        model = described["model"]
        self._added = tuple(model["vocab"])
        self._continued, self._most = model["continuing_subword_prefix"], model["max_input_chars_per_word"]
        self._unknown = model["vocab"].get(model["unk_token"])
        self.splits_plainly = splits_plainly(described)
        """Whether runs of ASCII letters and digits have the same tokens wherever they stand."""
        self.answers = answers or self._asked()

    def _asked(self) -> Answers:
        plain = all(one.get("normalized") is False for one in self.described["added_tokens"])
        splits = bool(self.frame.normalizer and self.frame.pre_tokenizer)
        if not plain or not splits or self._unknown is None or self._most > _LONGEST_WORD:
            raise ValueError("the texts of this tokenizer have to be read by the library")
        framed = self.frame.encode(_NO_WORD)
        if framed.special_tokens_mask.count(0) != 1:
            raise ValueError("special tokens of this tokenizer are more than a frame")
        at = framed.special_tokens_mask.index(0)
        return Answers(framed.ids[:at], framed.ids[at + 1 :], self._plain_spellings())

    @cached_property
    def frame(self) -> Reader:
        """The library's tokenizer, which knows the added tokens alone."""
        from tokenizers import Tokenizer as Reader

        frame: Reader = Reader.from_str(json.dumps(self.described))
        frame.no_truncation()
        frame.no_padding()
        return frame

    @cached_property
    def _library(self) -> tuple[Normalizer, PreTokenizer]:
        return self.frame.normalizer, self.frame.pre_tokenizer  # each would be made at every look

    def token_id(self, token: str) -> int | None:
        """Return the id of a token; None for what is none."""
        found = int(self.table.find([token.encode()])[0])
        return None if found < 0 else found

    def may_hold_added(self, text: str) -> bool:
        """Whether an added token may stand in a text."""
        return any(token in text for token in self._added)

    def ids(self, texts: Sequence[str], *, framed: bool) -> list[list[int]] | None:
        """Return the ids of each text, with the special tokens around it or without.

        None where an added token may stand in one.
        """
        if self.may_hold_added("\n".join(texts)):
            return None
        split = [self._words(text) for text in texts]
        known = {word: [self._unknown] for words in split for word in words}
        short = [word for word in known if len(word) <= self._most]
        for word, found in zip(short, self.table.pieces(short, self._continued), strict=True):
            known[word] = found or known[word]
        before, behind = (self.answers.before, self.answers.behind) if framed else ([], [])
        return [[*before, *(id_ for word in words for id_ in known[word]), *behind] for words in split]

    def ids_of_words(self, words: Sequence[str]) -> list[list[int]] | None:
        """Return what ``ids`` does without special tokens, in a third of the time where texts are words."""
        lowered = [word.lower() for word in words]
        rows = self.table.rows([word.encode() for word in lowered])
        plain = np.where(rows < 0, 0, self.answers.spellings[rows]).tolist()
        found = [
            [piece] if bits and bits >> _spelling(word, low) & 1 else None
            for word, low, bits, piece in zip(
                words, lowered, plain, self.table.ids[rows].tolist(), strict=True
            )
        ]
        others = self.ids([word for word, ids in zip(words, found, strict=True) if ids is None], framed=False)
        if others is None:
            return None
        left = iter(others)
        return [next(left) if ids is None else ids for ids in found]

    def _plain_spellings(self) -> NDArray[np.uint8]:
        """Ask the library about the most frequent words, which are those of the least ids."""
        found = np.zeros(len(self.table.words), np.uint8)
        for row in np.argsort(self.table.ids, kind="stable")[:_FREQUENT].tolist():
            word = self.table.words[row].decode()
            if word.isascii() and word.isalnum() and len(word) <= self._most:
                alone = [self._words(spelt(word)) == [word] for spelt in _SPELLINGS]
                found[row] = sum(is_it << bit for bit, is_it in enumerate(alone))
        return found

    def _words(self, text: str) -> list[str]:
        found = split(text) if self.splits_plainly else None
        if found is not None:
            return found
        normalizer, splitter = self._library
        return [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


def _spelling(word: str, lowered: str) -> int:
    """Return which of ``_SPELLINGS`` of an ASCII word this is, or how many there are where it is none."""
    if word == lowered:
        return 0
    if word[1:] == lowered[1:]:
        return 1
    return 2 if word.isupper() else len(_SPELLINGS)
