"""The second stage: a slower and better judge over the first candidates of the ranking.

A cross-encoder reads question and text together, which is too slow for every chunk of an index. Its scores
have a unit of their own, so they decide the order alone: stretched over the range that the ranking gave
these candidates, they stay comparable with what comes after.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codesearch.quick_dataclass import dataclass
from codesearch.records import ChunkRef, Scorer
from codesearch.searching.ranking.ranking import Candidate

__all__ = ["RERANKED", "Reranking", "rerank"]

RERANKED = 30
"""Candidates that are judged again; those after them keep their place."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """All candidates in their new order, and the scores of the scorer."""

    candidates: list[Candidate]
    said: dict[ChunkRef, float]


def rerank(query: str, ranked: Sequence[Candidate], scorer: Scorer) -> Reranking:
    """Order the first ``RERANKED`` of a ranking by the scorer (ties as before), the rest after them.

    The best of them has the best score they had, the last the least.
    """
    first, rest = ranked[:RERANKED], ranked[RERANKED:]
    if not first:
        return Reranking([], {})
    said = scorer(query, [candidate.chunk.embedded_text for candidate in first])
    by_ref = {c.ref: float(score) for c, score in zip(first, said, strict=True)}
    low, high = float(said.min()), float(said.max())
    if low == high:
        return Reranking(list(ranked), by_ref)
    most, least = first[0].score, first[-1].score
    share = (said - low) / (high - low)
    judged = [
        first[at]._replace(score=least + (most - least) * float(share[at]))
        for at in np.argsort(-said, kind="stable").tolist()
    ]
    return Reranking([*judged, *rest], by_ref)
