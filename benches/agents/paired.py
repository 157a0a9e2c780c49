"""Paired runs of a real agent, with this search and without it, for those who have one. See PAIRED.md.

python -m benches.agents.paired --issues dev.jsonl --clone OWNER/NAME=DIR --out runs.jsonl
python -m benches.agents.paired --summary runs.jsonl
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benches.agents.tasks import Task, issues

ARMS = ("without", "with")
_PROMPT = """\
Below is an issue of this repository. Change nothing. Find where the fix belongs, and end your answer with one
line for each place, the most likely one first, and nothing after them:
PLACE path/to/file.py:FIRST-LAST

{text}
"""
_PLACE = re.compile(r"^PLACE (\S+?):(\d+)-(\d+)\s*$", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--issues", type=Path)
    parser.add_argument("--clone", action="append", default=[], metavar="OWNER/NAME=DIR")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="decides which arm goes first")
    parser.add_argument(
        "--agent",
        default="claude -p --output-format json --strict-mcp-config --mcp-config {config} "
        "--allowedTools Read,Grep,Glob,mcp__codesearch__search,mcp__codesearch__similar",
        help="the command; {config} is a file in the form of .mcp.json, the prompt comes on stdin",
    )
    parser.add_argument("--out", type=Path, default=Path("runs.jsonl"))
    parser.add_argument("--summary", type=Path, metavar="RUNS")
    options = parser.parse_args()
    if options.summary:
        summarise([json.loads(line) for line in options.summary.read_text().splitlines()])
        return
    clones = {name: Path(path).resolve() for name, path in (pair.split("=", 1) for pair in options.clone)}
    done = {(run["task"], run["arm"]) for run in _runs(options.out)}
    pick = random.Random(options.seed)
    for number, task in enumerate(issues(options.issues, clones, options.every)):
        name = f"{task.name}-{number}"
        for arm in pick.sample(ARMS, 2):
            if (name, arm) in done:
                continue
            run = {"task": name, "arm": arm, **play(task, arm, options.agent)}
            with options.out.open("a") as file:
                file.write(json.dumps(run) + "\n")
            print(json.dumps(run), flush=True)


def play(task: Task, arm: str, agent: str) -> dict[str, Any]:
    """One run in a clean tree at the issue's commit."""
    task.check_out()
    subprocess.run(["git", "-C", str(task.root), "clean", "-qfdx"], check=True)
    server = {"command": sys.executable, "args": ["-m", "codesearch", "mcp", "--root", str(task.root)]}
    config = task.root.parent / f"{task.root.name}.{arm}.mcp.json"
    config.write_text(json.dumps({"mcpServers": {"codesearch": server} if arm == "with" else {}}))
    command = [word.replace("{config}", str(config)) for word in agent.split()]
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=task.root,
        input=_PROMPT.format(text=task.text),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return {"error": (done.stderr or done.stdout)[-500:], "seconds": seconds}
    usage = said.get("usage", {})
    places = [
        (path, int(first), int(last)) for path, first, last in _PLACE.findall(str(said.get("result", "")))
    ]
    return {
        "seconds": seconds,
        "turns": said.get("num_turns"),
        "cost": said.get("total_cost_usd"),
        "input_tokens": sum(v for k, v in usage.items() if k.endswith("input_tokens") and isinstance(v, int)),
        "output_tokens": usage.get("output_tokens"),
        "right_file": any(path == span.path for path, _, _ in places[:5] for span in task.spans),
        "right_lines": any(
            path == span.path and first <= span.last and span.first <= last
            for path, first, last in places[:5]
            for span in task.spans
        ),
    }


def summarise(runs: list[dict[str, Any]]) -> None:
    """With minus without, over the tasks that both arms finished, with 90 % bootstrap intervals."""
    by_task: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        by_task.setdefault(run["task"], {})[run["arm"]] = run
    pairs = [
        arms for arms in by_task.values() if len(arms) == 2 and not any("error" in r for r in arms.values())
    ]
    print(f"{len(pairs)} of {len(by_task)} tasks were finished by both arms\n")
    if not pairs:
        return
    print("| | without | with | difference |\n|---|---|---|---|")
    for measure in ("right_file", "right_lines", "input_tokens", "output_tokens", "turns", "cost", "seconds"):
        values = np.array([[float(arms[arm].get(measure) or 0) for arm in ARMS] for arms in pairs])
        less, more = values.mean(axis=0)
        differences = values[:, 1] - values[:, 0]
        drawn = np.random.default_rng(0).choice(differences, (2000, len(differences))).mean(axis=1)
        low, high = np.quantile(drawn, [0.05, 0.95])
        print(f"| {measure} | {less:,.3g} | {more:,.3g} | {more - less:+,.3g} [{low:+,.3g}, {high:+,.3g}] |")


def _runs(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        yield from (json.loads(line) for line in path.read_text().splitlines())


if __name__ == "__main__":
    main()
