"""Score models, and BM25, on held-out projects and on the development split.

    python -m training.evaluate --model v0=FOLDER --model new=FOLDER --data DATA --work WORK
        [--annotations DIR --checkouts DIR] [--only documentation scripts code development]

A model is NAME=FOLDER, computed in int8 on ONNX Runtime as users have it, or NAME=FOLDER@float32. The last
one is the model under test: differences are to it, and, unless --no-prefixes, it is measured cut to 128 and
64 dimensions and in float32 too. --data is what ``python -m training.corpus build`` wrote. Vectors are kept
in WORK/vectors: a run that was cut goes on where it was, and a new model costs its own vectors only. Tables
go to WORK/results.md and to stdout, the same with more detail to WORK/results.json, anew after every task.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from training.evaluate import code, documentation, heldout, scripts
from training.evaluate.bm25 import Bm25
from training.evaluate.development import DevelopmentTask
from training.evaluate.figures import Figure, figures
from training.evaluate.models import Model, Prefix, Spec
from training.evaluate.records import Ranker, Task
from training.evaluate.report import Conditions, markdown, write

_TASKS = ("documentation", "scripts", "code", "development")
_PREFIXES = (128, 64)


def main() -> int:
    """Measure and report."""
    options = _parser().parse_args()
    vectors = options.work / "vectors"
    specs: list[Spec] = options.model
    models = [Model(spec, vectors) for spec in specs]
    rankers: list[Ranker] = [Bm25(), *models]
    tested = models[-1]
    if options.prefixes:
        rankers += [Prefix(tested, dim) for dim in _PREFIXES if dim < tested.dim]
        if tested.spec.dtype != "float32":
            whole = Spec(f"{tested.name} float32", tested.spec.folder, "float32")
            models.append(Model(whole, vectors))
            rankers.append(models[-1])
    tasks, notes = _tasks(options)
    conditions = Conditions(tuple(models), tuple(each.name for each in rankers), tested.name, tuple(notes))
    found: list[Figure] = []
    for task in tasks:
        found += _measured(task, rankers, tested.name)
        write(options.work / options.report, conditions, found)
    print(markdown(conditions, found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Spec.parse, action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--data", type=Path, help="held-out texts and pairs")
    parser.add_argument("--work", type=Path, required=True, help="vectors and results")
    parser.add_argument("--report", default="results", metavar="NAME", help="of the files of results")
    parser.add_argument("--only", nargs="+", choices=_TASKS, default=list(_TASKS))
    parser.add_argument("--languages", nargs="+", help="of the documentation task; all by default")
    parser.add_argument("--pool", type=int, default=4_000, help="functions a language")
    parser.add_argument("--large-pool", type=int, default=20_000, help="functions of all languages together")
    parser.add_argument(
        "--annotations", type=Path, help="repos.json and annotations/ of the development split"
    )
    parser.add_argument("--checkouts", type=Path, help="a folder for each of its repositories")
    parser.add_argument("--prefixes", action=argparse.BooleanOptionalAction, default=True)
    return parser


def _tasks(options: argparse.Namespace) -> tuple[list[Task], list[str]]:
    """What was asked for, and what a reader must know about it."""
    tasks: list[Task] = []
    notes: list[str] = []
    if {"documentation", "scripts", "code"} & set(options.only):
        _demand(options.data, "--data: all but the development split is measured on held-out projects")
        documented = heldout.documented_functions(options.data)
        chunks = heldout.texts(options.data)
        others = heldout.other_functions(chunks, documented)
    if "documentation" in options.only:
        chosen = [f for f in documented if not options.languages or f.language in options.languages]
        pools = documentation.make_pools(chosen, others, options.pool)
        tasks.append(documentation.task(pools))
        tasks.append(documentation.mixed_task(pools, options.large_pool))
        sizes = ", ".join(f"{name} {len(pool):,}" for name, pool in pools.pools.items())
        notes.append(
            f"documentation: functions a pool: {sizes}; left out: {', '.join(pools.left_out) or 'none'}"
        )
    if "scripts" in options.only:
        foreign = scripts.foreign_functions(options.data)
        hiding = heldout.other_functions(chunks, [*documented, *foreign])
        tasks.append(scripts.task(foreign, hiding, options.pool))
    if "code" in options.only:
        tasks.append(code.task(chunks, others, options.pool))
    if "development" in options.only:
        _demand(options.annotations and options.checkouts, "--annotations and --checkouts for development")
        tasks.append(DevelopmentTask(options.annotations, options.checkouts))
    return tasks, notes


def _demand(given: object, what: str) -> None:
    if not given:
        sys.exit(f"missing: {what}; or leave the task out with --only")


def _measured(task: Task, rankers: Sequence[Ranker], tested: str) -> list[Figure]:
    measured = {}
    for ranker in rankers:
        measured[ranker.name] = task.measure(ranker)
        print(f"{task.name}: {ranker.name}", file=sys.stderr)
    return figures(task.name, task.slices, measured, tested)


if __name__ == "__main__":
    sys.exit(main())
