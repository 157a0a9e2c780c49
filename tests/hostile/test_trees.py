"""Trees that others made: nothing in a file's place stops indexing, patterns end, git runs nothing."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest

from codesearch.files.content import regular
from codesearch.files.ignoring.ignore import parse_ignore
from codesearch.files.options import WalkOptions
from codesearch.files.repositories.git import run_git
from codesearch.files.repositories.roots import git_top_level
from codesearch.files.walk import walk
from codesearch.records import Filter
from codesearch.storage.filters import PathFilter
from tests.support.git_cases import git

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, devices and modes of POSIX")


@pytest.fixture(autouse=True)
def git_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("git-home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "-q")
    for name in ("a.py", "below/b.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x = 1\n")
    git(root, "add", ".")
    return root


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """The result of ``work``; fails where it has not come by then."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, f"still at it after {seconds} s, or failed"
    return results[0]


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 34)


def _secret(path: Path) -> None:
    path.write_bytes(b"# nothing\n")
    path.chmod(0)


HARMS = [_fifo, _folder, _zeros, _terminal, _loop, _huge, _secret]
PLACES = [
    ".gitignore",
    "below/.gitignore",
    ".codesearchignore",
    ".git/info/exclude",
    ".git/commondir",
    ".git/config",
    ".git/config.worktree",
    ".git/index",
    ".git/packed-refs",
    ".git/HEAD",
    ".git",
    "below/.git",
]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_in_a_files_place_stops_the_walk(
    repository: Path, place: str, harm: Callable[..., None]
) -> None:
    target = repository / place
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    harm(target)
    walked = within(15, lambda: walk(repository, WalkOptions(max_files=100)))
    assert "a.py" in [file.path for file in walked.files]
    within(15, lambda: git_top_level(repository))


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_nothing_in_the_global_ignore_files_place_does(
    repository: Path, git_home: Path, harm: Callable[..., None]
) -> None:
    target = git_home / ".config/git/ignore"
    target.parent.mkdir(parents=True)
    harm(target)
    assert len(within(15, lambda: walk(repository)).files) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says which file a handle is of")
@pytest.mark.parametrize("name", [".gitignore", ".codesearchignore"])
def test_an_ignore_file_that_cannot_be_read_is_named(
    repository: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "below" / name).write_text("*.py\n")

    def failing(handle: int, size: int) -> bytes:
        if str(Path(f"/proc/self/fd/{handle}").readlink()).endswith(f"below/{name}"):
            raise OSError(errno.EIO, "Input/output error")
        return os.read(handle, size)

    monkeypatch.setattr(regular, "_read", failing)
    walked = walk(repository)
    assert [file.path for file in walked.files] == ["a.py", "below/b.py"]
    (note,) = walked.notes
    assert f"below/{name} cannot be read (Input/output error)" in note


SLOW_PATTERNS = [
    b"**/" * 10 + b"b",
    b"**/a/" * 10 + b"b",
    b"**/a*/" * 10 + b"b",
    b"a**/" * 10 + b"b",
    b"/**/*/**/*/**/*/**/*/**/*b",
    b"**/a?/" * 10 + b"b",
    b"**/[a-z]*/" * 10 + b"b",
    b"**\\/a" * 10 + b"b",
    b"*a" * 60 + b"b",
    b"?*" * 60 + b"b",
    b"*[a-z]" * 60 + b"b",
    b"***/" * 10 + b"b",
    b"!**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b",
]


@pytest.mark.parametrize("pattern", SLOW_PATTERNS, ids=repr)
def test_no_pattern_takes_for_ever(pattern: bytes) -> None:
    rules = parse_ignore(pattern + b"\n")
    assert rules is not None
    path = b"a/" * 1000 + b"a" * 200
    assert within(10, lambda: [rules.decide(path, b"a" * 200, False)]) == [None]


@pytest.mark.parametrize("pattern", SLOW_PATTERNS, ids=repr)
def test_no_glob_of_a_search_does(pattern: bytes) -> None:
    matches = PathFilter(Filter(globs=(pattern.decode(),))).matches
    within(10, lambda: [matches("a/" * 60 + "a" * 100, "python")])


