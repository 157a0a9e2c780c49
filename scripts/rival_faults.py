"""The same hostile trees for this program and for semble, as a Markdown table.

    python -m scripts.rival_faults --semble PYTHON --semble-model DIR

PYTHON is of an environment with ``pip install semble==0.7.0``, DIR a folder of a Model2Vec model. A run is
a process with 6 GB of address space and a minute; the memory is that of the largest process that it started.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import psutil

from tests.hostile.bombs import java_bomb
from tests.support.paths import ROOT

_SECONDS = 60.0
_SEMBLE = (
    "import sys; from semble import SembleIndex; SembleIndex.from_path(sys.argv[1]).search('retry', top_k=3)"
)


def _bomb(tree: Path) -> None:
    (tree / "Bomb.java").write_bytes(java_bomb())


def _stars(tree: Path) -> None:
    (tree / ".gitignore").write_text("**/a/" * 10 + "b\n")
    deep = tree / ("a/" * 60)
    deep.mkdir(parents=True)
    (deep / "x.py").write_text("x = 1\n")


def _pipe(tree: Path) -> None:
    os.mkfifo(tree / ".gitignore")


def _folder(tree: Path) -> None:
    (tree / ".gitignore").mkdir()


FAULTS = {
    "32 KB of Java lambdas": _bomb,
    "`**/a/` ten times in .gitignore": _stars,
    "a pipe named .gitignore": _pipe,
    "a folder named .gitignore": _folder,
}


def measure(command: list[str], environment: dict[str, str]) -> str:
    """Return how a command ended, its seconds and its memory."""
    with tempfile.TemporaryFile() as errors:
        return _measure(command, environment, errors)


def _measure(command: list[str], environment: dict[str, str], errors: IO[bytes]) -> str:
    started, peak = time.monotonic(), 0
    limit = (6 << 30, 6 << 30)
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        cwd=tempfile.gettempdir(),
        stdout=subprocess.DEVNULL,
        stderr=errors,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),  # noqa: PLW1509 - one thread here
    )
    watched = psutil.Process(process.pid)
    while process.poll() is None and time.monotonic() - started < _SECONDS:
        try:
            family = [watched, *watched.children(recursive=True)]
            peak = max(peak, *(each.memory_info().rss for each in family))
        except psutil.Error:
            pass
        time.sleep(0.02)
    seconds = time.monotonic() - started
    if process.poll() is None:
        process.kill()
        process.wait()
        return f"not done after {seconds:.0f} s, {peak >> 20} MB"
    return f"{_ended(process.returncode, errors)}, {seconds:.1f} s, {peak >> 20} MB"


def _ended(status: int, errors: IO[bytes]) -> str:
    """Return "answers", the error that it says last, or the signal that ended it."""
    if status <= 0:
        return "answers" if status == 0 else signal.Signals(-status).name
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    return said.partition(":")[0].rpartition(".")[2] or f"ends with {status}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--semble", required=True, metavar="PYTHON")
    parser.add_argument("--semble-model", required=True, metavar="DIR")
    args = parser.parse_args()
    print("| tree | codesearch | semble 0.7.0 |\n|---|---|---|")
    for name, harm in FAULTS.items():
        with tempfile.TemporaryDirectory() as place:
            tree = Path(place) / "tree"
            tree.mkdir()
            (tree / "a.py").write_text("def retry(): pass\n")
            harm(tree)
            ours = [sys.executable, "-m", "codesearch", "--root-here", "--no-daemon", "retry", str(tree)]
            theirs = [args.semble, "-c", _SEMBLE, str(tree)]
            found = measure(ours, {"CODESEARCH_HOME": f"{place}/home", "PYTHONPATH": str(ROOT)})
            other = measure(
                theirs, {"SEMBLE_MODEL_NAME": args.semble_model, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
            )
            print(f"| {name} | {found} | {other} |", flush=True)


if __name__ == "__main__":
    main()
