"""NDCG@10 of ``index.search`` on annotated repositories, by mode, category and language.

    python -m benches.retrieval --checkouts DIR --annotations DIR [--model NAME] [--mode hybrid ...]

``--annotations`` holds ``repos.json`` and ``annotations/<name>.json`` (semble's format); ``--checkouts``
holds one folder a repository, at its pinned revision. Metric: index ``benchmark_root``, ask for the 10 best
chunks; for each target take the rank of the first chunk in that file (overlapping the span, where there is
one); binary NDCG@10 over the targets; mean over queries.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benches import records
from codesearch import Hit, open_index

MODES = ("lexical", "semantic", "hybrid")
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Target:
    """A file, or a span of one, that answers a query."""

    path: str
    start_line: int | None = None
    end_line: int | None = None

    def found_in(self, hit: Hit) -> bool:
        # Annotated paths are relative to the checkout or to benchmark_root: match by suffix either way.
        ours, theirs = "/" + hit.path, "/" + self.path
        if not (ours.endswith(theirs) or theirs.endswith(ours)):
            return False
        if self.start_line is None or self.end_line is None:
            return True
        return hit.start_line <= self.end_line and self.start_line <= hit.end_line


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    category: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """One query's result."""

    repository: str
    language: str
    category: str
    mode: str
    query: str
    ndcg: float
    reciprocal_rank: float
    recall: float
    seconds: float


def _target(item: str | dict[str, object]) -> Target:
    if isinstance(item, str):
        return Target(item)
    return Target(str(item["path"]), item.get("start_line"), item.get("end_line"))  # type: ignore[arg-type]


def load_queries(path: Path) -> list[Query]:
    items = json.loads(path.read_text(encoding="utf-8"))
    return [
        Query(
            item["query"],
            item["category"],
            tuple(_target(t) for t in [*item["relevant"], *item.get("secondary", [])]),
        )
        for item in items
    ]


def first_ranks(targets: Sequence[Target], hits: Sequence[Hit]) -> list[int]:
    """1-based rank of the first hit of each target that is found at all."""
    ranks = (next((i for i, h in enumerate(hits[:DEPTH], 1) if t.found_in(h)), None) for t in targets)
    return [rank for rank in ranks if rank]


def ndcg(targets: Sequence[Target], hits: Sequence[Hit]) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank in first_ranks(targets, hits))
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(targets), DEPTH) + 1))
    return gain / ideal


def score_repository(repo: dict[str, str], args: argparse.Namespace) -> tuple[list[Scored], dict[str, float]]:
    root = args.checkouts / repo["name"] / (repo.get("benchmark_root") or "")
    queries = load_queries(args.annotations / "annotations" / f"{repo['name']}.json")
    scored = []
    with open_index(root, model=args.model, root="here") as index:
        start = time.perf_counter()
        index.refresh()
        built = time.perf_counter() - start
        index.search("warm up", mode="semantic")
        for mode in args.mode:
            for query in queries:
                start = time.perf_counter()
                hits = index.search(query.text, limit=DEPTH, mode=mode)
                seconds = time.perf_counter() - start
                ranks = first_ranks(query.targets, hits)
                scored.append(
                    Scored(
                        repo["name"],
                        repo["language"],
                        query.category,
                        mode,
                        query.text,
                        ndcg(query.targets, hits),
                        1 / min(ranks) if ranks else 0.0,
                        len(ranks) / len(query.targets),
                        seconds,
                    )
                )
    return scored, {"seconds": built}


def _mean(rows: Iterable[Scored]) -> float:
    return statistics.fmean(row.ndcg for row in rows)


def report(scored: Sequence[Scored], modes: Sequence[str]) -> str:
    """Markdown: by category, then by repository."""
    by_mode: dict[str, list[Scored]] = defaultdict(list)
    for row in scored:
        by_mode[row.mode].append(row)
    categories = sorted({row.category for row in scored})
    header = ["mode", "queries", "NDCG@10", *categories, "MRR", "recall@10", "p50 ms"]
    rows: list[list[object]] = []
    for mode in modes:
        group = by_mode[mode]
        cells = [f"{_mean(r for r in group if r.category == c):.3f}" for c in categories]
        mrr = statistics.fmean(r.reciprocal_rank for r in group)
        recall = statistics.fmean(r.recall for r in group)
        latency = statistics.median(r.seconds for r in group) * 1000
        rows.append(
            [
                mode,
                len(group),
                f"**{_mean(group):.3f}**",
                *cells,
                f"{mrr:.3f}",
                f"{recall:.3f}",
                f"{latency:.1f}",
            ]
        )
    out = [records.table(header, rows), ""]
    names = list(dict.fromkeys((row.repository, row.language) for row in scored))
    rows = [
        [name, language, *(f"{_mean(r for r in by_mode[m] if r.repository == name):.3f}" for m in modes)]
        for name, language in names
    ]
    out.append(records.table(["repository", "language", *modes], rows))
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--only", nargs="+", help="names of repositories")
    parser.add_argument("--home", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, help="append the record to this file")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = str(args.home or scratch)
        scored: list[Scored] = []
        repos = json.loads((args.annotations / "repos.json").read_text(encoding="utf-8"))
        for repo in repos:
            if args.only and repo["name"] not in args.only:
                continue
            rows, build = score_repository(repo, args)
            scored += rows
            means = {m: round(_mean(r for r in rows if r.mode == m), 3) for m in args.mode}
            print(f"{repo['name']}: {means} indexed in {build['seconds']:.1f} s", flush=True)
    print(f"\n{args.model} on {records.machine_line()}\n")
    print(report(scored, args.mode))
    settings = {"model": args.model, "modes": args.mode}
    records.write(args.out, "retrieval", settings, [asdict(row) for row in scored])


if __name__ == "__main__":
    main()
