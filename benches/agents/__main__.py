"""What an agent reads until it has seen the right lines: with grep and file reading, with search first.

    python -m benches.agents --issues issues/dev.jsonl --clone sphinx-doc/sphinx=DIR --clone ...
    python -m benches.agents --spans spans/code.csv --tree DIR

No language model plays: both agents follow a fixed policy (policies.py). Means with 90 % bootstrap
intervals; a question whose lines are not seen within 60,000 tokens counts with those.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benches.agents import policies
from benches.agents.policies import Reading, grep_and_read, search_and_read
from benches.agents.tasks import Task, issues, spans
from codesearch import open_index
from codesearch.serving.agents.tools import Here

NAMES = ("grep, whole files", "grep, windows", "search first")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--issues", type=Path)
    parser.add_argument("--clone", action="append", default=[], metavar="OWNER/NAME=DIR")
    parser.add_argument("--every", type=int, default=1, help="only every so many of the issues")
    parser.add_argument("--spans", type=Path)
    parser.add_argument("--tree", type=Path)
    options = parser.parse_args()
    tasks: list[Task] = []
    if options.issues:
        clones = dict(pair.split("=", 1) for pair in options.clone)
        tasks += issues(options.issues, {k: Path(v).resolve() for k, v in clones.items()}, options.every)
    if options.spans:
        tasks += spans(options.spans, options.tree.resolve())
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("CODESEARCH_HOME", home)
        os.environ["CODESEARCH_STATS"] = "0"
        for name, some in itertools.groupby(tasks, key=lambda task: task.name):
            report(name, play(list(some)))


def play(tasks: Sequence[Task]) -> list[tuple[Reading, ...]]:
    tools, found = Here.alone(), []
    for number, task in enumerate(tasks, 1):
        task.check_out()
        started = time.perf_counter()
        with open_index(task.root) as index:
            index.refresh()
            size = index.counts()
        seconds = time.perf_counter() - started
        found.append(
            (grep_and_read(task, whole=True), grep_and_read(task, whole=False), search_and_read(task, tools))
        )
        said = ", ".join(f"{reading.first}/{reading.last}" for reading in found[-1])
        print(
            f"{task.name} {number}/{len(tasks)}: {size.files} files, indexed in {seconds:.0f} s: {said}",
            flush=True,
        )
    return found


def report(name: str, played: list[tuple[Reading, ...]]) -> None:
    print(f"\n### {name}, {len(played)} questions\n")
    print("| | tokens to the first right line | to the last | calls | never the first / the last | s |")
    print("|---|---|---|---|---|---|")
    for at, policy in enumerate(NAMES):
        mine = [readings[at] for readings in played]
        print(
            f"| {policy} | {_interval(mine, _first)} | {_interval(mine, _last)} "
            f"| {statistics.mean(r.calls for r in mine):.1f} "
            f"| {sum(r.first is None for r in mine)} / {sum(r.last is None for r in mine)} "
            f"| {statistics.mean(r.seconds for r in mine):.2f} |"
        )
    for at in (0, 1):
        for what, measure in (("first", _first), ("last", _last)):
            pairs = [(measure(readings[2]), measure(readings[at])) for readings in played]
            losses = sum(ours > theirs for ours, theirs in pairs)
            low, high = _bootstrap([ours - theirs for ours, theirs in pairs])
            mean = statistics.mean(ours - theirs for ours, theirs in pairs)
            print(
                f"\nsearch first minus {NAMES[at]}, to the {what} line: {mean:+,.0f} "
                f"[{low:+,.0f}, {high:+,.0f}] tokens; more in {losses} of {len(pairs)}"
            )
    print(flush=True)


def _first(reading: Reading) -> float:
    return policies.BUDGET if reading.first is None else reading.first


def _last(reading: Reading) -> float:
    return policies.BUDGET if reading.last is None else reading.last


def _interval(readings: Sequence[Reading], measure: Callable[[Reading], float]) -> str:
    values = [measure(reading) for reading in readings]
    low, high = _bootstrap(values)
    return f"{statistics.mean(values):,.0f} [{low:,.0f}, {high:,.0f}]"


def _bootstrap(values: Sequence[float]) -> tuple[float, float]:
    drawn = np.random.default_rng(0).choice(np.asarray(values), (2000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.05, 0.95])
    return float(low), float(high)


if __name__ == "__main__":
    main()
