"""Compare words by a model's table of tokens alone, without its layers: late interaction for little.

MaxSim of ColBERT (Khattab and Zaharia, arXiv:2004.12832), averaged over the tokens of the query, on what a
BERT adds up before its first layer: LayerNorm(word + type 0), as ``BertEmbeddings`` of transformers has it.
A model trained for code has the meaning of words there: "fetch" is near "download", wherever they stand.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Sequence, Sized
from typing import Self

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
_KEPT = 1 << 15
"""Words whose tokens are kept: some 8 MB."""


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
        self._kept: dict[str, Ids] = {}

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
        held = [frozenset(_WORD.findall(text)) for text in texts]
        wanted = _WORD.findall(query)
        ids = self._ids({*wanted, *itertools.chain.from_iterable(held)})
        asked = [ids[word] for word in wanted if len(ids[word])]
        number = {word: at for at, word in enumerate(word for word in ids if len(ids[word]))}
        columns = [[number[word] for word in words if word in number] for words in held]
        scores = np.zeros(len(texts))
        filled = [at for at, words in enumerate(columns) if words]
        if not asked or not filled:
            return scores
        # Not by BLAS: for so few rows its threads wait for each other longer than they compute.
        tokens = [ids[word] for word in number]
        cosines = np.einsum(
            "qd,td->qt", self._unit(np.concatenate(asked)), self._unit(np.concatenate(tokens))
        )
        by_word = np.maximum.reduceat(cosines, _starts(tokens), axis=1)
        flat = list(itertools.chain.from_iterable(columns[at] for at in filled))
        best = np.maximum.reduceat(by_word[:, flat], _starts([columns[at] for at in filled]), axis=1)
        scores[filled] = best.mean(axis=0, dtype=np.float64)
        return scores

    def _ids(self, words: Collection[str]) -> dict[str, Ids]:
        """Return the known tokens of words, maybe none. Words are few and meet again: they are kept."""
        kept = self._kept
        new = sorted(word for word in words if word not in kept)
        found = dict(zip(new, self._tokenizer.known(new), strict=True)) if new else {}
        ids = {word: found[word] if word in found else kept[word] for word in words}
        if len(kept) + len(found) > _KEPT:
            kept = self._kept = {}  # another thread may read the old one: it stays as it is
        kept.update(found)
        return ids

    def _unit(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the vectors of tokens, (n, width), of unit length."""
        new = ids[~self._known[ids]]
        if len(new):
            rows = self._words[new].astype(np.float32) + self._type
            rows -= rows.mean(axis=1, keepdims=True)
            rows /= np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + self._eps)
            rows = rows * self._scale + self._shift
            self._rows[new] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            self._known[new] = True  # after the rows: another thread reads them only then
        return self._rows[ids].astype(np.float32)


def _starts(parts: Sequence[Sized]) -> NDArray[np.intp]:
    """Return where each of the parts starts in all of them together."""
    return np.cumsum([0, *map(len, parts)], dtype=np.intp)[:-1]
