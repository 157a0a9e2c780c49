"""The retrievers give what a search gives: the text of each hit, and where it stands."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from codesearch import open_index

QUESTION = "read_config"
PLACE = {
    "path": "a.py",
    "start_line": 1,
    "end_line": 2,
    "language": "python",
    "kind": "function",
    "symbol": "read_config",
}


@pytest.fixture
def tree(tmp_path: Path) -> str:
    (tmp_path / "a.py").write_text("def read_config(path):\n    return path.read_text()\n")
    with open_index(tmp_path) as index:
        index.refresh()
    return str(tmp_path)


def test_langchain(tree: str) -> None:
    langchain = pytest.importorskip("codesearch.adapters.langchain", exc_type=ImportError)
    with closing(langchain.CodeSearchRetriever(path=tree, k=1, mode="lexical")) as retriever:
        (document,) = retriever.invoke(QUESTION)
    score = document.metadata.pop("score")
    assert score > 0
    assert document.metadata == {**PLACE, "root": tree}
    assert document.page_content.startswith("def read_config")


def test_llamaindex(tree: str) -> None:
    llamaindex = pytest.importorskip("codesearch.adapters.llamaindex", exc_type=ImportError)
    with closing(llamaindex.CodeSearchRetriever(tree, similarity_top_k=1, mode="lexical")) as retriever:
        (found,) = retriever.retrieve(QUESTION)
    assert found.score > 0
    assert found.node.metadata == {**PLACE, "root": tree}
    assert found.node.text.startswith("def read_config")
