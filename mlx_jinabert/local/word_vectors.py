"""Compare words by a model's table of tokens alone, without its layers: late interaction for little.

MaxSim of ColBERT (Khattab and Zaharia, arXiv:2004.12832), averaged over the tokens of the query, on what a
BERT adds up before its first layer: LayerNorm(word + type 0), as ``BertEmbeddings`` of transformers has it.
A model trained for code has the meaning of words there: "delete" is near "remove", wherever they stand.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence, Sized
from dataclasses import field
from itertools import chain, islice, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import ModelFolder, resolve
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import UnsupportedConfig, naming_folder
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.tokenizer import Ids
from mlx_jinabert.text.words import WordTokenizer

__all__ = ["WordVectors"]

_TABLE = "embeddings.word_embeddings.weight"
_TYPES = "embeddings.token_type_embeddings.weight"
_SCALE, _SHIFT = "embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"
_WORD = re.compile(r"[^\W_]+")
_ASCII_WORDS = bytes(byte if chr(byte).isascii() and chr(byte).isalnum() else 32 for byte in range(256))
_FLOAT16_IN_32, _EXPONENTS = np.int32(-0x70002000), np.float32(2.0**112)
_ONE_THREAD = 1 << 18
"""Multiplications of one product of matrices that OpenBLAS does not divide among threads."""
_FEW_ROWS, _AT_ONCE = 2_048, 128
_KEPT, _CHARACTERS = 1 << 15, 3_000_000
"""Words whose tokens are kept (some 8 MB), and characters of texts whose words are."""


class _Numbers(dict[str, int]):
    """Words by number, in the order in which they are first asked for."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


