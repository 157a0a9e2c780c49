"""The players of benches.agents: what counts as read, and that paired runs are paired."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benches.agents import paired
from benches.agents.policies import Reading, grep_and_read, search_and_read
from benches.agents.tasks import Span, Task, issues
from codesearch.serving.agents.tools import Here
from tests.support.trees import write_tree


@pytest.fixture
def task(tmp_path: Path) -> Task:
    root = write_tree(tmp_path / "tree", 10)
    (root / "okapi.py").write_text("\n" * 60 + "def hunt_okapi(herd):\n    return herd.pop()\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)
    return Task("tree", root.resolve(), "", "where does one hunt the okapi", (Span("okapi.py", 61, 62),))


def test_reading_counts_what_was_read_up_to_the_right_lines(task: Task) -> None:
    reading = Reading(task)
    reading.take("x" * 400, [("okapi.py", 60), ("other.py", 61)])
    assert (reading.first, reading.tokens) == (None, 100)
    reading.take("x" * 40, [("okapi.py", 62)])
    assert (reading.first, reading.last) == (110, None)
    reading.take("x" * 40, [("okapi.py", 61)])
    assert (reading.last, reading.calls, reading.is_over) == (120, 3, True)


def test_both_players_get_there_and_windows_cost_less(task: Task) -> None:
    whole, windows = grep_and_read(task, whole=True), grep_and_read(task, whole=False)
    searched = search_and_read(task, Here.alone())
    assert all(reading.last for reading in (whole, windows, searched))
    assert (windows.tokens, searched.calls) <= (whole.tokens, 1)


def test_paired_runs(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    git = ["git", "-C", str(task.root), "-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    row = {"repo": "a/tree", "commit": commit, "text": task.text, "spans": [["okapi.py", 61, 62]]}
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n")
    agent = tmp_path / "agent.py"
    agent.write_text(
        "import json, sys\n"
        "servers = json.load(open(sys.argv[1]))['mcpServers']\n"
        "assert 'okapi' in sys.stdin.read()\n"
        "place = 'PLACE okapi.py:60-61' if servers else 'PLACE okapi.py:1-2'\n"
        "usage = {'input_tokens': 10, 'cache_read_input_tokens': 5, 'output_tokens': 2}\n"
        "print(json.dumps({'result': f'It is there.\\n{place}', 'usage': usage, 'num_turns': 3}))\n"
    )
    command = [
        "--issues",
        str(tmp_path / "dev.jsonl"),
        "--clone",
        f"a/tree={task.root}",
        "--out",
        str(tmp_path / "runs"),
    ]
    monkeypatch.setattr(sys, "argv", ["paired", *command, "--agent", f"{sys.executable} {agent} {{config}}"])
    paired.main()
    paired.main()  # nothing is left to do
    runs = {run["arm"]: run for run in map(json.loads, (tmp_path / "runs").read_text().splitlines())}
    assert len((tmp_path / "runs").read_text().splitlines()) == 2
    assert [runs[arm]["right_lines"] for arm in paired.ARMS] == [False, True]
    assert [runs[arm]["right_file"] for arm in paired.ARMS] == [True, True]
    assert runs["with"]["input_tokens"] == 15
    paired.summarise(list(runs.values()))
    assert "| right_lines | 0 | 1 | +1" in capsys.readouterr().out
    assert len(list(issues(tmp_path / "dev.jsonl", {"a/tree": task.root}, 1))) == 1
