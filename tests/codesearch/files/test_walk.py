"""The walk against git itself, and its own rules on small trees."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codesearch.errors import TooManyFiles
from codesearch.files.ignoring.ignore import parse_ignore
from codesearch.files.options import WalkOptions
from codesearch.files.walk import walk
from tests.support.git_cases import git, grow, ignore_file, not_ignored

EVERYTHING = WalkOptions(hidden=True)
Tree = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_git_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("git-home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """``tree({path: content})`` -> the root that now holds them."""

    def make(files: dict[str, str | bytes], init: bool = True) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        if init:
            git(root, "init", "-q")
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


def paths(root: Path, options: WalkOptions | None = None) -> list[str]:
    return [file.path for file in walk(root, options).files]


@pytest.mark.parametrize("few", [0, 256])
@pytest.mark.parametrize("fold", ["true", "false"])
def test_hundreds_of_patterns_mean_what_they_mean_to_git(
    tree: Tree, fold: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are asked one by one or looked up."""
    monkeypatch.setattr("codesearch.files.ignoring.rules._FEW", few)
    draw = random.Random(f"{fold}{few}")
    root = tree({})
    git(root, "config", "core.ignorecase", fold)
    for number in range(250):
        (root / f"case{number}").mkdir()
        grow(draw, root / f"case{number}", depth=2)
    assert set(paths(root, EVERYTHING)) == not_ignored(root)


@pytest.mark.parametrize(
    "line", ["/a?b", "/a[!x]b", "foo**/bar", "foo/**/bar", "a/*/b", "**/b", "a/**", "/a\\/b"]
)
def test_slashes_mean_what_they_mean_to_git(tree: Tree, line: str) -> None:
    files = ("a/b", "a/x/b", "axb", "foo/bar", "foo/x/bar", "foox/bar", "foox/y/bar", "b/b")
    root = tree({".gitignore": line + "\n", **dict.fromkeys(files, "x")})
    assert set(paths(root, EVERYTHING)) == not_ignored(root)


@pytest.mark.parametrize("seed", range(8))
def test_nested_global_and_tracked_files_agree_with_git(tree: Tree, seed: int) -> None:
    draw = random.Random(seed)
    root = tree({})
    grow(draw, root)
    ignore_file(draw, root / ".git/info", "exclude", 2)
    ignore_file(draw, Path(os.environ["XDG_CONFIG_HOME"]) / "git", "ignore", 2)
    every = sorted(path for path in root.rglob("*") if path.is_file() and ".git/" not in str(path))
    if seed % 2:
        git(root, "--literal-pathspecs", "add", "-f", "--", *map(str, draw.sample(every, 3)))
    assert set(paths(root, EVERYTHING)) == not_ignored(root)


def test_a_folder_inside_of_a_repository_obeys_the_rules_above_it(tree: Tree) -> None:
    root = tree({".gitignore": "*.log\n/sub/deep/x.py\n", "sub/.gitignore": "deep/y.py\n"})
    for name in ("x.py", "y.py", "z.py", "a.log"):
        (root / "sub/deep").mkdir(exist_ok=True)
        (root / "sub/deep" / name).write_text("x")
    assert paths(root / "sub" / "deep") == ["z.py"]
    assert set(paths(root / "sub", EVERYTHING)) == not_ignored(root / "sub")


