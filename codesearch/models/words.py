"""How like the words of a text are to those of a question, by the word vectors of the shipped model.

Whatever model an index was made with: these vectors are in the package, and take no model to be run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import ModelUnavailable
from codesearch.models.embedder import SHIPPED

if TYPE_CHECKING:
    from mlx_jinabert.local.word_vectors import WordVectors

__all__ = ["load_words", "word_likeness"]


def word_likeness(query: str, texts: Sequence[str], /) -> NDArray[np.float64]:
    """Score texts by their words, (n,) float64, at most 1 (a ``Scorer``). The first call reads the table."""
    return _loaded().likeness(query, texts)


def load_words() -> None:
    """Read the table ahead of the first call. What is wrong with it is raised there."""
    with suppress(ModelUnavailable):
        _loaded()


@cache
def _loaded() -> WordVectors:
    from mlx_jinabert.errors import JinabertError
    from mlx_jinabert.local.word_vectors import WordVectors

    try:
        return WordVectors.load(SHIPPED)
    except JinabertError as error:
        raise ModelUnavailable(SHIPPED, f"its word vectors cannot be read: {error}") from error
