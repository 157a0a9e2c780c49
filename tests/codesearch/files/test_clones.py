"""Repositories by their address, cloned by git itself from a repository on this disk."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from codesearch.errors import BadQuery, CodesearchError
from codesearch.files.repositories import clones
from codesearch.files.repositories.addresses import is_address, meant_address
from codesearch.files.repositories.clones import Address, checkout
from codesearch.storage.folders.locations import locate


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, "one")
    git(folder, "tag", "v1")
    commit(folder, "two")
    git(folder, "branch", "topic/x", "v1")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


def commit(folder: Path, text: str) -> None:
    (folder / "a.py").write_text(f"{text} = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", text)


def text_of(tree: Path) -> str:
    return (tree / "a.py").read_text().split()[0]


@pytest.mark.parametrize(
    ("ref", "expected"), [("", "two"), ("@v1", "one"), ("@topic/x", "one"), ("@main", "two")]
)
def test_a_reference_is_checked_out(origin: Path, tmp_path: Path, ref: str, expected: str) -> None:
    tree = checkout(f"file://{origin}{ref}", tmp_path / "clones")
    assert text_of(tree) == expected
    assert git(tree, "rev-list", "--count", "HEAD") == "1"  # shallow


def test_a_commit_is_checked_out_and_never_fetched_again(origin: Path, tmp_path: Path) -> None:
    address = f"file://{origin}@{git(origin, 'rev-parse', 'v1')}"
    tree = checkout(address, tmp_path / "clones")
    origin.rename(tmp_path / "gone")
    make_old(tree)
    assert text_of(checkout(address, tmp_path / "clones")) == "one"


def make_old(tree: Path) -> None:
    past = time.time() - 2 * clones.FRESH_SECONDS
    os.utime(tree / ".git" / "FETCH_HEAD", (past, past))


def test_a_branch_is_followed(origin: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    address, home = f"file://{origin}", tmp_path / "clones"
    tree = checkout(address, home)
    commit(origin, "three")
    assert text_of(checkout(address, home)) == "two"  # fresh enough
    make_old(tree)
    assert text_of(checkout(address, home)) == "three"
    make_old(tree)
    origin.rename(tmp_path / "gone")
    assert text_of(checkout(address, home)) == "three"
    assert "searching the clone as it is" in caplog.text


def test_hooks_and_filters_do_not_run(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "ran"
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (hooks / "post-checkout").chmod(0o755)
    configuration = tmp_path / "gitconfig"
    configuration.write_text(
        f"[init]\n\ttemplateDir = {hooks.parent}\n" + f'[filter "lfs"]\n\tsmudge = touch {marker}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    (origin / ".gitattributes").write_text("*.py filter=lfs\n")
    commit(origin, "four")
    assert text_of(checkout(f"file://{origin}", tmp_path / "clones")) == "four"
    assert not marker.exists()


@pytest.mark.parametrize(
    "text", ["https://", "https:///owner/repo", "https://host/", "https://host/a@", "https://host/a@-x"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadQuery, match="no address"):
        Address.parse(text)


@pytest.mark.parametrize(
    "text", ["src", "./https", "C:/code", "ext::sh -c true", "git@host:owner/repo", "ftp://host/a"]
)
def test_paths_are_no_addresses(text: str) -> None:
    assert not is_address(text)


def test_names_are_readable_and_distinct() -> None:
    texts = ("https://host/a/b", "https://host/a/b@v1", "https://host/a/b.git", "https://user@host/a/b")
    names = [Address.parse(text).folder_name for text in texts]
    assert len(set(names)) == len(names)
    assert all(name.startswith("host+a+b-") for name in names)


def test_a_user_name_is_no_reference() -> None:
    assert Address.parse("https://me@host/a/b") == Address("https://me@host/a/b", "HEAD")


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CodesearchError) as error:
        checkout(f"file://{tmp_path}/nothing", tmp_path / "clones")
    said = str(error.value)
    assert said.startswith(f"file://{tmp_path}/nothing cannot be cloned: git fetch failed: fatal: ")
    assert "does not appear to be a git repository" in said
    assert f"`git ls-remote file://{tmp_path}/nothing`" in said
    assert not list((tmp_path / "clones").iterdir())


def test_a_reference_that_is_not_there(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(CodesearchError, match=r"\(nosuch\) cannot be cloned: .*remote ref nosuch"):
        checkout(f"file://{origin}@nosuch", tmp_path / "clones")


def test_what_a_helper_of_git_complains_of_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "ssh"
    helper.write_text("#!/bin/sh\necho 'git@host: Permission denied (publickey).' >&2\nexit 255\n")
    helper.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(helper))
    with pytest.raises(
        CodesearchError, match=r"failed: git@host: Permission denied \(publickey\)\.; fatal: "
    ):
        checkout("ssh://git@host/a/b", tmp_path / "clones")


@pytest.mark.parametrize("who", ["me:hunter2", "hunter2", "hunter2:x-oauth-basic"])
def test_a_password_is_not_told(who: str, tmp_path: Path) -> None:
    with pytest.raises(CodesearchError) as error:
        checkout(f"http://{who}@127.0.0.1:1/a/b", tmp_path / "clones")
    assert "http://***@127.0.0.1:1/a/b cannot be cloned" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("git@host:owner/repo.git", "ssh://git@host/owner/repo.git"),
        ("ftp://host/a/b", "https://, http://, ssh://, file://"),
        ("C:/code", ""),
        ("https://host/a/b", ""),
    ],
)
def test_what_was_meant_as_an_address_is_told(text: str, advice: str) -> None:
    assert advice in meant_address(text)
    assert bool(advice) == bool(meant_address(text))
    if advice:
        with pytest.raises(BadQuery, match=f"{re.escape(text)}; .*{re.escape(advice)}"):
            locate(text)


def test_the_oldest_clones_make_room(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "clones"
    first = checkout(f"file://{origin}@v1", home)
    os.utime(first, (1, 1))
    second = checkout(f"file://{origin}@main", home)
    monkeypatch.setattr(clones, "MOST_BYTES", clones._bytes(second) * 5 // 2)
    third = checkout(f"file://{origin}", home)
    assert (first.exists(), second.exists(), third.exists()) == (False, True, True)
