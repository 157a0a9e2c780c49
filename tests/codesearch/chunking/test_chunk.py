"""Chunks tile their file whatever is in it, and are what a searcher wants to be shown."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.chunking.chunk import ChunkOptions, chunk_file
from codesearch.chunking.measure import Measure
from codesearch.files.language_of import language_of
from codesearch.files.languages import LANGUAGES
from codesearch.records import Chunk
from tests.support.language_samples import SAMPLES
from tests.support.paths import ROOT

LANGUAGE_NAMES = [*sorted(SAMPLES), "dart", "text", None]
HERE = ROOT
SMALL = ChunkOptions(target=60)


def check_tiling(data: bytes, language: str | None, options: ChunkOptions | None = None) -> list[Chunk]:
    """Bytes, lines and text of the chunks are those of the file, by the dumbest account of them."""
    options = options or ChunkOptions()
    chunks = chunk_file("a/b", data, language, options)
    assert b"".join(data[chunk.start_byte : chunk.end_byte] for chunk in chunks) == data
    for chunk in chunks:
        assert chunk.start_byte < chunk.end_byte
        assert chunk.start_line == data[: chunk.start_byte].count(b"\n") + 1
        assert chunk.end_line == data[: chunk.end_byte - 1].count(b"\n") + 1
        assert chunk.text == data[chunk.start_byte : chunk.end_byte].decode("utf-8", "replace")
        assert counted(data[chunk.start_byte : chunk.end_byte]) <= 1.1 * options.limit
        assert not any("\n" in text for text in (chunk.symbol, chunk.signature, *chunk.scope))
    return chunks


def counted(data: bytes) -> int:
    """Non-blank characters, one by one."""
    return sum(byte not in b" \t\r\n\v\f" and not 0x80 <= byte < 0xC0 for byte in data)


CORPUS = {
    "empty": b"",
    "one byte": b"x",
    "only blanks": b" \n\t\n  ",
    "crlf": b"def f():\r\n    return 1\r\n\r\n\r\nclass A:\r\n    x = 1\r\n" * 40,
    "old mac": b"def f():\r    return 1\r" * 60,
    "tabs": b"def f():\n\treturn 1\n\n" * 60,
    "bom": b"\xef\xbb\xbfdef f():\n    return 1\n",
    "latin-1": "größe = 'äöü'\n".encode("latin-1") * 100,
    "utf-16": "def f(): return 1\n".encode("utf-16") * 50,
    "nul": b"def f():\0\n  return \0\0\n" * 90,
    "syntax errors": b"def f(:\n  }}} class (\nif if if\n" * 70,
    "one long line": b"x = [" + b"1234, " * 3000 + b"]\n",
    "one long word": b"x" * 20_000,
    "long line of three-byte characters": "鯨".encode() * 5000,
    "no newline at the end": b"a = 1\nb = 2",
    "blank lines": b"\n" * 5000 + b"a = 1\n" + b"\n" * 5000,
    "comments": b"# nothing but comments\n" * 400,
    "all bytes": bytes(range(256)) * 40,
}


@pytest.mark.parametrize("language", ["python", "cpp", "kotlin", "markdown", "json", None])
@pytest.mark.parametrize("name", CORPUS)
def test_awkward_files_are_tiled(name: str, language: str | None) -> None:
    check_tiling(CORPUS[name], language)
    check_tiling(CORPUS[name], language, SMALL)


@pytest.mark.parametrize("language", sorted(SAMPLES))
@settings(max_examples=12)
@given(data=st.data())
def test_mutated_files_of_every_language_are_tiled(language: str, data: st.DataObject) -> None:
    source = bytearray(SAMPLES[language][0].encode() * 4)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(source)))
        size = data.draw(st.integers(0, 30))
        source[at : at + size] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"{", b")", b"\r\n", b'"""'])
        )
    check_tiling(bytes(source), language, SMALL)


@settings(max_examples=60)
@given(data=st.binary(max_size=600), language=st.sampled_from(LANGUAGE_NAMES))
def test_garbage_is_tiled_in_every_language(data: bytes, language: str | None) -> None:
    check_tiling(data, language, SMALL)


def test_real_files_are_tiled_and_cut_to_size() -> None:
    sizes = []
    for path in sorted(HERE.glob("codesearch/**/*.py")) + sorted(HERE.glob("*.md")):
        chunks = check_tiling(path.read_bytes(), language_of(path.name))
        sizes += [counted(chunk.text.encode()) for chunk in chunks]
    assert 350 < sum(sizes) / len(sizes) < 1200
    assert max(sizes) <= ChunkOptions().limit * 1.2


