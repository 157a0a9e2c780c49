"""What an index keeps about itself."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from codesearch.files.options import WalkOptions
from codesearch.storage.metadata import Settings

SHARED = sorted({one.name for one in fields(Settings)} & {one.name for one in fields(WalkOptions)})


@pytest.mark.parametrize("name", SHARED)
def test_a_setting_that_a_walk_knows_reaches_it(name: str) -> None:
    plain = getattr(Settings(), name)
    other = not plain if isinstance(plain, bool) else plain + 1
    assert getattr(replace(Settings(), **{name: other}).walk_options(), name) == other
