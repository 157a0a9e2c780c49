"""Comments and commit subjects -> questions: what asks, what is refused, and what answers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.benchmark.comments import from_comments
from codesearch.benchmark.commits import from_commits, question_of
from codesearch.benchmark.sentences import first_sentence
from codesearch.chunking.syntax.doc_comments import documented
from codesearch.chunking.workers.parse_pool import DocumentedFile
from codesearch.records import SourceFile


@pytest.mark.parametrize(
    ("comment", "name", "want"),
    [
        ('"""Reads a file: slowly. Twice."""', "load", "Reads a file: slowly"),
        ("/**\n * Reads {@link Foo} <b>files</b>.\n * @return them\n */", "load", "Reads Foo files"),
        ("/// Reads a [`File`](x),\n/// e.g. this.\n///\n/// More.", "load", "Reads a File, e.g. this"),
        ("// LoadAll reads every file.", "LoadAll", "reads every file"),
        ("// Delete a record from disk.", "Delete", "Delete a record from disk"),
        ("# Don't read a file twice.", "load", "Don't read a file twice"),
        ("-- | Reads the whole file.", "load", "Reads the whole file"),
        ('/// <summary>\n/// Reads <see cref="T:Foo"/> whole.\n/// </summary>', "load", "Reads Foo whole"),
        ("/* \\brief Reads the whole file. */", "load", "Reads the whole file"),
        ('"""Return :meth:`read` of a file.\n\n:param x: y"""', "load", "Return read of a file"),
    ],
)
def test_the_first_sentence_asks(comment: str, name: str, want: str) -> None:
    assert first_sentence(comment, name) == want


@pytest.mark.parametrize(
    ("comment", "name"),
    [
        ("// Copyright 2020 by all of the authors.", "f"),
        ("// TODO make this one faster", "f"),
        ("# noqa this line is too long", "f"),
        ("// x = compute(y); return them", "f"),
        ("/** {@inheritDoc} */", "f"),
        ("// -----------------", "f"),
        ("// Reads it.", "f"),
        ("/** @param path where to read from */", "f"),
        ("// Calls getUser for every row", "getUser"),
        ("// One of the following things:", "f"),
    ],
)
def test_what_asks_nothing_is_refused(comment: str, name: str) -> None:
    assert first_sentence(comment, name) is None


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_comment_is_read_without_complaint(comment: str, name: str) -> None:
    text = first_sentence(comment, name)
    assert text is None or text.strip()


@pytest.mark.parametrize(
    ("subject", "want"),
    [
        ("Retry when the socket closes (#123)", "Retry when the socket closes"),
        ("fix(http): retry when the socket closes", "retry when the socket closes"),
        ("Bump version to 1.2.3", None),
        ('Revert "Retry when the socket closes"', None),
        ("Merge branch 'main' into retry", None),
        ("Update dependencies of the parser", None),
        ("chore: move files about a bit", None),
        ("Fix typo in the retry docs", None),
        ("Fix it", None),
    ],
)
def test_subjects_that_say_something(subject: str, want: str | None) -> None:
    assert question_of(subject) == want


SOURCE = b'''class Pool:
    """Keeps the sockets that are idle."""

    def take(self):
        """Hands out a socket that is idle."""
        for socket in self.idle:
            return socket

    def size(self):
        """Says how many sockets there are."""
        return len(self.idle)
'''


@pytest.mark.parametrize(("path", "asked"), [("src/pool.py", True), ("tests/pool.py", False)])
def test_definitions_with_a_body_answer_where_no_test_does(path: str, asked: bool) -> None:
    file = SourceFile(path, len(SOURCE), 1, "python")
    questions = from_comments([DocumentedFile(file, SOURCE, documented(SOURCE, "python"))])
    got = [(question.text, str(question.answers[0])) for question in questions]
    assert got == asked * [
        ("Keeps the sockets that are idle", f"{path}:1-1"),
        ("Hands out a socket that is idle", f"{path}:4-7"),
    ]


def _commit(root: Path, subject: str, files: Sequence[str]) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.read_text() + "x\n" if path.exists() else "x\n")
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", subject], check=True)


def test_commits_ask_for_the_code_that_they_changed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    _commit(tmp_path, "Retry when the socket closes", ["http.py", "tests/test_http.py", "CHANGES.md"])
    _commit(tmp_path, "Prove that retries come to an end", ["tests/test_http.py"])
    _commit(tmp_path, "Say what retries are for", ["CHANGES.md"])
    _commit(tmp_path, "Rework all of the transports", [f"transport{n}.py" for n in range(7)])
    _commit(tmp_path, "Parse headers without a regex", ["gone.py", "tests/test_http.py"])
    questions = from_commits(tmp_path, {"http.py", "tests/test_http.py", "CHANGES.md", "transport1.py"})
    assert [(q.text, [a.path for a in q.answers]) for q in reversed(questions) if q.answers] == [
        ("Retry when the socket closes", ["http.py"]),
        ("Prove that retries come to an end", ["tests/test_http.py"]),
    ]


def test_a_folder_without_history_asks_nothing(tmp_path: Path) -> None:
    assert from_commits(tmp_path, {"a.py"}) == []
