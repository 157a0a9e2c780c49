"""The cost of indexing real folders with the shipped model: python -m benches.scale.costs FOLDER...

Lines, bytes and chunks of each folder, the CPU time that indexing it took with all of its processes, and the
size of its index. CPU time, because other work on the machine changes it least. No vector comes from a cache.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benches import records
from codesearch.storage.folders.locations import locate
from codesearch.storage.store import Store


def measure(folder: Path) -> dict[str, float]:
    """In an empty home; the folder's own clock and index are not touched."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"CODESEARCH_HOME": home, "CODESEARCH_DAEMON": "0"}
        before = _cpu()
        command = [sys.executable, "-m", "codesearch", "index", str(folder), "--yes"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        seconds = _cpu() - before
        os.environ["CODESEARCH_HOME"] = home
        directory = locate(folder).directory
        with Store.open(directory) as store:
            counts, paths = store.counts(), list(store.files())
        texts = [(folder / path).read_bytes() for path in paths if (folder / path).is_file()]
        return {
            "files": counts.files,
            "lines": sum(text.count(b"\n") for text in texts),
            "source_bytes": sum(map(len, texts)),
            "chunks": counts.chunks,
            "cpu_s": seconds,
            "bytes": sum(path.stat().st_size for path in directory.iterdir()),
        }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = [{"folder": folder.name, **measure(folder)} for folder in options.folders]
    header = ["folder", "files", "lines", "chunks", "CPU s", "ms a chunk", "KB a chunk on disk"]
    cells = [
        [
            row["folder"],
            *(f"{row[key]:,.0f}" for key in ("files", "lines", "chunks", "cpu_s")),
            f"{1000 * row['cpu_s'] / row['chunks']:.2f}",
            f"{row['bytes'] / row['chunks'] / 1000:.1f}",
        ]
        for row in rows
    ]
    print(records.table(header, cells))
    records.write(options.out, "scale-costs", {"model": "embedded"}, rows)


if __name__ == "__main__":
    main()
