"""Weights for files and for lines together, searched on one half of the questions, reported on both.

    python -m benches.retrieval.joint --checkouts DIR --histories DIR --annotations DIR --homes DIR \\
        --checkout DIR --spans FILE [--spans FILE ...] --tried FILE [--model NAME]

Files are asked of ``--checkouts`` (annotated queries), lines of ``--checkout`` (the graded ``--spans``) and
of ``--histories``, the repositories with their histories (comments and commits, as ``data.mined`` has them).
Every second repository, and every second question of the spans, which are of one project, is held out. From
today's weights one coordinate after the other moves to its best value, as long as the mean over the kinds of
questions gains and files lose nothing. Every try is a line of ``--tried``: a run that was stopped does not
compute it again.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benches import program, records
from benches.retrieval.data import mined
from benches.retrieval.data.annotations import Repository, load_repositories
from benches.retrieval.data.gathering import measured, slug
from benches.retrieval.data.places import DEPTH, Place, Ranking, Span
from benches.retrieval.features import Features
from benches.retrieval.lines import load_spans
from benches.retrieval.refit import GRIDS
from benches.retrieval.running import Bench, CachedQueries, bench_of, prepared
from codesearch.models.embedder import Model
from codesearch.searching.ranking.weights import WEIGHTS, Weights
from codesearch.searching.request import SearchRequest

FILES = "files"
_LEAST_GAIN = 0.0015
"""Of the mean over kinds; less is noise."""
_ROUNDS = 2
_EACH = 16

Scores = Mapping[str, tuple[float, float]]
"""By kind: the mean of the half that is searched on, and of the other."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about lines."""

    kind: str
    bench: Bench
    question: str
    spans: tuple[Span, ...]
    held_out: bool

    def ndcg(self, weights: Weights) -> float:
        """NDCG@10 of the hybrid search with these weights."""
        request = SearchRequest(self.question, DEPTH)
        places = tuple(map(Place.of, self.bench.searcher(weights).search(request)))
        return Ranking(self.kind, request.mode, self.question, self.spans, places, 0.0).ndcg


@dataclass(frozen=True, slots=True)
class Trial:
    """All questions, and what was tried with them."""

    files: list[tuple[Features, bool]]
    """With whether it is held out."""
    lines: list[Asked]
    path: Path
    known: dict[str, Scores]

    def scores(self, changes: Mapping[str, float]) -> Scores:
        """The figures with these changes of today's weights."""
        changes = {name: value for name, value in changes.items() if value != getattr(WEIGHTS, name)}
        key = json.dumps(changes, sort_keys=True)
        if key not in self.known:
            self.known[key] = self._computed(replace(WEIGHTS, **changes))  # type: ignore[arg-type]
            with self.path.open("a", encoding="utf-8") as out:
                out.write(json.dumps([key, self.known[key]]) + "\n")
            print(
                key,
                {kind: [round(half, 4) for half in of] for kind, of in self.known[key].items()},
                flush=True,
            )
        return self.known[key]

    def _computed(self, weights: Weights) -> Scores:
        found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
        for row, held_out in self.files:
            found[FILES][held_out].append(row.ndcg(weights))
        for asked in self.lines:
            found[asked.kind][asked.held_out].append(asked.ndcg(weights))
        return {kind: (float(np.mean(mine)), float(np.mean(other))) for kind, (mine, other) in found.items()}


def searched(trial: Trial) -> dict[str, float]:
    """The changes of today's weights that the half that is searched on asks for."""
    before = trial.scores({})
    changes, best = dict[str, float](), _mean(before)
    for _ in range(_ROUNDS):
        at_start = dict(changes)
        for name, grid in GRIDS.items():
            now = asdict(WEIGHTS) | changes
            tried = [changes | {name: value} for value in grid if value != now[name]]
            kept = [each for each in tried if trial.scores(each)[FILES][0] >= before[FILES][0]]
            chosen = max(kept, key=lambda each: _mean(trial.scores(each)), default=changes)
            if _mean(trial.scores(chosen)) > best + _LEAST_GAIN:
                changes, best = chosen, _mean(trial.scores(chosen))
        if changes == at_start:
            break
    return changes


def _mean(scores: Scores) -> float:
    return float(np.mean([mine for mine, _ in scores.values()]))


def spans_of(args: argparse.Namespace, bench: Bench) -> Iterator[Asked]:
    """Ask the graded spans of one project."""
    for path in args.spans:
        for number, (question, spans) in enumerate(load_spans(path)):
            yield Asked(path.stem, bench, question, spans, number % 2 == 1)


def table(trial: Trial, changes: Mapping[str, float]) -> str:
    """Today's weights and the found ones, on both halves."""
    old, new = trial.scores({}), trial.scores(changes)
    rows = [
        [kind, *(f"{figures[kind][half]:.3f}" for half in (0, 1) for figures in (old, new))] for kind in old
    ]
    header = ["questions", "searched on: today", "found", "held out: today", "found"]
    return records.table(header, rows)


def main() -> None:
    args = _arguments()
    data = measured(args.annotations, args.checkouts, args.homes, [args.model])
    repositories = load_repositories(args.annotations, args.histories, None)
    held = [number % 2 == 1 for number, each in enumerate(repositories) for _ in each.queries]
    files = list(zip(data.series[f"hybrid, {args.model}"], held, strict=True))
    os.environ["CODESEARCH_HOME"] = str(args.homes / slug(args.model))
    embedder = CachedQueries(Model(args.model).load())
    lines: list[Asked] = []
    with ExitStack() as stack:
        project = Repository(args.checkout.name, "", args.checkout, ())
        lines += spans_of(args, stack.enter_context(prepared(project, args.model)))
        for number, repository in enumerate(repositories):
            index, asked = stack.enter_context(mined.opened(repository, args.model, _EACH))
            bench = stack.enter_context(bench_of(repository, index, embedder))
            lines += [Asked(kind, bench, question, spans, number % 2 == 1) for kind, question, spans in asked]
            print(repository.name, flush=True)
        trial = Trial(files, lines, args.tried, read_tried(args.tried))
        changes = searched(trial)
        print(f"\n{changes}\n\n{table(trial, changes)}")


def read_tried(path: Path) -> dict[str, Scores]:
    """What an earlier run computed, by its changes."""
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {key: {kind: (mine, other) for kind, (mine, other) in scores.items()} for key, scores in rows}


def _arguments() -> argparse.Namespace:
    parser = program.parser(__doc__, record=False)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--histories", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--homes", type=Path, required=True, help="keeps the indexes, a folder a model")
    parser.add_argument("--checkout", type=Path, required=True, help="what the spans are in")
    parser.add_argument("--spans", type=Path, action="append", required=True)
    parser.add_argument("--tried", type=Path, required=True, help="keeps what was computed")
    parser.add_argument("--model", default="embedded")
    return parser.parse_args()


if __name__ == "__main__":
    main()
