"""Files of the cache: whole or not there, and nothing left of one that could not be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_jinabert.checkpoint.cache_location import keep_file, private_folder


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "cache"))


def test_a_file_is_replaced() -> None:
    for content in (b"first", b"second"):
        keep_file("kept", "one", content)
        assert [(path.name, path.read_bytes()) for path in private_folder("kept").iterdir()] == [
            ("one", content)
        ]


def test_nothing_is_left_of_a_file_that_could_not_be_written() -> None:
    (private_folder("kept") / "one" / "taken").mkdir(parents=True)
    keep_file("kept", "one", b"content")
    assert [path.name for path in private_folder("kept").iterdir()] == ["one"]


def test_a_cache_that_cannot_be_made_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "file" / "cache"))
    keep_file("kept", "one", b"content")
    assert (tmp_path / "file").read_bytes() == b""
