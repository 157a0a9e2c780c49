"""Names in code: calls, imports and other uses; never comments, strings and definitions."""

from __future__ import annotations

import pytest

from codesearch.searching.references.occurrences import called_names, defining_line, occurrences

CALLS = [
    (
        "python",
        "import send\n# send()\nx = 'send()'\nself.send(1)\nf = send\n",
        [(0, "import"), (3, "call"), (4, "use")],
    ),
    ("python", "def other():\n    '''send()'''\n    return await_(lambda: a.b.send (x))\n", [(2, "call")]),
    (
        "python",
        "from x import send as s, sender\nresend()\n@send\ndef f(): ...\n",
        [(0, "import"), (2, "use")],
    ),
    ("go", "// send()\nfunc f() {\n\tgo c.send(x)\n\th := send\n}\n", [(2, "call"), (3, "use")]),
    ("rust", 'use a::send;\nfn f() { send::<T>(x); let s = "send()"; }\n', [(0, "import"), (1, "call")]),
    ("rust", "fn f() { send!(x) }\n", [(0, "call")]),
    ("java", "class A { void f() { new send(1); /* send() */ this.<T>send(2); } }\n", [(0, "call")]),
    ("cpp", '#include "send"\nint f() { return ns::send(p->send); }\n', [(1, "call"), (1, "use")]),
    ("typescript", "import { send } from './x'\nconst a = send<T>(b)\n", [(0, "import"), (1, "call")]),
    (
        "javascript",
        "const x = require('send')\nexport { send } from 'a'\nsend(`send()`)\n",
        [(1, "import"), (2, "call")],
    ),
    ("ruby", "def f\n  send x # send\nend\n", [(1, "call")]),
    ("haskell", "f x = send x -- send\n", [(0, "call")]),
    ("clojure", "(defn f [x] (send x)) ; (send)\n", [(0, "call")]),
    ("bash", 'send "$1" # send\n', [(0, "call")]),
    ("kotlin", "fun f() = send(1) // send()\n", [(0, "call")]),
    ("swift", "func f() { send(1); let g = send }\n", [(0, "call"), (0, "use")]),
    ("php", "<?php\nuse A\\send;\n$x->send(1); // send()\n", [(1, "import"), (2, "call")]),
    ("csharp", "using send;\nclass A { void F() => this.send<T>(1); }\n", [(0, "import"), (1, "call")]),
]


@pytest.mark.parametrize(("language", "text", "want"), CALLS)
def test_uses_are_told_apart(language: str, text: str, want: list[tuple[int, str]]) -> None:
    assert [(found.line, found.use) for found in occurrences(text, "send", language)] == want


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "def send(x):\n    return send(x - 1)\n"),
        ("go", "// send sends.\nfunc send(x int) {\n\tsend(x - 1)\n}\n"),
        ("java", "/** Calls {@link send}. */\npublic int send(int x) {\n  return send(x - 1);\n}\n"),
        ("c", "static int send(int x) {\n  return send(x - 1);\n}\n"),
    ],
)
def test_the_definition_is_no_use_and_recursion_is_one(language: str, text: str) -> None:
    found = occurrences(text, "send", language, defines=True)
    line = defining_line(text, "send", language)
    assert [(one.line, one.use) for one in found] == [(line + 1, "call")]


def test_a_definition_is_found_behind_an_earlier_call() -> None:
    assert defining_line("@a.send(1)\n# send\ndef send():\n    pass\n", "send", "python") == 2


def test_the_rest_of_a_comment_that_began_before_is_no_code() -> None:
    text = " * val c = send()\n *\n * more\n */\nval d = send(2)\n"
    assert [found.line for found in occurrences(text, "send", "kotlin")] == [4]


def test_names_hold_what_languages_allow_and_no_more() -> None:
    assert occurrences("resend(); send_all(); $send(); a.send$(1)\n", "send", "javascript") == []
    assert [one.use for one in occurrences("send?(1)\n", "send?", "ruby")] == ["call"]


def test_called_names_come_with_their_first_line() -> None:
    text = "def f():\n    # g()\n    h(x.i(1))\n    h(2)\n    return j\n"
    assert called_names(text, "python") == {"h": 2, "i": 2}


@pytest.mark.parametrize("language", [None, "markdown-of-another-planet", "csv"])
def test_an_unknown_language_has_no_uses(language: str | None) -> None:
    assert occurrences("send(1)\n", "send", language) == []


def test_clauses_and_specifications_of_erlang_are_no_calls() -> None:
    text = "-spec read(req()) -> ok.\nread(Req) ->\n    read(Req, #{}).\n\n"
    text += "read(Req, Opts) ->\n    {ok, read(Req)}.\n"
    assert [each.line for each in occurrences(text, "read", "erlang")] == [2, 5]
    assert [each.line for each in occurrences(text, "read", "erlang", defines=True)] == [2, 5]
    assert defining_line("init(Req) ->\n    read(Req).\n\nread(Req) -> Req.\n", "read", "erlang") == 3


def test_documentation_of_perl_is_no_code() -> None:
    pod = "=head2 escape\n\n  my $x = escape $y;\n\nCalls escape.\n\n"
    text = f"sub run {{\n  return escape shift;\n}}\n\n{pod}=cut\n\nescape 'x';\n"
    assert [each.line for each in occurrences(text, "escape", "perl")] == [1, 12]
    # The rest of a chapter that began in the chunk before, and one that goes on in the next.
    assert occurrences(f"  $x->escape;\n\nAn escape.\n\n{pod}", "escape", "perl") == []
    assert [each.line for each in occurrences(f"escape 'x';\n{pod}", "escape", "perl")] == [0]
