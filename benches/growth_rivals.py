"""Growth beside others: what semble and ripgrep take for the texts of ``benches.growth``, as files.

    python -m benches.growth_rivals FOLDER [--sizes 1000 10000 100000] [--ripgrep rg]
        [--semble PYTHON --semble-model DIR] [--out FILE]

Each size is written as a tree of the same copies. semble indexes it in a process of its own, in memory, and
answers the same questions; ripgrep is asked for the files that hold the words of a question of at least four
letters, any of them. Both are told of nothing but the folder.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from itertools import chain
from pathlib import Path

import numpy as np

from benches import program, records
from benches.growth import cells, chunks_of, copies
from benches.questions import QUESTIONS
from benches.retrieval import rival
from codesearch.records import Chunk

_ROUNDS = 6
_WORD = re.compile(r"\w{4,}")


def write_tree(files: list[tuple[str, list[Chunk]]], size: int, folder: Path) -> None:
    """Write the copies that ``benches.growth`` fills an index with."""
    for path, chunks in chain.from_iterable(copies(files, size)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(chunk.text for chunk in chunks), encoding="utf-8")


def ask_ripgrep(command: str, folder: Path) -> dict[str, float]:
    """Median of the questions, and the first of them, in milliseconds of a whole command."""
    times = []
    for question in QUESTIONS * _ROUNDS:
        words = [option for word in _WORD.findall(question) for option in ("-e", word)]
        started = time.perf_counter()
        subprocess.run([command, "-il", *words, str(folder)], check=False, stdout=subprocess.DEVNULL)
        times.append(1000 * (time.perf_counter() - started))
    return {"ripgrep_first_ms": times[0], "ripgrep_ms": float(np.median(times))}


def ask_semble(python: Path, model: str, folder: Path) -> dict[str, float]:
    """Seconds of its index, the median of its questions, its memory at most."""
    with rival.running(python, model) as semble:
        answer = semble.ask({"root": str(folder), "queries": list(QUESTIONS * _ROUNDS), "limits": [10]})
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{semble.process.pid}/status").read_text("ascii"))
    times = [row[0]["seconds"] for row in answer["answers"]]
    return {
        "semble_seconds": answer["seconds"],
        "semble_ms": 1000 * float(np.median(times)),
        "semble_peak_bytes": 1024.0 * int(peak[1]) if peak else 0.0,
    }


def main() -> None:
    """Measure and report."""
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000, 100_000])
    parser.add_argument("--ripgrep", metavar="COMMAND")
    parser.add_argument("--semble", type=Path, metavar="PYTHON")
    parser.add_argument("--semble-model", metavar="DIR")
    options = parser.parse_args()
    files, rows = chunks_of(options.folder), []
    for size in options.sizes:
        row = {"chunks": float(size)}
        with tempfile.TemporaryDirectory() as scratch:
            write_tree(files, size, Path(scratch))
            if options.ripgrep:
                row |= ask_ripgrep(options.ripgrep, Path(scratch))
            if options.semble:
                row |= ask_semble(options.semble, options.semble_model, Path(scratch))
        rows.append(row)
        print(row, flush=True)
    print(f"{options.folder.name} on {records.machine_line()}\n")
    keys = [key for key in rows[0] if key != "chunks"]
    header = ["chunks", *(key.replace("_", " ").replace("bytes", "MB") for key in keys)]
    print(records.table(header, cells(rows, keys)))
    records.write(options.out, "growth_rivals", {"folder": options.folder.name}, rows)


if __name__ == "__main__":
    main()
