"""Folders that are searched on their own: told once, with the command that does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codesearch import open_index


def refreshed(root: Path) -> list[str]:
    with open_index(root, here=True) as index:
        return list(index.refresh(vectors=False).notes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "main"
    (found / "vendor" / "clone").mkdir(parents=True)
    for folder in (found, found / "vendor" / "clone"):
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        (folder / "a.py").write_text("def a():\n    return 1\n")
    return found


def test_a_clone_inside_is_told_once(root: Path) -> None:
    (note,) = refreshed(root)
    assert "vendor/clone/" in note
    assert "codesearch QUERY vendor/clone/" in note
    assert refreshed(root) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_a_folder_elsewhere_is_told_one_inside_is_not(root: Path, tmp_path: Path) -> None:
    refreshed(root)
    (tmp_path / "elsewhere").mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "again").symlink_to("vendor")
    (root / "file.py").symlink_to("a.py")
    (root / "nowhere").symlink_to(tmp_path / "gone")
    (note,) = refreshed(root)
    assert "codesearch QUERY linked/" in note
    assert refreshed(root) == []


def test_many_are_counted(root: Path) -> None:
    for number in range(6):
        subprocess.run(["git", "init", "-q", str(root / f"clone{number}")], check=True)
    notes = refreshed(root)
    assert len(notes) == 4
    assert "4 more" in notes[-1]
