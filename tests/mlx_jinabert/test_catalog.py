"""The catalogue is data: what it says has to hold together and with the shipped model."""

from __future__ import annotations

import re

import pytest

import mlx_jinabert
from mlx_jinabert.catalog import CATALOG, CatalogEntry, find, near
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.spec import open_source
from mlx_jinabert.verify.published import _published, check_logits, identify
from tests.support.running import minilm

UNPINNED = {
    "embedded",
    "bge-base",
    "jina-reranker-tiny",
    "jina-reranker-turbo",
    "jina-code-1.5b",
    "swerank-small",
    "swerank-large",
    "sfr-code-400m",
    "bge-code",
}
"""Models of which no whole commit has been recorded: they follow the main branch."""


@pytest.mark.parametrize("entry", CATALOG.values(), ids=lambda entry: entry.alias)
def test_an_entry_is_pinned(entry: CatalogEntry) -> None:
    assert entry.hub_id == "" if entry.alias == "embedded" else entry.hub_id.count("/") == 1
    assert entry.revision is None or re.fullmatch(r"[0-9a-f]{40}", entry.revision)
    assert (entry.revision is None) == (entry.alias in UNPINNED)
    assert all(0 < dim < entry.dim for dim in entry.matryoshka_dims)


def test_the_shipped_model_is_as_the_catalogue_says() -> None:
    source, entry = open_source("embedded"), CATALOG["embedded"]
    assert (source.dim, source.max_length, source.folder.pooling) == (entry.dim, entry.context, entry.pooling)
    with Weights(source.folder.weights) as weights:
        sizes = [weights.read(name).size for name in weights.names()]
    assert sum(sizes) == entry.parameters


def test_a_local_copy_is_recognised_by_its_weights() -> None:
    source, entry = open_source(minilm()), CATALOG["minilm"]
    assert identify(source.folder) == entry.hub_id
    assert (source.dim, source.max_length, source.folder.pooling) == (entry.dim, entry.context, entry.pooling)
    assert identify(open_source("embedded").folder) is None


@pytest.mark.parametrize(
    "name", ["jina-code", "JINA-CODE", "jinaai/jina-embeddings-v2-base-code", "jina-embeddings-v2-base-code"]
)
def test_names_of_one_model(name: str) -> None:
    assert find(name) is CATALOG["jina-code"]


def test_a_slip_of_the_pen_is_understood() -> None:
    assert find("jina-cod") is None
    assert near("jina-cod")[0] == "jina-code"
    assert near("all-MiniLM-L6")[0] == "minilm"
    assert near("qqqqqqqq") == list(CATALOG)


def test_published_vectors_are_of_known_models_and_widths() -> None:
    for vector in _published():
        entry = find(vector.hub_id)
        assert entry is not None
        assert len(vector.values) in (5, entry.dim)
        assert vector.source


def test_the_models_are_listed_by_alias() -> None:
    models = mlx_jinabert.available_models()
    assert list(models)[:2] == ["embedded", "jina-code"]
    assert models["jina-code"].licence == "apache-2.0"


def test_the_published_logit_is_of_a_known_model() -> None:
    (check,) = check_logits("jinaai/jina-reranker-v1-tiny-en")
    assert find(check.hub_id) is CATALOG["jina-reranker-tiny"]
    assert check.difference(-0.6045344) < 1e-6
    assert check_logits("jinaai/jina-embeddings-v2-base-code") == ()
