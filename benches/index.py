"""How fast a folder becomes an index: files/s, chunks/s, time by stage, peak memory, one-change refresh.

    python -m benches.index FOLDER [--model NAME] [--rival 'COMMAND']

Each measurement runs in a process of its own (peak memory is the process's), on an empty home, so that no
vector comes from a cache. The change refresh appends one function to one file of a copy.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benches import program, records

CODE = {
    ".py",
    ".rs",
    ".go",
    ".js",
    ".ts",
    ".java",
    ".kt",
    ".rb",
    ".php",
    ".c",
    ".cpp",
    ".cs",
    ".scala",
    ".lua",
    ".ex",
}


def _measure(folder: Path, model: str) -> dict[str, object]:
    """In a fresh process: first index, nothing changed, one file changed."""
    from codesearch import open_index

    started = time.perf_counter()
    with open_index(folder, model=model, here=True) as index:
        first = index.refresh()
        first_seconds = time.perf_counter() - started
        started = time.perf_counter()
        index.refresh()
        unchanged = time.perf_counter() - started
        # Whatever the language: a file that is indexed, and one more line of text in it.
        target = max(folder.rglob("*.*"), key=_code_bytes)
        with target.open("a", encoding="utf-8") as out:
            out.write("\nappended by the bench\n")
        started = time.perf_counter()
        changed_stats = index.refresh()
        changed = time.perf_counter() - started
        if changed_stats.files_changed != 1:
            raise SystemExit(f"{target} is not indexed: {changed_stats}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    scale = 1 if sys.platform == "darwin" else 1024
    return {
        "files": first.files_added,
        "chunks": first.chunks_added,
        "seconds": first_seconds,
        "stages": dict(first.seconds),
        "unchanged_seconds": unchanged,
        "one_change_seconds": changed,
        "peak_bytes": peak * scale,
        "peak_worker_bytes": children * scale,
    }


def _code_bytes(path: Path) -> int:
    return path.stat().st_size if path.suffix in CODE and path.stat().st_size < 500_000 else 0


def run_once(folder: Path, model: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "tree"
        shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        env = os.environ | {"CODESEARCH_HOME": str(Path(scratch) / "home")}
        result: dict[str, object] = program.fresh(_measure, copy, model, env=env)
    return result


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    rows = []
    for folder in args.folder:
        runs = [run_once(folder, args.model) for _ in range(args.repeats)]
        median = sorted(runs, key=lambda r: float(r["seconds"]))[len(runs) // 2]  # type: ignore[arg-type]
        records.write(args.out, "index", {"folder": folder.name, "model": args.model}, runs)
        seconds = float(median["seconds"])  # type: ignore[arg-type]
        stages = ", ".join(f"{k} {v:.2f}" for k, v in median["stages"].items())  # type: ignore[attr-defined]
        one = [float(r["one_change_seconds"]) for r in runs if r["one_change_seconds"]]  # type: ignore[arg-type]
        rows.append(
            [
                folder.name,
                median["files"],
                median["chunks"],
                f"{seconds:.2f}",
                f"{int(median['files']) / seconds:.0f}",  # type: ignore[call-overload]
                f"{int(median['chunks']) / seconds:.0f}",  # type: ignore[call-overload]
                stages,
                f"{float(median['unchanged_seconds']) * 1000:.0f}",  # type: ignore[arg-type]
                f"{statistics.median(one) * 1000:.0f}" if one else "-",
                f"{int(median['peak_bytes']) / 2**20:.0f}",  # type: ignore[call-overload]
            ]
        )
    header = ["folder", "files", "chunks", "first s", "files/s", "chunks/s", "stages s", "unchanged ms"]
    print(f"{args.model} on {records.machine_line()}, median of {args.repeats}\n")
    print(records.table([*header, "one change ms", "peak MiB"], rows))


if __name__ == "__main__":
    main()
