"""A benchmark's figures as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codesearch.benchmark.measure import Figures, Response
from codesearch.benchmark.metrics import Interval
from codesearch.benchmark.run import Report
from codesearch.errors import counted
from codesearch.rendering.render import dump
from codesearch.rendering.terminal import one_line

__all__ = ["as_json", "as_text"]

_KINDS = {"comments": "documentation comments", "commits": "commit subjects"}
_ANSWERS = {
    "comments": "a definition's comment, which is not in the index, finds the definition",
    "commits": "the subject of a commit finds a file that it changed",
}
_HEADER = ("mode", "hit@1", "hit@5", "hit@10", "MRR (90 %)", "median", "p95")


def _found(report: Report) -> str:
    """How many questions of each kind there were, and how many were asked."""
    asked = {figure.kind: figure.questions for figure in report.figures}
    counts = (
        f"{number:,} from {_KINDS[kind]}, {asked.get(kind, 0):,} asked"
        for kind, number in report.found.items()
    )
    return "; ".join(counts)


def as_text(report: Report) -> str:
    """A table for each kind of question."""
    size = f"{counted(report.files, 'file')}, {counted(report.chunks, 'chunk')}"
    lines = [
        one_line(report.root),
        f"{size}, model {one_line(report.model)}, seed {report.seed}",
        f"questions: {_found(report)}",
    ]
    for kind in dict.fromkeys(figure.kind for figure in report.figures):
        rows = [figure for figure in report.figures if figure.kind == kind]
        lines += ["", f"{_KINDS[kind]} ({rows[0].questions}): {_ANSWERS[kind]}"]
        lines += _aligned([_HEADER, *(_cells(figure) for figure in rows)])
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """One object: the figures, and every question with its answers and the rank of the first one by mode."""
    return dump(
        {
            "root": report.root,
            "model": report.model,
            "seed": report.seed,
            "files": report.files,
            "chunks": report.chunks,
            "found": report.found,
            "results": [_record(figure) for figure in report.figures],
            "questions": _questions(report.asked),
        }
    )


def _cells(figure: Figures) -> tuple[str, ...]:
    shares = (f"{share:.3f}" for share in (figure.hit_1, figure.hit_5, figure.hit_10))
    times = (f"{value:.1f} ms" for value in (figure.median_ms, figure.p95_ms))
    return (figure.mode, *shares, _interval(figure.mrr), *times)


def _interval(value: Interval) -> str:
    return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _record(figure: Figures) -> dict[str, Any]:
    return {
        "kind": figure.kind,
        "mode": figure.mode,
        "questions": figure.questions,
        "hit@1": round(figure.hit_1, 4),
        "hit@5": round(figure.hit_5, 4),
        "hit@10": round(figure.hit_10, 4),
        "mrr": round(figure.mrr.mean, 4),
        "mrr_low": round(figure.mrr.low, 4),
        "mrr_high": round(figure.mrr.high, 4),
        "median_ms": round(figure.median_ms, 2),
        "p95_ms": round(figure.p95_ms, 2),
    }


def _questions(asked: Sequence[Response]) -> list[Mapping[str, Any]]:
    ranks: dict[Any, dict[str, int | None]] = {}
    for each in asked:
        ranks.setdefault(each.question, {})[each.mode] = each.rank
    return [
        {
            "kind": question.kind,
            "query": question.text,
            "answers": [str(place) for place in question.answers],
            "ranks": by_mode,
        }
        for question, by_mode in ranks.items()
    ]
