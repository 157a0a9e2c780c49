"""Questions with the lines that answer them: issues of two repositories, and annotated spans of a third."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Span", "Task", "issues", "spans"]


@dataclass(frozen=True)
class Span:
    """Lines of a file, 1-based and inclusive."""

    path: str
    first: int
    last: int


@dataclass(frozen=True)
class Task:
    """What is asked, of which tree, at which commit ("": as it is), and the lines that count."""

    name: str
    root: Path
    commit: str
    text: str
    spans: tuple[Span, ...]

    def check_out(self) -> None:
        """Bring the tree to the commit."""
        if self.commit:
            subprocess.run(
                ["git", "-C", str(self.root), "checkout", "-qf", self.commit], check=True, capture_output=True
            )


def issues(data: Path, clones: dict[str, Path], every: int) -> Iterator[Task]:
    """Every so many of the issues, grouped by repository, in the order of their commits' file."""
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    for repo, root in clones.items():
        for row in [row for row in rows if row["repo"] == repo][::every]:
            wanted = tuple(Span(*span) for span in row["spans"])
            yield Task(repo.split("/")[1], root, row["commit"], row["text"], wanted)


def spans(data: Path, root: Path) -> Iterator[Task]:
    """Questions of a CSV with up to three graded spans; those that answer (grade 2) count."""
    with data.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found = []
            for key in ("result1", "result2", "result3"):
                if row[key]:
                    path, lines, grade = row[key].rsplit(":", 2)
                    if grade == "2":
                        first, last = lines.split("-")
                        found.append(Span(path, int(first), int(last)))
            if found:
                yield Task(root.name, root, "", row["query"], tuple(found))
