"""What is printed: formats, and that nothing from a file can drive a terminal."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.records import Copy, Hit
from codesearch.rendering import render
from codesearch.rendering.highlight import heading, paint
from codesearch.rendering.report import human_bytes
from codesearch.rendering.snippets import Line, Snippet, excerpt, with_context
from codesearch.rendering.terminal import colours, one_line, safe

HOSTILE = "\x1b[2J\x07\r\x9b\u202e\u2028\ud800\x7f"


def hit(path: str = "a.py", text: str = "one\ntwo\n", start: int = 1, **more: object) -> Hit:
    end = start + text.rstrip("\n").count("\n")
    fields = {"root": "/r", "language": "python", "kind": "function", "symbol": "one", "score": 0.5}
    return Hit(path=path, start_line=start, end_line=end, text=text, **{**fields, **more})


def answer(*hits: Hit) -> render.Answer:
    return render.Answer("a query", ("/r",), "embedded", 3, 4, hits)


def whole(found: Hit) -> Snippet:
    return with_context(found, 0, 0)


def test_json_has_exactly_the_contract_fields() -> None:
    got = json.loads(render.as_json(answer(hit())))
    assert list(got) == ["query", "root", "roots", "model", "embedded", "total", "results"]
    assert (got["root"], got["roots"], got["embedded"], got["total"]) == ("/r", ["/r"], 3, 4)
    assert got["results"] == [
        {
            "path": "a.py",
            "start_line": 1,
            "end_line": 2,
            "language": "python",
            "kind": "function",
            "symbol": "one",
            "score": 0.5,
            "content": "one\ntwo\n",
        }
    ]


def test_json_of_several_roots_names_the_root_of_each_place() -> None:
    copies = (Copy("/r", "b.py", 3, 4), Copy("/s", "a.py", 1, 2))
    found = render.Answer("a query", ("/r", "/s"), "embedded", 3, 4, (hit(copies=copies), hit(root="/s")))
    got = json.loads(render.as_json(found, content=False))
    assert (got["root"], got["roots"]) == (None, ["/r", "/s"])
    assert [one["root"] for one in got["results"]] == ["/r", "/s"]
    assert got["results"][0]["copies"] == [
        {"root": "/r", "path": "b.py", "start_line": 3, "end_line": 4},
        {"root": "/s", "path": "a.py", "start_line": 1, "end_line": 2},
    ]
    one = json.loads(render.as_json(answer(hit(copies=copies[:1]))))["results"][0]
    assert one["copies"] == [{"path": "b.py", "start_line": 3, "end_line": 4}]


def test_copies_are_named_below_the_heading_and_their_files_listed() -> None:
    copies = tuple(Copy("/r", f"v{n}/a.py", n, n + 1) for n in range(1, 6))
    shown = render.as_text([hit(copies=copies)], Path("/r"), whole).splitlines()
    assert shown[1] == "    also in v1/a.py:1-2, v2/a.py:2-3, v3/a.py:3-4, 2 more places"
    assert shown[2] == "1: one"
    files = render.as_files(answer(hit(copies=copies[:2]), hit("b.py")), Path("/r"))
    assert files.split() == ["a.py", "v1/a.py", "v2/a.py", "b.py"]


def test_jsonl_is_one_object_a_line_and_content_can_be_left_out() -> None:
    lines = render.as_jsonl(answer(hit(), hit("b.py")), content=False).splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["a.py", "b.py"]
    assert "content" not in json.loads(lines[0])


def test_plain_text() -> None:
    got = render.as_text([hit(), hit("b.py", "x\n", 12, symbol="")], Path("/r"), whole)
    assert got == "a.py:1-2  function one  0.500\n1: one\n2: two\n\nb.py:12-12  function  0.500\n12: x\n"
    assert render.as_text([hit()], Path("/r"), None) == "a.py:1-2  function one  0.500\n"


@pytest.mark.parametrize(
    ("cwd", "shown"),
    [
        ("/r", "src/a.py"),
        ("/r/src", "a.py"),
        ("/r/docs", "../src/a.py"),
        ("/", "r/src/a.py"),
        ("/other", "/r/src/a.py"),
    ],
)
def test_paths_can_be_used_from_where_one_is(cwd: str, shown: str) -> None:
    assert render.as_files(answer(hit("src/a.py"), hit("src/a.py")), Path(cwd)) == f"{shown}\n"


@given(st.text())
def test_nothing_that_drives_a_terminal_is_left(text: str) -> None:
    found = hit("p" + text, text, symbol=text, kind=text)
    printed = render.as_text([found], Path("/r"), whole) + render.as_files(answer(found), Path("/r"))
    assert all(c == "\n" or c == "\t" or (c >= " " and not "\x7f" <= c <= "\x9f") for c in printed)
    assert not set(printed) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff")
    assert render.as_json(answer(found)).isascii()


@given(st.text())
def test_json_gives_the_text_back(text: str) -> None:
    got = json.loads(render.as_json(answer(hit(text=text))))
    assert got["results"][0]["content"] == text


def test_json_escapes_the_one_control_character_that_json_allows() -> None:
    assert "\x7f" not in render.as_json(answer(hit(text="\x7f")))


def test_control_characters_are_shown_not_obeyed() -> None:
    assert safe(HOSTILE) == r"\x1b[2J\x07\x0d\x9b\u202e\u2028\ud800\x7f"
    assert one_line("a\nb\t") == r"a\nb\t"
    assert "\x1b" not in render.as_text([hit(HOSTILE, HOSTILE, symbol=HOSTILE)], Path("/r"), whole)


def test_highlighting_adds_colour_and_changes_nothing_else() -> None:
    lines = [Line(1, 'def f(x):  # "é"'), Line(2, ""), Line(3, '    return """a')]
    painted = paint(hit(), lines)
    assert "\x1b[" in painted[0]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in painted]
    assert plain == [line.text for line in lines]
    assert heading("a.py").startswith("\x1b[")


def test_an_unknown_language_is_not_highlighted_but_shown() -> None:
    assert paint(hit(language=None), [Line(1, "x = 1")]) == ["x = 1"]


def test_the_excerpt_is_the_window_that_tells_most() -> None:
    text = "".join(f"line{i}\n" for i in range(40)) + "retry here\nand backoff\n"
    got = excerpt(hit(text=text, start=5), "backoff retry", shown=4)
    assert [line.number for line in got.lines][-1] == 46
    assert got.omitted == 38
    assert excerpt(hit(text=text), "nothing of it", shown=4).lines[0].number == 1


def test_blank_lines_at_the_ends_are_left_out() -> None:
    got = with_context(hit(text="\n\nx\r\n\ny\n\n", start=3), 0, 0)
    assert [(line.number, line.text) for line in got.lines] == [(5, "x"), (6, ""), (7, "y")]


def test_context_comes_from_the_file_while_it_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("zero\none\ntwo\nthree\n")
    found = hit(start=2, root=str(tmp_path))
    got = with_context(found, 5, 1)
    assert [(line.text, line.inside) for line in got.lines] == [
        ("zero", False),
        ("one", True),
        ("two", True),
        ("three", False),
    ]
    (tmp_path / "a.py").write_text("moved\nzero\none\ntwo\n")
    assert [line.text for line in with_context(found, 1, 1).lines] == ["one", "two"]


def test_colours_need_a_terminal_and_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert colours(Terminal())
    assert not colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not colours(Terminal())


def test_sizes_for_people() -> None:
    assert [human_bytes(n) for n in (0, 999, 1500, 2_000_000)] == ["0 B", "999 B", "1.5 kB", "2.0 MB"]
