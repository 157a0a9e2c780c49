"""Short cuts through ignore rules decide as the long way does; git itself judges in tests/hostile."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.files.ignoring.ignore import parse_ignore

PLAIN = "a b !a !b !!a /a !/a a/ !a/ a/b !a/b /a/b/ !/a/b/ !b/a a/!b #a"
WILD = "\\#a \\!a * a* !a* *b/ !*b **/b a/**"
LINES = st.sampled_from([*PLAIN.encode().split(), *WILD.encode().split(), b"b "])
PATHS = st.lists(st.sampled_from([b"a", b"b", b"ab", b"A", b"!a", b"!b", b"#a"]), min_size=1, max_size=3).map(
    b"/".join
)


@settings(max_examples=600)
@given(
    lines=st.lists(LINES, min_size=1, max_size=7).map(b"\n".join),
    asked=st.lists(st.tuples(PATHS, st.booleans()), min_size=1, max_size=9),
    fold=st.booleans(),
)
def test_short_cuts_change_no_decision(lines: bytes, asked: list[tuple[bytes, bool]], fold: bool) -> None:
    rules = "codesearch.files.ignoring.rules._OFTEN"
    with patch("codesearch.files.ignoring.ignore._FEW_LINES", -1), patch(rules, 1_000):
        long = parse_ignore(lines, fold)
    with patch("codesearch.files.ignoring.ignore._FEW_LINES", 1_000):
        short = parse_ignore(lines, fold)
    assert (long is None) == (short is None)
    if long is None or short is None:
        return
    assert long.names is None
    assert short.names is not None
    for path, is_folder in asked:
        name = path.rpartition(b"/")[2]
        with patch(rules, 1_000):
            wanted = long.decide(path, name, is_folder)
        with patch(rules, 1):
            assert short.decide(path, name, is_folder) is wanted, path
