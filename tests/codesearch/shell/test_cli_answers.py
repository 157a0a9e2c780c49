"""``-e``, ``--explain``, ``--rerank`` and ``similar`` as they are typed; most of it needs no model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codesearch.index.opening import open_index
from codesearch.storage.folders.locations import list_indexes
from tests.codesearch.shell.test_cli import complaints, words

FILES = {
    "src/client.py": "class Client:\n    def send(self, request):\n        return self.retry(request)\n",
    "src/retry.py": "def retry_request(call):\n    return call()\n\n\ndef close_test():\n    pass\n",
    "docs/client.md": "# Client\n\nSends a request.\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(text)
    with open_index(tmp_path / "tree") as index:
        index.refresh(vectors=False)
    return tmp_path / "tree"


def test_a_pattern_restricts_a_question_and_alone_lists_by_path(tree: Path) -> None:
    assert words("client request", "-e", r"def \w+", "-e", "send", "-l", cwd=tree).stdout == "src/client.py\n"
    alone = words("-e", "(?i)request", "-k", "2", "-l", cwd=tree)
    assert alone.stdout == "docs/client.md\nsrc/client.py\n"
    assert complaints(alone).startswith("codesearch: more than 2 chunks match")
    assert words("-e", "nowhere", cwd=tree).returncode == 1
    assert words("-e", "call", "", "src", "-l", cwd=tree).stdout == "src/retry.py\n"


def test_a_path_that_stands_where_the_query_stands_is_told(tree: Path) -> None:
    assert "src is the query here" in words("-e", "call", "src", cwd=tree).stderr


def test_why_as_text_and_as_json(tree: Path) -> None:
    text = words("retry_request", "-k1", "--explain", cwd=tree).stdout.splitlines()
    assert text[0].startswith("src/retry.py:")
    assert text[1].startswith("    lexical 1, semantic -: 1.000 + words ")
    assert text[1].endswith(f"= {text[0].split()[-1]}")
    (result,) = json.loads(words("retry_request", "-k1", "--explain", "--json", cwd=tree).stdout)["results"]
    assert result["explain"]["lexical_rank"] == 1
    assert result["explain"]["score"] == pytest.approx(result["score"], abs=1e-6)
    plain = json.loads(words("retry_request", "-k1", "--jsonl", cwd=tree).stdout)
    assert "explain" not in plain


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["x", "-e", "a(b"], "position 3"),
        (["x", "--rerank", "embedded"], "'embedded' cannot be used: no reranker"),
        (["-e", "x", "--explain"], "need a QUERY"),
        (["-k", "3"], "Missing argument 'QUERY'"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_indexed(
    tmp_path: Path, args: list[str], says: str
) -> None:
    got = words(*args, cwd=tmp_path)
    assert (got.returncode, got.stdout) == (2, "")
    assert says in complaints(got)
    assert list_indexes() == []


def test_code_on_standard_input(tree: Path) -> None:
    command = [sys.executable, "-m", "codesearch", "similar", "-", "-k", "1", "--json"]
    code = FILES["src/retry.py"]
    got = subprocess.run(command, cwd=tree, input=code, capture_output=True, text=True, check=True)
    answer = json.loads(got.stdout)
    assert answer["query"] == code
    assert [result["path"] for result in answer["results"]] == ["src/retry.py"]
