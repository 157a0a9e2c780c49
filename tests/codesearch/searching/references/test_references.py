"""References and relations over an index, in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codesearch import BadQuery, Index, open_index, open_indexes
from tests.support.command import run

FILES = {
    "app/client.py": (
        "class Client:\n    def send(self, request):\n        return encode(request)\n\n\n"
        "def encode(value):\n    return str(value)\n"
    ),
    "app/server.py": (
        "from app.client import Client\n\n\ndef serve(client):\n    # client.send(1)\n    client.send(1)\n"
    ),
    "tests/test_client.py": (
        "from app.client import Client\n\n\ndef test_send():\n    assert Client().send(1) == '1'\n"
    ),
    "notes.md": "# Client\n\nsend(1) sends.\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "tree"


@pytest.fixture
def index(root: Path) -> Index:
    index = open_index(root, here=True)
    index.refresh(vectors=False)
    return index


def test_uses_come_with_what_is_around_them_and_tests_last(index: Index) -> None:
    found = index.references("send")
    assert [(d.path, d.line, d.symbol) for d in found.definitions] == [("app/client.py", 2, "Client.send")]
    assert [(u.path, u.line, u.use, u.symbol, u.is_test) for u in found.uses] == [
        ("app/server.py", 6, "call", "serve", False),
        ("tests/test_client.py", 5, "call", "test_send", True),
    ]
    assert found.complete


def test_imports_are_uses_unless_calls_alone_are_asked_for(index: Index) -> None:
    assert [(use.path, use.use) for use in index.references("Client").uses] == [
        ("app/server.py", "import"),
        ("tests/test_client.py", "import"),
        ("tests/test_client.py", "call"),
    ]
    assert [use.use for use in index.references("Client", calls_only=True).uses] == ["call"]


def test_the_limit_says_that_there_are_more(index: Index) -> None:
    found = index.references("send", limit=1)
    assert len(found.uses) == 1
    assert not found.complete
    assert index.references("send", limit=2).complete


def test_filters_hold(index: Index) -> None:
    assert [use.path for use in index.references("send", globs=["tests/**"]).uses] == ["tests/test_client.py"]


def test_related_names_callers_tests_and_callees(index: Index) -> None:
    related = index.related("app/client.py", symbol="send")
    assert [one.path for one in related.callers] == ["app/server.py"]
    assert [one.path for one in related.tests] == ["tests/test_client.py"]
    assert [(one.path, one.line, one.symbol) for one in related.callees] == [("app/client.py", 6, "encode")]


@pytest.mark.parametrize("name", ["", "two words", "::", "()"])
def test_what_is_no_name_is_refused(index: Index, name: str) -> None:
    with pytest.raises(BadQuery, match="no name"):
        index.references(name)


def test_several_roots_answer_together(root: Path, index: Index, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "use.py").write_text("import client\n\nclient.send(2)\n", encoding="utf-8")
    with open_indexes([root, other], here=True) as both:
        both.refresh(vectors=False)
        roots = {Path(use.root).name for use in both.references("send").uses}
    assert roots == {"tree", "other"}


def test_the_command_prints_sections_and_greps_exit_codes(root: Path) -> None:
    found = run("callers", "send", "--root-here", cwd=root)
    assert found.returncode == 0
    assert [line.split()[0] for line in found.stdout.splitlines() if line] == [
        "defined",
        "app/client.py:2",
        "called",
        "app/server.py:6",
        "in",
        "tests/test_client.py:5",
    ]
    none = run("callers", "nothing_of_this_name", "--root-here", cwd=root)
    assert (none.returncode, none.stdout) == (1, "")
    assert "nothing here is called nothing_of_this_name" in none.stderr


def test_the_command_takes_a_place_and_says_what_is_called(root: Path) -> None:
    found = json.loads(run("callers", f"{root}/app/client.py:3", "--root-here", "--json", cwd=root).stdout)
    assert found["name"] == "send"
    assert [one["symbol"] for one in found["calls"]] == ["encode"]
    assert found["by"] == "syntax"
