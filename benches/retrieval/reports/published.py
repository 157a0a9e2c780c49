"""What the authors of other tools published on the same queries, beside ours; means over queries."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benches import records
from benches.retrieval.running import QuestionScore

TOOLS: Mapping[str, str] = {
    "semble": "semble",
    "cre_hybrid": "CodeRankEmbed 137M with semble's rules",
    "cre_semantic": "CodeRankEmbed 137M, dense",
    "colgrep": "ColGREP",
    "grepai": "grepai",
    "probe": "probe",
    "ripgrep": "ripgrep",
}
"""Columns of ``published.csv`` and what they are."""


def table(annotations: Path, scored: Sequence[QuestionScore], modes: Sequence[str]) -> str:
    """NDCG@10 by repository: ours by mode, then theirs."""
    theirs = _read(annotations)
    ours: dict[str, dict[str, list[float]]] = {}
    for row in scored:
        ours.setdefault(row.repository, {}).setdefault(row.mode, []).append(row.ndcg)
    names = [name for name in ours if name in theirs]
    numbers = {name: len(next(iter(ours[name].values()))) for name in names}
    cells = [
        [name, *(_mean(ours[name][mode]) for mode in modes), *(f"{theirs[name][tool]:.3f}" for tool in TOOLS)]
        for name in names
    ]
    total = sum(numbers.values())
    everything = [_mean([score for name in names for score in ours[name][mode]]) for mode in modes]
    published = [f"{sum(theirs[name][tool] * numbers[name] for name in names) / total:.3f}" for tool in TOOLS]
    cells.append(["**all**", *everything, *published])
    header = ["NDCG@10", *modes, *(f"*{title}*" for title in TOOLS.values())]
    return records.table(header, cells) + "\n\nIn italics: as published."


def _read(annotations: Path) -> dict[str, dict[str, float]]:
    with (annotations / "published.csv").open(encoding="utf-8", newline="") as file:
        return {row["repo"]: {tool: float(row[tool]) for tool in TOOLS} for row in csv.DictReader(file)}


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f}"
