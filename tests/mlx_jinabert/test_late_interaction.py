"""Late interaction: vectors of tokens against PyTorch by PyLate's rules, MaxSim, and what is refused."""

from __future__ import annotations

import json
import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

import mlx_jinabert
from codesearch.models.reranker import Rerankers
from conversion.convert import Request, convert
from mlx_jinabert.errors import ModelFolderError, TooLong
from mlx_jinabert.local.late_interaction import LateInteractionModel, max_sim
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.late_interaction import write_late_interaction
from tests.support.running import BACKENDS, checkpoint_folder, require

MODERN = Checkpoint("modernbert", heads=4, hidden=64, layers=4, max_position=160)
BERT = Checkpoint("bert", heads=4, hidden=64, max_position=64)
QUERIES = ["where are retries decided", "x", "", "a long question " * 8, "naïve 🚀"]
DOCUMENTS = ["def retry(n):\n  return n - 1;", "x", "(.,!)", "y " * 90, "世界"]
EXPANDED = {"do_query_expansion": True, "attend_to_expansion_tokens": True}
SETTINGS = {
    "as LateOn": {"do_query_expansion": False, "query_length": 24, "document_length": 40},
    "expanded and seen": {**EXPANDED, "query_length": 24},
    "expanded, not seen": {"do_query_expansion": True, "query_length": 24},
    "without marks": {
        "query_prefix": "",
        "document_prefix": "",
        "do_query_expansion": False,
        "skiplist_words": [],
    },
}


@cache
def folder_of(name: str, checkpoint: Checkpoint = MODERN) -> Path:
    import tempfile

    return write_late_interaction(Path(tempfile.mkdtemp(prefix="late-")), checkpoint, **SETTINGS[name])


@cache
def loaded(name: str, backend: str, checkpoint: Checkpoint = MODERN) -> LateInteractionModel:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    return mlx_jinabert.load_late_interaction(folder_of(name, checkpoint), backend=backend, dtype="float32")


def reference(folder: Path, texts: list[str], *, is_query: bool) -> list[NDArray[np.float32]]:
    """PyLate's ``preprocess``, ``forward`` and ``encode``, one text at a time, in float64."""
    require("torch", "transformers")
    import string

    import torch
    from safetensors.torch import load_file
    from transformers import BertModel, ModernBertModel

    config = json.loads((folder / "config.json").read_text())
    own = json.loads((folder / "config_sentence_transformers.json").read_text())
    special = json.loads((folder / "tokenizer_config.json").read_text())
    kind = {"modernbert": ModernBertModel, "bert": BertModel}[config["model_type"]]
    model = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float64).eval()
    weight = load_file(folder / "1_Dense/model.safetensors")["linear.weight"].double()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    prefix = own.get("query_prefix", "[Q] ") if is_query else own.get("document_prefix", "[D] ")
    length = own.get("query_length", 32) if is_query else own.get("document_length", 180)
    expands = own.get("do_query_expansion", True) and is_query
    room = length - (1 if prefix else 0)
    tokenizer.enable_truncation(min(room, config["max_position_embeddings"] - (1 if prefix else 0)))
    words = own.get("skiplist_words", list(string.punctuation))
    skipped = [tokenizer.token_to_id(word) for word in words]
    skipped = [tokenizer.token_to_id(special["unk_token"]) if each is None else each for each in skipped]
    found = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        mask = [1] * len(ids)
        if expands:
            missing = room - len(ids)
            ids += [tokenizer.token_to_id(special["mask_token"])] * missing
            mask += [1 if own.get("attend_to_expansion_tokens", False) else 0] * missing
        if prefix:
            ids, mask = [ids[0], tokenizer.token_to_id(prefix), *ids[1:]], [1, 1, *mask[1:]]
        with torch.no_grad():
            hidden = model(
                input_ids=torch.tensor([ids]), attention_mask=torch.tensor([mask])
            ).last_hidden_state[0]
        rows = torch.nn.functional.normalize(hidden @ weight.T, dim=1).float().numpy()
        kept = np.ones(len(ids), bool) if is_query else ~np.isin(ids, skipped)
        found.append(rows[kept])
    return found


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("checkpoint", [MODERN, BERT], ids=lambda each: each.kind)
@pytest.mark.parametrize("name", SETTINGS)
def test_vectors_are_those_of_the_reference(name: str, checkpoint: Checkpoint, backend: str) -> None:
    folder, model = folder_of(name, checkpoint), loaded(name, backend, checkpoint)
    for is_query, texts in ((True, QUERIES), (False, DOCUMENTS)):
        want = reference(folder, texts, is_query=is_query)
        got = model.encode_query(texts) if is_query else model.encode_document(texts)
        assert [each.shape for each in got] == [each.shape for each in want]
        for ours, theirs, text in zip(got, want, texts, strict=True):
            assert_close(ours, theirs, atol=2e-5, what=f"{name}: {text!r}")


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(0, 4), st.integers(0, 9))
def test_max_sim_is_the_sum_of_the_best(lengths: list[int], tokens: int, seed: int) -> None:
    random = np.random.RandomState(seed)
    query = random.standard_normal((tokens, 3)).astype(np.float32)
    documents = [random.standard_normal((length, 3)).astype(np.float32) for length in lengths]
    want = [
        sum(max(float(q @ d) for d in document) for q in query) if len(document) else 0
        for document in documents
    ]
    assert_close(max_sim(query, documents), np.array(want, np.float32), atol=1e-5, what="MaxSim")


