"""One model's tensors under another one's config.json: every pair is refused, and with the tensors' names."""

from __future__ import annotations

from itertools import permutations
from typing import get_args

import pytest

from mlx_jinabert.architectures import read_architecture
from mlx_jinabert.architectures.shared.matching import match
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import WeightMismatch
from tests.support.checkpoints import Checkpoint, Kind, config_of, tensors_of
from tests.support.running import checkpoint_folder, read

CHECKPOINTS = {
    kind: Checkpoint(
        kind, heads=4, hidden=64, layers=1, head_dim=16 if kind in ("qwen3", "gemma2", "gemma3") else 0
    )
    for kind in get_args(Kind)
}
SAME_TENSORS = {("en", "reranker"), ("reranker", "en"), ("qwen2_5_vl", "qwen2")}
SAME_TENSORS |= {("llama", "eurobert"), ("eurobert", "llama")}
"""(said, is): the first two differ in a head that the loaders ask for, the others in their names alone."""


@pytest.mark.parametrize(
    ("said", "is_"), [pair for pair in permutations(CHECKPOINTS, 2) if pair not in SAME_TENSORS]
)
def test_another_model_s_tensors_are_refused_by_name(said: str, is_: str) -> None:
    folder = checkpoint_folder(CHECKPOINTS[is_])
    with Weights(sorted(folder.glob("*.safetensors"))) as weights, pytest.raises(WeightMismatch) as caught:
        match(weights, read_architecture(config_of(CHECKPOINTS[said]), weights.names()))
    named = {*caught.value.extra, *caught.value.missing, *caught.value.shapes}
    assert named
    assert all(any(stored.endswith(extra) for stored in weights.names()) for extra in caught.value.extra)
    assert any(name in str(caught.value) for name in named)


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_its_own_tensors_are_not(kind: str) -> None:
    folder = checkpoint_folder(CHECKPOINTS[kind])
    record, architecture = read(folder)
    with Weights(record.weights) as weights:
        used = set(match(weights, architecture).values())
    assert used
    assert used <= set(tensors_of(CHECKPOINTS[kind]))
