"""Models that read each token once, with its count, against PyTorch references."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlx_jinabert import load
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.text.counting import counted
from mlx_jinabert.text.tokenizer import Ids, Tokenizer
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.folders import copy_of
from tests.support.running import BACKENDS, PAD_ID, checkpoint_folder, cosine, embed, open_model, require

COUNTED = (("count_repeated_tokens", True),)
CODE = Checkpoint("code", heads=12, hidden=96, config=COUNTED)
EN = Checkpoint("en", heads=8, hidden=64, config=COUNTED)
LENGTHS = (1, 2, 33, 129, 300)
WORDS = 40
"""Different ids, so that long sequences are nearly all repetitions."""
TEXTS = (
    "for (int i = 0; i < n; i++) { sum = sum + a[i]; sum = sum - b[i]; }",
    "get user by user id, get group by group id",
    "x",
    "",
)


def some_ids() -> list[Ids]:
    random = np.random.RandomState(5)
    return [random.randint(PAD_ID + 1, PAD_ID + 1 + WORDS, length).astype(np.int32) for length in LENGTHS]


@cache
def reference(checkpoint: Checkpoint) -> NDArray[np.float32]:
    require("torch", "transformers")
    from tests.support import reference as torch_reference

    return torch_reference.embed(checkpoint_folder(checkpoint), some_ids())


def vectors(checkpoint: Checkpoint, backend: str, dtype: str = "float32") -> NDArray[np.float32]:
    """One padded batch."""
    return embed(open_model(checkpoint_folder(checkpoint), backend, dtype), some_ids(), WORDS + 3, count=True)


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", [CODE, EN], ids=["code", "en"])
def test_each_token_is_read_once_with_its_weight(checkpoint: Checkpoint, backend: str) -> None:
    assert_close(vectors(checkpoint, backend), reference(checkpoint), atol=2e-5, what=backend)


@pytest.mark.parity
@pytest.mark.parametrize(("backend", "dtype"), [("mlx", "float16"), ("mlx", "bfloat16"), ("onnx", "int8")])
def test_fewer_bits(backend: str, dtype: str) -> None:
    least = {"float16": 0.9999, "bfloat16": 0.999, "int8": 0.995}[dtype]
    assert cosine(vectors(CODE, backend, dtype), reference(CODE)).min() >= least


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
def test_tiles(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {
        "mlx": "mlx_jinabert.architectures.shared.mlx.layers",
        "onnx": "mlx_jinabert.architectures.shared.onnx.tiles",
    }[backend]
    monkeypatch.setattr(f"{module}._TILE_ELEMENTS", 7 * len(LENGTHS) * CODE.heads * WORDS)
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path))  # The size is built into a graph.
    assert_close(vectors(CODE, backend), reference(CODE), atol=2e-5, what=f"tiles on {backend}")


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
def test_texts(backend: str) -> None:
    """The whole way: tokens, counts, batches of several shapes, vectors in their order, ``pool``."""
    require("torch", "transformers")
    from tests.support import reference as torch_reference

    folder = checkpoint_folder(CODE)
    texts = [text * times for times in (1, 5, 40) for text in TEXTS]
    ids = Tokenizer(folder / "tokenizer.json", CODE.max_position).encode(texts).ids
    want = torch_reference.embed(folder, ids)
    model = load(folder, backend=backend, dtype="float32")
    assert_close(model.encode(texts, truncation="silent"), want, atol=2e-5, what="encode")
    assert_close(
        model.encode(texts, truncation="silent", batch_size=2), want, atol=2e-5, what="two at a time"
    )
    assert_close(model.finisher()(model.pool(ids)), want, atol=2e-5, what="pool")


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_repeated_nothing_changed(backend: str) -> None:
    folder = checkpoint_folder(CODE.but(config=()))
    plain = load(folder, backend=backend, dtype="float32")
    counting = load(folder, backend=backend, dtype="float32", config_overrides=dict(COUNTED))
    distinct = [
        np.random.RandomState(length).permutation(400)[:length].astype(np.int32) for length in (1, 9, 90)
    ]
    np.testing.assert_array_equal(counting.pool(distinct), plain.pool(distinct))
    repeated = [np.concatenate([ids, ids[:1]]) for ids in distinct[1:]]
    assert not np.isclose(counting.pool(repeated), plain.pool(repeated), atol=1e-5).all(1).any()
    assert counting.fingerprint != plain.fingerprint


@given(st.lists(st.lists(st.integers(0, 9), max_size=60), max_size=4))
def test_counting_loses_the_order_alone(sequences: list[list[int]]) -> None:
    ids, counts = counted([np.array(each, np.int32) for each in sequences])
    for sequence, distinct, often in zip(sequences, ids, counts, strict=True):
        assert distinct.dtype == often.dtype == np.int32
        assert distinct.tolist() == sorted(set(sequence), key=sequence.index)
        assert np.repeat(distinct, often).tolist() == sorted(sequence, key=sequence.index)


def test_what_cannot_count_says_so() -> None:
    with pytest.raises(UnsupportedConfig, match=r"count_repeated_tokens.*JinaBERT"):
        load(checkpoint_folder(Checkpoint("bert")), config_overrides=dict(COUNTED))
    with pytest.raises(UnsupportedConfig, match=r"count_repeated_tokens.*'yes'"):
        load(checkpoint_folder(EN), config_overrides={"count_repeated_tokens": "yes"})
    with pytest.raises(UnsupportedConfig, match=r"pooling.*'mean', because of count_repeated_tokens"):
        load(checkpoint_folder(CODE.but(pooling="cls")))


def test_the_shipped_model_counts_and_its_identity_says_so(tmp_path: Path) -> None:
    shipped = load("embedded")
    whole = load("embedded", config_overrides={"count_repeated_tokens": False})
    text = "for item in items: yield item.item"
    assert cosine(shipped.encode([text]), whole.encode([text])) < 0.9999
    assert shipped.fingerprint != whole.fingerprint
    assert load(copy_of("embedded", tmp_path)).fingerprint == shipped.fingerprint
