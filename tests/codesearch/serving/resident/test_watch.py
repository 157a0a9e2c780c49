"""Under watch: whatever happens to the tree, an answer a moment later is that of a fresh index."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.serving.agents.allowed import AllowedFolders
from codesearch.serving.agents.answers import Answers
from codesearch.serving.agents.arguments import read_search
from codesearch.serving.resident.keeper import Keeper
from codesearch.serving.resident.pool import IndexPool
from codesearch.storage.folders.locations import locate
from tests.support.tree_changes import TreeChanges
from tests.support.trees import write_tree
from tests.support.waiting import wait_for

NOTICED = 30.0
"""Seconds within which a busy machine tells of a change; after 60 a question looks over the tree anyway."""
QUESTIONS = ("parse a header", "quagga", "where is a branch merged")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 12)
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    return root.resolve()


class Watched:
    """A tree that is asked about as agents do it."""

    def __init__(self, root: Path) -> None:
        self.pool = IndexPool(1 << 30)
        self.keeper = Keeper(self.pool, watching=True)
        self._answers = Answers(self.pool, self.keeper)
        self._allowed = AllowedFolders((root,))
        self.directory = locate(root).directory

    def ask(self, question: str) -> list[tuple[str, int, str]]:
        found = self._answers.search(read_search({"query": question}), self._allowed, lambda *_: None)
        return [(hit.path, hit.start_line, hit.text) for hit in found.hits]

    def finds(self, question: str, path: str) -> None:
        """Wait until the first hit of ``question`` is in ``path``."""
        wait_for(lambda: self.ask(question)[0][0] == path, NOTICED)

    def settle(self) -> None:
        self.ask("x")
        wait_for(lambda: self.keeper.is_current(self.directory))


@pytest.fixture
def watched(tree: Path) -> Iterator[Watched]:
    found = Watched(tree)
    found.settle()
    yield found
    found.keeper.close()
    found.pool.close()


def fresh(
    tree: Path, home: Path, question: str, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, int, str]]:
    """What an index says that was made now."""
    with monkeypatch.context() as patch:
        patch.setenv("CODESEARCH_HOME", str(home))
        shutil.rmtree(home / "indexes", ignore_errors=True)  # the cache of vectors stays
        with open_index(tree) as index:
            index.refresh()
            return [(hit.path, hit.start_line, hit.text) for hit in index.search(question, fold=True)]


def test_without_a_change_nothing_is_walked(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    from codesearch.updating import text_stage

    walks: list[Path] = []
    real = text_stage.walk
    monkeypatch.setattr(
        text_stage, "walk", lambda root, options: (walks.append(root), real(root, options))[1]
    )
    assert watched.ask("parse a header")
    assert walks == []


@pytest.mark.parametrize("seed", range(2))
def test_random_changes(
    tree: Path, watched: Watched, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = TreeChanges(tree, random.Random(seed))
    for _ in range(6):
        print([changes.one() for _ in range(changes.random.randrange(1, 4))])
        time.sleep(1.0)
        for question in QUESTIONS:
            wanted = fresh(tree, tmp_path / "fresh", question, monkeypatch)
            wait_for(lambda: watched.ask(question) == wanted, NOTICED)  # noqa: B023


def test_a_new_folder_is_watched_and_a_renamed_one(tree: Path, watched: Watched) -> None:
    deep = tree / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "x.py").write_text("def quagga():\n    return 1\n")
    time.sleep(1.0)
    watched.finds("quagga", "a/b/c/x.py")
    watched.settle()
    (deep / "x.py").write_text("def okapi():\n    return 1\n")
    time.sleep(1.0)
    watched.finds("okapi", "a/b/c/x.py")
    (tree / "a").rename(tree / "z")
    time.sleep(1.0)
    watched.finds("okapi", "z/b/c/x.py")
    watched.settle()
    (tree / "z" / "b" / "c" / "x.py").write_text("def bongo():\n    return 1\n")
    time.sleep(1.0)
    watched.finds("bongo", "z/b/c/x.py")


def test_what_git_tracks_from_now_on_is_noticed(tree: Path, watched: Watched) -> None:
    (tree / ".gitignore").write_text("secret.py\n")
    (tree / "secret.py").write_text("def okapi():\n    return 1\n")
    time.sleep(1.0)
    watched.settle()
    assert all(path != "secret.py" for path, _, _ in watched.ask("okapi"))
    subprocess.run(["git", "-C", str(tree), "add", "-f", "secret.py"], check=True)
    time.sleep(1.0)
    watched.finds("okapi", "secret.py")


def test_ignored_folders_cost_no_watch(tree: Path) -> None:
    (tree / ".gitignore").write_text("build/\n")
    for folder in ("build/a", "node_modules/b", "src/c"):
        (tree / folder).mkdir(parents=True)
    watched = Watched(tree)
    watched.settle()
    watch = watched.keeper._kept[watched.directory].watch
    assert watch is not None
    if sys.platform == "linux":
        below = {folder.relative_to(tree).as_posix() for folder in watch.folders}
        assert {".", "src", "src/c", "package0"} <= below
        assert not [folder for folder in below if folder.startswith(("build", "node_modules", ".git"))]
    watched.keeper.close()
    watched.pool.close()
