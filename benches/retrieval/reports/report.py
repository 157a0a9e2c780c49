"""Scores -> Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from benches import records
from benches.retrieval.ablation import Worth
from benches.retrieval.metrics import bootstrap
from benches.retrieval.running import BUDGETS, QuestionScore


def report(scored: Sequence[QuestionScore], modes: Sequence[str]) -> str:
    """All tables of a run, in the order in which they are read."""
    sections = [_by_mode(scored, modes)]
    if len(modes) > 1:
        sections.append(_paired(scored, modes))
    sections += [
        _grouped(scored, modes, "repository", lambda row: f"{row.repository} ({row.language})"),
        _grouped(scored, modes, "language", lambda row: row.language),
        _grouped(
            scored, modes, "query words", lambda row: "in the answer's path" if row.shares_path else "not"
        ),
        _budgets(scored, modes),
        _spans(scored, modes),
    ]
    return "\n\n".join(sections)


def ablation(rows: Sequence[Worth]) -> str:
    """What each signal adds, most first."""
    cells = [[r.signal, str(r.gain), f"{r.least:+.3f} ({r.least_without})"] for r in rows]
    return records.table(["signal", "worth in NDCG@10, 90 % interval", "least, one language left out"], cells)


def mean(rows: Iterable[QuestionScore], of: Callable[[QuestionScore], float] = lambda row: row.ndcg) -> float:
    return statistics.fmean(of(row) for row in rows)


def _of(scored: Sequence[QuestionScore], mode: str) -> list[QuestionScore]:
    return [row for row in scored if row.mode == mode]


def _by_mode(scored: Sequence[QuestionScore], modes: Sequence[str]) -> str:
    categories = sorted({row.category for row in scored})
    measures: dict[str, Callable[[QuestionScore], float]] = {
        "MRR": lambda r: r.reciprocal_rank,
        "R@1": lambda r: r.recall_1,
        "R@5": lambda r: r.recall_5,
        "R@10": lambda r: r.recall_10,
    }
    rows = []
    for mode in modes:
        group = _of(scored, mode)
        interval = bootstrap([r.ndcg for r in group])
        latency = statistics.median(r.seconds for r in group) * 1000
        rows.append(
            [
                mode,
                len(group),
                f"**{interval.mean:.3f}** [{interval.low:.3f}, {interval.high:.3f}]",
                *(f"{mean(r for r in group if r.category == c):.3f}" for c in categories),
                *(f"{mean(group, of):.3f}" for of in measures.values()),
                f"{latency:.1f}",
            ]
        )
    return records.table(["mode", "queries", "NDCG@10, 90 %", *categories, *measures, "p50 ms"], rows)


def _paired(scored: Sequence[QuestionScore], modes: Sequence[str]) -> str:
    last = _of(scored, modes[-1])
    rows = []
    for mode in modes[:-1]:
        difference = [a.ndcg - b.ndcg for a, b in zip(last, _of(scored, mode), strict=True)]
        rows.append([f"{modes[-1]} - {mode}", str(bootstrap(difference))])
    return records.table(["paired", "NDCG@10, 90 %"], rows)


def _grouped(
    scored: Sequence[QuestionScore], modes: Sequence[str], title: str, key: Callable[[QuestionScore], str]
) -> str:
    rows = []
    for name in dict.fromkeys(key(row) for row in scored):
        group = [row for row in scored if key(row) == name]
        number = len(group) // len(modes)
        rows.append([name, number, *(f"{mean(_of(group, mode)):.3f}" for mode in modes)])
    return records.table([title, "queries", *modes], rows)


def _budgets(scored: Sequence[QuestionScore], modes: Sequence[str]) -> str:
    rows = []
    for mode in modes:
        group = _of(scored, mode)
        shares = [f"{mean(group, lambda r, i=i: r.budget_recall[i]):.3f}" for i in range(len(BUDGETS))]  # type: ignore[misc]
        rows.append([mode, *shares, f"{mean(group, lambda r: r.tokens_to_first):.0f}"])
    return records.table(["recall within tokens", *(f"{b:,}" for b in BUDGETS), "tokens to the first"], rows)


def _spans(scored: Sequence[QuestionScore], modes: Sequence[str]) -> str:
    rows = []
    for mode in modes:
        group = _of(scored, mode)
        spans = [row.span_recall for row in group if row.span_recall is not None]
        named = [row.definition_first for row in group if row.definition_first is not None]
        rows.append([mode, _share(spans), _share(named)])
    return records.table(["mode", "lines of a wanted span held", "definition of the name first"], rows)


def _share(values: Sequence[float | bool]) -> str:
    return f"{statistics.fmean(values):.3f} ({len(values)})" if values else "-"
