"""Names inside of definitions: found by name, and nothing else about a chunk changes."""

# ruff: noqa: E501
from __future__ import annotations

import pytest

from codesearch.chunking.chunk import chunk_file
from codesearch.chunking.syntax.cpp_macros import without_export_macros
from codesearch.chunking.syntax.grammars import member_query, parse
from codesearch.chunking.syntax.member_patterns import MEMBERS
from codesearch.chunking.syntax.members import find_members
from codesearch.chunking.syntax.symbols import find_definitions

CASES = {
    "python": (
        "A = 1\nif A:\n    B: int = 2\nC, D = 3, 4\nclass K:\n    E = 5\n    f: str\n"
        "    def __init__(self):\n        self.g = 1\n        local = 2\n",
        "A B C D E f g",
    ),
    "javascript": (
        "const a = { b: 1 }\nvar d = 2\nclass K { e = 3; constructor() { this.f = 4 } }\n"
        "exports.g = 5\nexports.h = h\nfunction k() { const local = { m: 1 } }\n",
        "a b d e f g",
    ),
    "typescript": (
        "enum E { A, B = 2 }\ninterface I { c: string; d(): void }\nclass K { private e = 1;"
        " constructor(private readonly f: string) {} }\ndeclare const g: number\n",
        "A B c d e f g",
    ),
    "go": (
        "package p\n\ntype S struct {\n\tA, b int\n}\n\ntype I interface{ C() int }\n\nvar (\n\td = 1\n)\n"
        "\nfunc f() {\n\tvar local = 1\n}\n",
        "A b C d",
    ),
    "java": (
        "class K { static final int A = 1; int b[], c; void m() { int local; } }\ninterface I { int D = 2; }\n"
        "enum E { F, G(2) }\nrecord R(int h) {}\n@interface N { String j(); }\n",
        "A b c D F G h j",
    ),
    "rust": ("struct S { a: i32 }\nenum E { B, C { d: i32 } }\ntrait T { type U; }\n", "a B C d U"),
    "c": (
        "static const struct ops board_ops = { .open = 1 };\nenum s { A, B };\nint *p, arr[3];\n"
        "struct q { int c; char *d; void (*cb)(int); int bits : 3; };\ntypedef struct q *qp;\nextern int other;\n"
        "int f(void) { int local = 1; return local; }\n",
        "board_ops A B p arr c d cb bits qp",
    ),
    "cpp": (
        "class K { int a, *b; static constexpr int C = 3; X& d; virtual void e() = 0; void proto(); };\n"
        "namespace n { int g = 1; }\n",
        "a b C d e g",
    ),
    "csharp": (
        "class K { const int A = 1; int b, c; event D E; void M() { int local = 1; } }\nenum F { G }\nrecord R(int H);\n",
        "A b c E G H",
    ),
    "php": (
        "<?php\nclass K { const A = 1, B = 2; private $c = 1; function __construct(private int $d) {} }\n"
        "enum E { case F; }\ndefine('G', 3);\n",
        "A B c d F G",
    ),
    "ruby": ("class K\n  attr_accessor :a, :b\n  C = 3\n  alias_method :d, :e\nend\n", "a b C d"),
    "kotlin": (
        "class K(val a: Int, b: Int) {\n  val c = 1\n  companion object {\n    const val D = 2\n  }\n"
        "  fun f() {\n    val local = 1\n  }\n}\nenum class E { F, G }\n",
        "a c D F G",
    ),
    "scala": (
        "case class K(a: Int) { var b = 1; val c = 2; def f = { val local = 1; local } }\nenum E { case F, G }\n",
        "a b c F G",
    ),
    "swift": (
        "class K { var a = 1\n  func f() -> B { let local = 1; return local }\n}\nenum E { case c, d(Int) }\n"
        "protocol P { var q: Int { get } }\n",
        "a c d q",
    ),
    "elixir": (
        "defmodule A do\n  @timeout 5\n  @doc \"x\"\n  @type t :: integer\n  defstruct [:b, c: 1]\n"
        "  @callback go(x :: any) :: any\nend\n",
        "timeout t b c go",
    ),
    "lua": ("local A = {}\nA.b = 1\nC = { d = 2 }\nfunction f() local x = 1 end\n", "A b C d"),
    "haskell": (
        "data T = A { b :: Int } | C Int\nnewtype N = N { d :: Int }\nf t = t { b = 1 }\ng A { b } = A { b }\n",
        "A b C N d",
    ),
    "bash": ("A=1\nreadonly B=2\nf() {\n  local c=3\n}\n", "A B"),
    "zig": ("const S = struct { a: u8, const B = 3; };\n", "S a B"),
    "css": (":root { --gap: 1px }\n.card #top { color: red }\n", "--gap card top"),
    "sql": ("CREATE TABLE t (id int, name text);\n", "id name"),
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(CASES))
def test_members_are_found_and_locals_are_not(language: str) -> None:
    source, expected = CASES[language]
    data = source.encode()
    tree = parse(data, language)
    members = find_members(tree, data, language, find_definitions(tree, data, language))
    assert " ".join(member.name for member in members) == expected
    assert all(
        data.startswith(m.name.encode(), m.start + (data[m.start : m.start + 1] == b":")) for m in members
    )


