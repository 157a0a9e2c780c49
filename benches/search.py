"""Query latency inside a process, and the wall time of a cold command line.

python -m benches.search FOLDER [--model NAME] [--queries FILE]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benches import program, records
from codesearch import Index, open_index

QUERIES = (
    "where are retries decided",
    "parse command line arguments",
    "open a file and read its lines",
    "convert an exception into an error message",
    "cache a computed value",
    "HTTP request headers",
    "sort results by score",
    "validate user input",
    "close the connection",
    "getName",
)
MODES = ("lexical", "semantic", "hybrid")
COLD: tuple[tuple[str, ...], ...] = (
    ("--no-daemon",),
    ("--no-daemon", "--mode", "lexical"),
    ("--no-daemon", "--no-refresh"),
    (),  # by the resident process, which the run before the first timed one has started
)


def _in_process(index: Index, mode: str, queries: list[str], repeats: int) -> list[object]:
    index.search("warm up", mode=mode)
    runs = [
        records.timed(lambda q=q: index.search(q, mode=mode), repeats=1, warmup=0).median
        for _ in range(repeats)
        for q in queries
    ]
    timing = records.Timing(tuple(runs))
    p50, p95 = timing.median * 1000, timing.percentile(0.95) * 1000
    return [f"search {mode}, in process", f"{p50:.1f}", f"{p95:.1f}"]


def _cold(folder: Path, query: str, options: tuple[str, ...]) -> list[object]:
    command = [sys.executable, "-m", "codesearch", query, str(folder), "--root-here", "--json", *options]
    cold = records.timed(lambda: subprocess.run(command, check=False, capture_output=True), repeats=7)
    name = " ".join(("codesearch", *options))
    how = "cold process" if "--no-daemon" in options else "resident process, whole command"
    return [f"{name}, {how}", f"{cold.median * 1000:.0f}", f"{cold.percentile(0.95) * 1000:.0f}"]


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--queries", type=Path, help="one query a line")
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    queries = args.queries.read_text(encoding="utf-8").splitlines() if args.queries else list(QUERIES)

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = scratch
        with open_index(args.folder, model=args.model, here=True) as index:
            index.refresh()
            chunks = index.status().chunks
            rows = [_in_process(index, mode, queries, args.repeats) for mode in MODES]
        os.environ.update(CODESEARCH_DAEMON="1", CI="")
        rows += [_cold(args.folder, queries[0], options) for options in COLD]
        subprocess.run([sys.executable, "-m", "codesearch", "serve", "--stop"], check=False)
    print(f"{args.folder.name}, {chunks} chunks, {args.model}, on {records.machine_line()}\n")
    print(records.table(["what", "p50 ms", "p95 ms"], rows))
    records.write(
        args.out, "search", {"folder": args.folder.name, "model": args.model, "chunks": chunks}, rows
    )


if __name__ == "__main__":
    main()
