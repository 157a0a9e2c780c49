"""Names that are nearly right: the distance against a slow definition, and what is left alone."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.searching.signals.near_names import _distance, near_names
from codesearch.storage.known_names import KnownNames

KNOWN = KnownNames(["get_user_by_id", "set_user_by_id", "open", "send_request"])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("getUserById", ["get_user_by_id"]),
        ("getUserByI", ["get_user_by_id"]),
        ("SendReqeust", ["send_request"]),
        ("snd_requests", ["send_request"]),
        ("opne", []),  # too short to be sure
        ("completely_other", []),
    ],
)
def test_the_nearest_names(typed: str, found: list[str]) -> None:
    assert near_names(typed, KNOWN, typos=True) == found


def test_without_typos_only_the_convention_may_differ() -> None:
    assert near_names("GetUserByID", KNOWN, typos=False) == ["get_user_by_id"]
    assert near_names("getUserByI", KNOWN, typos=False) == []


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_distance_is_the_textbook_recursion(a: str, b: str) -> None:
    @cache
    def slow(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        ways = [slow(i - 1, j) + 1, slow(i, j - 1) + 1, slow(i - 1, j - 1) + (a[i - 1] != b[j - 1])]
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            ways.append(slow(i - 2, j - 2) + 1)
        return min(ways)

    for most in range(7):
        assert _distance(a, b, most) == min(slow(len(a), len(b)), most + 1)


@given(st.text("abcde", min_size=10, max_size=14), st.data())
def test_one_typo_is_always_found(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 2))
    letter = data.draw(st.sampled_from("xyz"))
    made = (name[:at] + name[at + 1 :], name[:at] + letter + name[at:], name[:at] + letter + name[at + 1 :])
    swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    for typed in (*made, swapped):
        assert near_names(typed, KnownNames([name]), typos=True) == [name]