def test_scores_and_ranks_are_max_sim() -> None:
    model = loaded("as LateOn", "onnx")
    (query,), documents = model.encode_query(["retry"]), model.encode_document(DOCUMENTS)
    want = max_sim(query, documents)
    assert_close(model.predict([("retry", text) for text in DOCUMENTS]), want, atol=1e-5, what="pairs")
    assert model.predict(("retry", DOCUMENTS[0])).shape == ()
    ranked = model.rank("retry", DOCUMENTS, top_k=3)
    assert [each["corpus_id"] for each in ranked] == np.argsort(-want, kind="stable")[:3].tolist()


def test_a_text_has_the_same_vectors_in_any_company() -> None:
    model = loaded("as LateOn", "onnx")
    together = model.encode_document(DOCUMENTS, batch_size=3)
    for text, vectors in zip(DOCUMENTS, together, strict=True):
        assert_close(model.encode_document([text])[0], vectors, atol=1e-5, what=text)


def test_over_long_texts_are_told_of() -> None:
    model = loaded("as LateOn", "onnx")
    assert (model.dim, model.query_length, model.document_length) == (16, 24, 40)
    with pytest.raises(TooLong) as caught:
        model.encode_document(["x", "y " * 90], truncation="error")
    assert caught.value.texts == (1,)


@pytest.mark.parametrize("target", BACKENDS)
def test_a_conversion_keeps_marks_and_lengths(tmp_path: Path, target: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[target])
    done = convert(Request(str(folder_of("as LateOn")), target, tmp_path / "out"))
    model = mlx_jinabert.load_late_interaction(done.out, backend=target)
    for got, want in zip(
        model.encode_document(DOCUMENTS), loaded("as LateOn", target).encode_document(DOCUMENTS), strict=True
    ):
        assert_close(got, want, atol=2e-5, what="converted")


def test_each_loader_refuses_the_other_s_models() -> None:
    folder = folder_of("as LateOn")
    with pytest.raises(ModelFolderError, match="load_late_interaction"):
        mlx_jinabert.load(folder)
    with pytest.raises(ModelFolderError, match="load_late_interaction"):
        mlx_jinabert.load_reranker(folder)
    with pytest.raises(ModelFolderError, match=r"use mlx_jinabert\.load$"):
        mlx_jinabert.load_late_interaction(checkpoint_folder(MODERN))


def test_marks_that_are_no_tokens_are_named(tmp_path: Path) -> None:
    folder = write_late_interaction(tmp_path, MODERN, query_prefix="[QUERY] ")
    with pytest.raises(ModelFolderError, match=r"no token '\[QUERY\] '"):
        mlx_jinabert.load_late_interaction(folder)


def test_it_reranks_a_search_by_its_name() -> None:
    score = Rerankers().scorer(str(folder_of("as LateOn")))
    assert score is not None
    want = loaded("as LateOn", "onnx").predict([("retry", text) for text in DOCUMENTS])
    assert_close(score("retry", DOCUMENTS), want, atol=1e-4, what="through codesearch")


def test_it_is_loaded_again_from_a_pickle() -> None:
    model = loaded("as LateOn", "onnx")
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint
    assert_close(again.encode_query("x")[0], model.encode_query("x")[0], atol=0, what="pickled")
