"""The package as callers see it: names, keyword-only options, errors, what a type checker finds."""

from __future__ import annotations

import importlib.util
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import codesearch
from codesearch import errors
from codesearch.index.searchable import Searchable
from codesearch.searching.request import SearchOptions, SearchRequest
from codesearch.storage import metadata
from codesearch.storage.metadata import Settings
from codesearch.storage.store import Store
from tests.support.paths import ROOT

MISTAKES = """\
import codesearch
from codesearch import open_index, Hit

with open_index(".", here=True) as index:
    hits: list[Hit] = index.search("x", limit=3, mode="lexical", languages=["py"])
    codesearch.open_indx(".")
    index.search("x", 3)
    index.search("x", mode="words")
    index.explain("x", limt=3)
    hits[0].file
"""


def test_a_type_checker_sees_mistakes(tmp_path: Path) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("no mypy")
    (tmp_path / "user.py").write_text(MISTAKES)
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent"]
    done = subprocess.run(
        [*command, "--config-file", "mypy.ini", "user.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if line.startswith("user.py")}
    assert lines == {6, 7, 8, 9, 10}, done.stdout + done.stderr


def test_every_error_is_exported() -> None:
    raised = {name for name, value in vars(errors).items() if str(value).startswith("<class 'codesearch")}
    assert raised <= set(codesearch.__all__)
    for name in codesearch.__all__:
        assert getattr(codesearch, name).__name__ == name
    assert issubclass(codesearch.BadQuery, ValueError)


@pytest.mark.parametrize("name", ["search", "similar", "open_index", "open_indexes"])
def test_options_have_names(name: str) -> None:
    function: Callable[..., Any] = getattr(Searchable, name, None) or getattr(codesearch, name)
    given = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert given in (["self", "query"], ["self", "path"], ["path", "model"], ["paths", "model"])


def test_the_options_of_search_are_written_down_once_more() -> None:
    wanted = set(inspect.signature(Searchable.search).parameters) - {"self", "query"}
    assert wanted == set(SearchOptions.__annotations__)


@pytest.mark.parametrize("limit", ["10", 2.5, None])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(TypeError):
        SearchRequest("x", limit)


def test_an_index_of_before_keeps_its_settings(tmp_path: Path) -> None:
    with Store.open(tmp_path, create=True) as store:
        store.set_meta("settings", json.dumps({"hidden": True, "yes": True}))
        assert metadata.read(store, Settings) == Settings(hidden=True, allow_large=True)


def test_an_index_shows_its_root(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    with codesearch.open_index(tmp_path / "a") as index:
        assert repr(index) == f"<Index of {str(tmp_path)!r}, under='a'>"
    with codesearch.open_indexes([tmp_path]) as indexes:
        assert repr(indexes) == f"<Indexes of {str(tmp_path)!r}>"
