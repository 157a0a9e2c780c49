"""Documentation -> function: the first sentence of a comment must find the code that it was taken from.

Of each language a pool: its documented functions, and where these are fewer than the pool shall hold, other
functions of the same held-out projects. Every documented function of the pool is asked for. The mean is
over languages. Beside it, the same questions are asked of one pool of all languages, which is larger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from training.evaluate.heldout import Function, draw
from training.evaluate.ranking import PoolTask
from training.evaluate.records import Problem, Slice
from training.evaluate.words import share_a_word

__all__ = ["Pools", "make_pools", "mixed_task", "pool_of", "task"]

MIN_POOL, MIN_QUESTIONS = 300, 100
"""A language with fewer functions, or fewer of them documented, is left out of the figures and named."""


@dataclass(frozen=True, slots=True)
class Pools:
    """By language; ``left_out`` says why."""

    pools: dict[str, list[Function]]
    left_out: tuple[str, ...]


def make_pools(documented: Sequence[Function], others: Sequence[Function], size: int) -> Pools:
    """Up to ``size`` functions a language, documented ones first, in random order."""
    asked, hiding = _by_language(documented), _by_language(others)
    pools, left_out = {}, []
    for language in sorted(asked):
        chosen = draw(asked[language], size)
        pool = {each.text: each for each in [*chosen, *draw(hiding[language], size - len(chosen))]}
        if len(pool) < MIN_POOL or len(chosen) < MIN_QUESTIONS:
            left_out.append(
                f"{language or 'no language'} ({len(chosen)} documented of {len(pool)} functions)"
            )
        else:
            pools[language] = draw(pool.values(), size)
    return Pools(pools, tuple(left_out))


def pool_of(group: str, functions: Sequence[Function]) -> Problem:
    """Every documented function is asked for; functions documented in the same words answer alike."""
    asked: defaultdict[str, list[int]] = defaultdict(list)
    for at, function in enumerate(functions):
        if function.question:
            asked[function.question.casefold()].append(at)
    return Problem(
        group,
        tuple(functions[places[0]].question for places in asked.values()),
        tuple(function.text for function in functions),
        tuple(map(tuple, asked.values())),
    )


def task(pools: Pools) -> PoolTask:
    """One problem a language."""
    problems = [pool_of(language, functions) for language, functions in pools.pools.items()]
    starts = np.cumsum([0, *(len(problem.questions) for problem in problems)])
    strata = tuple(np.arange(a, b) for a, b in pairwise(starts))
    return PoolTask(
        "documentation",
        problems,
        (
            Slice("mean over languages", strata),
            _unshared(problems),
            *(Slice(problem.group, (own,)) for problem, own in zip(problems, strata, strict=True)),
        ),
    )


def mixed_task(pools: Pools, size: int) -> PoolTask:
    """All languages in one pool of ``size``."""
    functions = draw(chain.from_iterable(pools.pools.values()), size)
    problem = pool_of("all", functions)
    everything = Slice("all languages in one pool", (np.arange(len(problem.questions)),))
    return PoolTask("documentation, one pool", [problem], (everything, _unshared([problem])))


def _unshared(problems: Sequence[Problem]) -> Slice:
    """Questions that share no word with any of their answers, path and header included."""
    shared = [
        any(share_a_word(question, problem.texts[at]) for at in answers)
        for problem in problems
        for question, answers in zip(problem.questions, problem.answers, strict=True)
    ]
    return Slice("no word shared with the answer", (np.flatnonzero(~np.array(shared, bool)),))


def _by_language(functions: Sequence[Function]) -> defaultdict[str, list[Function]]:
    by_language: defaultdict[str, list[Function]] = defaultdict(list)
    for function in functions:
        by_language[function.language].append(function)
    return by_language
