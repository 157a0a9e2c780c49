"""The catalogue is data: what it says has to hold together and with the shipped model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mlx_jinabert
from mlx_jinabert import catalog
from mlx_jinabert.catalog import CatalogEntry, available_models, find, hint, read_catalog
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.local.spec import read_spec
from mlx_jinabert.verify.published import _published, check_logits, identify
from tests.support.running import minilm

UNPINNED = {
    "embedded",
    "jina-reranker-tiny",
    "jina-reranker-turbo",
    "qwen3-reranker-0.6b",
    "qwen3-reranker-4b",
    "jina-code-1.5b",
    "swerank-small",
    "swerank-large",
    "sfr-code-400m",
    "bge-code",
}
"""Models of which no whole commit has been recorded: they follow the main branch."""


@pytest.mark.parametrize("entry", available_models().values(), ids=lambda entry: entry.alias)
def test_an_entry_is_pinned(entry: CatalogEntry) -> None:
    assert entry.hub_id == "" if entry.alias == "embedded" else entry.hub_id.count("/") == 1
    assert entry.revision is None or re.fullmatch(r"[0-9a-f]{40}", entry.revision)
    assert (entry.revision is None) == (entry.alias in UNPINNED)
    assert all(0 < dim < entry.dim for dim in entry.matryoshka_dims)


def test_the_shipped_model_is_as_the_catalogue_says() -> None:
    source, entry = read_spec("embedded"), available_models()["embedded"]
    assert (source.dim, source.max_length, source.folder.pooling) == (entry.dim, entry.context, entry.pooling)
    with Weights(source.folder.weights) as weights:
        sizes = [weights.read(name).size for name in weights.names()]
    assert sum(sizes) == entry.parameters


def test_a_local_copy_is_recognised_by_its_weights() -> None:
    source, entry = read_spec(minilm()), available_models()["minilm"]
    assert identify(source.folder) == entry.hub_id
    assert (source.dim, source.max_length, source.folder.pooling) == (entry.dim, entry.context, entry.pooling)
    assert identify(read_spec("embedded").folder) is None


@pytest.mark.parametrize(
    "name", ["jina-code", "JINA-CODE", "jinaai/jina-embeddings-v2-base-code", "jina-embeddings-v2-base-code"]
)
def test_names_of_one_model(name: str) -> None:
    assert find(name) is available_models()["jina-code"]


def test_a_slip_of_the_pen_is_understood() -> None:
    assert find("jina-cod") is None
    assert hint("jina-cod").startswith("did you mean jina-code")
    assert hint("e5").startswith("did you mean e5-")  # part of a name
    assert hint("nosuchmodel").startswith("`codesearch models`")  # like none
    assert hint("all-MiniLM-L6").startswith("did you mean minilm")
    assert hint("qqqqqqqq") == "`codesearch models` lists the known names"


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
    assert find(check.hub_id) is available_models()["jina-reranker-tiny"]
    assert check.difference(-0.6045344) < 1e-6
    assert check_logits("jinaai/jina-embeddings-v2-base-code") == ()


ROW = """
[[model]]
alias = "a"
hub_id = "b/c"
parameters = 1
dim = 8
context = 16
licence = "mit"
commercial_use = true
pooling = "mean"
note = "n"
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dim = 0", "model 'a': dim is 0, expected a positive number"),
        ("dim = true", "model 'a': dim is True, expected int"),
        ("dim = 8.0", "expected int"),
        ("commercial_use = 1", "expected bool"),
        ('pooling = "max"', "pooling is 'max', expected mean or cls or last"),
        ('licence = ["mit"]', "licence is .*, expected str"),
    ],
)
def test_a_value_that_cannot_be_is_named(tmp_path: Path, text: str, problem: str) -> None:
    key = text.partition(" ")[0]
    lines = [line for line in ROW.splitlines() if not line.startswith(f"{key} =")]
    with pytest.raises(ValueError, match=problem):
        read_catalog(_written(tmp_path, "\n".join([*lines, text])))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ROW + 'colour = "red"', "model 'a': unknown key colour"),
        (ROW + ROW, "model 'a' is there twice"),
        (ROW + 'prompts = "none such"', "prompts are 'none such', expected a table or one of"),
        (ROW + "prompts = { query = 3 }", "expected a table of texts"),
        (ROW + "matryoshka_dims = [8, -1]", "expected a list of positive int"),
        (ROW + "[[models]]", "found model, models"),
        ("[[model]]\nalias = 'a'", "model 'a': no commercial_use, context"),
        ("alias = ", r"models\.toml: "),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_catalog(_written(tmp_path, text))


def test_prompts_may_be_shared_by_name(tmp_path: Path) -> None:
    text = f'[prompts.asking]\nquery = "q: "\n{ROW}prompts = "asking"\nmatryoshka_dims = [2, 4]\n'
    (entry,) = read_catalog(_written(tmp_path, text)).values()
    assert (dict(entry.prompts), entry.matryoshka_dims, entry.revision) == ({"query": "q: "}, (2, 4), None)


def _written(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_model_is_found_first_and_described_once() -> None:
    assert next(iter(available_models())) == "embedded"
    assert "embedded" not in read_catalog(catalog._OTHERS)
    assert find("Embedded") is available_models()["embedded"]
