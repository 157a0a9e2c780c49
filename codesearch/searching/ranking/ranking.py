"""Two ranked lists to one: reciprocal rank fusion, then three decisions.

Which place of a file answers: ranks, cosine, words, names, definitions (``Signals.place``). Which file: its
path, its other candidates, its role (``Signals.file``). How many places of a file are worth a rank: each
further one by its own evidence, not by its number. Meaning tells more of the place than of the file
(``within_files``).

Where words are compared by their meaning (``likeness``), the order so made says which candidates are worth
it, and is made again with what they got.

Everything is a pure function over candidates. Scores are relative (``weights.py``). Ties are broken by path
and position: the same tree and query give the same list, always.

Fusion: Cormack, Clarke, Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
learning methods" (SIGIR 2009), with a weight for each list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codesearch.records import Chunk, ChunkRef, Scorer
from codesearch.searching.candidates import Candidate, Candidates, Scores, Step, best_first
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.evidence import HYBRID, SEMANTIC, Signals
from codesearch.searching.ranking.weights import WEIGHTS, Weights
from codesearch.searching.signals.path_roles import is_prose
from codesearch.searching.stores.protocol import Match

__all__ = [
    "HYBRID",
    "LIKENED",
    "NEAREST",
    "SEMANTIC",
    "WEIGHTS",
    "Candidate",
    "Watch",
    "Weights",
    "cosine_shares",
    "dealt_within",
    "further_places",
    "fuse",
    "likeness",
    "rank",
    "within_files",
]

LIKENED = 50
"""Candidates whose words are compared by their meaning."""
NEAREST = 2
"""Places that are worth a rank for their cosine alone, whatever came of their file."""

Further = Callable[[Scores, Scores], Scores]
"""Gives other scores by scores and by the evidence of places."""
Watch = Callable[[str, Candidates, Scores], None]
"""Told what a step is called and the scores that it left."""


def fuse(
    lexical: Sequence[ChunkRef], semantic: Sequence[Match], lexical_share: float, weights: Weights
) -> dict[ChunkRef, float]:
    """Return the weighted reciprocal ranks of two lists, best first: first in both is 1. Then the cosines.

    A cosine counts by its share of the best one, ``weights.closeness`` at most. A chunk that the semantic
    list does not hold is taken to be as near as the last one that it holds.
    """
    scores: dict[ChunkRef, float] = {}
    rrf_k, closeness = weights.rrf_k, weights.closeness
    lists = ((lexical, lexical_share), ([match.ref for match in semantic], 1 - lexical_share))
    for refs, share in lists:
        most = share * (rrf_k + 1)
        for position, ref in enumerate(refs, 1):
            scores[ref] = scores.get(ref, 0.0) + most / (rrf_k + position)
    near = cosine_shares(semantic)
    farthest = min(near.values(), default=0.0)
    return {ref: score + closeness * near.get(ref, farthest) for ref, score in scores.items()}


def cosine_shares(semantic: Sequence[Match]) -> dict[ChunkRef, float]:
    """Return each cosine's share of the best one; {} where none is positive."""
    best = max((match.score for match in semantic), default=0.0)
    return {match.ref: max(match.score, 0.0) / best for match in semantic} if best > 0 else {}


