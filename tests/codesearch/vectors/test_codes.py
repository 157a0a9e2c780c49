"""Codes: how far they are from the vectors, and that what is found by them is what comparing all finds."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesearch.vectors.codes import Codes
from codesearch.vectors.exact import VectorTable
from codesearch.vectors.graph_file import Origin
from codesearch.vectors.row_file import RowFile
from codesearch.vectors.table_file import TABLE, read_table, write_table
from tests.support.mapped import needs_smaps, resident_bytes

COUNT = 3_000


def vectors_of(dim: int, apart: float, seed: int = 1) -> np.ndarray:
    """(COUNT, dim) unit vectors, about one direction, some of them twice."""
    random = np.random.default_rng(seed)
    vectors = apart * random.normal(size=(COUNT, dim)) + random.normal(size=dim)
    vectors[COUNT // 2 : COUNT // 2 + 50] = vectors[:50]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("dim", [64, 100, 256, 768])
def test_codes_are_as_near_as_three_bits_can_be(dim: int) -> None:
    vectors = vectors_of(dim, 1.0)
    query = vectors_of(dim, 1.0, seed=2)[0]
    error = Codes.of(vectors).compare(query) - vectors @ query
    # 3 bits take 3.5 % of the variance of Gaussian numbers, 4 bits 1.2 %; of the question the centre is left.
    apart = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).mean()
    assert np.sqrt(np.square(error).mean()) < 1.2 * apart * np.sqrt(0.035 + 0.012) / np.sqrt(dim)
    assert abs(error.mean()) < 0.1 / np.sqrt(dim)


@pytest.mark.parametrize("apart", [0.3, 1.0, 30.0])
def test_what_is_found_by_codes_is_what_comparing_all_finds(apart: float) -> None:
    vectors = vectors_of(256, apart)
    ids = np.random.default_rng(4).permutation(COUNT).astype(np.int64)
    nothing = np.zeros((0, 256), np.float32)
    every = VectorTable(0, 0, ids, nothing, vectors)
    coded = replace(every, codes=Codes.of(vectors))
    some = np.sort(ids[::2])
    for query in vectors_of(256, apart, seed=5)[:20]:
        for limit, allowed in ((1, None), (132, None), (132, some), (2_000, None), (10, some[:15])):
            assert coded.nearest(query, limit, allowed) == every.nearest(query, limit, allowed)


def test_vectors_that_are_all_the_same_and_none_at_all() -> None:
    same = np.tile(vectors_of(64, 1.0)[0], (COUNT, 1))
    table = VectorTable(0, 0, np.arange(COUNT), same[:0], same, codes=Codes.of(same))
    found = table.nearest(same[0], 5)
    assert [hit.id for hit in found] == [0, 1, 2, 3, 4]
    gone = replace(table, ids=np.full(COUNT, -1), removed=COUNT)
    assert gone.nearest(same[0], 5) == []


@needs_smaps
def test_the_vectors_do_not_stay_in_memory(tmp_path: Path) -> None:
    vectors, origin = vectors_of(256, 1.0), Origin("of", "these", 256)
    write_table(tmp_path, origin, VectorTable(0, 1, np.arange(COUNT), vectors), coded_from=1)
    table = read_table(tmp_path, origin)
    assert table is not None
    for query in vectors_of(256, 1.0, seed=5)[:5]:
        table.nearest(query, 132)
    assert resident_bytes(tmp_path / TABLE) < vectors.nbytes // 4


@pytest.mark.parametrize("in_turn", [False, True], ids=["pread", "in turn"])
def test_rows_are_read_by_number(tmp_path: Path, monkeypatch, in_turn: bool) -> None:
    vectors = vectors_of(256, 1.0)
    (tmp_path / "rows").write_bytes(b"before" + vectors.tobytes())
    if in_turn:
        monkeypatch.delattr(os, "pread", raising=False)
    with (tmp_path / "rows").open("rb") as file:
        rows = RowFile(file, 6, 256)
    for numbers in ([COUNT - 1, 0, 17, 17], []):
        assert np.array_equal(rows.rows(np.array(numbers, np.intp)), vectors[numbers])
