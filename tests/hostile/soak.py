"""A long day of an index: a writer, readers, kills, clears and a tree that changes all the time.

    python -m tests.hostile.soak [--seconds 1500] [--readers 2]

One process changes a repository as people and git do. A resident process refreshes and searches with an index
that stays open, readers search with theirs, writers are started anew and half of them killed. Now and then
the index is cleared under all of them. Every half a minute the changes pause, the file is checked whole, and
its answers are compared with those of an index made from nothing. At the end: what was done, what went wrong,
and how much memory the processes that stayed gained in their second half.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from codesearch import open_index
from codesearch.errors import CodesearchError, IndexBusy, IndexNotFound
from codesearch.index.index import Index
from codesearch.storage.folders import locations
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder
from tests.support.paths import ROOT
from tests.support.tree_changes import TreeChanges
from tests.support.trees import QUESTIONS, answers, write_tree

_FILES = 60
_MODES = ("hybrid", "lexical", "semantic")
_CHECK_SECONDS, _CLEAR_SECONDS, _SAMPLE_SECONDS = 30.0, 75.0, 5.0
_EXPECTED = (IndexNotFound, IndexBusy)
"""Answers of an index that was cleared, or whose writer is busy: said, and right."""


@dataclass
class Report:
    """What was done, and what went wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    """MiB at the end of each process that stayed, and what its second half added, in MiB an hour."""


# -- the processes that stay, or are killed


def _serve(role: str, root: Path, said: Path, seed: int) -> None:
    """Search, or refresh and search, until killed or told to end; say after each step what there was."""
    draw, index = random.Random(seed), open_index(root, WordHashEmbedder())
    counts: Counter[str] = Counter()
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    while not ending:
        try:
            counts.update(_step(role, index, draw))
        except _EXPECTED as error:
            counts[type(error).__name__] += 1
            time.sleep(0.05)
        except BaseException as error:
            counts[f"wrong: {type(error).__name__}: {error}"] += 1
        said.write_text(json.dumps(counts))
        time.sleep(0.02)
    index.close()


def _step(role: str, index: Index, draw: random.Random) -> Iterator[str]:
    if role != "reader":
        index.refresh(lock_wait=5.0)
        yield "refreshes"
    hits = index.search(draw.choice(QUESTIONS), limit=draw.choice((3, 10, 60)), mode=draw.choice(_MODES))
    scores = [hit.score for hit in hits]
    if scores != sorted(scores, reverse=True):
        raise AssertionError(f"scores are not in order: {scores}")
    yield "searches"


def _write(root: Path) -> None:
    """Refresh once, slowly enough to be killed amid it."""

    class Slow(WordHashEmbedder):
        def encode_document(self, texts: list[str], /) -> np.ndarray:
            time.sleep(0.001 * len(texts))
            return super().encode_document(texts)

    with open_index(root, Slow()) as index:
        index.refresh(lock_wait=5.0)


@contextmanager
def _running(role: str, root: Path, said: Path, seed: int = 0) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "tests.hostile.soak", "--role", role, str(root), str(said), str(seed)]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


# -- the day


