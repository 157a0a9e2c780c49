"""What the adapters give is what the models give, and what each framework does with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.adapters import hygrep, sentence_transformers
from tests.support.checkpoints import Checkpoint, write
from tests.support.running import checkpoint_folder, minilm, require

TEXTS = ["def read(path): return open(path).read()", "total = sum(prices)", "for i in range(3): ..."]
PROMPTS = {"query": "Represent the question: ", "document": "Represent the code: "}


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose queries and documents differ."""
    import json

    folder = write(tmp_path_factory.mktemp("prompted"), Checkpoint("code", heads=4, hidden=32))
    config = {"prompts": PROMPTS, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def model(prompted: Path) -> mlx_jinabert.Embedder:
    return mlx_jinabert.load(str(prompted))


@pytest.fixture(scope="module")
def ranker() -> str:
    return str(checkpoint_folder(Checkpoint("reranker", heads=12, hidden=48)))


def langchain(name: str) -> tuple[Callable, Callable]:
    require("langchain_core")
    from mlx_jinabert.adapters.langchain import JinabertEmbeddings

    adapter = JinabertEmbeddings(name)
    return adapter.embed_query, adapter.embed_documents


def llamaindex(name: str) -> tuple[Callable, Callable]:
    require("llama_index.core")
    from mlx_jinabert.adapters.llamaindex import JinabertEmbedding

    adapter = JinabertEmbedding(name)
    return adapter.get_query_embedding, adapter.get_text_embedding_batch


def haystack(name: str) -> tuple[Callable, Callable]:
    require("haystack")
    from haystack import Document

    from mlx_jinabert.adapters.haystack import JinabertDocumentEmbedder, JinabertTextEmbedder

    text = JinabertTextEmbedder.from_dict(JinabertTextEmbedder(name).to_dict())
    documents = JinabertDocumentEmbedder.from_dict(JinabertDocumentEmbedder(name).to_dict())

    def embed(texts: list[str]) -> list[list[float]]:
        found = documents.run([Document(content=each) for each in texts])["documents"]
        return [each.embedding for each in found]

    return lambda query: text.run(query)["embedding"], embed


def chroma(name: str) -> tuple[Callable, Callable]:
    require("chromadb")
    from mlx_jinabert.adapters.chroma import JinabertEmbeddingFunction

    made = JinabertEmbeddingFunction(name)
    adapter = JinabertEmbeddingFunction.build_from_config(made.get_config())
    return lambda query: adapter.embed_query([query])[0], adapter


def lancedb(name: str) -> tuple[Callable, Callable]:
    require("lancedb")
    from mlx_jinabert.adapters.lancedb import JinabertFunction

    adapter = JinabertFunction.create(name=name)
    return lambda query: adapter.compute_query_embeddings(query)[0], adapter.compute_source_embeddings


def hhg(name: str) -> tuple[Callable, Callable]:
    adapter = hygrep.Embedder(name, batch_size=2)
    assert adapter.batch_size == 2
    return adapter.embed_one, adapter.embed


def drop_in(name: str) -> tuple[Callable, Callable]:
    adapter = sentence_transformers.SentenceTransformer(name)
    assert adapter.get_sentence_embedding_dimension() == 32
    assert dict(adapter.prompts) == PROMPTS
    return adapter.encode_query, adapter.encode_document


@pytest.mark.parametrize("adapter", [langchain, llamaindex, haystack, chroma, lancedb, hhg, drop_in])
def test_queries_and_documents_have_their_prompts(
    adapter: Callable, prompted: Path, model: mlx_jinabert.Embedder
) -> None:
    query, documents = adapter(str(prompted))
    got = np.asarray(query(TEXTS[0]), np.float32)
    np.testing.assert_allclose(got, model.encode_query(TEXTS[0]), atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(documents(TEXTS), np.float32), model.encode_document(TEXTS), atol=1e-6
    )
    assert not np.allclose(got, model.encode_document(TEXTS[0]), atol=1e-3)


def test_hhg_itself_indexes_and_searches_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("hygrep")
    from hygrep import embedder as theirs
    from hygrep.semantic import SemanticIndex

    ours = hygrep.Embedder(str(minilm()))
    assert isinstance(ours, theirs.EmbedderProtocol)
    assert ours.embed_one("read a file").shape == (theirs.DIMENSIONS,)
    monkeypatch.setattr(theirs, "_global_embedder", ours)  # what its get_embedder gives from now on
    files = {str(tmp_path / f"{n}.py"): text + "\n" for n, text in enumerate(TEXTS)}
    for path, text in files.items():
        Path(path).write_text(text, encoding="utf-8")
    with SemanticIndex(tmp_path) as index:
        assert index.embedder is ours
        index.index(files)
        assert index.search("read a file", k=1)[0]["file"] == str(tmp_path / "0.py")


def test_langchain_compressor_keeps_the_best(ranker: str) -> None:
    require("langchain_core")
    from langchain_core.documents import Document

    from mlx_jinabert.adapters.langchain import JinabertReranker

    documents = [Document(page_content=text, metadata={"n": n}) for n, text in enumerate(TEXTS)]
    kept = JinabertReranker(model=ranker, top_n=2).compress_documents(documents, "read a file")
    want = mlx_jinabert.load_reranker(ranker).rank("read a file", TEXTS, top_k=2)
    assert [each.metadata["n"] for each in kept] == [row["corpus_id"] for row in want]
    assert [each.metadata["relevance_score"] for each in kept] == [row["score"] for row in want]
    assert all("relevance_score" not in each.metadata for each in documents)
    assert JinabertReranker(model=ranker).compress_documents([], "q") == []


def test_llamaindex_postprocessor_keeps_the_best(ranker: str) -> None:
    require("llama_index.core")
    from llama_index.core.schema import NodeWithScore, TextNode

    from mlx_jinabert.adapters.llamaindex import JinabertRerank

    nodes = [NodeWithScore(node=TextNode(text=text), score=0.0) for text in TEXTS]
    kept = JinabertRerank(model=ranker, top_n=2).postprocess_nodes(nodes, query_str="read a file")
    want = mlx_jinabert.load_reranker(ranker).rank("read a file", TEXTS, top_k=2)
    assert [(each.text, each.score) for each in kept] == [
        (TEXTS[row["corpus_id"]], row["score"]) for row in want
    ]


def test_haystack_ranker_in_a_pipeline(ranker: str) -> None:
    require("haystack")
    from haystack import Document, Pipeline

    from mlx_jinabert.adapters.haystack import JinabertRanker

    pipeline = Pipeline()
    pipeline.add_component("ranker", JinabertRanker(ranker, top_k=2))
    allowed = ["mlx_jinabert.adapters.haystack"]
    again = Pipeline.loads(pipeline.dumps(), allowed_modules=allowed)
    documents = [Document(content=text) for text in TEXTS]
    kept = again.run({"ranker": {"query": "read a file", "documents": documents}})["ranker"]["documents"]
    want = mlx_jinabert.load_reranker(ranker).rank("read a file", TEXTS, top_k=2)
    assert [(each.content, each.score) for each in kept] == [
        (TEXTS[row["corpus_id"]], row["score"]) for row in want
    ]


def test_chroma_opens_a_collection_again_with_its_function(tmp_path: Path) -> None:
    require("chromadb")
    import chromadb

    from mlx_jinabert.adapters.chroma import JinabertEmbeddingFunction

    client = chromadb.PersistentClient(str(tmp_path))
    collection = client.create_collection("code", embedding_function=JinabertEmbeddingFunction())
    collection.add(ids=["a", "b", "c"], documents=TEXTS)
    found = client.get_collection("code").query(query_texts=["read a file"], n_results=1)
    assert found["ids"] == [["a"]]
    model = mlx_jinabert.load("embedded")
    want = 1 - float(np.dot(model.encode_query("read a file"), model.encode_document(TEXTS[0])))
    assert found["distances"][0][0] == pytest.approx(want, abs=1e-4)  # cosine is its space


def test_mteb_runs_a_task_on_local_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("mteb", "torch")
    monkeypatch.setenv("MTEB_CACHE", str(tmp_path))
    import mteb

    from tests.mlx_jinabert.adapters.mteb_task import LocalCodeRetrieval

    adapter = sentence_transformers.SentenceTransformer("embedded")
    result = mteb.evaluate(
        adapter, LocalCodeRetrieval(), cache=None, show_progress_bar=False, co2_tracker=False
    )
    assert result.model_name == "mlx-jinabert/embedded"
    (task,) = result.task_results
    assert task.get_score() == pytest.approx(1.0)  # four questions, each with one obvious answer


def test_what_the_drop_in_cannot_do_is_refused() -> None:
    adapter = sentence_transformers.SentenceTransformer("embedded")
    with pytest.raises(ValueError, match="NumPy arrays"):
        adapter.encode("a", convert_to_tensor=True)
    with pytest.raises(ValueError, match="NumPy arrays"):
        adapter.encode("a", output_value="token_embeddings")
    vectors = adapter.encode(TEXTS)
    np.testing.assert_allclose(np.diag(adapter.similarity(vectors, vectors)), 1, atol=1e-6)
    np.testing.assert_allclose(adapter.similarity_pairwise(vectors, 2 * vectors), 1, atol=1e-6)