def test_a_hundred_thousand_patterns_are_read_and_asked(repository: Path) -> None:
    lines = [f"name{n}\n*.ending{n}\nsome{n}*thing?{n}\n**/folder{n}/file{n}*\n" for n in range(25_000)]
    (repository / ".gitignore").write_text("".join(lines) + "b.py\n")
    git(repository, "rm", "-q", "--cached", "below/b.py")
    assert [file.path for file in within(60, lambda: walk(repository)).files] == ["a.py"]


def _trap(folder: Path) -> tuple[Path, Path]:
    """A program that tells that it ran, and the file by which it does."""
    told, program = folder / "ran", folder / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {told}\n")
    program.chmod(0o755)
    return program, told


def test_no_remote_of_a_repository_runs_even_where_git_knows_no_switch(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that fetches lazily whatever GIT_NO_LAZY_FETCH says: an older one."""
    program, told = _trap(tmp_path)
    git(repository, "config", "protocol.ext.allow", "always")
    git(repository, "config", "remote.origin.url", f"ext::{program}")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "extensions.partialClone", "origin")
    missing = "1" * 40
    older = tmp_path / "bin" / "git"
    older.parent.mkdir()
    older.write_text(f'#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nexec {shutil.which("git")} "$@"\n')
    older.chmod(0o755)
    monkeypatch.setattr("codesearch.files.repositories.git.installed", lambda: str(older))
    run_git(repository, "cat-file", "-p", missing)
    assert not told.exists()
    environment = {**os.environ, "GIT_PROTOCOL_FROM_USER": "1"}
    subprocess.run(
        ["git", "cat-file", "-p", missing], cwd=repository, env=environment, capture_output=True, check=False
    )
    assert told.exists(), "the trap does not work, so the test shows nothing"


def test_what_git_prints_is_bounded_and_so_is_its_time(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec yes\n")
    sleeping = tmp_path / "sleeping"
    sleeping.write_text("#!/bin/sh\nexec sleep 1000\n")
    monkeypatch.setattr("codesearch.files.repositories.git._MOST_BYTES", 1 << 20)
    for program, seconds in ((endless, 60.0), (sleeping, 0.2)):
        program.chmod(0o755)
        monkeypatch.setattr(
            "codesearch.files.repositories.git.installed", lambda program=program: str(program)
        )
        assert within(20, lambda seconds=seconds: [run_git(repository, "x", seconds=seconds)]) == [None]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS of another process")
def test_git_does_not_swallow_an_endless_configuration(repository: Path) -> None:
    git(repository, "config", "include.path", "/dev/zero")
    started = time.monotonic()
    assert len(within(60, lambda: walk(repository)).files) == 2
    assert time.monotonic() - started < 50


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Folders in each other, deeper than a path may be long."""
    inner = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2200):
        os.mkdir("d", dir_fd=inner)
        outer, inner = inner, os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    yield tmp_path
    while (tmp_path / "d/d").exists():  # whoever removes it by recursion fails
        (tmp_path / "d/d").rename(tmp_path / "e")
        (tmp_path / "d").rmdir()
        (tmp_path / "e").rename(tmp_path / "d")


@pytest.mark.skipif(os.name == "nt", reason="needs folders by descriptor")
def test_folders_in_each_other_cost_no_look_at_every_part_of_their_paths(deep: Path) -> None:
    looks = Mock(wraps=os.lstat)
    with patch("os.lstat", looks):
        found = walk(deep, WalkOptions(own_folders=(deep / "elsewhere",), follow=True))
    assert len(found.folders) > 1000
    assert found.skipped == {"unreadable": 1}
    assert looks.call_count < 1000


def test_the_folder_of_indexes_is_known_by_any_path(tmp_path: Path) -> None:
    (tmp_path / "tree/own").mkdir(parents=True)
    (tmp_path / "tree/own/a.py").touch()
    (tmp_path / "link").symlink_to("tree/own")
    found = walk(tmp_path / "tree", WalkOptions(own_folders=(tmp_path / "link", tmp_path / "none")))
    assert (found.files, found.skipped) == ((), {"index folder": 1})
