"""Vectors in three tiers, against comparing everything."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.errors import CodesearchError
from codesearch.vectors.tiers import CODES, COLD, MANIFEST, SCALES, SIGNS, Tiers, write_tiers
from tests.support.running import require

DIM = 128


def clustered(count: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(20, dim))
    vectors = centres[random.integers(0, 20, count)] + random.normal(scale=0.8, size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def exact(vectors: np.ndarray, query: np.ndarray, limit: int) -> list[int]:
    scores = vectors.astype(np.float16).astype(np.float32) @ query
    return np.lexsort((np.arange(len(vectors)), -scores))[:limit].tolist()


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return clustered(70_000)  # more than two blocks


@pytest.fixture(scope="module")
def folder(vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiers")
    assert write_tiers(place, np.array_split(vectors, 7), DIM, "model") == len(vectors)
    return place


def test_it_finds_what_comparing_everything_finds(folder: Path, vectors: np.ndarray) -> None:
    queries = clustered(40, seed=1)
    with Tiers(folder) as tiers:
        assert (len(tiers), tiers.dim, tiers.fingerprint) == (len(vectors), DIM, "model")
        found = [[hit.id for hit in tiers.nearest(query, 10, coarse=400, fine=8)] for query in queries]
    recall = np.mean(
        [len(set(mine) & set(exact(vectors, q, 10))) / 10 for mine, q in zip(found, queries, strict=True)]
    )
    assert recall > 0.9


def test_scores_are_cosines_in_order(folder: Path, vectors: np.ndarray) -> None:
    [query] = clustered(1, seed=2)
    with Tiers(folder) as tiers:
        hits = tiers.nearest(query, 20)
        coarse = tiers.nearest(query, 20, fine=0)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    np.testing.assert_allclose(
        [hit.score for hit in hits], vectors[[hit.id for hit in hits]] @ query, atol=1e-3
    )
    codes = vectors[[hit.id for hit in coarse]] @ query
    np.testing.assert_allclose([hit.score for hit in coarse], codes, atol=5e-3)


def test_a_stored_vector_finds_itself(folder: Path, vectors: np.ndarray) -> None:
    with Tiers(folder) as tiers:
        for row in (0, 32_767, 32_768, len(vectors) - 1):  # at the borders of the blocks
            assert tiers.nearest(vectors[row], 1)[0].id == row


@given(st.integers(1, 60), st.integers(1, 80), st.sampled_from([64, 128]), st.integers(0, 5))
def test_with_candidates_for_all_it_is_exact(
    tmp_path_factory: pytest.TempPathFactory, count: int, limit: int, dim: int, seed: int
) -> None:
    place, vectors = tmp_path_factory.mktemp("all"), clustered(count, seed, dim)
    write_tiers(place, [vectors], dim)
    query = clustered(1, seed + 1, dim)[0]
    with Tiers(place, threads=1) as tiers:
        found = [hit.id for hit in tiers.nearest(query, limit, coarse=count, fine=count)]
    assert found == exact(vectors, query, limit)


def test_threads_do_not_disturb_each_other(folder: Path) -> None:
    queries = clustered(16, seed=3)
    with Tiers(folder, threads=2) as tiers:
        alone = [tiers.nearest(query, 5) for query in queries]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda query: tiers.nearest(query, 5), queries)) == alone


def test_the_cold_tier_may_lie_in_object_storage(folder: Path, tmp_path: Path) -> None:
    require("fsspec")
    import fsspec

    for name in (MANIFEST, SIGNS, CODES, SCALES):
        shutil.copy(folder / name, tmp_path / name)
    storage: Any = fsspec.filesystem("memory")
    storage.pipe("/bucket/full.f16", (folder / COLD).read_bytes())
    queries = clustered(5, seed=4)
    try:
        with Tiers(folder) as near, Tiers(tmp_path, "memory://bucket/full.f16") as far:
            assert [far.nearest(query, 10) for query in queries] == [
                near.nearest(query, 10) for query in queries
            ]
            assert len(far.nearest(queries[0], 10, fine=0)) == 10
        storage.pipe("/bucket/full.f16", b"short")
        with pytest.raises(CodesearchError, match="5 bytes, expected"):
            Tiers(tmp_path, "memory://bucket/full.f16")
        storage.rm("/bucket/full.f16")
        with pytest.raises(CodesearchError, match="cannot be opened"):
            Tiers(tmp_path, "memory://bucket/full.f16")
    finally:
        storage.store.clear()


def test_only_the_last_candidates_are_fetched(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("fsspec")
    from fsspec.implementations.local import LocalFileSystem

    fetched: list[int] = []
    original = LocalFileSystem.cat_ranges

    def counted(self: Any, paths: Any, starts: Any, ends: Any, **options: Any) -> Any:
        fetched.extend(end - start for start, end in zip(starts, ends, strict=True))
        return original(self, paths, starts, ends, **options)

    monkeypatch.setattr(LocalFileSystem, "cat_ranges", counted)
    with Tiers(folder, f"file://{folder / COLD}") as tiers:
        tiers.nearest(clustered(1, seed=5)[0], 10, fine=4)
        assert fetched == [2 * DIM] * 40
        fetched.clear()
        tiers.nearest(clustered(1, seed=5)[0], 10, fine=0)
        assert fetched == []


def test_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    assert write_tiers(tmp_path, [], DIM) == 0
    with Tiers(tmp_path) as tiers:
        assert tiers.nearest(clustered(1)[0], 3) == []


def test_a_zero_vector_is_stored_and_not_found_first(tmp_path: Path) -> None:
    vectors = np.vstack([np.zeros((1, DIM), np.float32), clustered(5)])
    write_tiers(tmp_path, [vectors], DIM)
    with Tiers(tmp_path) as tiers:
        assert tiers.nearest(vectors[3], 6)[0].id == 3


@pytest.mark.parametrize("name", [SIGNS, CODES, SCALES, COLD])
def test_a_file_that_is_cut_short_is_told(folder: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    with (copy / name).open("r+b") as out:
        out.truncate(100)
    with pytest.raises(CodesearchError, match="100 bytes, expected"):
        Tiers(copy)
    (copy / name).unlink()
    with pytest.raises(CodesearchError, match="is missing"):
        Tiers(copy)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(CodesearchError, match="no folder of vector tiers"):
        Tiers(tmp_path)
    (tmp_path / MANIFEST).write_text(
        '{"format": 9, "count": 0, "dim": 64, "fingerprint": ""}', encoding="utf-8"
    )
    with pytest.raises(CodesearchError, match="format 9"):
        Tiers(tmp_path)


def test_a_write_that_was_cut_short_leaves_no_tiers(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")

    def broken() -> Any:
        yield clustered(3)
        raise OSError("the source is gone")

    with pytest.raises(OSError, match="the source is gone"):
        write_tiers(copy, broken(), DIM)
    with pytest.raises(CodesearchError, match="no folder of vector tiers"):
        Tiers(copy)


@pytest.mark.parametrize("dim", [0, 100, -64])
def test_widths_that_cannot_be(dim: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 64"):
        write_tiers(tmp_path, [], dim)


def test_other_shapes_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 128\)"):
        write_tiers(tmp_path, [np.zeros((3, 64))], DIM)
    with Tiers(folder) as tiers, pytest.raises(ValueError, match="the query has shape"):
        tiers.nearest(np.zeros(64, np.float32), 3)


def test_the_manifest_says_what_is_there(folder: Path, vectors: np.ndarray) -> None:
    said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert said == {"format": 1, "count": len(vectors), "dim": DIM, "fingerprint": "model"}
