"""Which root a path belongs to, and that deleting an index deletes nothing else."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from codesearch.errors import BadQuery, IndexBusy, IndexNotFound
from codesearch.files.repositories.roots import canonical, is_wide, stored_name
from codesearch.storage.folders import locations
from codesearch.storage.folders.lock import WriterLock


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = canonical(tmp_path) / "repo"
    (root / "src" / "http").mkdir(parents=True)
    (root / "src" / "http" / "retry.py").write_text("x = 1\n")
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return root


def _made(path: Path) -> locations.Location:
    location = locations.locate(path)
    location.create()
    (location.directory / "index.sqlite").write_bytes(b"12345")
    return location


def test_sub_folder_and_file_lead_to_the_git_top_level(repo: Path) -> None:
    top, folder, file = (locations.locate(repo / part) for part in ("", "src/http", "src/http/retry.py"))
    assert {top.root, folder.root, file.root} == {repo}
    assert {top.directory, folder.directory, file.directory} == {top.directory}
    assert (top.under, folder.under, file.under) == ("", "src/http", "src/http/retry.py")


def test_here_makes_the_folder_its_own_root(repo: Path) -> None:
    here = locations.locate(repo / "src", here=True)
    assert (here.root, here.under) == (repo / "src", "")
    assert here.directory != locations.locate(repo).directory
    of_file = locations.locate(repo / "src" / "http" / "retry.py", here=True)
    assert (of_file.root, of_file.under) == (repo / "src" / "http", "retry.py")


def test_folder_without_git_is_its_own_root(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert locations.locate(tmp_path / "a" / "b").root == canonical(tmp_path / "a" / "b")


def test_linked_work_tree_and_submodule_are_roots(repo: Path) -> None:
    linked = repo / "vendor" / "lib"
    (linked / "src").mkdir(parents=True)
    (linked / ".git").write_text("gitdir: ../../.git/modules/lib\n")
    assert locations.locate(linked / "src").root == linked


def test_a_file_called_git_is_no_work_tree(repo: Path) -> None:
    (repo / "src" / ".git").write_text("notes about git\n")
    assert locations.locate(repo / "src" / "http").root == repo


def test_home_under_git_swallows_no_folder(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(repo))
    monkeypatch.setenv("USERPROFILE", str(repo))
    assert locations.locate(repo / "src").root == repo / "src"
    assert locations.locate(repo).root == repo


def test_home_inside_of_a_repository_changes_nothing(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(repo / "src" / "http"))
    monkeypatch.setenv("USERPROFILE", str(repo / "src" / "http"))
    assert locations.locate(repo / "src").root == repo


def test_home_and_what_holds_it_are_wide(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(repo / "src"))
    monkeypatch.setenv("USERPROFILE", str(repo / "src"))
    assert [is_wide(p) for p in (repo / "src", repo, Path(repo.anchor), repo / "src" / "http")] == [
        True,
        True,
        True,
        False,
    ]


def test_symlink_and_dots_lead_to_one_index(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo, target_is_directory=True)
    direct = locations.locate(repo / "src")
    assert locations.locate(tmp_path / "link" / "src") == direct
    assert locations.locate(repo / "src" / "http" / "..") == direct


def test_relative_path_and_tilde(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo / "src")
    monkeypatch.setenv("HOME", str(repo.parent))
    monkeypatch.setenv("USERPROFILE", str(repo.parent))
    assert locations.locate("http").under == "src/http"
    assert locations.locate("~/repo/src").under == "src"


@pytest.mark.parametrize(
    ("typed", "listed", "want"),
    [
        ("SRC", ["lib", "src"], "src"),
        ("src", ["SRC", "src"], "src"),
        ("cafe\u0301", ["caf\u00e9"], "caf\u00e9"),
        ("CAF\u00c9", ["cafe\u0301"], "cafe\u0301"),
        ("other", ["src"], "other"),
    ],
)
def test_spelling_is_that_of_the_disk(typed: str, listed: list[str], want: str) -> None:
    assert stored_name(typed, listed) == want


def test_on_a_case_sensitive_disk_two_spellings_are_two_roots(tmp_path: Path) -> None:
    (tmp_path / "App").mkdir()
    if (tmp_path / "app").exists():
        assert canonical(tmp_path / "app") == canonical(tmp_path / "App")
    else:
        (tmp_path / "app").mkdir()
        assert canonical(tmp_path / "app") != canonical(tmp_path / "App")


def test_unknown_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadQuery, match="nowhere"):
        locations.locate(tmp_path / "nowhere")


def test_tree_that_is_gone_still_leads_to_its_index(repo: Path) -> None:
    made = _made(repo)
    repo.rename(repo.with_name("moved"))
    gone = locations.locate(repo / "src" / "http")
    assert (gone.root, gone.directory, gone.under) == (made.root, made.directory, "src/http")


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX modes")
def test_home_is_private(repo: Path) -> None:
    made = _made(repo)
    assert stat.S_IMODE(locations.index_home().stat().st_mode) == 0o700
    assert stat.S_IMODE(made.directory.stat().st_mode) == 0o700


def test_list_names_root_and_size(repo: Path) -> None:
    made = _made(repo)
    (entry,) = locations.list_indexes()
    assert (entry.root, entry.directory, entry.is_orphan) == (repo, made.directory, False)
    assert entry.bytes == 5 + len(os.fsencode(repo))


def test_nothing_is_listed_before_anything_is_indexed() -> None:
    assert locations.list_indexes() == []
    assert not locations.index_home().exists()


def test_clear_deletes_that_index_only(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    kept, made = _made(other), _made(repo)
    assert locations.clear(repo / "src").root == repo
    assert not made.directory.exists()
    assert [entry.directory for entry in locations.list_indexes()] == [kept.directory]
    with pytest.raises(IndexNotFound):
        locations.clear(repo)


def test_clear_orphans_keeps_what_has_a_tree(repo: Path, tmp_path: Path) -> None:
    kept = _made(repo)
    gone = tmp_path / "gone"
    gone.mkdir()
    made = _made(gone)
    gone.rmdir()
    assert [entry.directory for entry in locations.clear_orphans()] == [made.directory]
    assert kept.directory.exists()


def test_clear_follows_no_link_out_of_the_home(repo: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    made = _made(repo)
    (made.directory / "out").symlink_to(precious, target_is_directory=True)
    (made.directory.parent / "0123456789abcdef").symlink_to(precious, target_is_directory=True)
    (made.directory.parent / "notes").mkdir()
    assert len(locations.clear_all()) == 1
    assert (precious / "file").read_text() == "kept"
    assert (made.directory.parent / "notes").exists()


def test_clear_all_takes_the_vector_cache_too(repo: Path) -> None:
    _made(repo)
    locations.vector_cache_path().write_bytes(b"vectors")
    locations.clear_all()
    assert not locations.vector_cache_path().exists()


def test_an_index_that_is_being_written_is_not_cleared(repo: Path) -> None:
    made = _made(repo)
    with WriterLock(made.directory / locations.LOCK_NAME), pytest.raises(IndexBusy) as busy:
        locations.clear_all()
    assert busy.value.pid == os.getpid()
    assert (made.directory / "index.sqlite").exists()
