"""An explanation as a line for a person and as an object for a program."""

from __future__ import annotations

from typing import Any

from codesearch.searching.explain import Explanation

__all__ = ["as_record", "in_words"]


def in_words(why: Explanation) -> str:
    """One line of arithmetic that ends in the score; steps that changed nothing are left out.

    lexical 1, semantic 3: (0.984 + coherence 0.200) x demotions 0.300 = 0.355
    """
    lists = [("lexical", why.lexical_rank), ("semantic", why.semantic_rank)]
    ranks = ", ".join(f"{name} {rank if rank else '-'}" for name, rank in lists)
    sum_, is_sum = f"{why.fused:.3f}", False
    for step in why.steps:
        if step.times != 1.0:
            sum_ = f"{f'({sum_})' if is_sum else sum_} x {step.name} {step.times:.3f}"
            is_sum = False
        if step.add:
            sum_ = f"{sum_} {'+' if step.add > 0 else '-'} {step.name} {abs(step.add):.3f}"
            is_sum = True
    said = "" if why.reranker is None else f"; reranker {why.reranker:.3f}"
    return f"{ranks}: {sum_} = {why.score:.3f}{said}"


def as_record(why: Explanation) -> dict[str, Any]:
    """Every step, in order: score = (((fused * times + add) * times + add) ...)."""
    record: dict[str, Any] = {
        "lexical_rank": why.lexical_rank,
        "semantic_rank": why.semantic_rank,
        "fused": why.fused,
        "signals": [{"name": step.name, "times": step.times, "add": step.add} for step in why.steps],
        "score": why.score,
    }
    return record if why.reranker is None else {**record, "reranker": why.reranker}