@dataclass(slots=True)
class _Lexicon:
    """Words by number, and the words of texts."""

    number: _Numbers = field(default_factory=_Numbers)
    tokens: _Tokens = field(default_factory=lambda: _Tokens(np.zeros(0, np.int32), np.zeros(1, np.intp)))
    """Of each word, by its number; those of some are none."""
    texts: dict[str, Ids] = field(default_factory=dict)
    """The tokens of a text's words, each word once, in no order."""
    characters: int = 0


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Lists of tokens, one behind the other. Never changed: what is added makes another."""

    ids: Ids
    starts: NDArray[np.intp]
    """Of each list, and behind the last one the end of all."""

    def and_these(self, ids: Ids, lengths: NDArray[np.intp]) -> _Tokens:
        """Return these and other lists behind them."""
        ends = self.starts[-1] + np.cumsum(lengths)
        return _Tokens(np.concatenate([self.ids, ids]), np.concatenate([self.starts, ends]))

    def of(self, numbers: NDArray[Any]) -> tuple[Ids, NDArray[np.intp]]:
        """Return the tokens of some lists, one behind the other, and where each begins."""
        lengths = self.starts[numbers + 1] - self.starts[numbers]
        begins = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(self.starts[numbers] - begins, lengths)
        return self.ids[places], begins


class WordVectors:
    """The table of tokens of one model. Any thread may ask.

    Rows of the table are read and normalised when they are first asked for, and kept in float16.
    """

    def __init__(self, folder: ModelFolder, eps: float) -> None:
        """Raises UnsupportedConfig where BERT's embeddings are missing, ModelFolderError for the files."""
        with Weights(folder.weights) as weights:
            missing = sorted({_TABLE, _TYPES, _SCALE, _SHIFT} - weights.names())
            if missing:
                raise UnsupportedConfig(
                    "model_type", folder.config.get("model_type"), f"models with a tensor {missing[0]}"
                )
            self._words = weights.rows_of(_TABLE)
            self._type = weights.read(_TYPES)[0].astype(np.float32)
            self._scale = weights.read(_SCALE).astype(np.float32)
            self._shift = weights.read(_SHIFT).astype(np.float32)
        self._eps = np.float32(eps)
        self._tokenizer = WordTokenizer(folder.tokenizer, len(self._words))
        self._rows = np.empty((_FEW_ROWS, self._words.width), np.float16)
        self._place = np.full(len(self._words), -1, np.int32)
        self._count = 0
        self._lock = threading.Lock()
        self._lexicon = _Lexicon()

    @classmethod
    def load(cls, name: str | os.PathLike[str] = "embedded") -> Self:
        """Load the table of a model by a name that ``mlx_jinabert.load`` takes."""
        folder = resolve(name)
        with naming_folder(folder.path):
            return cls(folder, float(folder.config.get("layer_norm_eps", 1e-12)))

    def likeness(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return for each text how like the query its words are: (n,) float64, 1 where it has all of them.

        The mean over the tokens of the query of the largest cosine with one of the text's. 0 where either
        has no known token. Words are runs of letters and digits, tokenised one by one.
        """
        wanted = _words(query)
        (_, *held), number, tokens = self._read([query, *texts])
        asked = tokens.of(np.array([number[word] for word in wanted], np.intp))[0]
        scores = np.zeros(len(texts))
        filled = [at for at, ids in enumerate(held) if len(ids)]
        if not len(asked) or not filled:
            return scores
        held = [held[at] for at in filled]
        ids, place = _distinct(np.concatenate(held), len(self._words))
        cosines = self._cosines(asked, ids)
        best = np.maximum.reduceat(cosines.take(place, axis=1), _starts(held), axis=1)
        scores[filled] = best.mean(axis=0, dtype=np.float64)
        return scores

    def _read(self, texts: Sequence[str]) -> tuple[list[Ids], Mapping[str, int], _Tokens]:
        """Return the tokens of each text's words, the numbers of all words, and their tokens.

        Texts meet again, and their words still more: both are kept.
        """
        with self._lock:
            if len(self._lexicon.number) > _KEPT or self._lexicon.characters > _CHARACTERS:
                self._lexicon = _Lexicon()  # another thread may read the old one: it stays as it is
            lexicon = self._lexicon
            try:
                self._add(lexicon, [text for text in texts if text not in lexicon.texts])
            except BaseException:
                self._lexicon = _Lexicon()  # some words may have a number and no tokens yet
                raise
            return [lexicon.texts[text] for text in texts], lexicon.number, lexicon.tokens

    def _add(self, lexicon: _Lexicon, texts: Sequence[str]) -> None:
        if not texts:
            return
        number, before = lexicon.number, len(lexicon.number)
        found = [set(_words(text)) for text in texts]
        numbers = np.fromiter(map(number.__getitem__, chain.from_iterable(found)), np.intp)
        new = list(islice(reversed(number), len(number) - before))[::-1]
        lexicon.tokens = lexicon.tokens.and_these(*self._tokenizer.known(new))
        ids, begins = lexicon.tokens.of(numbers)
        edges = np.append(begins, len(ids))[np.cumsum([0, *map(len, found)])].tolist()
        for text, (begin, end) in zip(texts, pairwise(edges), strict=True):
            lexicon.texts[text] = ids[begin:end]
            lexicon.characters += len(text)

    def _cosines(self, some: NDArray[Any], many: NDArray[Any]) -> NDArray[np.float32]:
        """Return the cosines of tokens, (q,) and (n,): (q, n).

        So few rows at a time that BLAS's threads stay out: they would wait longer than they compute. So few
        stay in a core's cache, too, from where they are widened.
        """
        self._have(some)
        self._have(many)
        asked, places = _widened(self._rows[self._place[some]]), self._place[many]
        rows = self._rows  # after the places, which only grow
        cosines = np.empty((len(some), len(many)), np.float32)
        step = max(1, _ONE_THREAD // asked.size)
        for start in range(0, len(many), step):
            part = slice(start, start + step)
            cosines[:, part] = asked @ _widened(rows[places[part]]).T
        return cosines

    def _have(self, ids: NDArray[Any]) -> None:
        """Compute the vectors of tokens, where they were not asked for before."""
        if (self._place[ids] < 0).any():
            with self._lock:
                self._compute(_distinct(ids[self._place[ids] < 0], len(self._words))[0])

    def _compute(self, ids: NDArray[Any]) -> None:
        """Add the vectors of tokens behind the others: side by side they take the fewest pages of memory."""
        first, self._count = self._count, self._count + len(ids)
        if self._count > len(self._rows):
            larger = np.empty((2 * self._count, self._rows.shape[1]), np.float16)
            larger[:first] = self._rows[:first]
            self._rows = larger
        for start in range(0, len(ids), _AT_ONCE):  # few at a time stay in a core's cache
            stored = self._words.read(ids[start : start + _AT_ONCE])
            rows = _widened(stored) if stored.dtype == np.float16 else stored.astype(np.float32)
            rows += self._type
            rows -= rows.mean(axis=1, keepdims=True)
            rows /= np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + self._eps)
            rows = rows * self._scale + self._shift
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            self._rows[first + start : first + start + len(rows)] = rows
        self._place[ids] = np.arange(first, self._count)  # after the rows: other threads read them then


def _words(text: str) -> list[str]:
    """Return the runs of letters and digits of a text."""
    if text.isascii():  # in half the time
        return text.encode().translate(_ASCII_WORDS).decode().split()
    return _WORD.findall(text)


def _widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return finite float16 as float32: exactly what ``astype`` gives, in half the time.

    Sign, exponent and fraction are moved to where float32 has them; the exponents differ by 112.
    """
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _FLOAT16_IN_32
    wide = bits.view(np.float32)
    wide *= _EXPONENTS
    return wide


def _distinct(numbers: NDArray[Any], most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the distinct ones among numbers below ``most``, ascending, and the place of each there."""
    is_there = np.zeros(most, np.bool_)
    is_there[numbers] = True
    distinct = np.flatnonzero(is_there)
    place = np.empty(most, np.intp)
    place[distinct] = np.arange(len(distinct))
    return distinct, place[numbers]


def _starts(parts: Sequence[Sized]) -> NDArray[np.intp]:
    """Return where each of the parts starts in all of them together."""
    return np.cumsum([0, *map(len, parts)], dtype=np.intp)[:-1]
