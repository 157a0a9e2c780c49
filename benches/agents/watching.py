"""Random changes under watch: is the answer a second later that of a fresh index?

python -m benches.agents.watching --operations 1000
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from codesearch import open_index
from codesearch.serving.agents.allowed import AllowedFolders
from codesearch.serving.agents.answers import Answers
from codesearch.serving.agents.arguments import read_search
from codesearch.serving.resident.keeper import Keeper
from codesearch.serving.resident.pool import IndexPool
from tests.support.tree_changes import TreeChanges
from tests.support.trees import write_tree

_PATIENCE_SECONDS = 20.0
QUESTIONS = ("parse a header", "quagga", "where is a branch merged")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=100)
    parser.add_argument("--wait", type=float, default=1.0, help="seconds between a change and the question")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        os.environ["CODESEARCH_HOME"] = str(base / "home")
        root = write_tree(base / "tree", 20)
        subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
        run(root, base, options)


def run(root: Path, base: Path, options: argparse.Namespace) -> None:
    pool = IndexPool(1 << 30)
    keeper = Keeper(pool, watching=True)
    answers, allowed = Answers(pool, keeper), AllowedFolders((root,))

    def ask(question: str) -> list[tuple[str, int, str]]:
        found = answers.search(read_search({"query": question}), allowed, lambda *_: None)
        return [(hit.path, hit.start_line, hit.text) for hit in found.hits]

    for _ in range(40):
        ask("x")
        time.sleep(0.1)
    changes = TreeChanges(root, random.Random(options.seed))
    asked = late = wrong = done = from_watch = 0
    directory = allowed.locate(None).directory
    while done < options.operations:
        said = [changes.one() for _ in range(changes.random.randrange(1, 4))]
        done += len(said)
        time.sleep(options.wait)
        from_watch += keeper.is_current(directory)
        found = [ask(question) for question in QUESTIONS]
        expected = fresh(root, base / "fresh")
        asked += len(QUESTIONS)
        differing = sum(mine != theirs for mine, theirs in zip(found, expected, strict=True))
        if differing:
            end = time.monotonic() + _PATIENCE_SECONDS
            while [ask(question) for question in QUESTIONS] != expected and time.monotonic() < end:
                time.sleep(0.2)
            settled = time.monotonic() < end
            what = (
                f"equal {time.monotonic() - end + _PATIENCE_SECONDS:.1f} s later"
                if settled
                else "NEVER equal"
            )
            print(f"after {done} operations, the last {said}: {differing} answers differ, {what}", flush=True)
            late += differing if settled else 0
            wrong += 0 if settled else differing
    keeper.close()
    pool.close()
    print(
        f"{done} operations, {asked} answers {options.wait} s later: {late} those of a fresh index only "
        f"after some more seconds, {wrong} never (in {_PATIENCE_SECONDS:.0f} s); "
        f"{from_watch} of {asked // len(QUESTIONS)} times the watch alone had done the work"
    )


def fresh(root: Path, home: Path) -> list[list[tuple[str, int, str]]]:
    """The answers of an index that is made now."""
    before = os.environ["CODESEARCH_HOME"]
    os.environ["CODESEARCH_HOME"] = str(home)
    try:
        shutil.rmtree(home / "indexes", ignore_errors=True)  # the cache of vectors stays
        with open_index(root) as index:
            index.refresh()
            found = [index.search(question, fold=True) for question in QUESTIONS]
        return [[(hit.path, hit.start_line, hit.text) for hit in hits] for hits in found]
    finally:
        os.environ["CODESEARCH_HOME"] = before


if __name__ == "__main__":
    main()
