"""The check of licences: what goes with Apache-2.0, and what is refused."""

from __future__ import annotations

import pytest

from scripts.licences import problem_with, required


@pytest.mark.parametrize(
    "licence",
    ["MIT", "Apache-2.0 OR BSD-2-Clause", "MIT OR GPL-3.0", "MPL-2.0 AND MIT", "3-Clause BSD License"],
)
def test_allowed(licence: str) -> None:
    assert problem_with(licence) is None


@pytest.mark.parametrize(
    "licence",
    ["", "GPL-3.0-or-later", "MIT AND AGPL-3.0", "GNU General Public License v3", "BUSL-1.1", "Beerware"],
)
def test_refused(licence: str) -> None:
    assert problem_with(licence)


def test_what_requirements_require_is_listed_too() -> None:
    names = required("mlx-jinabert")
    assert {"numpy", "tokenizers", "huggingface-hub", "filelock"} <= names.keys()
