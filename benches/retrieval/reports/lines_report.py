"""Rankings of places -> Markdown tables: lines, tokens, issues, each beside a baseline."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benches import records
from benches.retrieval.data.places import BUDGETS, Ranking
from benches.retrieval.metrics import bootstrap

__all__ = ["report"]

Measure = Callable[[Ranking], float]
Group = tuple[str, str]
"""A kind of questions and a mode."""

_LINES: dict[str, Measure] = {
    "hit@5": lambda r: r.hit(5),
    "MRR": lambda r: 1 / r.first if r.first else 0.0,
    "right file among 5": lambda r: r.file_hit(5),
    **{f"right lines in {budget:,}": lambda r, b=budget: r.precision(b) for budget in BUDGETS},  # type: ignore[misc]
}
_ISSUES: dict[str, Measure] = {
    "Acc@1": lambda r: r.strict_files(1),
    "Acc@5": lambda r: r.strict_files(5),
    "Acc@10": lambda r: r.strict_files(10),
    "a changed span among 10 places": lambda r: r.hit(10),
}


def report(rankings: Sequence[Ranking], baseline: Sequence[Ranking] = ()) -> str:
    """Return the tables of what was measured."""
    spans = [each for each in rankings if each.kind != "issues"]
    issues = [each for each in rankings if each.kind == "issues"]
    tables = []
    if spans:
        tables.append(_table(spans, baseline, {"NDCG@10": lambda r: r.ndcg}, _LINES, _tokens))
    if issues:
        tables.append(_table(issues, baseline, {"Acc@5": _ISSUES["Acc@5"]}, _ISSUES, _tokens))
    return "\n\n".join(tables)


def _tokens(group: Sequence[Ranking]) -> list[str]:
    return [
        f"{statistics.median(each.tokens_to_first_line for each in group):,.0f}",
        f"{statistics.median(each.tokens_to_first_place for each in group):,.0f}",
        f"{1000 * statistics.median(each.seconds for each in group):.1f}",
    ]


def _table(
    rankings: Sequence[Ranking],
    baseline: Sequence[Ranking],
    main: dict[str, Measure],
    others: dict[str, Measure],
    last: Callable[[Sequence[Ranking]], list[str]],
) -> str:
    (name, measure), *_ = main.items()
    before = {(each.kind, each.mode, each.question): each for each in baseline}
    rows = []
    for group in dict.fromkeys((each.kind, each.mode) for each in rankings):
        mine = [each for each in rankings if (each.kind, each.mode) == group]
        rows.append(_row(group, mine, measure, others, last))
        old = [before[*group, each.question] for each in mine if (*group, each.question) in before]
        if len(old) == len(mine):
            rows.append(_row((group[0], f"{group[1]}, baseline"), old, measure, others, last))
            paired = bootstrap([measure(new) - measure(was) for new, was in zip(mine, old, strict=True)])
            rows.append(["", "difference, paired", "", str(paired), *[""] * (len(others) + 3)])
    header = ["kind", "mode", "questions", f"{name}, 90 %", *others]
    header += ["tokens to the first right line", "to the end of its hit", "p50 ms"]
    return records.table(header, rows)


def _row(
    group: Group,
    rankings: Sequence[Ranking],
    measure: Measure,
    others: dict[str, Measure],
    last: Callable[[Sequence[Ranking]], list[str]],
) -> list[object]:
    interval = bootstrap([measure(each) for each in rankings])
    return [
        *group,
        len(rankings),
        f"**{interval.mean:.3f}** [{interval.low:.3f}, {interval.high:.3f}]",
        *(f"{statistics.fmean(of(each) for each in rankings):.3f}" for of in others.values()),
        *last(rankings),
    ]
