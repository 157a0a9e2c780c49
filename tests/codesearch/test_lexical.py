"""Tokens of names, paths and unspaced scripts; and that no string breaks the full-text query."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.records import Chunk
from codesearch.storage.lexical.tokens import document, match_expression, query_terms, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("getUserById", "getuserbyid get user by id"),
        ("get_user_by_id", "getuserbyid get user by id"),
        ("HTTPServer", "httpserver http server"),
        ("parseURLs2", "parseurls2 parse url 2"),
        ("__init__ _private", "init private"),
        ("a::Bc->d.e\\f", "a bc d e f"),
        ("404 0x1F", "404 0x1f"),
        ("größeÄndern", "grösseändern grösse ändern"),
        ("ПользовательИмя", "пользовательимя пользователь имя"),
        ("ﬁle", "file"),
        ("", ""),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    assert tokenize(text) == tokens.split()


def test_unspaced_scripts_are_found_by_part() -> None:
    stored = set(tokenize("数据库连接Pool"))
    assert set(tokenize("连接")) <= stored
    assert "pool" in stored
    assert not set(tokenize("接连")) <= stored  # the order of characters counts


def test_data_is_not_indexed_as_words() -> None:
    assert tokenize("x" * 300 + " y") == ["y"]


def test_function_words_are_left_out_unless_nothing_else_is_asked() -> None:
    assert query_terms("where are retries decided") == ("retry", "decided")
    assert query_terms("with this") == ("with", "this")


def test_every_term_is_quoted() -> None:
    assert match_expression(query_terms('a "b" OR col:c*')) == '"b" OR "col" OR "c"'


def test_document_columns() -> None:
    chunk = Chunk(
        path="src/user-service/http_client.py",
        start_byte=0,
        end_byte=9,
        start_line=1,
        end_line=1,
        language="python",
        kind="method",
        symbol="sendAll",
        scope=("Client",),
        signature="def sendAll(self):",
        definitions=("sendAll", "inner"),
        text="pass  # x",
    )
    got = document(chunk)
    assert got.symbol == "sendall send all client inner"
    assert got.path == "httpclient http client httpclient http client src userservice user service"
    assert got.body == "pass x"


@given(st.text() | st.text(alphabet="\"'*():^-+{} ANDORNEAR\0\ud800aé数"))
def test_every_string_is_a_valid_expression(query: str) -> None:
    expression = match_expression(query_terms(query))
    assert bool(expression) == bool(tokenize(query))
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(body)")
        db.execute("INSERT INTO t VALUES (?)", (" ".join(tokenize(query)),))
        if expression:
            db.execute("SELECT bm25(t) FROM t WHERE t MATCH ?", (expression,)).fetchall()


@given(st.text())
def test_tokens_hold_letters_and_digits_only(text: str) -> None:
    assert all(token.isalnum() for token in tokenize(text))


def test_one_and_many_meet() -> None:
    assert tokenize("Query queries Class classes status") == ["query", "query", "class", "class", "status"]
