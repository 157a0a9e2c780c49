from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.errors import BadQuery
from codesearch.records import Filter
from codesearch.storage.filters import PathFilter
from codesearch.storage.store import Store
from tests.support.store_support import put_file

PATHS = [
    "a.py",
    "src/a.py",
    "src/deep/b.py",
    "src/c.go",
    "tests/test_a.py",
    "docs/x.md",
    "src.py/d.rs",
    "#1.py",
]


def passed(**wanted: tuple[str, ...]) -> list[str]:
    path_filter = PathFilter(Filter(**wanted))
    language = {"py": "python", "go": "go"}
    return [path for path in PATHS if path_filter.matches(path, language.get(path.rsplit(".")[-1]))]


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (("*.go", "*.md"), ["src/c.go", "docs/x.md"]),
        (("src/**",), ["src/a.py", "src/deep/b.py", "src/c.go"]),
        (("deep",), ["src/deep/b.py"]),
        (("/a.py",), ["a.py"]),
        (("!*.py", "!docs/"), ["src/c.go"]),
        (("!tests/**", "*.py"), ["a.py", "src/a.py", "src/deep/b.py", "src.py/d.rs", "#1.py"]),
        (("*.py", "!src/"), ["a.py", "tests/test_a.py", "src.py/d.rs", "#1.py"]),
        (("#1.py",), ["#1.py"]),
        (("*.PY",), []),
    ],
)
def test_globs(globs: tuple[str, ...], expected: list[str]) -> None:
    assert passed(globs=globs) == expected


@pytest.mark.parametrize(
    ("under", "expected"),
    [
        (("src",), ["src/a.py", "src/deep/b.py", "src/c.go"]),
        (("src/deep/", "./a.py"), ["a.py", "src/deep/b.py"]),
        ((".",), PATHS),
        (("sr",), []),
    ],
)
def test_under(under: tuple[str, ...], expected: list[str]) -> None:
    assert passed(under=under) == expected


def test_all_parts_of_a_filter_must_hold() -> None:
    assert passed(languages=("python",), globs=("src/",), under=("src/deep",)) == ["src/deep/b.py"]
    assert passed(languages=("go", "python"), globs=("*.go",)) == ["src/c.go"]


@pytest.mark.parametrize("glob", ["", "!", "/", " ", "!/"])
def test_a_glob_that_names_nothing_is_refused(glob: str) -> None:
    with pytest.raises(BadQuery, match="names no files"):
        PathFilter(Filter(globs=(glob,)))


@settings(max_examples=80)
@given(
    glob=st.text(alphabet="abc.py*?/[]", min_size=1, max_size=8).filter(
        lambda g: g.strip("./") and not g.startswith("./")  # to a shell, "./a" is "a"; to git it is nothing
    )
)
def test_one_glob_includes_what_git_would_ignore(glob: str, git_folder: Path) -> None:
    names = ["a.py", "b", "a/b.py", "b/a/c.py", "abc/p.y", "a/b/c"]
    (git_folder / ".gitignore").write_text(f"{glob}\n")
    git = ["git", "-c", "core.quotePath=off", "check-ignore", "--no-index", *names]
    ignored = subprocess.run(git, cwd=git_folder, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    matches = PathFilter(Filter(globs=(glob,))).matches
    assert [name for name in names if matches(name, None)] == [name for name in names if name in ignored]


@pytest.fixture(scope="module")
def git_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("git")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def test_ids_follow_the_index(tmp_path: Path) -> None:
    with Store.open(tmp_path, create=True) as store:
        put_file(store, "a.py", ["one\n", "two\n"])
        put_file(store, "b.go", ["three\n"], language="go")
        wanted = Filter(globs=("*.py",))
        first = [stored.id for stored in store.chunks_of("a.py")]
        assert store.ids_matching(wanted).tolist() == first
        assert store.ids_matching(wanted) is store.ids_matching(wanted)
        put_file(store, "c.py", ["four\n"])
        store.remove_files(["b.go"])
        assert store.ids_matching(wanted).tolist() == [*first, store.chunk_at("c.py", 1)]
        assert store.ids_matching(Filter(languages=("go",))).tolist() == []
        assert store.ids_matching(Filter()) is None
