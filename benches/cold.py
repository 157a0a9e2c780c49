"""A cold index beside semble's: until all text is searchable, and until every chunk has its vector.

    python -m benches.cold FOLDER... --semble PYTHON --semble-model DIR [--repeats 3] [--out FILE]

In turn, each run in a process of its own with empty caches: this package, then semble, then again. CPU
seconds are those of the process and of the processes that it started, with starting Python and importing.
``--semble``: the interpreter of an environment that holds semble. It indexes code alone, as it does by
default; this package indexes prose and configuration as well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benches import program, records

_SEMBLE = (
    "import sys, json; from semble import SembleIndex; "
    "index = SembleIndex.from_path(sys.argv[1]); print(json.dumps({'chunks': len(index.chunks)}))"
)
Run = dict[str, float]


def _child(folder: Path) -> None:
    """Index in this process; print the CPU seconds until the text is there, and the chunks."""
    from codesearch import open_index

    text: Run = {}

    def note(stage: str, done: int, total: int) -> None:
        if stage == "embed" and not text:
            text.update(cpu=_cpu(), at=time.time())

    with open_index(folder, model="embedded", here=True) as index:
        stats = index.refresh(note)
    print(json.dumps({"chunks": stats.chunks_added, "text_cpu": text["cpu"], "text_at": text["at"]}))


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _timed(command: list[str], home: Path, model: str | None = None) -> Run:
    env = os.environ | {
        "CODESEARCH_HOME": str(home),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    if model:
        env["SEMBLE_MODEL_NAME"] = model
    before, started, at = program.children_cpu(), time.perf_counter(), time.time()
    out = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    run: Run = json.loads(out.splitlines()[-1])
    run |= {"wall": time.perf_counter() - started, "cpu": program.children_cpu() - before}
    if "text_at" in run:
        run["text_wall"] = run.pop("text_at") - at
    return run


def _medians(runs: list[Run]) -> Run:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _compared(folder: Path, args: argparse.Namespace) -> dict[str, Run]:
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch)
            ours.append(_timed([sys.executable, "-m", "benches.cold", "--child", str(folder)], home))
            command = [str(args.semble), "-c", _SEMBLE, str(folder)]
            theirs.append(_timed(command, home, str(args.semble_model)))
    return {"ours": _medians(ours), "semble": _medians(theirs)}


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--semble", type=Path, metavar="PYTHON")
    parser.add_argument("--semble-model", type=Path, metavar="DIR")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        _child(args.folder[0])
        return
    if not (args.semble and args.semble_model):
        parser.error("--semble and --semble-model are needed")
    results = {folder.name: _compared(folder.resolve(), args) for folder in args.folder}
    rows: list[list[object]] = []
    ratios: dict[str, list[float]] = {}
    for name, result in results.items():
        ours, theirs = result["ours"], result["semble"]
        row: list[object] = [name, f"{ours['chunks']:.0f}", f"{theirs['chunks']:.0f}"]
        for clock in ("cpu", "wall"):
            text, whole = ours[f"text_{clock}"] / theirs[clock], ours[clock] / theirs[clock]
            ratios.setdefault(f"text {clock}", []).append(text)
            ratios.setdefault(f"complete {clock}", []).append(whole)
            row += [f"{theirs[clock]:.2f}", f"{text:.2f}", f"{whole:.2f}"]
        rows.append(row)
    header = ["folder", "our chunks", "semble's"]
    header += [
        f"{c}: {h}" for c in ("CPU", "wall") for h in ("semble s", "our text, times", "complete, times")
    ]
    print(f"semble and the shipped model, {records.machine_line()}, medians of {args.repeats}\n")
    print(records.table(header, rows))
    print("\nmedians:", ", ".join(f"{k} {statistics.median(v):.2f}" for k, v in ratios.items()))
    records.write(args.out, "cold", {"repeats": args.repeats}, [results])


if __name__ == "__main__":
    main()
