"""Compare words by a model's table of tokens alone, without its layers: late interaction for little.

MaxSim of ColBERT (Khattab and Zaharia, arXiv:2004.12832), averaged over the tokens of the query, on what a
BERT adds up before its first layer: LayerNorm(word + type 0), as ``BertEmbeddings`` of transformers has it.
A model trained for code has the meaning of words there: "delete" is near "remove", wherever they stand.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import UnsupportedConfig, naming_folder
from mlx_jinabert.local.spec import read_spec
from mlx_jinabert.text.tokenizer import Ids
from mlx_jinabert.text.words import WordTokenizer

__all__ = ["WordVectors"]

_TABLE = "embeddings.word_embeddings.weight"
_TYPES = "embeddings.token_type_embeddings.weight"
_SCALE, _SHIFT = "embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"
_WORD = re.compile(r"[^\W_]+")
_KEPT, _CHARACTERS = 1 << 15, 3_000_000
"""Words whose tokens are kept (some 8 MB), and characters of texts whose words are."""


@dataclass(slots=True)
class _Lexicon:
    """Words by number, and the words of texts."""

    number: dict[str, int] = field(default_factory=dict)
    """-1 for a word without a known token."""
    tokens: list[Ids] = field(default_factory=list)
    """Of each word that has some, by its number."""
    columns: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    """The numbers of a text's words, each once, in no order."""
    characters: int = 0


class WordVectors:
    """The table of tokens of one model. Any thread may ask.

    The table stays mapped; rows are normalised when they are first asked for, and kept in float16.
    """

    def __init__(self, folder: ModelFolder, eps: float) -> None:
        """Raises UnsupportedConfig where BERT's embeddings are missing, ModelFolderError for the files."""
        with Weights(folder.weights) as weights:
            missing = sorted({_TABLE, _TYPES, _SCALE, _SHIFT} - weights.names())
            if missing:
                raise UnsupportedConfig(
                    "model_type", folder.config.get("model_type"), f"models with a tensor {missing[0]}"
                )
            self._words = weights.read(_TABLE)
            self._type = weights.read(_TYPES)[0].astype(np.float32)
            self._scale = weights.read(_SCALE).astype(np.float32)
            self._shift = weights.read(_SHIFT).astype(np.float32)
        self._eps = np.float32(eps)
        self._tokenizer = WordTokenizer(folder.tokenizer, len(self._words))
        self._rows = np.zeros(self._words.shape, np.float16)
        self._known = np.zeros(len(self._words), np.bool_)
        self._lock = threading.Lock()
        self._lexicon = _Lexicon()

    @classmethod
    def load(cls, name: str | os.PathLike[str] = "embedded") -> Self:
        """Load the table of a model by a name that ``mlx_jinabert.load`` takes."""
        folder = read_spec(name).folder
        with naming_folder(folder.path):
            return cls(folder, float(folder.config.get("layer_norm_eps", 1e-12)))

    def likeness(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return for each text how like the query its words are: (n,) float64, 1 where it has all of them.

        The mean over the tokens of the query of the largest cosine with one of the text's. 0 where either
        has no known token. Words are runs of letters and digits, tokenised one by one.
        """
        lexicon, columns = self._read([query, *texts])
        wanted = [lexicon.number[word] for word in _WORD.findall(query)]
        asked = [lexicon.tokens[at] for at in wanted if at >= 0]
        scores = np.zeros(len(texts))
        filled = [at for at, words in enumerate(columns[1:]) if len(words)]
        if not asked or not filled:
            return scores
        held = [columns[1:][at] for at in filled]
        words, place_of_word = _distinct(np.concatenate(held), len(lexicon.tokens))
        parts = [lexicon.tokens[word] for word in words.tolist()]
        tokens, place_of_token = _distinct(np.concatenate(parts), len(self._words))
        # Not by BLAS: for so few rows its threads wait for each other longer than they compute.
        cosines = np.einsum("qd,td->qt", self._unit(np.concatenate(asked)), self._unit(tokens))
        by_word = np.maximum.reduceat(cosines[:, place_of_token], _starts(parts), axis=1)
        best = np.maximum.reduceat(by_word[:, place_of_word], _starts(held), axis=1)
        scores[filled] = best.mean(axis=0, dtype=np.float64)
        return scores

    def _read(self, texts: Sequence[str]) -> tuple[_Lexicon, list[NDArray[np.int32]]]:
        """Return the numbers of the distinct words of each text that have tokens, and what numbers them.

        Texts meet again, and their words still more: both are kept.
        """
        with self._lock:
            if len(self._lexicon.number) > _KEPT or self._lexicon.characters > _CHARACTERS:
                self._lexicon = _Lexicon()  # another thread may read the old one: it stays as it is
            lexicon = self._lexicon
            unread = {text: frozenset(_WORD.findall(text)) for text in texts if text not in lexicon.columns}
            self._number(lexicon, sorted(frozenset().union(*unread.values()) - lexicon.number.keys()))
            for text, words in unread.items():
                numbers = (lexicon.number[word] for word in words)
                lexicon.columns[text] = np.array([at for at in numbers if at >= 0], np.int32)
                lexicon.characters += len(text)
            return lexicon, [lexicon.columns[text] for text in texts]

    def _number(self, lexicon: _Lexicon, new: list[str]) -> None:
        for word, ids in zip(new, self._tokenizer.known(new), strict=True):
            lexicon.number[word] = len(lexicon.tokens) if len(ids) else -1
            if len(ids):
                lexicon.tokens.append(ids)

    def _unit(self, ids: NDArray[Any]) -> NDArray[np.float32]:
        """Return the vectors of tokens, (n, width), of unit length."""
        new = ids[~self._known[ids]]
        if len(new):
            rows = self._words[new].astype(np.float32) + self._type
            rows -= rows.mean(axis=1, keepdims=True)
            rows /= np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + self._eps)
            rows = rows * self._scale + self._shift
            self._rows[new] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            self._known[new] = True  # after the rows: another thread reads them only then
        known: NDArray[np.float32] = self._rows[ids].astype(np.float32)
        return known


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
