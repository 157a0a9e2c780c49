"""Ask an index questions in every mode; ranks and times become figures for each kind and mode."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence

from codesearch.benchmark.metrics import DEPTH, Interval, bootstrap, first_ranks, reciprocal_rank_of
from codesearch.benchmark.questions import Question
from codesearch.index.index import Index
from codesearch.quick_dataclass import dataclass
from codesearch.records import Progress
from codesearch.searching.request import Mode

__all__ = ["Figures", "Response", "ask", "figures"]

_WARM_UP = 3
"""Questions asked before the clock counts: the model is loaded and the files are in memory then."""


@dataclass(frozen=True, slots=True)
class Response:
    """One question in one mode. ``rank`` is that of its first answer among the ten best hits, 1-based."""

    question: Question
    mode: str
    rank: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One kind of question in one mode. Shares of the questions, times in milliseconds."""

    kind: str
    mode: str
    questions: int
    hit_1: float
    hit_5: float
    hit_10: float
    mrr: Interval
    median_ms: float
    p95_ms: float


def ask(
    index: Index, questions: Sequence[Question], modes: Sequence[Mode], progress: Progress
) -> Iterator[Response]:
    """Every question in every mode, each timed from the text to the hits."""
    total, done = len(questions) * len(modes), 0
    for mode in modes:
        for question in questions[:_WARM_UP]:
            index.search(question.text, limit=DEPTH, mode=mode)
        for question in questions:
            started = time.perf_counter()
            hits = index.search(question.text, limit=DEPTH, mode=mode)
            seconds = time.perf_counter() - started
            yield Response(question, mode, min(first_ranks(question.answers, hits), default=None), seconds)
            done += 1
            progress("ask", done, total)


def figures(asked: Iterable[Response]) -> list[Figures]:
    """The figures of every kind and mode, in the order in which they were asked."""
    groups: dict[tuple[str, str], list[Response]] = {}
    for each in asked:
        groups.setdefault((each.question.kind, each.mode), []).append(each)
    return [_figures(kind, mode, group) for (kind, mode), group in sorted(groups.items(), key=_by_kind)]


def _by_kind(item: tuple[tuple[str, str], list[Response]]) -> str:
    return item[0][0]


def _figures(kind: str, mode: str, group: Sequence[Response]) -> Figures:
    milliseconds = sorted(1000 * each.seconds for each in group)
    return Figures(
        kind=kind,
        mode=mode,
        questions=len(group),
        hit_1=_share_within(group, 1),
        hit_5=_share_within(group, 5),
        hit_10=_share_within(group, DEPTH),
        mrr=bootstrap([reciprocal_rank_of(each.rank) for each in group]),
        median_ms=_percentile(milliseconds, 0.5),
        p95_ms=_percentile(milliseconds, 0.95),
    )


def _share_within(group: Sequence[Response], depth: int) -> float:
    return sum(each.rank is not None and each.rank <= depth for each in group) / len(group)


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that this share of them does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