def rank(
    chunks: Mapping[ChunkRef, Chunk],
    scores: Mapping[ChunkRef, float],
    query: Query,
    signals: Signals,
    weights: Weights = WEIGHTS,
    *,
    words: Scorer | None = None,
    near: Mapping[ChunkRef, float] | None = None,
    watch: Watch | None = None,
) -> list[Candidate]:
    """Return candidates best first. Chunks without a score (definitions found by name) start at 0.

    ``words`` scores how like texts are to a question; ``near`` are the shares of the best cosine that it has
    beside, best first. ``watch`` is told the scores at the start ("fused") and after each signal.
    """
    if not chunks:
        return []
    candidates, watch = Candidates(chunks), watch or _ignore
    weights = weights.beside_likeness() if words else weights
    place = np.array([scores.get(ref, 0.0) for ref in candidates.refs], np.float64)
    watch("fused", candidates, place)
    for signal in signals.place:
        place = signal(candidates, query, weights)(place)
        watch(signal.__name__, candidates, place)
    steps = {signal.__name__: signal(candidates, query, weights) for signal in signals.file}
    further = further_places(candidates, query, weights, near or {})
    if words:
        first = best_first(_by_file(candidates, place, steps, further, _ignore))[:LIKENED]
        place = likeness(candidates, first, query, words, weights)(place)
        watch(likeness.__name__, candidates, place)
        place = within_files(candidates, near or {}, weights)(place)
        watch(within_files.__name__, candidates, place)
    return candidates.ranked(_by_file(candidates, place, steps, further, watch))


def likeness(
    candidates: Candidates, first: NDArray[np.intp], query: Query, words: Scorer, weights: Weights
) -> Step:
    """A chunk that says the question in other words.

    The ``first`` candidates alone are compared, for the time it takes. The most like of them gains
    ``weights.likeness``, the least like nothing.
    """
    said = words(query.text, [_embedded_text(candidates.chunks[at]) for at in first.tolist()])
    gains = np.zeros(len(candidates))
    gains[first] = weights.likeness * ((said - said.min()) / ((said.max() - said.min()) or 1.0))
    return lambda scores: scores + gains


@lru_cache(maxsize=1 << 10)  # the very string: whoever looks it up has its hash already
def _embedded_text(chunk: Chunk) -> str:
    return chunk.embedded_text


def within_files(candidates: Candidates, near: Mapping[ChunkRef, float], weights: Weights) -> Step:
    """Among the places of one file meaning counts more than between files.

    A question shares its words with all of the file that answers, and with its name. So the places of a file
    deal out their evidence anew, in an order in which cosines count once more. What the file has stays as it
    is, and how it does against others with it.
    """
    farthest = min(near.values(), default=0.0)
    cosines = np.array([near.get(ref, farthest) for ref in candidates.refs], np.float64)
    return lambda place: dealt_within(candidates.files, place, place + weights.closeness_within * cosines)


def dealt_within(files: NDArray[np.intp], place: Scores, order: Scores) -> Scores:
    """Return the scores of ``place``, those of each file dealt out anew to its places by ``order``."""
    dealt = np.empty_like(place)
    dealt[np.lexsort((-order, files))] = place[np.lexsort((-place, files))]
    return dealt


def _by_file(
    candidates: Candidates, place: Scores, steps: Mapping[str, Step], further: Further, watch: Watch
) -> Scores:
    """From the evidence of places to the scores of hits."""
    scores = place
    for name, step in steps.items():
        scores = step(scores)
        watch(name, candidates, scores)
    scores = further(scores, place)
    watch(further_places.__name__, candidates, scores)
    return scores


def further_places(
    candidates: Candidates, query: Query, weights: Weights, near: Mapping[ChunkRef, float]
) -> Further:
    """The best place of a file stands for it, each further one for itself.

    A file's path and role, which brought its best place up, are no reason to show ten others: a further
    place counts by its share of the evidence of the best place of all. The code that is nearest of all, which
    is often right where words led to another place of its file, keeps ``weights.further_nearest`` at least.
    """
    least: Scores = np.zeros(len(candidates))
    if not query.is_long:
        code = np.array([not is_prose(chunk.path) for chunk in candidates.chunks], np.bool_)
        least[candidates.among(frozenset(list(near)[:NEAREST])) & code] = weights.further_nearest

    def apply(scores: Scores, place: Scores) -> Scores:
        leading = candidates.leading(scores)
        share = np.maximum(place, 0.0) / (place.max() or 1.0)
        further = scores * np.maximum(weights.further_place(share, query), least)
        further[leading] = scores[leading]
        return further

    return apply


def _ignore(name: str, candidates: Candidates, scores: Scores) -> None:
    """Watch nothing."""
