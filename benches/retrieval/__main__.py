"""NDCG@10 and its relatives on annotated repositories, by mode, category, language; what each signal adds.

    python -m benches.retrieval --checkouts DIR --annotations DIR [--model NAME] [--mode MODE ...] [--ablate]
        [--semble PYTHON [--semble-model DIR]]

``--annotations`` holds ``repos.json`` and ``annotations/<name>.json`` (semble's format); ``--checkouts``
holds one folder a repository, at its pinned revision; what is missing there is cloned with ``--clone``.
Metric: index ``benchmark_root``, ask for the 10 best chunks; for each target take the rank of the first
chunk in that file (overlapping the span, where there is one); binary NDCG@10 over the targets; mean over
queries. A token is taken as 4 characters. ``--semble`` runs semble 0.7.0 from an environment of its own over
the same checkouts and queries; what other tools published stands beside it (``published.csv``).
docs/retrieval.md is written by ``python -m benches.retrieval.reports.document``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benches import program, records
from benches.retrieval import ablation
from benches.retrieval.data.annotations import load_repositories
from benches.retrieval.features import Features, gathered
from benches.retrieval.reports import published, report
from benches.retrieval.rival import MODE as SEMBLE
from benches.retrieval.rival import running
from benches.retrieval.running import MODES, QuestionScore, prepared


def _arguments() -> argparse.Namespace:
    parser = program.parser(__doc__)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--only", nargs="+", help="names of repositories")
    parser.add_argument("--clone", action="store_true", help="clone what is missing, at its revision")
    parser.add_argument("--ablate", action="store_true", help="what each signal of the ranking is worth")
    parser.add_argument("--semble", type=Path, metavar="PYTHON", help="of an environment that holds semble")
    parser.add_argument("--semble-model", help="the folder or name of its model (default: its own)")
    parser.add_argument("--home", type=Path, help="keep the indexes here (default: a temporary folder)")
    return parser.parse_args()


def clone_missing(annotations: Path, checkouts: Path, only: Sequence[str] | None) -> None:
    """One shallow fetch of the pinned revision for each repository that has no folder yet."""
    for repo in json.loads((annotations / "repos.json").read_text(encoding="utf-8")):
        folder = checkouts / repo["name"]
        if folder.exists() or (only and repo["name"] not in only):
            continue
        git = ["git", "-C", str(folder)]
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        subprocess.run([*git, "fetch", "--quiet", "--depth=1", repo["url"], repo["revision"]], check=True)
        subprocess.run([*git, "checkout", "--quiet", "FETCH_HEAD"], check=True)


def _run(args: argparse.Namespace) -> tuple[list[QuestionScore], list[ablation.Worth]]:
    rows: list[QuestionScore] = []
    features: list[Features] = []
    languages: list[str] = []
    plain: list[float] = []
    with ExitStack() as stack:
        semble = stack.enter_context(running(args.semble, args.semble_model)) if args.semble else None
        for repository in load_repositories(args.annotations, args.checkouts, args.only):
            with prepared(repository, args.model) as bench:
                here = semble.score(repository) if semble else []
                here += [row for mode in args.mode for row in bench.score(mode)]
                if args.ablate:
                    features += gathered(bench)
                    plain += bench.ndcg(ablation.COLUMNS[1])
                    languages += [repository.language] * len(repository.queries)
            rows += here
            means = {m: round(report.mean(r for r in here if r.mode == m), 3) for m in _modes(args)}
            print(f"{repository.name}: {means} indexed in {bench.build_seconds:.1f} s", flush=True)
    return rows, ablation.worths(features, plain, languages) if args.ablate else []


def _modes(args: argparse.Namespace) -> list[str]:
    return [*([SEMBLE] if args.semble else []), *args.mode]


def main() -> None:
    args = _arguments()
    if args.clone:
        clone_missing(args.annotations, args.checkouts, args.only)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = str(args.home or scratch)
        scored, worths = _run(args)
    print(f"\n{args.model} on {records.machine_line()}\n")
    print(report.report(scored, _modes(args)))
    if (args.annotations / "published.csv").exists():
        print("\n" + published.table(args.annotations, scored, _modes(args)))
    if worths:
        print("\n" + report.ablation(worths))
    settings = {"model": args.model, "modes": _modes(args)}
    rows = [*map(asdict, scored), *map(asdict, worths)]
    records.write(args.out, "retrieval", settings, rows)


if __name__ == "__main__":
    main()
