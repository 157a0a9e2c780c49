"""Workers of a Ray cluster on this machine: chunks a second of one and of two, each with a core of its own.

    python -m benches.scale.corpus FOLDER... [--repeats 3] [--out FILE]

Repositories are embedded into a real Postgres by ``codesearch embed-corpus``'s own code. With one worker,
the cluster has one core of the machine; with two, two: the engine and the driver share them, as they would.
The time without the cluster's start counts. Efficiency is the chunks a second of two workers over twice
those of one.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benches import program, records
from codesearch.distributed.corpus.run import Corpus, embed_corpus
from codesearch.index.remote import root_name
from codesearch.records import silent
from tests.support.postgres import postgres_server


def run(folders: list[Path], workers: int) -> dict[str, float]:
    """In this process, on as many cores as workers, in an empty home."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:workers])
    from codesearch.distributed.corpus.ray_workers import RayWorkers

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = f"{scratch}/home"
        server: Any = postgres_server(f"{scratch}/pg")
        try:
            roots = [(root_name(folder), folder) for folder in folders]
            corpus = Corpus(roots, "embedded", server.get_uri(), shard_bytes=256 << 10)
            with RayWorkers(workers=workers) as cluster:
                list(cluster.do([], "embedded", ""))  # connected
                started = time.perf_counter()
                stats = embed_corpus(corpus, cluster, silent)
                seconds = time.perf_counter() - started
        finally:
            server.cleanup()
    return {"workers": workers, "chunks": stats.chunks, "shards": stats.shards, "seconds": seconds}


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for workers in (1, 2) * options.repeats:  # by turns, so that other work falls on both
        rows.append(program.fresh(run, options.folders, workers))
        print(rows[-1], flush=True)
    rate = {
        workers: float(
            np.median([row["chunks"] / row["seconds"] for row in rows if row["workers"] == workers])
        )
        for workers in (1, 2)
    }
    print(
        f"chunks/s: {rate[1]:.0f} of one worker, {rate[2]:.0f} of two; efficiency {rate[2] / rate[1] / 2:.2f}"
    )
    names = [folder.name for folder in options.folders]
    records.write(options.out, "scale-corpus", {"folders": names, "model": "embedded"}, rows)


if __name__ == "__main__":
    main()
