"""The first question of a program: open an index, load the model, answer; and the memory that it has then.

    python -m benches.opening FOLDER... [--runs 7] [--questions 50] [--out FILE]

Each run is a process of its own over an index that is current, without the resident one. Imports are counted
apart: what opening and answering import is there before the clock starts. Memory (Linux alone) is that after
``--questions`` questions, the process's own apart from mapped files.
"""

from __future__ import annotations

import re
import sys
import time
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from benches import program, records
from benches.questions import QUESTIONS

_STATUS = Path("/proc/self/status")
_IMPORTS = (
    "codesearch.index.opening",
    "mlx_jinabert.loading.embedding",
    "mlx_jinabert.local.word_vectors",
    "mlx_jinabert.architectures.jina_bert.config",
    *(
        ("mlx_jinabert.backends.mlx",)
        if sys.platform == "darwin"
        else ("mlx_jinabert.backends.onnx", "onnxruntime")
    ),
    "platformdirs",
)


def measure(folder: Path, questions: int) -> dict[str, float]:
    """The times of one process in milliseconds, and its memory in megabytes."""
    started = time.perf_counter()
    for name in _IMPORTS:
        try:
            import_module(name)
        except ImportError:  # one backend is enough
            continue
    from codesearch.index.opening import open_index

    imported, spent = time.perf_counter(), time.process_time()
    with open_index(folder, create=False) as index:
        index.search(QUESTIONS[0])
        first, spent = time.perf_counter(), time.process_time() - spent
        for question in islice(cycle(QUESTIONS), questions):
            index.search(question)
        found = {
            "chunks": float(index.counts().chunks),
            "imports_ms": 1000 * (imported - started),
            "first_ms": 1000 * (first - imported),
            "first_cpu_ms": 1000 * spent,
        }
        return {**found, **memory()}


def memory() -> dict[str, float]:
    """Resident memory of this process, and the part of it that is its own; {} where the system is silent."""
    if not _STATUS.is_file():
        return {}
    found = dict(re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", _STATUS.read_text(encoding="ascii")))
    return {"resident_mb": int(found["VmRSS"]) / 1000, "own_mb": int(found["RssAnon"]) / 1000}


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--questions", type=int, default=50)
    options = parser.parse_args()
    from codesearch.index.opening import open_index

    rows = []
    for folder in options.folder:
        with open_index(folder) as index:
            index.refresh()
        runs = [program.fresh(measure, folder, options.questions) for _ in range(options.runs)]
        rows.append({"folder": folder.name, **{key: median(run[key] for run in runs) for key in runs[0]}})
    header = list(rows[0])
    cells = [[str(row["folder"]), *(f"{row[key]:,.0f}" for key in header[1:])] for row in rows]
    print(f"{records.machine_line()}\n\n{records.table(header, cells)}")
    records.write(options.out, "opening", {"runs": options.runs, "questions": options.questions}, rows)


if __name__ == "__main__":
    main()
