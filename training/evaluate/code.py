"""Code -> code: a test must find what it tests, a definition its namesake in another project or language.

Answers hide among other functions of the held-out projects, all languages in one pool. Names and paths are
left in, as an index has them, so plain word search does well here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np

from codesearch.records import Chunk
from training.corpus.linking import same_name_pairs, test_pairs
from training.corpus.records import Pair, Text
from training.evaluate.heldout import Function, draw
from training.evaluate.ranking import PoolTask
from training.evaluate.records import Problem, Slice

__all__ = ["task"]

_MAX_QUESTIONS = 1_000
"""Of each kind, drawn at random."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A chunk read back: as much of it as linking looks at."""

    path: str
    start_byte: int
    language: str | None
    kind: str
    symbol: str
    text: str
    embedded_text: str


def task(texts: Sequence[Text], others: Sequence[Function], size: int) -> PoolTask:
    """Two problems with pools of ``size``."""
    kinds = {
        "test to what it tests": _tested(texts),
        "same name, other project": list(same_name_pairs(texts)),
    }
    problems = [_problem(name, pairs, others, size) for name, pairs in kinds.items()]
    problems = [problem for problem in problems if problem.questions]
    starts = np.cumsum([0, *(len(problem.questions) for problem in problems)])
    strata = tuple(np.arange(a, b) for a, b in pairwise(starts))
    each = [Slice(problem.group, (own,)) for problem, own in zip(problems, strata, strict=True)]
    return PoolTask("code", problems, (Slice("mean of both", strata), *each))


def _tested(texts: Sequence[Text]) -> list[Pair]:
    by_repo: defaultdict[str, list[_Stored]] = defaultdict(list)
    for text in texts:
        start = int(text.id.rsplit(":", 1)[1])
        by_repo[text.repo].append(
            _Stored(text.path, start, text.language or None, text.kind, text.symbol, text.text, text.text)
        )
    return [pair for repo in by_repo for pair in test_pairs(repo, cast("list[Chunk]", by_repo[repo]))]


def _problem(name: str, pairs: Sequence[Pair], others: Sequence[Function], size: int) -> Problem:
    answers: defaultdict[str, set[str]] = defaultdict(set)
    for pair in draw([_asking(pair) for pair in pairs], _MAX_QUESTIONS):
        answers[pair.question].add(pair.text)
    wanted = {text for each in answers.values() for text in each}
    named = {pair.symbol for pair in pairs}
    hiding = draw([each for each in others if each.symbol not in named], max(0, size - len(wanted)))
    pool = tuple(sorted(wanted | {each.text for each in hiding}))
    where = {text: at for at, text in enumerate(pool)}
    found = tuple(tuple(sorted(where[text] for text in each)) for each in answers.values())
    return Problem(name, tuple(answers), pool, found, "document")


def _asking(pair: Pair) -> Function:
    return Function(pair.repo, pair.path, pair.symbol, pair.language, pair.text, pair.query)
