"""BM25 over split identifiers: what a model has to beat, with nothing learned.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with Lucene's
idf, ln(1 + (N - df + 0.5) / (df + 0.5)), which is never negative, and the usual k1 = 1.2, b = 0.75. Tokens
are those of the product's own full-text index (words whole and in parts, plurals folded); function words of
a question do not count, as there. Each term of a question counts once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codesearch.storage.lexical.tokens import is_function_word, tokenize
from training.evaluate.records import Role

__all__ = ["Bm25", "Bm25Scorer", "counted", "terms"]

_K1, _B = 1.2, 0.75


def terms(question: str) -> list[str]:
    """What is looked for: the distinct tokens but function words, unless there are no others."""
    distinct = list(dict.fromkeys(tokenize(question)))
    return [term for term in distinct if not is_function_word(term)] or distinct


@lru_cache(maxsize=1 << 17)
def counted(text: str) -> Mapping[str, int]:
    """How often each token stands in a text; kept, because several pools hold the same texts."""
    return Counter(tokenize(text))


class Bm25:
    """The ranker; it keeps nothing between pools."""

    name = "BM25"

    def over(self, texts: Sequence[str]) -> Bm25Scorer:
        """Postings of this pool."""
        return Bm25Scorer(texts)


class Bm25Scorer:
    """Postings of one pool: of each term, where it stands and what it adds to the score there."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        counts = [counted(text) for text in texts]
        lengths = np.array([sum(count.values()) for count in counts], np.float64)
        norms = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1.0))
        found: defaultdict[str, list[int]] = defaultdict(list)
        for place, count in enumerate(counts):
            for term in count:
                found[term].append(place)
        self._postings: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for term, places in found.items():
            at = np.array(places)
            often = np.array([counts[place][term] for place in places], np.float64)
            idf = math.log1p((self._size - len(at) + 0.5) / (len(at) + 0.5))
            self._postings[term] = (at, idf * often * (_K1 + 1) / (often + norms[at]))

    def scores(self, questions: Sequence[str], role: Role) -> NDArray[np.float32]:
        """(questions, texts) float32; 0 where no term is shared."""
        scores = np.zeros((len(questions), self._size))
        for row, question in enumerate(questions):
            for term in terms(question):
                if term in self._postings:
                    at, weights = self._postings[term]
                    scores[row, at] += weights
        return scores.astype(np.float32)
