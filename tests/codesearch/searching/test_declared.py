"""Names that no table of definitions knows: what looks like their declaration comes before their uses."""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.searching.signals.declared import declared_grade
from tests.codesearch.searching.test_named_first import first_hits

CASES = [
    ("ml", "type mood = Cheerful | Gloomy\n", "let f () = Gloomy :: Gloomy :: []\n", "Gloomy"),
    ("proto", "enum Mood { CHEERFUL = 0; GLOOMY = 1; }\n", "// GLOOMY or GLOOMY\nmessage R { Mood a = 1; }\n", "GLOOMY"),
    ("proto", "message Line { int32 gross_total = 1; }\n", "// gross_total, gross_total\nmessage R { Line a = 1; }\n", "gross_total"),
    ("graphql", "type Order { grossTotal: Int! }\n", "query Q { order { grossTotal, b: grossTotal } }\n", "grossTotal"),
    ("sol", "contract W { struct Order { uint grossTotal; } }\n", "contract R { function f() { o.grossTotal + p.grossTotal; } }\n", "grossTotal"),
    ("sql", "CREATE SEQUENCE invoice_numbers;\n", "SELECT nextval('invoice_numbers'), nextval('invoice_numbers');\n", "invoice_numbers"),
    ("css", "@keyframes slide-in { from { top: 1px } }\n", ".a { animation: slide-in 1s, slide-in 2s }\n", "slide-in"),
    ("sh", "declare -A colour_map\n", "f() { echo ${colour_map[a]} ${colour_map[b]}; }\n", "colour_map"),
    ("jl", "@enum Mood cheerful gloomy\n", "f(x) = x == gloomy || y == gloomy\n", "gloomy"),
    ("dart", "extension StringX on String { String shoutLoud() => this; }\n", "void f() { a.shoutLoud(); b.shoutLoud(); }\n", "shoutLoud"),
    ("m", 'NSString *const kWalletChanged = @"x";\n', "void f(void) { post(kWalletChanged); post(kWalletChanged); }\n", "kWalletChanged"),
    ("js", "const [firstOne, secondOne] = pair\n", "function f() { use(secondOne); return secondOne }\n", "secondOne"),
    ("py", "type PairOf[T] = tuple[T, T]\n", "def f(a: PairOf, b: PairOf):\n    return PairOf\n", "PairOf"),
    ("capnp", "struct Person {\n  fullName @0 :Text;\n}\n", "use fullName and fullName\n", "fullName"),
    ("rego", "allow_upload {\n  input.size < 10\n}\n\nmax_size = 10\n", "deny { not max_size; x > max_size }\n", "max_size"),
    ("unknown", "routine sortRows(x)\n  pass\nend\n\nfun mergeRows(a, b)\n  pass\n", "call mergeRows(1, 2)\ncall mergeRows(3, 4)\n", "mergeRows"),
]  # fmt: skip


@pytest.mark.parametrize(("extension", "declaration", "use", "name"), CASES)
def test_the_declaration_is_first(
    tmp_path: Path, extension: str, declaration: str, use: str, name: str
) -> None:
    files = {f"report{n}.{extension}": f"{use}// {n}\n" for n in range(3)}
    hits = first_hits(tmp_path, {f"zz.{extension}": declaration, **files}, name)
    assert hits[0].path == f"zz.{extension}"


@pytest.mark.parametrize(
    "text",
    [
        "return invoice + 1",
        "// our invoice is late",
        "x = load(invoice)",
        "from shop import invoice",
        "if invoice == 3:",
        "class Paid(invoice):",
        "function pay(invoice) {",
    ],
)
def test_a_use_declares_nothing(text: str) -> None:
    assert declared_grade(text, "invoice") == 0.0


@pytest.mark.parametrize(
    "text", ["\t" * 20_000, "enum {" * 5_000, "let [" * 5_000, "a " * 20_000, "(" * 20_000]
)
def test_hostile_texts_end(text: str) -> None:
    """Without a bound in an expression this test does not end at all."""
    assert declared_grade(text, "x") == declared_grade(f"{text} x", "y") == 0.0


def test_a_name_that_is_only_used_is_found_where_it_stands(tmp_path: Path) -> None:
    files = {"a.py": "def overflow(height):\n    return height\n", "b.py": "send(overflow_height, 1)\n"}
    assert first_hits(tmp_path, files, "overflow_height")[0].path == "b.py"


def test_a_definition_in_another_case_is_one(tmp_path: Path) -> None:
    files = {
        "view.js": "function View(name) {\n  this.name = name\n}\n",
        "app.js": "function f() {\n  var view = 1\n}\n",
    }
    assert first_hits(tmp_path, files, "view")[0].path == "view.js"
