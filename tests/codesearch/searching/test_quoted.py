"""A question that is a quotation, of code or of a diff: what holds its lines is first."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.records import Chunk
from codesearch.searching.question.query import Query
from codesearch.searching.signals.quoted import quoted_lines, shares_quoted
from tests.codesearch.searching.test_named_first import first_hits

LOAD = '''\
def load_{name}(path, encoding="utf-8"):
    """Read the {name} of a file.

    The file is closed again, whatever happens.
    """
    text = open_text(path, encoding)
    fields = split_fields(text, limit={number})
    return {name}_of(fields, strict=True)
'''
NAMES = ("header", "footer", "table", "index", "title", "notes", "cover", "spine")
FILES = {f"{name}.py": LOAD.format(name=name, number=n) for n, name in enumerate(NAMES)}
ALIKE = {
    f"notes_{n}.py": f"def notes_of_{n}(fields, strict=False):\n"
    f"    text = open_text(encoding, path=notes, text=text)\n"
    f"    fields = split_fields(limit={n + 5}, text=text)\n    return notes_of(strict=True, fields=fields)\n"
    for n in range(4)
}
"""The same words, more densely, in other lines."""
BODY = LOAD.format(name="notes", number=5).splitlines()
QUOTED = {
    "snippet": "\n".join(BODY[5:]),
    "without its indentation": "\n".join(line.strip() for line in BODY[5:]),
    "hunk": "\n".join(
        [
            "@@ -5,3 +5,3 @@ def load_notes(path):",
            f" {BODY[5]}",
            f" {BODY[6]}",
            f"-{BODY[7]}",
            "+    return None",
        ]
    ),
    "hunk without a head": "\n".join([f" {BODY[6]}", f"-{BODY[7]}", "+    return notes_of(fields)"]),
    "Windows' line ends": "\r\n".join(BODY[5:]),
}


@pytest.mark.parametrize("kind", list(QUOTED))
def test_what_holds_the_lines_is_first(tmp_path: Path, kind: str) -> None:
    assert first_hits(tmp_path, {**FILES, **ALIKE}, QUOTED[kind])[0].path == "notes.py"


def chunk(path: str, text: str) -> Chunk:
    return Chunk(path, 0, len(text), 1, text.count("\n") + 1, "python", "code", "", (), "", (), text)


def test_a_report_that_quotes_on_the_way_is_no_quotation() -> None:
    words = "Notes are lost\n\nWhen I load them twice\nthe second time nothing comes\nI expected them all\n"
    query = Query(f"{words}I do what the manual says\nand nothing else\n{BODY[6]}\n{BODY[7]}\n")
    assert shares_quoted([chunk("notes.py", LOAD)], quoted_lines(query)) == [0.0]


def test_lines_that_many_chunks_hold_count_less() -> None:
    query = Query("common line one\ncommon line two\nrare line three\n")
    common, rare = "common line one\ncommon line two\n", "common line one\nrare line three\n"
    shares = shares_quoted(
        [chunk(f"{n}.py", common) for n in range(3)] + [chunk("r.py", rare)], quoted_lines(query)
    )
    assert shares[-1] == 1.0
    assert max(shares[:-1]) < 1.0


@pytest.mark.parametrize("text", ["where are retries decided", "x = open_text(path)"])
def test_sentences_and_single_lines_quote_nothing(text: str) -> None:
    assert quoted_lines(Query(text)) == frozenset()


def test_a_trace_asks_for_the_line_that_it_names(tmp_path: Path) -> None:
    trace = f'File "title.py", line 6\n{BODY[6]}\n{BODY[7]}\n'
    assert first_hits(tmp_path, FILES, trace)[0].path == "title.py"
