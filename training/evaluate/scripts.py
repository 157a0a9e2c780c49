"""Comments in Chinese, Japanese and Russian -> function: found by a question in the language of its comment.

Of each script a pool: the functions of held-out projects that such a comment documents, and where these
are fewer than the pool shall hold, other functions of the same projects. The comment is taken out of its
function; those of its neighbours stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from training.corpus.prose.foreign import script_of
from training.corpus.shards import read_rows
from training.evaluate.documentation import pool_of
from training.evaluate.heldout import Function, draw
from training.evaluate.ranking import PoolTask
from training.evaluate.records import Slice

__all__ = ["foreign_functions", "task"]


def foreign_functions(data: Path) -> list[Function]:
    """Whole functions with the sentence, in another script than Latin, that their comment begins with."""
    found = [
        Function(row["repo"], row["path"], row["symbol"], row["language"], row["text"], row["query"])
        for row in read_rows(data, "heldout_pairs")
        if row["kind"] == "foreign"
    ]
    return list({function.text: function for function in reversed(found)}.values())[::-1]


def task(documented: Sequence[Function], others: Sequence[Function], size: int) -> PoolTask:
    """One problem a script, of ``size`` functions."""
    asked: defaultdict[str, list[Function]] = defaultdict(list)
    for function in documented:
        asked[script_of(function.question)].append(function)
    problems = []
    for script, functions in sorted(asked.items()):
        repos = {function.repo for function in functions}
        hiding = draw([each for each in others if each.repo in repos], size - len(functions))
        problems.append(pool_of(script, draw([*functions, *hiding], size)))
    starts = np.cumsum([0, *(len(problem.questions) for problem in problems)])
    strata = tuple(np.arange(a, b) for a, b in pairwise(starts))
    each = [Slice(problem.group, (own,)) for problem, own in zip(problems, strata, strict=True)]
    return PoolTask("comments in other scripts", problems, (Slice("mean over scripts", strata), *each))
