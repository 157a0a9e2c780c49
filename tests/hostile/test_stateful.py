"""An index and its twin: after any edits, renames, branches, ignore rules, models and kills they agree.

The twin is brute force: git lists the files, each is read whole, each chunk is embedded and compared.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from codesearch import open_index
from tests.support.closeness import WordHashEmbedder
from tests.support.git_cases import git
from tests.support.paths import ROOT

NAMES = st.sampled_from(
    ["a.py", "b.py", "c.go", "lib/a.py", "lib/b.py", "lib/deep/c.py", "notes.md", "out/x.py"]
)
BODIES = st.sampled_from(
    [
        "def read(path):\n    return open(path).read()\n",
        "def retry(call):\n    for _ in range(3):\n        call()\n",
        "class Walk:\n    def run(self):\n        return self\n",
        "# a comment\n\nx = 1\n",
        "func main() {\n\tprintln(1)\n}\n",
        "words and more words\n" * 80,
    ]
)
RULES = st.lists(
    st.sampled_from(["*.go", "lib/", "out/", "!out/x.py", "a.py", "/b.py", "**/deep", "#"]), max_size=3
)
QUESTIONS = ("read a path", "retry call", "walk", "words")

_KILLED = """
import os, signal, sys, threading
from codesearch import open_index
from tests.support.closeness import WordHashEmbedder
seen = 0
def progress(stage, done, total):
    global seen
    seen += 1
    if seen > int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
with open_index(sys.argv[1], WordHashEmbedder(sys.argv[2])) as index:
    index.refresh(progress)
"""


class Interrupted(Exception):
    """Raised in the middle of a refresh."""


class Twins(RuleBasedStateMachine):
    """The tree, its index, and what they have to agree on."""

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="twins-"))
        os.environ["CODESEARCH_HOME"] = str(self.place / "home")
        self.root = self.place / "tree"
        self.root.mkdir()
        git(self.root, "init", "-q", "-b", "main")
        (self.root / "a.py").write_text("x = 0\n")
        self._commit()
        self.model, self.indexed_with = "word-hash-1", None
        self.branches = ["main"]

    def _commit(self) -> None:
        git(self.root, "add", "-A")
        git(
            self.root, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty", "-m", "m"
        )

    @rule(name=NAMES, body=BODIES)
    def write(self, name: str, body: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        if (self.root / old).exists():
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            (self.root / old).replace(self.root / new)

    @rule(lines=RULES)
    def ignore(self, lines: list[str]) -> None:
        (self.root / ".gitignore").write_text("\n".join(lines) + "\n")

    @rule(number=st.integers(0, 2))
    def switch(self, number: int) -> None:
        self._commit()
        name = f"branch{number}" if number else "main"
        git(self.root, "checkout", "-q", *(() if name in self.branches else ("-b",)), name)
        self.branches = sorted({*self.branches, name})

    @rule(number=st.integers(1, 2))
    def change_model(self, number: int) -> None:
        self.model = f"word-hash-{number}"

    @rule(after=st.integers(0, 12))
    def interrupt(self, after: int) -> None:
        """Give up a refresh in the middle of this process."""
        left = after

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Interrupted

        if self.indexed_with in (None, self.model):
            self.indexed_with = self.model
            with (
                contextlib.suppress(Interrupted),
                open_index(self.root, WordHashEmbedder(self.model)) as index,
            ):
                index.refresh(progress)

    @rule(after=st.integers(0, 12))
    def kill(self, after: int) -> None:
        """Kill a refresh in another process."""
        if self.indexed_with not in (None, self.model):
            return
        self.indexed_with = self.model
        command = [sys.executable, "-c", _KILLED, str(self.root), self.model, str(after)]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr

    @rule()
    def refresh_and_compare(self) -> None:
        embedder = WordHashEmbedder(self.model)
        with open_index(self.root, embedder) as index:
            index.refresh(rebuild=self.indexed_with not in (None, self.model))
            self.indexed_with = self.model
            expected = {path: (self.root / path).read_text() for path in self._listed()}
            chunks = {path: index.chunks_of(path) for path in expected}
            found = {path: "".join(each.chunk.text for each in chunks[path]) for path in expected}
            assert found == expected
            assert index.counts().files == len(expected)
            for question in QUESTIONS:
                self._compare(
                    index, embedder, question, [each.chunk for path in chunks for each in chunks[path]]
                )

    def _listed(self) -> list[str]:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=self.root, capture_output=True, check=True).stdout
        paths = {path for path in os.fsdecode(listed).split("\0") if path and not path.startswith(".")}
        return sorted(path for path in paths if (self.root / path).is_file())

    def _compare(self, index: Any, embedder: WordHashEmbedder, question: str, chunks: list[Any]) -> None:
        """Semantic search gives the cosines of brute force, best first."""
        hits = index.search(question, mode="semantic", limit=50, fold=False)
        if not chunks:
            assert hits == []
            return
        vectors = embedder.encode_document([chunk.embedded_text for chunk in chunks])
        cosines = vectors @ embedder.encode_query([question])[0]
        best = {
            (chunks[i].path, chunks[i].start_line) for i in np.flatnonzero(cosines > cosines.max() - 1e-3)
        }
        assert {(hit.path, hit.start_line) for hit in hits} <= {(c.path, c.start_line) for c in chunks}
        if cosines.max() > 0.2:  # no signal outweighs what is this much nearer
            assert best & {(hit.path, hit.start_line) for hit in hits}

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "place", "/nowhere"), ignore_errors=True)


Twins.TestCase.settings = settings(
    max_examples=max(4, int(os.environ.get("FUZZ_EXAMPLES", "40")) // 10),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=DirectoryBasedExampleDatabase(Path(__file__).parent / "corpus"),
)


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
class TestTwins(Twins.TestCase):
    """Run by pytest."""
