"""Commands do what was meant: the root of the file, a line that is there, a folder that is asked about."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.errors import TooManyFiles
from codesearch.updating import text_stage
from tests.support.command import run

CODE = "def open_valve(n):\n    return n\n\n\ndef close_valve(n):\n    return n\n"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder that is no repository and holds one, among other things."""
    (tmp_path / "flask/src").mkdir(parents=True)
    (tmp_path / "flask/src/app.py").write_text(CODE)
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose/a.py").write_text(CODE)
    (tmp_path / "other.py").write_text("x = 1\n")
    subprocess.run(["git", "init", "-q", str(tmp_path / "flask")], check=True)
    return tmp_path


def indexed(cwd: Path) -> list[str]:
    lines = run("list", cwd=cwd).stdout.splitlines()
    return [line.split("  ")[-1].strip() for line in lines if "(" not in line]


def test_a_line_that_is_not_there_indexes_nothing(scratch: Path) -> None:
    done = run("similar", "flask/src/app.py:99999", cwd=scratch)
    assert done.returncode == 2
    assert "flask/src/app.py has 6 lines, and 99999 is none of them" in done.stderr
    assert indexed(scratch) == []
    assert "cannot be read" in run("similar", "flask/src/none.py:1", cwd=scratch).stderr


def test_similar_takes_the_root_of_the_file(scratch: Path) -> None:
    assert run("similar", "flask/src/app.py:1", cwd=scratch).returncode in (0, 1)
    assert run("similar", "loose/a.py:1", cwd=scratch).returncode in (0, 1)
    assert indexed(scratch) == [str(scratch / "flask"), str(scratch / "loose")]


def test_a_group_without_a_command_names_its_commands(scratch: Path) -> None:
    done = run("agents", cwd=scratch)
    assert done.returncode == 2
    assert done.stderr == (
        "codesearch: error: Missing command, one of install, list, uninstall; see: codesearch agents --help\n"
    )


def test_similar_says_why_a_file_cannot_be_read(scratch: Path) -> None:
    (scratch / "folder").mkdir()
    for name, why in (("gone.py", "there is no such file"), ("folder", "it is no regular file")):
        done = run("similar", f"{name}:1", cwd=scratch)
        assert done.returncode == 2
        assert f"{name} cannot be read: {why}\n" in done.stderr


def test_outside_of_git_a_large_first_index_is_asked_about(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_stage, "MAX_UNASKED", 2)
    asked = pytest.raises(TooManyFiles, match=r"3 files to index \((?:\S+ 1(?:, )?){3}\)")
    with open_index(scratch, here=True) as index, asked:
        index.refresh(vectors=False)
    with open_index(scratch, here=True, allow_large=True) as index:
        index.refresh(vectors=False)
        assert index.counts().files == 3
    with open_index(scratch / "flask", here=True) as index:
        index.refresh(vectors=False)


def test_list_shows_what_all_indexes_share(scratch: Path) -> None:
    run("index", "flask", cwd=scratch)
    assert "vectors of all indexes" in run("list", cwd=scratch).stdout


@pytest.mark.parametrize("place", ["src/app.py#L5", "src/app.py#L5-L6", "src/app.py::close_valve[1]"])
def test_similar_takes_places_as_hosts_and_test_runners_write_them(scratch: Path, place: str) -> None:
    done = run("similar", place, cwd=scratch / "flask")
    assert done.returncode in (0, 1)
    assert "error" not in done.stderr