@given(st.binary(max_size=700), st.data())
def test_measure_counts_what_is_not_blank(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, len(data)))
    assert Measure(data).size(start, end) == counted(data[start:end])


def body(lines: int, indent: str = "    ") -> str:
    return "".join(
        f"{indent}value_{number} = compute(something, number={number})\n" for number in range(lines)
    )


def chunks_of(source: str, language: str = "python") -> list[Chunk]:
    return check_tiling(source.encode(), language)


def test_a_function_worth_it_stands_alone_with_its_comment_and_decorator() -> None:
    source = (
        "import something_long\n" * 9
        + "\n# Why it is so.\n@cached\ndef f(x):\n"
        + body(12)
        + "\n\nLIMIT = 1\n"
    )
    imports, function = chunks_of(source)
    assert (imports.kind, imports.symbol, imports.definitions) == ("code", "", ())
    assert function.text.startswith("# Why it is so.\n@cached\ndef f(x):")
    assert (function.kind, function.symbol, function.signature) == ("function", "f", "def f(x)")
    assert function.definitions == ("f", "LIMIT")


def test_a_comment_at_the_end_of_a_line_belongs_to_that_line() -> None:
    values, function = chunks_of(body(5, "") + "a = 1  # about a\ndef f():\n" + body(12))
    assert values.text.endswith("# about a\n")
    assert function.text.startswith("def f():")


def test_a_comment_before_a_blank_line_stands_by_itself() -> None:
    comment = "# Part two: everything that has to do with the other thing.\n" * 4
    _, part, function = chunks_of("def f():\n" + body(12) + "\n" + comment + "\ndef g():\n" + body(12))
    assert part.text.startswith("# Part two")
    assert function.text.startswith("def g():")


def test_the_last_members_of_a_class_are_not_mixed_with_what_follows_it() -> None:
    members = "".join(f"    def m{number}(self):\n" + body(3, "        ") for number in range(15))
    *_, last, following = chunks_of("class A:\n" + members + "def f():\n" + body(4))
    assert (last.scope, last.definitions[-1]) == (("A",), "m14")
    assert (following.kind, following.symbol, following.definitions) == ("function", "f", ("f",))


def test_small_neighbours_share_a_chunk_and_name_themselves() -> None:
    source = "".join(f"def f{number}():\n    return {number}\n\n\n" for number in range(5))
    (chunk,) = chunks_of(source)
    assert (chunk.kind, chunk.symbol, chunk.definitions) == ("code", "", ("f0", "f1", "f2", "f3", "f4"))


def test_a_class_that_fits_is_whole_and_one_that_does_not_is_cut_at_its_methods() -> None:
    small = 'class A:\n    """Doc."""\n\n    def f(self):\n' + body(6, "        ")
    methods = "".join(f"\n    def m{number}(self):\n" + body(14, "        ") for number in range(4))
    whole, header, *rest = chunks_of(small + "\n\nclass B:\n    # State.\n" + body(8) + methods)
    assert (whole.kind, whole.symbol, whole.definitions) == ("class", "A", ("A", "f"))
    assert (header.kind, header.symbol, header.scope) == ("class", "B", ())
    assert "State." in header.text
    assert [(each.kind, each.symbol, each.scope) for each in rest] == [
        ("method", f"m{number}", ("B",)) for number in range(4)
    ]
    assert rest[0].breadcrumb == "# a/b\n# B > m0"


def test_the_rest_of_a_cut_function_knows_whose_rest_it_is() -> None:
    pieces = chunks_of("class A:\n    def f(self, x):\n" + body(110, "        "))
    assert (pieces[0].kind, pieces[0].symbol, pieces[0].definitions) == ("method", "f", ("A", "f"))
    assert len(pieces) == 3
    assert [piece.definitions for piece in pieces[1:]] == [()] * (len(pieces) - 1)
    for piece in pieces[1:]:
        assert (piece.kind, piece.symbol, piece.scope) == ("method", "f", ("A",))
        assert piece.signature == "def f(self, x)"
    sizes = [counted(piece.text.encode()) for piece in pieces]
    assert max(sizes) < 1.6 * min(sizes)


