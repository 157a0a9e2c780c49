"""Full and read-only disks, folders that cannot be read, homes of nobody: an answer, or our own error."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import codesearch
from codesearch import BadQuery, CodesearchError, StorageFailed, errors, open_index
from codesearch.storage.folders.unwritable import Unwritable
from tests.support.closeness import WordHashEmbedder
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE

MIB = 1 << 20


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("retry.py", "below/parse.py", "below/deep/walk.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"def {Path(name).stem}(call):\n    return call()\n")
    return root


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small file system of its own, where this user may make one; it holds the indexes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a file system here")
    monkeypatch.setenv("CODESEARCH_HOME", str(place / "home"))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def command(*arguments: str, cwd: Path, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "codesearch", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "fill").open("wb") as file:
        while file.write(b"0" * 4096):
            file.flush()


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


@pytest.mark.parametrize("harm", [fill, make_read_only])
@pytest.mark.parametrize("options", [(), ("--no-refresh",)], ids=str)
@pytest.mark.parametrize("edited", [False, True], ids=["complete", "edited"])
def test_what_is_indexed_is_found_where_nothing_can_be_written(
    tree: Path, disk: Path, harm, options: tuple[str, ...], edited: bool
) -> None:
    before = command("retry", cwd=tree)
    assert before.returncode == 0, before.stderr
    if edited:
        (tree / "new.py").write_text("def new(): pass\n")
    harm(disk)
    after = command(*options, "retry", cwd=tree)
    assert after.returncode == 0, after.stderr
    assert after.stdout == before.stdout
    assert "network" not in after.stderr
    if not options:
        assert "cannot be refreshed" in after.stderr
        assert ("no space" in after.stderr) == (harm is fill)


@pytest.mark.parametrize("harm", [fill, make_read_only])
def test_programs_get_an_error_of_ours_and_can_still_search(tree: Path, disk: Path, harm) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
    harm(disk)
    with open_index(tree, WordHashEmbedder(), create=False) as index:
        with pytest.raises(StorageFailed):
            index.refresh()
        assert index.search("retry")[0].path == "retry.py"
        assert index.status().chunks


def test_a_log_that_a_killed_writer_left_is_read_from_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (x)")
    writer.execute("INSERT INTO t VALUES (7)")
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in (path, path.with_name("index.sqlite-wal")):
        shutil.copy(file, killed)
    before = {file.name: file.read_bytes() for file in killed.iterdir()}
    unwritable = Unwritable(killed / "index.sqlite")
    for _ in range(2):
        assert unwritable.connect().execute("SELECT x FROM t").fetchall() == [(7,)]
    assert {file.name: file.read_bytes() for file in killed.iterdir()} == before


def test_a_folder_that_becomes_unreadable_keeps_its_entries(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refusing(path):
        if os.fsdecode(path).rstrip("/").endswith("below"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        (tree / "retry.py").unlink()
        with monkeypatch.context() as patched:
            patched.setattr("codesearch.files.walk.os.scandir", refusing)
            stats = index.refresh()
        assert {hit.path for hit in index.search("call")} == {"below/parse.py", "below/deep/walk.py"}
        assert any("cannot be read: below/; 2 files stay" in note for note in stats.notes)
        shutil.rmtree(tree / "below")
        index.refresh()
        assert index.search("call") == []


def test_an_index_that_a_newer_version_took_over_is_not_written(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        path = index.directory / "index.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as newer:
            newer.execute("PRAGMA user_version = 999")
        (tree / "new.py").write_text("def new(): pass\n")
        with pytest.raises(codesearch.IndexFormatError, match="999"):
            index.refresh()
        with contextlib.closing(sqlite3.connect(path)) as newer:
            assert newer.execute("SELECT count(*) FROM files").fetchone() == (3,)


@pytest.mark.parametrize("variable", ["CODESEARCH_HOME", "MLX_JINABERT_CACHE"])
def test_the_home_of_nobody_is_an_error_of_ours(
    tree: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "~nosuchuser/cache")
    for arguments in (("retry",), ("status",)):
        done = command(*arguments, cwd=tree)
        assert "this is a bug" not in done.stderr
    assert not (tree / "~nosuchuser").exists()


def test_a_file_may_be_called_as_a_home_is(tree: Path) -> None:
    (tree / "~retry").mkdir()
    (tree / "~retry/a.py").write_text("def inner(): pass\n")
    assert "a.py" in command("inner", "~retry", cwd=tree).stdout


@pytest.mark.parametrize("limit", ["9" * 23, str(2**63), "-1", "0"])
def test_a_limit_out_of_bounds_is_an_error_of_ours(tree: Path, limit: str) -> None:
    done = command("-k", limit, "retry", cwd=tree)
    assert done.returncode == 2
    assert "this is a bug" not in done.stderr


@pytest.mark.parametrize(
    "pattern",
    [
        "(?R)",
        "(?R)*",
        "(a|(?1))*b",
        "(" * 5000,
        "(" * 500 + ")" * 500,
        "a{99999999999}",
        "a{99999999}",
        "(ab){99999999}",
        "((((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9}){9})",
        "(?i)[a-z]{99999999}",
        "a{" + "9" * 6000 + "}",
        "\udcff",
        "x" * 20_000,
    ],
)
def test_a_pattern_that_calls_itself_is_an_error_of_ours(tree: Path, pattern: str) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        with contextlib.suppress(BadQuery):  # some can be asked
            index.search("", pattern=pattern)


@pytest.mark.parametrize("text", ["\udcff", "\ud800*", "a\0b", "[" * 100_000, "\U0010ffff"])
def test_no_text_of_a_search_is_a_bug(tree: Path, text: str) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        for options in ({"globs": [text]}, {"under": [text]}, {"languages": [text]}, {"pattern": text}):
            with contextlib.suppress(CodesearchError):
                index.search("retry", **options)
        with contextlib.suppress(CodesearchError):
            index.search(text)


def test_similar_finds_the_root_of_a_file_below(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    for name in ("top.py", "src/other.py"):
        (project / name).write_text("def retry(call):\n    return call()\n")
    done = command("similar", "project/top.py:1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "other.py" in done.stdout


def test_every_error_survives_another_process() -> None:
    made = [
        errors.IndexNotFound("/root"),
        errors.IndexFormatError(9, 1, "upgrade"),
        errors.ModelMismatch("a", "b", "rebuild"),
        errors.IndexBusy(7),
        errors.ModelUnavailable("name", "problem"),
        errors.BadQuery("what"),
        errors.TooManyFiles("many"),
        errors.StorageFailed("full"),
        errors.PortableIndexError("problem", "file"),
        errors.TooFewQuestions("/root", 1, 2, 3),
    ]
    assert {type(error) for error in made} == set(_kinds(CodesearchError))
    for error in made:
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def _kinds(base: type[CodesearchError]) -> Iterator[type[CodesearchError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
        yield from _kinds(kind)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere/at/all")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("harm", [_pipe, _folder, _loop, _nowhere, _device])
def test_what_stands_in_a_databases_place_is_named_and_cleared(
    tree: Path, harm: Callable[[Path], None]
) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        path = index.directory / "index.sqlite"
    path.unlink()
    harm(path)
    for arguments in (("retry",), ("index",), ("status",)):
        done = command(*arguments, cwd=tree)
        assert (done.returncode, "index.sqlite is no file; remove it" in done.stderr) == (2, True)
    assert command("clear", ".", cwd=tree).returncode == 0
    assert command("index", cwd=tree).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("name", ["pipe.py", "zero.py", "folder.py", "none.py"])
def test_no_line_of_what_is_no_file_is_compared(tree: Path, name: str) -> None:
    os.mkfifo(tree / "pipe.py")
    (tree / "zero.py").symlink_to("/dev/zero")
    (tree / "folder.py").mkdir()
    done = command("similar", f"{name}:1", cwd=tree)
    assert (done.returncode, f"{name} cannot be read" in done.stderr) == (2, True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file may have such a name")
def test_a_name_that_is_no_text_is_an_error_of_ours(tree: Path) -> None:
    name = os.fsdecode(b"\xff.py")
    (tree / name).write_text("def named(): pass\n")
    done = command("similar", f"{name}:1", cwd=tree)
    assert (done.returncode, "is no Unicode text" in done.stderr) == (2, True)
    with open_index(tree, WordHashEmbedder()) as index, pytest.raises(BadQuery, match="no Unicode text"):
        index.chunks_of(name)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("target", ["pipe", ".", "..", "/"])
def test_an_export_replaces_nothing_but_files(tree: Path, target: str) -> None:
    os.mkfifo(tree / "pipe")
    assert command("index", cwd=tree).returncode == 0
    done = command("index", "export", target, ".", cwd=tree)
    assert (done.returncode, "no regular file" in done.stderr) == (2, True)
    assert (tree / "pipe").is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("harm", [_pipe, _device])
@pytest.mark.parametrize(
    "name",
    [
        "INDEX/root",
        "INDEX/writer.lock",
        "INDEX/index.sqlite-journal",
        "INDEX/index.sqlite-wal",
        "INDEX/graph.json",
        "receipts.jsonl",
        "vectors.sqlite",
        "vectors.sqlite-journal",
    ],
)
def test_nothing_in_the_home_is_waited_for(tree: Path, name: str, harm: Callable[[Path], None]) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        home = index.directory.parent.parent
    path = home / name.replace("INDEX", f"indexes/{index.directory.name}")
    path.unlink(missing_ok=True)
    harm(path)
    (tree / "retry.py").write_text("def other(): pass\n")
    for arguments in (("index",), ("list",), ("stats",)):
        done = command(*arguments, cwd=tree, timeout=PATIENCE)
        assert done.returncode in (0, 2)
        assert "this is a bug" not in done.stderr
        assert "[Errno" not in done.stderr
