"""A sequence -> its distinct tokens in the order in which they first stand there, and how often each does.

Code says the same words again and again: more than half of a chunk's tokens stand there already. A model
that knows of it (``count_repeated_tokens`` in its configuration) reads each of them once, where it stands
first, in less than half of the time. A token that stands c times weighs sqrt(c) in the pooled mean and, as a
key, in every softmax: log(sqrt(c)) is added to its score. Retrieval damps the frequencies of terms likewise
(sublinear term frequency, Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 6.4.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from mlx_jinabert.text.tokenizer import Ids

__all__ = ["counted"]


def counted(sequences: Sequence[Ids]) -> tuple[list[Ids], list[Ids]]:
    """The distinct ids of each sequence, and their counts: (distinct,) int32 each."""
    found = [Counter(ids.tolist()) for ids in sequences]  # in the order of what was met first
    return [_array(each.keys()) for each in found], [_array(each.values()) for each in found]


def _array(numbers: Collection[int]) -> Ids:
    return np.fromiter(numbers, np.int32, len(numbers))
