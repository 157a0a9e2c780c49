"""The automaton says of thousands of patterns what each says by itself."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.files.ignoring import rules
from codesearch.files.ignoring.automaton import Automaton, is_simple
from codesearch.files.ignoring.ignore import parse_ignore
from codesearch.files.ignoring.rules import Rule

PIECES = [
    "a",
    "b",
    "A",
    "B",
    "*",
    "**",
    "?",
    "/",
    "[ab]",
    "[!a]",
    "[^B]",
    "[a-c]",
    "[A-C]",
    "[-a]",
    "!",
    " ",
    "]",
]
LINES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map(lambda pieces: "".join(pieces).encode())
TEXTS = st.text("abABc]/!- \n*?", min_size=1, max_size=9).map(str.encode)


@given(
    lines=st.lists(LINES.filter(is_simple), min_size=1, max_size=90),
    text=TEXTS,
    fold=st.booleans(),
    is_directory=st.booleans(),
)
def test_the_last_line_that_matches_is_found(
    lines: list[bytes], text: bytes, fold: bool, is_directory: bool
) -> None:
    """Patterns of names are asked of names, those of paths of paths."""
    text = text.lower() if fold else text
    for are_paths, asked in ((True, text), (False, text.replace(b"/", b"x"))):
        kept = [line for line in lines if Rule(line, fold).is_path == are_paths]
        each = [Rule(line, fold).matches(asked, is_directory) for line in kept]
        last = max((number for number, matches in enumerate(each) if matches), default=-1)
        assert not kept or Automaton(kept, fold).last_match(asked, is_directory) == last


@pytest.mark.parametrize("before", range(0, 140, 3))
def test_a_pattern_matches_wherever_it_stands_in_the_row(before: int) -> None:
    lines = [b"x" * before, b"a*[bc]?d", b"y" * before]
    assert Automaton(lines, False).last_match(b"a12b7d", False) == 1
    assert Automaton(lines, False).last_match(b"a12b/d", False) == -1


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([b"a*c/d"], b"a/bc/d"),  # a star ends at a slash
        ([b"a?b/c"], b"a/b/c"),
        ([b"a[!x]b/c"], b"a/b/c"),
        ([b"?a", b"b*"], b"xa\nb"),  # a newline in a name is no beginning of the next pattern
        ([b"a*/"], b"ab"),  # of folders alone
    ],
)
def test_what_does_not_match(lines: list[bytes], text: bytes) -> None:
    assert Automaton(lines, False).last_match(text, False) == -1


@pytest.mark.parametrize(
    "line", [b"\\a*", b"a\\", b"[a*", b"[]a]*", b"[[:alpha:]]", b"[a/b]", b"a/**/b*", b"**/a"]
)
def test_what_it_cannot_take_is_said(line: bytes) -> None:
    assert not is_simple(line)


@pytest.mark.parametrize(
    ("line", "hit", "miss"),
    [
        ("*a*{0}*", b"xaxb7x", b"xaxx"),
        ("[x-z]{0}", b"y7", b"a7"),
        ("?{0}/", b"x7", b"7"),
        ("!*{0}", b"x7", b"x"),
        ("lib/*{0}", b"lib/7", b"lib7"),
    ],
)
def test_thousands_are_asked_at_once_and_decide_as_one(line: str, hit: bytes, miss: bytes) -> None:
    content = "\n".join(line.format(number) for number in range(1000)).encode()
    many, one = parse_ignore(content), parse_ignore(line.format(7).encode())
    assert many
    assert one
    assert (many.by_path or many.by_name)._automaton  # type: ignore[union-attr]  # it is what is tested
    for path in (hit, miss):
        name = path.rpartition(b"/")[2]
        expected = one.decide(path, name, True)
        assert many.decide(path, name, True) is expected
        assert (expected is None) == (path is miss)


def test_lines_of_both_kinds_decide_by_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are looked up by a text and those that are not."""
    monkeypatch.setattr(rules, "_FEW", 0)
    pick = random.Random(5)
    for _ in range(300):
        lines = [pick.choice([b"*a*", b"!?a*", b"*alpha*", b"!alpha?*", b"[!x]*", b"al*/"]) for _ in range(6)]
        last = [
            not line.startswith(b"!")
            for line in lines
            if Rule(line, False).matches(b"alpha1", is_directory=False)
        ]
        found = parse_ignore(b"\n".join(lines))
        assert found
        assert found.decide(b"alpha1", b"alpha1", False) is (last[-1] if last else None)
