"""A rival in the same run: semble over the same checkouts and queries, scored by the same functions.

It runs as it is published, in an environment of its own (``pip install semble==0.7.0``), as a child process;
which model it embeds with is its own business (SEMBLE_MODEL_NAME, a folder where there is no network).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.retrieval import metrics
from benches.retrieval.data.annotations import Repository
from benches.retrieval.running import LONG, QuestionScore, scored
from codesearch import Hit

MODE = "semble"
_CHILD = Path(__file__).with_name("rival_child.py")


@dataclass(frozen=True, slots=True)
class Semble:
    """A running child."""

    process: subprocess.Popen[str]

    def score(self, repository: Repository) -> list[QuestionScore]:
        """Every metric of every query of a repository."""
        job = {
            "root": str(repository.root),
            "queries": [query.text for query in repository.queries],
            "limits": [metrics.DEPTH, LONG],
        }
        answers = self.ask(job)["answers"]
        rows = []
        for query, (short, long) in zip(repository.queries, answers, strict=True):
            hits = _hits(repository, short["hits"])
            rows.append(
                scored(repository, query, MODE, hits, _hits(repository, long["hits"]), short["seconds"])
            )
        return rows

    def ask(self, job: dict[str, object]) -> dict[str, Any]:
        """Send one job of ``rival_child``, and return its answer."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("semble's child process was started without pipes")
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"semble ended with status {self.process.wait()}; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running(python: Path, model: str | None) -> Iterator[Semble]:
    """semble in the environment of this ``python``, with its caches in a folder that is thrown away.

    ``-P``: our modules beside the child must not stand in for those of its environment.
    """
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "SEMBLE_CACHE_LOCATION": scratch}
        if model:
            environment["SEMBLE_MODEL_NAME"] = str(Path(model).absolute()) if Path(model).exists() else model
        with subprocess.Popen(
            [str(python.absolute()), "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=scratch,
        ) as process:
            try:
                yield Semble(process)
            finally:
                process.terminate()


def _hits(repository: Repository, rows: list[list[Any]]) -> list[Hit]:
    return [
        Hit(str(repository.root), path, start, end, None, "", "", 0.0, text)
        for path, start, end, text in rows
    ]
