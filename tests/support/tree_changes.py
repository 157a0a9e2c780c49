"""What people and git do to a tree, at random."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

__all__ = ["TreeChanges"]

_KINDS = (
    *("edit", "edit", "add", "add_folder", "remove", "rename", "rename_folder", "remove_folder"),
    *("commit", "branch", "switch", "stash", "unstash", "ignore", "touch", "replace"),
)
_GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")


class TreeChanges:
    """Edits, renames, folders, ignore rules, commits, branches and stashes of one repository."""

    def __init__(self, root: Path, source: random.Random) -> None:
        self.random = source
        self._root = root
        self._number = 0
        self._git("add", "-A")
        self._git("commit", "-qm", "first")

    def one(self) -> str:
        """Do one thing; what it was."""
        self._number += 1
        name = self.random.choice(_KINDS)
        getattr(self, f"_{name}")()
        return name

    def _git(self, *args: str) -> str:
        done = subprocess.run([*_GIT, *args], cwd=self._root, capture_output=True, text=True, check=False)
        return done.stdout

    def _files(self) -> list[Path]:
        return sorted(path for path in self._root.rglob("*.py") if ".git" not in path.parts)

    def _folders(self) -> list[Path]:
        return sorted({path.parent for path in self._files()} - {self._root})

    def _text(self) -> str:
        verb = self.random.choice(("parse", "merge", "retry", "quagga"))
        return f"def {verb}_header_{self._number}(header):\n    return {self.random.random()}\n"

    def _edit(self) -> None:
        for path in self.random.sample(self._files(), min(2, len(self._files()))):
            path.write_text(path.read_text() + "\n\n" + self._text())

    def _add(self) -> None:
        folder = self.random.choice([self._root, *self._folders()])
        (folder / f"new{self._number}.py").write_text(self._text())

    def _add_folder(self) -> None:
        folder = self.random.choice([self._root, *self._folders()]) / f"folder{self._number}" / "inner"
        folder.mkdir(parents=True)
        (folder / "file.py").write_text(self._text())

    def _remove(self) -> None:
        if len(self._files()) > 5:
            self.random.choice(self._files()).unlink()

    def _rename(self) -> None:
        path = self.random.choice(self._files())
        path.rename(path.with_name(f"renamed{self._number}.py"))

    def _rename_folder(self) -> None:
        if self._folders():
            path = self.random.choice(self._folders())
            path.rename(path.with_name(f"moved{self._number}"))

    def _remove_folder(self) -> None:
        if len(self._folders()) > 4:
            shutil.rmtree(self.random.choice(self._folders()))

    def _commit(self) -> None:
        self._git("add", "-A")
        self._git("commit", "-qm", str(self._number))

    def _branch(self) -> None:
        self._git("switch", "-qc", f"branch{self._number}")

    def _switch(self) -> None:
        self._commit()
        branches = self._git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        self._git("switch", "-q", self.random.choice(branches))

    def _stash(self) -> None:
        self._edit()
        self._git("stash", "-qu")

    def _unstash(self) -> None:
        self._git("stash", "pop", "-q")

    def _ignore(self) -> None:
        rules = self._root / ".gitignore"
        if rules.exists():
            rules.unlink()
        else:
            rules.write_text("new*.py\nfolder*/\n")

    def _touch(self) -> None:
        os.utime(self.random.choice(self._files()))

    def _replace(self) -> None:
        """As editors save: a new file in the place of the old one."""
        path = self.random.choice(self._files())
        scratch = path.with_suffix(".tmp")
        scratch.write_text(self._text())
        scratch.replace(path)