def test_excludes_file_of_the_configuration_decides_last(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("*.gen\n*.tmp\n")
    root = tree({"a.gen": "x", "b.tmp": "x", "c.py": "x", ".gitignore": "!b.tmp\n"})
    git(root, "config", "core.excludesFile", str(tmp_path / "mine"))
    assert paths(root) == ["b.tmp", "c.py"]
    git(root, "config", "core.excludesFile", "")
    assert paths(root) == ["a.gen", "b.tmp", "c.py"]


def test_a_linked_worktree_shares_info_exclude(tree: Tree, tmp_path: Path) -> None:
    root = tree({"a.py": "x"})
    identity = ("-c", "user.name=n", "-c", "user.email=e")
    git(root, "add", ".")
    git(root, *identity, "commit", "-qm", "c")
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"))
    (root / ".git/info/exclude").write_text("*.gen\n")
    (tmp_path / "linked/b.gen").write_text("x")
    assert paths(tmp_path / "linked") == ["a.py"]


def test_without_git_the_files_still_decide(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(
        {"a.py": "x", "b.gen": "x", ".gitignore": "*.gen\n", ".git/info/exclude": "c.py", "c.py": "x"}
    )
    for module in ("git", "repository"):
        monkeypatch.setattr(f"codesearch.files.repositories.{module}.installed", lambda: None)
    assert paths(root) == ["a.py"]


def test_a_folder_that_is_no_repository_has_its_gitignore_obeyed(tree: Tree) -> None:
    root = tree({"a.py": "x", "sub/b.gen": "x", "sub/.gitignore": "*.gen\n"}, init=False)
    assert paths(root) == ["a.py"]
    assert paths(root, WalkOptions(ignore=False)) == ["a.py", "sub/b.gen"]


def test_own_ignore_file_leaves_out_and_forces_in(tree: Tree) -> None:
    root = tree(
        {
            ".gitignore": "gen/\n*.log\n",
            ".codesearchignore": "docs/\n!gen/\n!.github/\n!node_modules/\n!important.log\n",
            "docs/a.md": "x",
            "gen/b.py": "x",
            "gen/c.log": "x",
            ".github/ci.yml": "x",
            "node_modules/d.js": "x",
            "important.log": "x",
            "other.log": "x",
        }
    )
    assert paths(root) == [".github/ci.yml", "gen/b.py", "important.log", "node_modules/d.js"]


def test_what_is_left_out_is_counted_by_reason(tree: Tree) -> None:
    root = tree(
        {
            ".hidden": "x",
            "node_modules/a.js": "x",
            "yarn.lock": "x",
            "logo.svg": "x",
            "app.min.js": "x",
            "big.py": "x" * 2000,
            "kept.py": "x",
        }
    )
    (root / "link.py").symlink_to("kept.py")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe")
    found = walk(root, WalkOptions(max_file_bytes=1000))
    assert [file.path for file in found.files] == ["kept.py"]
    assert found.left_out == {
        ".hidden": "hidden",
        "node_modules/": "ignored",
        "yarn.lock": "ignored",
        "logo.svg": "picture",
        "app.min.js": "minified",
        "big.py": "too large",
        "link.py": "symlink",
        "loop": "symlink",
        "pipe": "special file",
    }
    assert found.skipped == {
        "hidden": 1,
        "ignored": 2,
        "picture": 1,
        "minified": 1,
        "too large": 1,
        "symlink": 2,
        "special file": 1,
    }


def test_repositories_inside_are_roots_of_their_own(tree: Tree) -> None:
    root = tree(
        {
            "a.py": "x",
            "clone/b.py": "x",
            "forced/c.py": "x",
            "forced/d.gen": "x",
            "no/.git": "y",
            "no/e.py": "x",
        }
    )
    git(root / "clone", "init", "-q")
    git(root / "forced", "init", "-q")
    (root / "forced/.git/info/exclude").write_text("*.gen")
    (root / ".codesearchignore").write_text("!forced/")
    found = walk(root)
    assert [file.path for file in found.files] == ["a.py", "forced/c.py", "no/e.py"]
    assert found.skipped["nested repository"] == 1


def test_a_submodule_is_a_part_under_its_own_rules(tree: Tree, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "x.py").write_text("x")
    (other / "x.gen").write_text("x")
    (other / ".gitignore").write_text("*.gen")
    git(other, "add", ".")
    git(other, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "c")
    root = tree({"a.py": "x"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "lib")
    assert paths(root) == ["a.py", "lib/x.py"]


def test_clones_in_a_folder_that_is_no_repository_are_parts_under_their_own_rules(tmp_path: Path) -> None:
    for name in ("api", "web"):
        clone = tmp_path / "work" / name
        (clone / "build").mkdir(parents=True)
        (clone / "a.py").write_text("x")
        (clone / "build" / "made.py").write_text("x")
        (clone / "build" / "kept.py").write_text("x")
        (clone / ".gitignore").write_text("build/")
        git(clone, "init", "-q")
        git(clone, "add", "-f", "build/kept.py")
    root = tmp_path / "work"
    assert paths(root) == ["api/a.py", "api/build/kept.py", "web/a.py", "web/build/kept.py"]


def test_virtual_environments_are_known_by_what_is_in_them(tree: Tree) -> None:
    root = tree({
        "venv/source.py": "x", "env/pyvenv.cfg": "home = /usr", "env/lib/a.py": "x",
        "conda/conda-meta/history": "", "conda/b.py": "x",
    })  # fmt: skip
    found = walk(root)
    assert [file.path for file in found.files] == ["venv/source.py"]
    assert found.left_out == {"env/": "virtual environment", "conda/": "virtual environment"}


def test_what_git_tracks_is_source_whatever_its_folder_is_called(tree: Tree) -> None:
    root = tree({".gitignore": "build/\ndist/\n", "build/a.py": "x", "dist/b.py": "x",
                 "pkg.egg-info/c.py": "x", "build/made.py": "x", "node_modules/d.js": "x"})  # fmt: skip
    git(root, "add", "-f", "build/a.py", "dist/b.py", "pkg.egg-info/c.py", "node_modules/d.js")
    assert paths(root) == ["build/a.py", "dist/b.py", "pkg.egg-info/c.py"]


def test_attributes_declare_encodings_and_what_is_generated(tree: Tree) -> None:
    root = tree({".gitattributes": "*.ps1 text working-tree-encoding=UTF-16LE\napi/** linguist-generated\n",
                 "api/.gitattributes": "hand.py -linguist-generated\n", "a.ps1": "x", "sub/b.ps1": "x",
                 "api/gen.py": "x", "api/hand.py": "x", "c.py": "x"})  # fmt: skip
    found = walk(root)
    assert found.encodings == {"a.ps1": "UTF-16LE", "sub/b.ps1": "UTF-16LE"}
    assert found.generated == {"api/gen.py"}


def test_headers_are_cpp_where_the_sources_are(tree: Tree) -> None:
    cpp = tree({"a.cpp": "x", "b.cc": "x", "c.c": "x", "plain.h": "int f(int);"})
    assert {file.path: file.language for file in walk(cpp).files}["plain.h"] == "cpp"


def test_headers_are_c_where_the_sources_are(tree: Tree) -> None:
    c = tree({"a.c": "x", "plain.h": "int f(int);"})
    assert {file.path: file.language for file in walk(c).files}["plain.h"] == "c"


def test_order_does_not_depend_on_the_disk(tree: Tree) -> None:
    root = tree(dict.fromkeys(("b/a.py", "a.py", "a/z.py", "a-b.py", "Z.py"), "x"))
    assert paths(root) == ["Z.py", "a-b.py", "a.py", "a/z.py", "b/a.py"]


def test_more_files_than_allowed_raise_before_the_walk_is_over(tree: Tree) -> None:
    root = tree({f"{number}.py": "x" for number in range(5)})
    assert len(paths(root, WalkOptions(max_files=5))) == 5
    with pytest.raises(TooManyFiles, match="more than 4 files"):
        walk(root, WalkOptions(max_files=4))


def test_a_walk_that_is_stopped_has_what_it_found(tree: Tree) -> None:
    root = tree({f"{folder}/{number}.py": "x" for folder in "abc" for number in range(5)})
    everything = walk(root)
    assert everything.complete
    for entries in range(18):
        left = iter(range(entries))
        walked = walk(root, stopped=lambda left=left: next(left, None) is None)
        assert not walked.complete
        assert set(walked.files) < set(everything.files)
    assert len(walked.files) >= 10


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_text_is_counted(tree: Tree) -> None:
    root = tree({"a.py": "x"})
    try:
        (Path(os.fsdecode(os.fsencode(root) + b"/\xff.py"))).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    assert paths(root) == ["a.py"]
    assert walk(root).skipped["name is not UTF-8"] == 1


@pytest.mark.skipif(os.name == "nt", reason="no folder descriptors there")
def test_a_folder_that_cannot_be_read_is_counted(tree: Tree) -> None:
    root = tree({"a.py": "x"})
    here = os.open(root, os.O_RDONLY)
    for _ in range(30):  # deeper than any path may be long
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    found = walk(root)
    assert ([file.path for file in found.files], found.skipped["unreadable"]) == (["a.py"], 1)


def test_a_root_that_is_missing_is_counted_as_unreadable(tmp_path: Path) -> None:
    assert walk(tmp_path / "missing").skipped == {"unreadable": 1}


def test_asking_git_runs_nothing_of_the_repository(tree: Tree, tmp_path: Path) -> None:
    root = tree({"a.py": "x"})
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(hook))
    walk(root)
    assert not (tmp_path / "ran").exists()
    subprocess.run(["git", "status"], cwd=root, capture_output=True, check=False)
    assert (tmp_path / "ran").exists(), "the trap does not work, so the test shows nothing"


def test_many_stars_do_not_take_for_ever() -> None:
    rules = parse_ignore(b"*a" * 40 + b"b\n")
    assert rules is not None
    assert rules.decide(b"a" * 250, b"a" * 250, False) is None


def test_the_index_is_not_indexed_where_it_lies_in_the_tree(tree: Tree) -> None:
    root = tree({"a.py": "x", "build/cs/indexes/1/root": "x", "build/b.py": "x"})
    found = walk(root, WalkOptions(own_folders=(root / "build/cs", root / "absent")))
    assert [file.path for file in found.files] == ["a.py", "build/b.py"]
    assert found.left_out == {"build/cs/": "index folder"}