def test_the_comment_of_a_function_that_is_cut_stays_with_its_beginning() -> None:
    source = "a = 1\n" * 60 + "# Why.\n# How.\ndef f(x):\n" + body(90) + "# Then.\ndef g():\n" + body(90)
    beginnings = [each.text for each in chunks_of(source) if each.definitions in (("f",), ("g",))]
    assert len(beginnings) == 2
    assert beginnings[0].startswith("# Why.\n# How.\ndef f(x):")
    assert beginnings[1].startswith("# Then.\ndef g():")


def test_namespaces_are_opened_and_only_name_the_scope() -> None:
    function = "int {name}() {{\n" + "  call_me(1, 2, 3, 4);\n" * 25 + "}}\n"
    source = "namespace a {\n" + function.format(name="f") + function.format(name="g") + "}  // namespace a\n"
    chunks = chunks_of(source, "cpp")
    assert [(each.kind, each.symbol, each.scope) for each in chunks] == [
        ("function", "f", ("a",)),
        ("function", "g", ("a",)),
    ]


def test_markdown_is_cut_at_its_headings() -> None:
    source = "# Top\n\nIntro.\n\n" + "".join(f"## Part {n}\n\n{'Some words here. ' * 70}\n\n" for n in "ab")
    chunks = chunks_of(source, "markdown")
    assert [(each.kind, each.symbol, each.scope) for each in chunks[-2:]] == [
        ("section", "Part a", ("Top",)),
        ("section", "Part b", ("Top",)),
    ]
    assert not any(each.definitions for each in chunks)


def test_unknown_text_is_cut_at_blank_lines() -> None:
    chunks = chunks_of(("words " * 60 + "\n" + "more words\n" * 3 + "\n") * 8, "text")
    assert len(chunks) == 3
    assert all(each.text.startswith("words") and each.kind == "text" for each in chunks)


def test_documentation_is_cut_smaller_than_other_text() -> None:
    data = ("words " * 20 + "\n\n").encode() * 120
    text, other = (len(chunk_file("a", data, language)) for language in ("text", None))
    assert text / other == pytest.approx(1.5, rel=0.15)


def test_the_target_is_an_option() -> None:
    data = ("def f():\n" + body(200)).encode()
    assert len(chunk_file("a.py", data, "python", ChunkOptions(target=400))) > 2 * len(
        chunk_file("a.py", data, "python", ChunkOptions(target=1600))
    )


DEEP = {
    "python": b"x = " + b"(" * 100_000 + b"1" + b")" * 100_000 + b"\n",
    "cpp": b"int f() {" + b"{\n" * 20_000 + b"}\n" * 20_000 + b"}\n",
    "javascript": b"a =>\n" * 20_000 + b"1\n",
    "json": b"[" * 50_000 + b"]" * 50_000,
}


@pytest.mark.parametrize("language", DEEP)
def test_deep_nesting_is_survived(language: str) -> None:
    chunks = chunk_file("deep", DEEP[language], language)
    assert b"".join(DEEP[language][each.start_byte : each.end_byte] for each in chunks) == DEEP[language]


def test_the_work_grows_with_the_file_and_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    size = Measure.size
    monkeypatch.setattr(Measure, "size", lambda self, start, end: asked.append(1) or size(self, start, end))
    counts = []
    for functions in (100, 400):
        asked.clear()
        chunk_file("a.py", ("def f():\n" + body(60) + "\n").encode() * functions, "python")
        counts.append(len(asked))
    assert counts[1] < 4.5 * counts[0]


def test_the_same_file_gives_the_same_chunks() -> None:
    data = (HERE / "codesearch/files/walk.py").read_bytes()
    assert chunk_file("w", data, "python") == chunk_file("w", data, "python")


def test_chunking_needs_neither_numpy_nor_the_records_to_start() -> None:
    code = "import sys, codesearch.chunking.chunk; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "codesearch.chunking.spans" in loaded
    assert {"numpy", "codesearch.records"}.isdisjoint(loaded)
    models = {name for name in loaded if name.startswith("mlx_jinabert")}
    assert models == {"mlx_jinabert", "mlx_jinabert.quick_dataclass"}
    assert not [name for name in loaded if name.startswith("tree_sitter_")]


def test_every_grammar_language_has_a_sample() -> None:
    assert set(SAMPLES) == {name for name, language in LANGUAGES.items() if language.grammar}


def test_a_file_of_ocaml_is_a_module() -> None:
    first, *others = chunk_file("lib/accept_types.ml", b"let a = 1\n" * 400, "ocaml")
    assert others
    assert "Accept_types" in first.definitions
    assert not any("Accept_types" in chunk.definitions for chunk in others)