@pytest.mark.parametrize("language", sorted(MEMBERS))
def test_every_pattern_is_one_that_the_grammar_knows(language: str) -> None:
    query = member_query(language)
    assert query is not None
    assert query.pattern_count == len(MEMBERS[language])


def test_members_neither_cut_nor_name_a_chunk() -> None:
    source = b"class Limits:\n    MAX_RETRIES = 5\n    WAIT = 2\n"
    (chunk,) = chunk_file("limits.py", source, "python")
    assert (chunk.kind, chunk.symbol, chunk.definitions) == (
        "class",
        "Limits",
        ("Limits", "MAX_RETRIES", "WAIT"),
    )


@pytest.mark.parametrize(
    "head",
    [
        "class ENGINE_API Hero : public Actor",
        "struct EXPORT Hero",
        "class LIB_EXPORT(2) Hero final",
        "class __attribute__((visibility(\"default\"))) Hero",
        "class __declspec(dllexport) Hero",
        "class [[nodiscard]] Hero : Actor",
        "class A_API B_DEPRECATED Hero",
        "template <typename T> class A_API Hero : T",
    ],
)  # fmt: skip
def test_a_class_behind_macros_and_attributes_is_a_class_with_its_members(head: str) -> None:
    source = f"{head} {{\npublic:\n  void run() {{ go(); }}\n  int health = 3;\n}};\n".encode()
    (chunk,) = chunk_file("hero.cpp", source, "cpp")
    assert (chunk.symbol, chunk.definitions) == ("Hero", ("Hero", "run", "health"))
    assert chunk.kind in ("class", "struct")
    assert len(without_export_macros(source)) == len(source)


@pytest.mark.parametrize(
    "source", [b"struct FOO bar = {1};", b"struct FOO;", b"class API;", b"struct FOO f(int a) {"]
)
def test_what_is_no_macro_stays(source: bytes) -> None:
    assert without_export_macros(source) == source


@pytest.mark.parametrize(
    "source",
    ["TEST(Parser, RejectsEmpty) {\n  f();\n}\n", "TEST_F(Parser, RejectsEmpty) {\n  f();\n}\n",
     "BOOST_AUTO_TEST_CASE(RejectsEmpty) {\n  f();\n}\n"],
)  # fmt: skip
def test_a_test_case_is_called_as_it_is_and_not_as_its_macro(source: str) -> None:
    (chunk,) = chunk_file("t.cpp", source.encode(), "cpp")
    assert (chunk.kind, chunk.symbol, chunk.definitions) == ("testcase", "RejectsEmpty", ("RejectsEmpty",))


def test_the_return_type_of_a_swift_function_is_no_definition() -> None:
    (chunk,) = chunk_file(
        "m.swift", b"func load(from url: URL) -> Playlist {\n    return Playlist()\n}\n", "swift"
    )
    assert chunk.definitions == ("load",)
