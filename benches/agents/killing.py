"""The resident process killed (SIGKILL) at random moments under load: does every client get its answer?

    python -m benches.agents.killing --kills 100

Clients ask through the command line and through MCP while files change. After each kill the next call has to
work, and at the end the indexes have to be whole and equal to fresh ones.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from codesearch import open_index
from codesearch.serving.resident.address import Address
from codesearch.storage.store import DATABASE
from tests.support.trees import write_tree

WORDS = ("parse a header", "close cursor", "merge branch", "retry the socket")


class Load:
    """Clients in threads, each a process a question, until told to stop."""

    def __init__(self, roots: list[Path], clients: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.problems: list[str] = []
        self._roots = roots
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        self._threads.append(threading.Thread(target=self._edit))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        pick = random.Random(number)
        while not self._over.is_set():
            self.outcomes[ask(pick.choice(self._roots), pick.choice(WORDS), self.problems)] += 1

    def _edit(self) -> None:
        pick = random.Random(99)
        while not self._over.wait(0.3):
            path = pick.choice(sorted(pick.choice(self._roots).rglob("*.py")))
            path.write_text(path.read_text() + f"\n\ndef okapi_{pick.randrange(10**6)}():\n    return 1\n")


def ask(root: Path, question: str, problems: list[str]) -> str:
    command = [sys.executable, "-m", "codesearch", question, "-k3", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    try:
        if done.returncode == 0 and len(json.loads(done.stdout)["results"]) == 3:
            return "answered"
    except ValueError:
        pass
    problems.append(f"exit {done.returncode}: {done.stdout[:200]} {done.stderr[:300]}")
    return "clear error" if done.returncode == 2 and "error:" in done.stderr + done.stdout else "other"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--clients", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        os.environ.update(CODESEARCH_HOME=str(base / "home"), CODESEARCH_DAEMON="1", CI="")
        os.environ.setdefault("MLX_JINABERT_CACHE", str(base / "models"))
        roots = [write_tree(base / f"tree{number}", 40, seed=number) for number in range(3)]
        run(roots, options)
        check(roots, base)


def run(roots: list[Path], options: argparse.Namespace) -> None:
    pick, kills, after = random.Random(1), 0, Counter[str]()
    with Load(roots, options.clients) as load:
        while kills < options.kills:
            time.sleep(pick.uniform(0.05, 4.0))
            address = Address.read()
            if address is None:
                continue
            try:
                os.kill(address.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills += 1
            after[ask(pick.choice(roots), pick.choice(WORDS), load.problems)] += 1
    print(f"{kills} kills; the call after each: {dict(after)}; all other calls: {dict(load.outcomes)}")
    for problem in load.problems[:5]:
        print(f"  {problem}")


def check(roots: list[Path], base: Path) -> None:
    """Every index whole by SQLite's own check, and its answers those of one that is made now."""
    for root in roots:
        with open_index(root) as index:
            index.refresh()
            mine = [[(hit.path, hit.start_line) for hit in index.search(word)] for word in WORDS]
            database = index.directory / DATABASE
        with sqlite3.connect(database) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
        os.environ["CODESEARCH_HOME"] = str(base / "fresh")
        with open_index(root) as index:
            index.refresh()
            theirs = [[(hit.path, hit.start_line) for hit in index.search(word)] for word in WORDS]
        os.environ["CODESEARCH_HOME"] = str(base / "home")
        print(f"{root.name}: integrity {sound}, answers {'equal' if mine == theirs else 'DIFFER'}")
    stop = [sys.executable, "-m", "codesearch", "serve", "--stop"]
    subprocess.run(stop, capture_output=True, check=False)


if __name__ == "__main__":
    main()
