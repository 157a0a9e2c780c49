"""The vocabulary of a WordPiece as a sorted table, and its words without an object for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["WordTable"]

_WIDEST = 128
"""Bytes of the longest word: every row of the table has as many."""


class WordTable:
    """Words in ascending order of their UTF-8 bytes, (n,) ``S``, and the id of each, (n,) int32."""

    def __init__(self, words: NDArray[np.bytes_], ids: NDArray[np.int32]) -> None:
        self.words = words
        self.ids = ids

    @classmethod
    def of(cls, vocabulary: Mapping[str, int]) -> Self | None:
        """Return the table of words and their ids; None where a word is too long, or holds a NUL."""
        words = sorted(word.encode() for word in vocabulary)
        if not words or len(max(words, key=len)) > _WIDEST or any(b"\0" in word for word in words):
            return None
        ids = (vocabulary[word.decode()] for word in words)
        return cls(np.array(words, np.bytes_), np.fromiter(ids, np.int32, len(words)))

    def find(self, words: Sequence[bytes]) -> NDArray[np.int32]:
        """Return the ids of words, (n,) int32; -1 for those that are not there."""
        rows = self.rows(words)
        return np.where(rows < 0, np.int32(-1), self.ids[rows])

    def rows(self, words: Sequence[bytes]) -> NDArray[np.intp]:
        """Return the rows of words, (n,); -1 for those that are not there."""
        # An array of bytes cuts what is too long for a row, and takes a NUL at the end for filling.
        fit = np.fromiter(map(len, words), np.intp, len(words)) <= self.words.dtype.itemsize
        if b"\0" in b"".join(words):
            fit &= [not word.endswith(b"\0") for word in words]
        asked = np.array(words, self.words.dtype)
        rows = np.minimum(np.searchsorted(self.words, asked), len(self.words) - 1)
        return np.where(fit & (self.words[rows] == asked), rows, -1)

    def pieces(self, words: Sequence[str], continued: str) -> list[list[int]]:
        """Cut words into pieces of the table, the longest first, as WordPiece does: the ids of each.

        ``continued`` stands before every piece but the first. A word is empty where a part of it is no piece.
        """
        found: dict[str, list[int]] = {word: [] for word in words}
        mark, skipped = continued.encode(), 0
        left = {word: word.encode() for word in found if word}
        while left:
            rest: dict[str, bytes] = {}
            for (word, part), (piece, end) in zip(
                left.items(), self._longest(list(left.values()), skipped), strict=True
            ):
                if piece < 0:
                    found[word] = []
                    continue
                found[word].append(piece)
                if end < len(part):
                    rest[word] = mark + part[end:]
            left, skipped = rest, len(mark)
        return [found[word] for word in words]

    def _longest(self, parts: Sequence[bytes], skipped: int) -> list[tuple[int, int]]:
        """Return of each part its longest beginning in the table, by id, and where that ends; -1 for none.

        A beginning is longer than ``skipped`` bytes.
        """
        found = [(piece, len(part)) for piece, part in zip(self.find(parts).tolist(), parts, strict=True)]
        open_ones = [at for at, (piece, _) in enumerate(found) if piece < 0]
        widest = self.words.dtype.itemsize
        begins = [
            (at, end) for at in open_ones for end in range(skipped + 1, min(len(parts[at]), widest + 1))
        ]
        if begins:
            pieces = self.find([parts[at][:end] for at, end in begins]).tolist()
            for (at, end), piece in zip(begins, pieces, strict=True):
                if piece >= 0:
                    found[at] = piece, end  # the longest comes last
        return found
