"""The index as programs use it: what it answers, what it refuses, what it never loads."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import codesearch
from codesearch.errors import BadQuery, CodesearchError, IndexNotFound, ModelMismatch, ModelUnavailable
from codesearch.index.index import Index
from codesearch.index.opening import open_index
from codesearch.models.embedder import Model, encode_documents
from codesearch.storage import metadata as recorded
from codesearch.storage.folders.locations import list_indexes
from codesearch.storage.metadata import ModelRecord
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder, assert_close
from tests.support.trees import answers, make_old, write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 5)
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / "docs").mkdir()
    (root / "docs" / "retry.md").write_text("# Retries\n\nA socket is retried three times.\n")
    make_old(root)
    return root


@pytest.fixture
def index(tree: Path) -> Index:
    opened = open_index(tree, WordHashEmbedder())
    opened.refresh()
    return opened


# -- opening


def test_opening_creates_and_indexes_nothing(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        assert (index.counts().files, index.search("retry")) == (0, [])
        assert [entry.root for entry in list_indexes()] == [index.root]


def test_opening_only_what_is_there(tree: Path) -> None:
    with pytest.raises(IndexNotFound, match=str(tree)):
        open_index(tree, create=False)
    assert list_indexes() == []


def test_model_must_be_a_name_or_an_embedder(tree: Path) -> None:
    with pytest.raises(CodesearchError, match="encode_query"):
        open_index(tree, model=object())  # type: ignore[arg-type]


def test_closed_index_says_so(index: Index) -> None:
    index.close()
    index.close()
    with pytest.raises(CodesearchError, match="closed"):
        index.search("retry")


def test_sub_folder_is_a_filter_and_here_is_a_root(index: Index, tree: Path) -> None:
    with open_index(tree / "package1", WordHashEmbedder()) as part:
        assert {hit.path.split("/")[0] for hit in part.search("retry socket")} == {"package1"}
        assert len({hit.path for hit in part.search("retry socket", under=())}) > 1
    with open_index(tree / "package1", WordHashEmbedder(), here=True) as here:
        assert here.refresh().files_added == 1
        assert {hit.path for hit in here.search("retry socket")} == {"module001.py"}


# -- searching


def test_hits_name_the_place(index: Index, tree: Path) -> None:
    hit = index.search("three times retried", limit=1)[0]
    assert (hit.root, hit.path, hit.language) == (str(index.root), "docs/retry.md", "markdown")
    assert hit.text in (tree / "docs" / "retry.md").read_text()
    assert hit.start_line >= 1


def test_filters_by_language_and_glob(index: Index) -> None:
    for options in (
        {"languages": ["md"]},
        {"languages": "markdown"},
        {"globs": ["docs/**"]},
        {"globs": "*.md"},
    ):
        assert {hit.path for hit in index.search("retry socket", **options)} == {"docs/retry.md"}
    assert "docs/retry.md" not in {hit.path for hit in index.search("retry", globs=["!docs/**"])}


@pytest.mark.parametrize(
    ("query", "options", "said"),
    [
        ("", {}, "empty"),
        ("  \n", {}, "empty"),
        ("x", {"mode": "fuzzy"}, "hybrid"),
        ("x", {"limit": 0}, "at least 1"),
        ("x", {"rerank": 5}, "rerank is a int"),
        ("x", {"pattern": "a(b"}, "position 3"),
        ("x", {"pattern": [""]}, "expression is ''"),
        ("x", {"languages": ["pyton"]}, "python"),
    ],
)
def test_what_cannot_be_searched_for(index: Index, query: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(BadQuery, match=said):
        index.search(query, **options)


def test_similar_takes_relative_and_absolute_paths(index: Index, tree: Path) -> None:
    near = index.similar("package0/module000.py", line=5, limit=3)
    assert len(near) == 3
    assert near == index.similar(tree / "package0" / "module000.py", line=5, limit=3)
    assert all((hit.path, hit.start_line) != ("package0/module000.py", 1) for hit in near)
    with pytest.raises(BadQuery, match="not in the index"):
        index.similar(tree.parent / "elsewhere.py", line=1)
    with pytest.raises(BadQuery, match=r"nope\.py"):
        index.similar("nope.py", line=1)


def test_index_answers_when_the_tree_is_gone(index: Index, tree: Path) -> None:
    before = answers(index)
    shutil.move(tree, tree.parent / "moved")
    with open_index(tree / "package0", WordHashEmbedder(), create=False) as gone:
        assert gone.under == "package0"
        assert [hit.path for hit in gone.search("retry", under=())] == [h.path for h in index.search("retry")]
        with pytest.raises(BadQuery, match="is gone"):
            gone.refresh()
        assert gone.counts() == index.counts()
    assert answers(index) == before


# -- status


def test_status_tells_what_is_stored(index: Index, tree: Path) -> None:
    (tree / "blob.bin").write_bytes(b"\0" * 10)
    index.refresh()
    status = index.status()
    counts = index.counts()
    assert (status.files, status.chunks, status.embedded, status.total) == (
        6,
        counts.chunks,
        counts.chunks,
        counts.chunks,
    )
    assert (status.model, status.fingerprint, status.dim) == ("WordHashEmbedder", "word-hash-1", 64)
    assert status.skipped == {"binary": 1}
    assert status.bytes == sum(file.stat().st_size for file in index.directory.iterdir())
    assert status.vector_index == "exact"
    assert status.last_refresh is not None
    assert status.complete


def test_status_before_the_first_refresh_promises_nothing(tree: Path) -> None:
    with open_index(tree) as index:
        status = index.status()
    assert (status.model, status.fingerprint, status.last_refresh) == ("embedded", "", None)
    assert not status.complete


def test_status_without_vectors_is_not_complete(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh(vectors=False)
        status = index.status()
    assert status.embedded == 0 < status.total
    assert not status.complete


# -- the model


def test_environment_names_the_default(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_MODEL", "no-such-model")
    with open_index(tree) as index:
        assert index.model == "no-such-model"
        with pytest.raises(ModelUnavailable, match="no-such-model"):
            index.refresh()
        assert index.search("retry", mode="lexical")  # the text was searchable before


def test_recorded_model_wins_over_the_environment(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_MODEL", "minilm")
    with open_index(index.root) as again:
        assert again.model == "WordHashEmbedder"


def test_shipped_model_is_taken_by_default_and_known_without_loading(tree: Path) -> None:
    with open_index(tree) as index:
        stats = index.refresh()
        status = index.status()
        assert stats.embedded == status.embedded == status.total > 0
        assert status.model == "embedded"
        assert status.backend in {"onnx", "mlx"}
        assert status.dtype
        assert status.fingerprint == Model("embedded").fingerprint == Model("embedded").load().fingerprint
        found = index.search("how many times is a socket retried", limit=3)
        assert "docs/retry.md" in {hit.path for hit in found}


def _pretend_older(index: Index, **changes: object) -> None:
    """Give the index's vectors another model's name."""
    with Store.open(index.directory) as store:
        record = recorded.read(store, ModelRecord)
        assert record is not None
        recorded.write(store, dataclasses.replace(record, stamp="old", **changes))


def test_new_version_of_the_shipped_model_embeds_again_and_says_so(tree: Path) -> None:
    with open_index(tree) as index:
        first = index.refresh()
        _pretend_older(index, fingerprint="0" * 32)
        with pytest.raises(ModelMismatch, match="embedded"):
            index.search("retry")
    with open_index(tree) as index:
        stats = index.refresh()
        assert stats.embedded + stats.from_cache == first.embedded
        assert any("shipped model has changed" in note for note in stats.notes)
        assert index.search("retry", mode="semantic")
        assert index.refresh().notes == ()


def test_another_named_model_is_refused(tree: Path) -> None:
    with open_index(tree) as index:
        index.refresh()
        _pretend_older(index, name="minilm", fingerprint="0" * 32)
    with open_index(tree, "embedded") as index, pytest.raises(ModelMismatch, match=r"minilm.*embedded"):
        index.refresh()


def test_rebuild_with_a_model_that_cannot_be_loaded_throws_nothing_away(index: Index) -> None:
    counts = index.counts()
    with open_index(index.root, "no-such-model") as other, pytest.raises(ModelUnavailable):
        other.refresh(rebuild=True)
    assert index.counts() == counts


def test_rebuild_changes_the_model_for_good(index: Index) -> None:
    with open_index(index.root, "embedded") as other:
        assert other.refresh(rebuild=True).embedded == other.counts().chunks
    with open_index(index.root) as again:
        assert again.model == "embedded"
        assert again.search("retry", mode="semantic")


def test_text_is_refreshed_without_the_model(index: Index, tree: Path) -> None:
    _pretend_older(index, name="no-such-model", named=True)
    (tree / "new.py").write_text("def entirely_new():\n    return 1\n")
    with open_index(tree) as again:
        assert again.refresh(vectors=False).files_added == 1
        assert again.search("entirely_new", limit=1, mode="lexical")[0].path == "new.py"
        with pytest.raises(ModelUnavailable):
            again.refresh()


class _Picky(WordHashEmbedder):
    """Refuses one text, as mlx_jinabert does, by its position in the call."""

    def encode_document(self, texts: list[str], /):
        from mlx_jinabert.errors import NonFinite

        if "bad" in texts:
            raise NonFinite(texts.index("bad"), "bad")
        return super().encode_document(texts)


def test_refused_texts_are_taken_out_of_their_batch() -> None:
    texts = ["bad", "good thing", "bad", "other"]
    encoded = encode_documents(_Picky(), texts)
    assert encoded.failed == (0, 2)
    assert_close(encoded.vectors[[0, 2]], [[0.0] * 64] * 2, atol=0, what="no vector")
    want = WordHashEmbedder().encode_document(["good thing", "other"])
    assert_close(encoded.vectors[[1, 3]], want, atol=1e-6, what="the others'")


def test_vectors_of_another_width_are_an_error() -> None:
    class Lying(WordHashEmbedder):
        def encode_document(self, texts: list[str], /):
            return super().encode_document(texts)[:, :10]

    with pytest.raises(CodesearchError, match=r"\(1, 10\).*\(1, 64\)"):
        encode_documents(Lying(), ["text"])


# -- what is loaded

_LIGHT = """
import sys
from codesearch import open_index
from pathlib import Path
root = Path(sys.argv[1])
with open_index(root) as index:
    assert index.refresh().files_reused == 6
    assert index.search("retry", mode="lexical")
    index.status()
    heavy = {"mlx", "onnxruntime", "tokenizers", "onnx", "hnswlib"} & sys.modules.keys()
    assert not heavy, heavy
    index.search("retry")
    assert {"onnxruntime", "mlx.core"} & sys.modules.keys()
"""


def test_opening_status_and_words_load_no_model(tree: Path) -> None:
    with open_index(tree) as index:
        index.refresh()
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT, str(tree)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_exported_names_are_the_contract() -> None:
    exported = {name: getattr(codesearch, name) for name in codesearch.__all__}
    assert exported["open_index"] is open_index
    assert exported["Index"] is Index
    assert {name for name in exported if isinstance(exported[name], type)} == set(exported) - {
        "open_index",
        "open_indexes",
    }
    with pytest.raises(AttributeError, match="nonsense"):
        codesearch.nonsense  # noqa: B018
