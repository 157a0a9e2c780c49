"""Names by length are all names, and those of several indexes together are each there once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codesearch.storage.known_names import KnownName, KnownNames
from codesearch.storage.lexical.tokens import bare_name, singular


@given(st.lists(st.text("aesixy_\n", max_size=8), unique=True), st.lists(st.text("aesixy_\n", max_size=8)))
def test_names_by_length_are_all_names(some: list[str], others: list[str]) -> None:
    parts = [KnownNames(some), KnownNames(dict.fromkeys(others))]
    for known, names in ((parts[0], some), (KnownNames.of_several(parts), [*some, *others])):
        expected = {KnownName(name, singular(bare_name(name))) for name in names}
        found = [one for length in range(10) for one in known.of_length(length)]
        assert sorted(found) == sorted(expected)
        assert all(len(one.letters) == length for length in range(10) for one in known.of_length(length))
        assert list(known) == sorted(set(names))
