"""What still goes wrong, grouped by cause. The causes were found by reading: ``causes.csv``.

A query is known by its repository and the SHA-256 of its text (the texts are the annotators'); a miss that
nobody has read yet is counted as such.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from benches import records
from benches.retrieval.running import QuestionScore

MISS = 0.9
"""NDCG@10 below which a query is a miss: an answer that is not first, or a second one that comes late."""
CAUSES: Mapping[str, str] = {
    "parallel": "parallel implementations (versions, flavours of one API): the label names one of them",
    "family": "a sibling of the wanted file (reader and writer, client and server) comes first",
    "second": "the first file is found; a second one that is wanted too comes late or not at all",
    "central": "a small file about it alone comes before the large central one that is wanted",
    "meaning": "the answer shares few words with the question: a better model's work",
    "words": "the words are there, and mislead: a file is named after other words of the question",
    "label": "the label looks wrong: the file does not define what is asked for",
    "unread": "not read yet",
}
_FILE = Path(__file__).with_name("causes.csv")


def table(scored: Sequence[QuestionScore], mode: str = "hybrid") -> str:
    """Misses of a mode by cause, and what they cost in the mean."""
    rows = [row for row in scored if row.mode == mode]
    known = _read()
    lost: dict[str, list[float]] = {cause: [] for cause in CAUSES}
    for row in rows:
        if row.ndcg < MISS:
            lost[known.get((row.repository, digest(row.query)), "unread")].append(1 - row.ndcg)
    cells = [
        [CAUSES[cause], len(of), f"{sum(of) / len(rows):.3f}"]
        for cause, of in sorted(lost.items(), key=lambda pair: -sum(pair[1]))
        if of
    ]
    every = [loss for of in lost.values() for loss in of]
    cells.append(["**all misses**", len(every), f"{sum(every) / len(rows):.3f}"])
    return records.table(["cause", "queries", "lost in mean NDCG@10"], cells)


def digest(query: str) -> str:
    """How ``causes.csv`` names a query."""
    return hashlib.sha256(query.encode()).hexdigest()[:12]


def _read() -> dict[tuple[str, str], str]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {(row["repository"], row["query_sha256"]): row["cause"] for row in csv.DictReader(file)}
