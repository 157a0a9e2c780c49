"""Code like a line, a symbol or pasted code: which chunk is meant, and what is too little or too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.errors import BadQuery
from codesearch.index.index import Index
from codesearch.index.opening import open_index
from codesearch.records import Hit
from codesearch.shell.options.places import Place, parse
from tests.support.closeness import WordHashEmbedder

RETRY = "def retry(call):\n    for attempt in range(3):\n        call(attempt)\n    raise TooMany\n"
CLIENT = "class Client:\n    timeout = 3\n\n    def send(self, request):\n        return self.pool(request)\n"
FILES = {
    "src/client.py": CLIENT,
    "src/retry.py": RETRY,
    "src/again.py": RETRY.replace("retry", "again"),
    "src/pool.py": CLIENT.replace("Client", "Pool").replace("request", "socket"),
    "lib/pool.py": "import socket\n\n\ndef Retry():\n    return socket\n",
}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    for path, text in FILES.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(text)
    opened = open_index(tmp_path / "tree", WordHashEmbedder())
    opened.refresh()
    return opened


def paths(hits: list[Hit]) -> list[str]:
    return [hit.path for hit in hits]


def test_a_symbol_is_the_line_that_it_is_defined_at(index: Index) -> None:
    want = index.similar("src/retry.py", line=2, limit=3)
    assert paths(want)[0] == "src/again.py"
    assert "src/retry.py" not in paths(want)
    assert index.similar("src/retry.py", symbol="retry", limit=3) == want
    assert index.similar(symbol="retry", limit=3) == want


def test_exact_case_counts_before_another(index: Index) -> None:
    assert index.similar(symbol="Retry", limit=9) == index.similar("lib/pool.py", line=5, limit=9)
    assert index.similar(symbol="AGAIN", limit=9) == index.similar("src/again.py", line=2, limit=9)


def test_a_scope_tells_namesakes_apart(index: Index) -> None:
    client = index.similar("src/client.py", line=4, limit=9)
    for written in ("Client.send", "Client::send", "Client#send"):
        assert index.similar(symbol=written, limit=9) == client
    assert index.similar(symbol="Pool.send", limit=9) != client


def test_a_name_that_several_define_lists_the_places(index: Index) -> None:
    with pytest.raises(
        BadQuery, match=r"send is defined in 2 places: src/client.py:4, src/pool.py:4; give one"
    ):
        index.similar(symbol="send")
    with pytest.raises(BadQuery, match=r"RETRY is defined in 2 places: lib/pool.py:4, src/retry.py:1"):
        index.similar(symbol="RETRY")


def test_code_finds_what_it_was_copied_from(index: Index) -> None:
    hits = index.similar(code=RETRY, limit=2)
    assert set(paths(hits)) == {"src/retry.py", "src/again.py"}
    assert hits[0].score > 0.7
    assert paths(index.similar(code=RETRY, limit=5, globs=["lib/**"])) == ["lib/pool.py"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no place in the code is given"),
        ({"path": "src/retry.py"}, "no place in the code is given"),
        ({"line": 1}, "no place in the code is given"),
        ({"path": "src/retry.py", "line": 1, "symbol": "retry"}, "no place in the code is given"),
        ({"path": "src/retry.py", "code": "x"}, "no place in the code is given"),
        ({"symbol": "retry", "code": "x"}, "no place in the code is given"),
        ({"code": " \n"}, "the code is empty"),
        ({"symbol": "nowhere"}, "nothing in this index defines nowhere"),
        ({"symbol": "Nobody.send"}, "nothing in this index defines Nobody.send"),
        ({"path": "src/retry.py", "symbol": "send"}, "src/retry.py defines no send"),
        ({"symbol": "retry", "limit": 0}, "limit is 0"),
    ],
)
def test_what_nothing_can_be_similar_to(index: Index, given: dict[str, object], said: str) -> None:
    with pytest.raises(BadQuery, match=said):
        index.similar(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.py:3", Place("a.py", line=3)),
        ("a.py:3:7", Place("a.py", line=3)),
        ("C:\\a.py:3-9", Place("C:\\a.py", line=3)),
        ("src/a.py#f", Place("src/a.py", symbol="f")),
        ("Client#send", Place(symbol="Client#send")),  # no such file here: a symbol, as Ruby writes it
        ("#f", Place(symbol="f")),
        ("Client.send", Place(symbol="Client.send")),
        ("Foo::bar", Place(symbol="Foo::bar")),
        ("-", Place()),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert parse(text) == place


@pytest.mark.parametrize("text", ["", " ", "two words", "src/a.py#", "#", "x y" * 5000, "tests"])
def test_no_places(text: str) -> None:
    with pytest.raises(BadQuery, match="no place in the code"):
        parse(text)
