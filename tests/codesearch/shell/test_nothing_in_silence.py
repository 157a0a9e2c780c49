"""What is left out is told: filters that let nothing through, files that are not indexed, output that is lost."""

# ruff: noqa: E501
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import Done, command, run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src/app").mkdir(parents=True)
    (root / "src/app/net.py").write_text("def retry(): return 1\n")
    (root / "src/app/net.go").write_text("package app\n\nfunc retry() {}\n")
    (root / "docs").mkdir()
    (root / "docs/a.md").write_text("# retry\n")
    (root / "big.json").write_text("[" + "\n" * 1_600_000 + "1]\n")  # large, and not much to embed
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def found(*args: str, cwd: Path) -> Done:
    return run("--mode", "lexical", "-l", "retry", *args, cwd=cwd)


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("*.{py,go}", ["src/app/net.go", "src/app/net.py"]),
        ("{src/app,lib}/*.py", ["src/app/net.py"]),
        ("./src/app/net.py", ["src/app/net.py"]),
        ("src/app/*.py", ["src/app/net.py"]),
        ("!*.{py,md}", ["src/app/net.go"]),
        ("ROOT/src/app/net.py", ["src/app/net.py"]),
        ("ROOT/docs", ["docs/a.md"]),
    ],
)
def test_globs_mean_what_they_mean_in_a_shell(tree: Path, glob: str, paths: list[str]) -> None:
    done = found("-g", glob.replace("ROOT", str(tree)), cwd=tree)
    assert sorted(done.stdout.split()) == paths


@pytest.mark.parametrize(
    "glob", ["app/net.py", "./app/net.py", "../src/app/*.py", "app/*.{py,rs}", "src/app/net.py"]
)
def test_globs_may_be_relative_to_the_current_folder(tree: Path, glob: str) -> None:
    assert found("-g", glob, cwd=tree / "src").stdout.split() == ["app/net.py"]


def test_a_filter_that_lets_nothing_through_says_so_and_what_was_left_out(tree: Path) -> None:
    done = found("-g", "*.json", cwd=tree)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no indexed file matches -g *.json; big.json was left out: too large" in done.stderr
    assert "no indexed file matches -t rust" in found("-t", "rs", cwd=tree).stderr
    assert "no indexed file" not in run("--mode", "lexical", "nowhere", "-g", "*.py", cwd=tree).stderr


def test_status_lists_what_was_left_out(tree: Path) -> None:
    found(cwd=tree)
    assert run("status", "--skipped", cwd=tree).stdout == "too large\tbig.json\n"
    shown = json.loads(run("status", "--skipped", "--json", cwd=tree).stdout)
    assert shown == {"root": str(tree), "left_out": {"big.json": "too large"}}


def test_a_size_is_remembered(tree: Path) -> None:
    run("index", "--max-file-size", "2M", cwd=tree)
    found(cwd=tree)
    assert run("status", "--skipped", cwd=tree).stdout == ""
    assert run("index", "--max-file-size", "many", cwd=tree).returncode == 2


def test_names_are_found_in_either_normal_form(tree: Path) -> None:
    (tree / "cafe\u0301.py").write_text("def retry(): return 2\n")
    assert found("-g", "caf\u00e9.py", cwd=tree).stdout.strip() == "cafe\u0301.py"
    (tree / "th\u00e9.py").write_text("def retry(): return 3\n")
    assert found("-g", "the\u0301.py", cwd=tree).stdout.strip() == "th\u00e9.py"


def test_a_tilde_is_the_home_folder(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tree.parent))
    assert found("~/tree", cwd=tree.parent).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be removed there")
def test_a_current_folder_that_is_gone_is_one_clear_error(tree: Path) -> None:
    gone = tree / "gone"
    gone.mkdir()
    script = 'cd gone && rmdir ../gone && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command("retry")],
        cwd=tree, capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "codesearch: error: the current folder is gone; change to one that exists and ask again"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_an_error_and_not_none_found(tree: Path, redirection: str) -> None:
    found(cwd=tree)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command("--mode", "lexical", "--no-content", "retry", str(tree))],
        cwd=Path(__file__).parents[3], capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "codesearch: error: " in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("words", ["--help", "--version", "models", "list", "status --json", "help search"])
def test_every_command_says_that_its_output_is_lost(words: str, redirection: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command(*words.split())],
        cwd=Path(__file__).parents[3], capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "No space left" in line or "closed" in line or "no index" in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--help", "--version", "check --help"])
def test_the_other_program_says_so_too(words: str) -> None:
    program = [sys.executable, "-m", "mlx_jinabert", *words.split()]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >/dev/full', "sh", *program],
        cwd=Path(__file__).parents[3], capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "mlx-jinabert: error: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="written for a shell")
def test_a_closed_standard_input_is_said() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command("similar", "-")],
        cwd=Path(__file__).parents[3], capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "standard input is closed" in done.stderr
