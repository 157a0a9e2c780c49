"""Both backends against vectors that the PyTorch references wrote once. No torch needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlx_jinabert.text.tokenizer import Tokenizer
from mlx_jinabert.verify.published import check_vectors
from tests import golden
from tests.support.checkpoints import digest
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, embed, minilm, open_model, random_ids, read

FILES = [pytest.param(path, id=path.stem) for path in golden.FILES]


def test_every_golden_file_is_there() -> None:
    assert {path.stem for path in golden.FILES} == {*golden.CHECKPOINTS, "embedded", "all-MiniLM-L6-v2"}


@pytest.mark.parametrize("path", FILES)
def test_the_model_is_the_one_of_the_golden_file(path: Path) -> None:
    record = golden.read(path)
    assert digest(record.folder()) == record.sha256


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("path", FILES)
def test_vectors(path: Path, backend: str) -> None:
    record = golden.read(path)
    count = read(record.folder())[1].counts_repeats
    got = embed(open_model(record.folder(), backend), record.ids, count=count)
    assert_close(got, record.vectors, atol=2e-5, what=f"{record.name} on {backend}")


@pytest.mark.parametrize("path", FILES)
def test_token_ids(path: Path) -> None:
    record = golden.read(path)
    if record.texts:
        ids = Tokenizer(record.folder() / "tokenizer.json", 512).encode(record.texts).ids
    else:
        ids = tuple(
            random_ids(golden.LENGTHS, golden.CHECKPOINTS[record.name].vocab, record.provenance["id_seed"])
        )
    for got, want in zip(ids, record.ids, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_minilm_is_the_published_one(backend: str) -> None:
    folder, _ = read(minilm())
    model, tokenizer = open_model(minilm(), backend), Tokenizer(folder.tokenizer, 256)
    published = check_vectors(folder)
    assert {len(vector.values) for vector in published} == {5, 384}
    for vector in published:
        got = embed(model, tokenizer.encode([vector.text]).ids)[0]
        assert vector.cosine(got) > 0.9999, vector.source
