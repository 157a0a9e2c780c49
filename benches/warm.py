"""A whole command over an index that is there, without the resident process, beside semble's, by files.

    python -m benches.warm FOLDER [--sizes 100 1500 5000] --semble PYTHON --semble-model DIR [--repeats 7]
        [--out FILE]

Each size is a tree of copies of the folder's files with some words changed, so that no text is there twice.
The commands take turns; walls and CPU times, with starting Python, are medians. ``--semble``: the interpreter
of an environment that holds semble; it keeps its index too, and looks at every file as this does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import count, islice
from pathlib import Path

from benches import program, records
from codesearch.files.walk import walk

_QUESTION = "where is the connection closed after a timeout"
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "hybrid": (),
    "lexical": ("--mode", "lexical"),
    "hybrid, --no-refresh": ("--no-refresh",),
}


def write_tree(folder: Path, size: int, out: Path) -> None:
    """Write copies of the folder's files until there are so many."""
    paths = [file.path for file in walk(folder).files]
    for copy, path in islice(((copy, path) for copy in count() for path in paths), size):
        target = out / f"copy{copy}" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        words = (folder / path).read_text(encoding="utf-8", errors="replace").split(" ")
        words[:: 7 + copy % 5] = [f"{word}{copy}" for word in words[:: 7 + copy % 5]]
        target.write_text(" ".join(words), encoding="utf-8")


def measure(tree: Path, home: Path, semble: Path, model: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds of wall and CPU of each command, by its name."""
    ours = [sys.executable, "-m", "codesearch", _QUESTION, str(tree), "--root-here", "--json", "--no-daemon"]
    commands: dict[str, list[str]] = {name: [*ours, *more] for name, more in _COMMANDS.items()}
    commands["semble"] = [str(semble.with_name("semble")), "search", _QUESTION, str(tree)]
    env = os.environ | {
        "CODESEARCH_HOME": str(home),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "SEMBLE_MODEL_NAME": str(model),
    }
    subprocess.run(
        [sys.executable, "-m", "codesearch", "index", str(tree), "--root-here"],
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for command in commands.values():
        _timed(command, env)
    runs = [{name: _timed(command, env) for name, command in commands.items()} for _ in range(repeats)]
    return {
        name: {key: statistics.median(run[name][key] for run in runs) for key in ("wall_ms", "cpu_ms")}
        for name in commands
    }


def _timed(command: Sequence[str], env: Mapping[str, str]) -> dict[str, float]:
    before, started = program.children_cpu(), time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return {
        "wall_ms": 1000 * (time.perf_counter() - started),
        "cpu_ms": 1000 * (program.children_cpu() - before),
    }


def main() -> None:
    """Measure and report."""
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_500, 5_000])
    parser.add_argument("--semble", type=Path, metavar="PYTHON", required=True)
    parser.add_argument("--semble-model", type=Path, metavar="DIR", required=True)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    rows, cells = [], []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch) / "tree"
            write_tree(options.folder, size, tree)
            found = measure(
                tree, Path(scratch) / "home", options.semble, options.semble_model, options.repeats
            )
        rows.append({"files": size, **found})
        theirs = found["semble"]["wall_ms"]
        cells.append(
            [
                f"{size:,}",
                *(f"{one['wall_ms']:.0f}, {one['cpu_ms']:.0f}" for one in found.values()),
                f"{found['hybrid']['wall_ms'] / theirs:.2f}",
            ]
        )
    print(f"{options.folder.name}, {records.machine_line()}: wall, CPU ms, medians of {options.repeats}\n")
    print(records.table(["files", *list(rows[0])[1:], "hybrid / semble"], cells))
    records.write(options.out, "warm", {"folder": options.folder.name, "repeats": options.repeats}, rows)


if __name__ == "__main__":
    main()
