"""Converted checkpoints of one family after the other: the same vectors, also behind a search."""

from __future__ import annotations

from pathlib import Path

import pytest

import codesearch
from mlx_jinabert.catalog import available_models
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.converting import encode, record, run
from tests.support.running import checkpoint_folder
from tests.support.trees import write_tree

CHECKPOINTS = {
    "code": Checkpoint("code"),
    "en": Checkpoint("en", prefix="bert."),
    "bert": Checkpoint("bert"),
    "qwen2": Checkpoint("qwen2", prefix="model.", head=True, pooling="last"),
    "qwen3": Checkpoint("qwen3", head=True, head_dim=16, pooling="last"),
    "nomic_bert": Checkpoint("nomic_bert"),
    "gte": Checkpoint("gte", prefix="new.", pooling="cls"),
    "modernbert": Checkpoint("modernbert", prefix="model.", pooling="cls"),
    "codesage": Checkpoint("codesage", prefix="transformer.", head=True),
    "gemma2": Checkpoint("gemma2", prefix="model.", head=True, head_dim=16, pooling="last"),
    "qwen2_5_vl": Checkpoint("qwen2_5_vl", prefix="model.language_model."),
}


@pytest.mark.parametrize("target", ["mlx", "onnx"])
@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_converted_folder_serves_a_search(kind: str, target: str, tmp_path: Path) -> None:
    source, out = checkpoint_folder(CHECKPOINTS[kind]), tmp_path / "out"
    done = run(source, "--to", target, "--out", out, "--verify")
    assert done.code == 0, done.err
    assert record(out)["dropped"]
    assert_close(encode(out, target), encode(source, target), atol=2e-6, what=f"{kind} to {target}")
    tree = write_tree(tmp_path / "tree", files=1)
    with codesearch.open_index(tree, model=str(out), here=True) as index:
        added = index.refresh().chunks_added
        assert len(index.search("split a line", mode="semantic")) == added > 0


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_eight_bits_in_groups(kind: str, tmp_path: Path) -> None:
    source = checkpoint_folder(CHECKPOINTS[kind])
    assert run(source, "--quantize", "int8", "--out", tmp_path / "out").code == 0
    for backend in ("mlx", "onnx"):
        cosines = (encode(tmp_path / "out", backend, "float32") * encode(source, backend)).sum(axis=1)
        assert cosines.min() > 0.9995, cosines


def test_prompts_are_to_the_letter() -> None:
    code = "Represent this query for searching relevant code: "
    assert (
        available_models()["coderank"].prompts
        == available_models()["swerank-small"].prompts
        == {"query": code}
    )
    assert available_models()["nomic-text"].prompts["query"] == "search_query: "
    assert available_models()["nomic-text"].prompts["document"] == "search_document: "
