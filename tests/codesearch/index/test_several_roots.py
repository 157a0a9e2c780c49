"""Several roots on the command line: one list of hits, notes for what fails, one result a root otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from codesearch.storage.folders.locations import locate
from codesearch.storage.store import DATABASE
from tests.support.command import run

LEXICAL = ("--mode", "lexical")


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    for root, text in (
        (first, "def retry_request(n):\n    return n < 3\n"),
        (second, "def retry_job():\n    pass\n"),
    ):
        root.mkdir()
        (root / "shared.py").write_text("def retry_everything():\n    return 'retry'\n")
        (root / f"{root.name}.py").write_text(text)
    return first, second


def test_one_list_over_all_roots_with_copies_named(roots: tuple[Path, Path]) -> None:
    first, second = roots
    got = run("retry", str(first), str(second), "--json", *LEXICAL, cwd=first)
    answer = json.loads(got.stdout)
    assert (got.returncode, answer["root"]) == (0, None)
    assert answer["roots"] == [str(first), str(second)]
    places = {(hit["root"], hit["path"]): hit for hit in answer["results"]}
    assert set(places) == {(str(first), "first.py"), (str(first), "shared.py"), (str(second), "second.py")}
    [copy] = places[str(first), "shared.py"]["copies"]
    assert (copy["root"], copy["path"], copy["start_line"]) == (str(second), "shared.py", 1)
    text = run("retry everything", str(first), str(second), *LEXICAL, cwd=first).stdout.splitlines()
    assert text[0].startswith("shared.py:1-2  function retry_everything")
    assert text[1] == f"    also in {second}/shared.py:1-2"


def test_a_root_that_cannot_be_read_is_a_note(roots: tuple[Path, Path]) -> None:
    first, second = roots
    run("index", str(first), str(second), "--max-wait", "0", cwd=first)
    (locate(second).directory / DATABASE).write_bytes(b"no database" * 1000)
    got = run("retry", str(first), str(second), "--no-refresh", "-l", *LEXICAL, cwd=first)
    assert (got.returncode, set(got.stdout.split())) == (0, {"first.py", "shared.py"})
    assert f"note: {second}: " in got.stderr
    assert "damaged" in got.stderr
    shutil.rmtree(locate(first).directory)
    got = run("retry", str(first), str(second), "--no-refresh", *LEXICAL, cwd=first)
    assert (got.returncode, got.stdout) == (2, "")


def test_a_missing_path_is_an_error_that_names_it(roots: tuple[Path, Path]) -> None:
    got = run("retry", str(roots[0]), "nowhere", cwd=roots[0])
    assert (got.returncode, got.stdout) == (2, "")
    assert "nowhere" in got.stderr


def test_index_and_status_say_each_root(roots: tuple[Path, Path]) -> None:
    first, second = roots
    one = json.loads(run("index", str(first), "--max-wait", "0", "--json", cwd=first).stdout)
    assert one["root"] == str(first)
    got = run("status", str(first), str(second), "--json", cwd=first)
    status = json.loads(got.stdout)
    assert (got.returncode, [entry["root"] for entry in status]) == (2, [str(first), str(second)])
    assert status[1]["kind"] == "IndexNotFound"
    both = run("index", *map(str, roots), "--max-wait", "0", "--json", cwd=first)
    assert [entry["root"] for entry in json.loads(both.stdout)] == [str(first), str(second)]
    text = run("status", *map(str, roots), cwd=first)
    assert (text.returncode, text.stdout.count("fingerprint")) == (0, 2)