class Soak:
    """The day of one tree, in a folder of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._draw = folder, random.Random(seed)
        self._root = write_tree(folder / "tree", _FILES)
        subprocess.run(["git", "init", "-q", str(self._root)], check=True)
        self._changes = TreeChanges(self._root, self._draw)
        self._samples: dict[str, list[tuple[float, float]]] = {}
        self.report = Report()

    def run(self, seconds: float, readers: int) -> Report:
        """Go on for so many seconds."""
        with open_index(self._root, WordHashEmbedder()) as index:
            index.refresh()
        names = ["resident", *(f"reader {number}" for number in range(readers))]
        said = {name: self._folder / f"{name}.json" for name in names}
        with _all_running(self._root, said) as processes:
            self._go_on(time.monotonic() + seconds, processes)
        for name, process in processes.items():
            self._hear(name, said[name], process)
        return self.report

    def _go_on(self, until: float, processes: dict[str, subprocess.Popen[str]]) -> None:
        now = time.monotonic()
        due = {self._check: now + _CHECK_SECONDS, self._clear: now + _CLEAR_SECONDS}
        sampled = 0.0
        while (now := time.monotonic()) < until:
            self._count(f"change: {self._changes.one()}")
            self._writer()
            if now - sampled > _SAMPLE_SECONDS:
                sampled = now
                self._sample(processes, now)
            for step in [step for step, at in due.items() if at <= now]:
                step()
                due[step] = time.monotonic() + (_CHECK_SECONDS if step == self._check else _CLEAR_SECONDS)
        self._check()

    def _count(self, what: str) -> None:
        self.report.counts[what] += 1

    def _writer(self) -> None:
        """Start a process that refreshes, and kill it half of the times."""
        if self._draw.random() < 0.6:
            time.sleep(self._draw.uniform(0, 0.4))
            return
        with _running("writer", self._root, self._folder / "none") as process:
            if self._draw.random() < 0.5:
                time.sleep(self._draw.uniform(0.3, 1.2))
                process.kill()
                self._count("writers killed" if process.wait() < 0 else "writers that ended first")
                return
            _, errors = process.communicate(timeout=120)
            self._count("writers that ended")
            if process.returncode and not any(kind.__name__ in errors for kind in _EXPECTED):
                self.report.wrong.append(f"a writer: {errors[-400:]}")

    def _clear(self) -> None:
        """Clear the index as soon as no writer is in the way, which is refused at first."""
        for _ in range(1_000):
            try:
                locations.clear(self._root)
            except _EXPECTED as error:
                self._count(f"clears refused: {type(error).__name__}")
                time.sleep(0.01)
            else:
                self._count("clears")
                return

    def _check(self) -> None:
        """Check the file whole, and its answers against those of a new index."""
        try:
            with open_index(self._root, WordHashEmbedder()) as index:
                index.refresh(lock_wait=60.0)
                with Store.open(index.directory) as store:
                    self.report.wrong += [f"check: {problem}" for problem in store.check()]
                found = answers(index)
            if found != self._fresh():
                self.report.wrong.append("an index answers otherwise than a fresh one")
            self._count("checks")
        except CodesearchError as error:
            self.report.wrong.append(f"check: {type(error).__name__}: {error}")

    def _fresh(self) -> list[list[tuple[str, int, float]]]:
        home = os.environ["CODESEARCH_HOME"]
        os.environ["CODESEARCH_HOME"] = str(self._folder / "fresh")
        try:
            with open_index(self._root, WordHashEmbedder()) as index:
                index.refresh()
                return answers(index)
        finally:
            os.environ["CODESEARCH_HOME"] = home
            shutil.rmtree(self._folder / "fresh", ignore_errors=True)

    # -- what the processes that stay say and hold

    def _sample(self, processes: dict[str, subprocess.Popen[str]], now: float) -> None:
        for name, process in processes.items():
            if process.poll() is None:
                held = psutil.Process(process.pid).memory_info().rss / (1 << 20)
                self._samples.setdefault(name, []).append((now, held))

    def _hear(self, name: str, said: Path, process: subprocess.Popen[str]) -> None:
        if process.returncode:
            self.report.wrong.append(f"{name} ended with {process.returncode}")
        for what, times in json.loads(said.read_text()).items():
            if what.startswith("wrong"):
                self.report.wrong.append(f"{name}: {what} ({times} times)")
            self.report.counts[what] += times
        second = self._samples[name][len(self._samples[name]) // 2 :]
        if len(second) > 1:
            at, held = np.array(second).T
            slope = np.polyfit(at - at[0], held, 1)[0] * 3600
            self.report.memory |= {f"{name}, MiB": held[-1], f"{name}, MiB an hour": slope}


@contextmanager
def _all_running(root: Path, said: dict[str, Path]) -> Iterator[dict[str, subprocess.Popen[str]]]:
    words = [sys.executable, "-m", "tests.hostile.soak", "--role"]
    processes = {
        name: subprocess.Popen(
            [*words, name.split()[0], str(root), str(file), str(number)], cwd=ROOT, text=True
        )
        for number, (name, file) in enumerate(said.items())
    }
    try:
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1500.0)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        role, root, said, seed = options.role
        _write(Path(root)) if role == "writer" else _serve(role, Path(root), Path(said), int(seed))
        return
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = f"{scratch}/home"
        report = Soak(Path(scratch), options.seed).run(options.seconds, options.readers)
    for what, times in sorted(report.counts.items()):
        print(f"{times:>8,}  {what}")
    for what, mib in report.memory.items():
        print(f"{mib:>8.1f}  {what}")
    print(f"{len(report.wrong)} wrong", *report.wrong, sep="\n")
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
