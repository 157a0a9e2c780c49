"""What is particular to Qwen2 and Qwen3: a stated mask, end tokens, prompts, shorter vectors, long texts."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

import mlx_jinabert
from mlx_jinabert import ModelFolderError, UnsupportedConfig
from mlx_jinabert.catalog import available_models
from mlx_jinabert.checkpoint.folder import read_folder
from mlx_jinabert.checkpoint.sentence_files import EndToken
from mlx_jinabert.local.spec import read_spec
from mlx_jinabert.text.tokenizer import Tokenizer
from mlx_jinabert.vectors.matryoshka import check_dim
from tests.support.checkpoints import Checkpoint, write
from tests.support.closeness import assert_close
from tests.support.converting import run as convert
from tests.support.layouts.qwen import CHAT_END, END
from tests.support.running import checkpoint_folder, embed, open_model, random_ids

QWEN2 = Checkpoint("qwen2", heads=4, hidden=32, pooling="last")
QWEN3 = Checkpoint("qwen3", heads=4, hidden=32, head_dim=16, pooling="last")
GEMMA2 = Checkpoint("gemma2", heads=4, hidden=32, head_dim=16, pooling="last")


@pytest.mark.parametrize("backend", ["mlx", "onnx"])
def test_the_caller_states_the_mask(backend: str) -> None:
    load = partial(mlx_jinabert.load, checkpoint_folder(QWEN2), backend=backend)
    causal, both_ways = load(), load(config_overrides={"is_causal": False})
    stated = mlx_jinabert.load(checkpoint_folder(QWEN2.but(config=(("is_causal", False),))), backend=backend)
    text = "def add(a, b): return a + b"
    assert_close(both_ways.encode(text), stated.encode(text), atol=1e-6, what="stated by the caller")
    assert causal.encode(text) @ both_ways.encode(text) < 0.999
    assert causal.fingerprint != both_ways.fingerprint == stated.fingerprint
    assert load(config_overrides={"rope_theta": 1e6}).fingerprint == causal.fingerprint


def test_what_nobody_states_of_a_catalogued_model_has_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = read_folder(
        checkpoint_folder(QWEN2), model_id="qodo", origin="alias", entry=available_models()["qodo-1.5b"]
    )
    monkeypatch.setattr("mlx_jinabert.local.spec.resolve", lambda name, revision: folder)
    with pytest.raises(UnsupportedConfig, match=r"is_causal.*not published.*config_overrides"):
        read_spec("qodo-1.5b")
    source = read_spec("qodo-1.5b", config_overrides={"is_causal": True})
    assert source.architecture.is_causal
    assert source.folder.end_token == EndToken(END, stated=True)


def ids_of(checkpoint: Checkpoint, text: str, end: EndToken | None, limit: int = 99) -> list[int]:
    return (
        Tokenizer(checkpoint_folder(checkpoint) / "tokenizer.json", limit, end).encode([text]).ids[0].tolist()
    )


@pytest.mark.parametrize("closed", [True, False], ids=["by the file", "by us"])
def test_texts_end_with_the_end_token_also_when_cut(closed: bool) -> None:
    checkpoint = QWEN3.but(closed=closed)
    whole = ids_of(checkpoint, "a text of some length", EndToken(END, stated=True))
    assert len(whole) == 22
    assert [position for position, token in enumerate(whole) if token == 0] == [21]
    assert ids_of(checkpoint, "a text of some length", EndToken(END, stated=True), 9) == [*whole[:8], 0]
    assert ids_of(checkpoint, "", EndToken(END, stated=True)) == [0]
    tokenizer = Tokenizer(checkpoint_folder(checkpoint) / "tokenizer.json", 9, EndToken(END, stated=True))
    assert tokenizer.count(["a text", ""]) == [7, 1] == list(tokenizer.encode(["a text", ""]).lengths)


def test_a_file_that_closes_with_another_token_is_refused_where_the_end_is_known() -> None:
    with pytest.raises(
        ModelFolderError, match=r"closes texts with '<\|endoftext\|>', expected '<\|im_end\|>'"
    ):
        ids_of(QWEN3, "x", EndToken(CHAT_END, stated=True))
    assert ids_of(QWEN3, "x", EndToken(CHAT_END, stated=False))[-1] == 0
    with pytest.raises(ModelFolderError, match=r"no token '</s>'"):
        ids_of(QWEN3, "x", EndToken("</s>", stated=True))


@pytest.mark.parametrize(
    ("tokenizer_config", "override", "last"),
    [
        ({}, {}, "x"),
        ({"add_eos_token": True, "eos_token": END}, {}, 0),
        ({"add_eos_token": True, "eos_token": {"content": END}}, {}, 0),
        ({"add_eos_token": True, "eos_token": END}, {"append_token": False}, "x"),
        ({"add_eos_token": False, "eos_token": END}, {"append_token": True}, 0),
        ({"add_eos_token": False}, {"append_token": CHAT_END}, 2),
    ],
)
def test_where_the_end_token_comes_from(
    tmp_path: Path, tokenizer_config: dict[str, object], override: dict[str, object], last: object
) -> None:
    folder = write(tmp_path, QWEN2.but(closed=False))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 64, **tokenizer_config}))
    source = read_spec(folder, config_overrides=override)
    ids = Tokenizer(source.folder.tokenizer, 64, source.folder.end_token).encode(["x"]).ids[0]
    assert ids[-1] == (ids_of(QWEN2, "x", None)[0] if last == "x" else last)
    assert (source.fingerprint == read_spec(folder).fingerprint) == (not override)


def test_the_end_token_reaches_the_model() -> None:
    load = partial(mlx_jinabert.load, backend="onnx")
    by_the_file = load(checkpoint_folder(QWEN2))
    by_us = load(checkpoint_folder(QWEN2.but(closed=False)), config_overrides={"append_token": END})
    assert_close(by_us.encode(["x", ""]), by_the_file.encode(["x", ""]), atol=0, what="appended")


@pytest.mark.parametrize(
    ("checkpoint", "override", "told"),
    [
        (QWEN2, {}, False),
        (QWEN2.but(closed=False), {}, True),
        (QWEN2.but(closed=False), {"append_token": True}, False),
        (QWEN2.but(closed=False), {"append_token": False}, False),
        (QWEN2.but(closed=False, pooling="mean"), {}, False),
    ],
)
def test_texts_that_end_with_nothing_are_told(
    checkpoint: Checkpoint, override: dict[str, object], told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    mlx_jinabert.load(checkpoint_folder(checkpoint), backend="onnx", config_overrides=override)
    assert ("append_token" in caplog.text) == told


def test_a_finished_graph_is_not_overridden(tmp_path: Path) -> None:
    assert convert(checkpoint_folder(QWEN2), "--out", tmp_path / "m", "--to", "onnx").code == 0
    assert read_spec(tmp_path / "m", config_overrides={"append_token": END}).folder.end_token is not None
    with pytest.raises(ModelFolderError, match=r"config_overrides change is_causal.*built with"):
        read_spec(tmp_path / "m", config_overrides={"is_causal": False})


def test_a_conversion_states_the_mask(tmp_path: Path) -> None:
    code = ("auto_map", {"AutoModel": "modeling_qwen.Qwen2Model"})
    source = write(tmp_path / "source", QWEN2.but(closed=False, config=(code,)))
    refused = convert(source, "--out", tmp_path / "m")
    assert (refused.code, "--set is_causal=" in refused.err) == (2, True)
    for target in ("mlx", "onnx"):
        out = tmp_path / target
        done = convert(
            source, "--out", out, "--to", target, "--set", "is_causal=false", "--set", f"append_token={END}"
        )
        assert done.code == 0, done.err
        override = {"is_causal": False, "append_token": END}
        want = mlx_jinabert.load(source, backend="onnx", config_overrides=override)
        got = mlx_jinabert.load(out, backend="onnx")
        assert_close(got.encode("x = 1"), want.encode("x = 1"), atol=1e-6, what=target)
        assert got.fingerprint == want.fingerprint
    assert convert(source, "--out", tmp_path / "m", "--set", "rope_theta=1").code == 2


def test_a_converted_model_keeps_what_the_catalog_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = checkpoint_folder(QWEN3.but(closed=False))
    folder = read_folder(path, model_id="qwen3-0.6b", origin="alias", entry=available_models()["qwen3-0.6b"])
    monkeypatch.setattr("conversion.convert.resolve", lambda *name: folder)
    assert convert("qwen3-0.6b", "--out", tmp_path / "m").code == 0
    converted = read_spec(tmp_path / "m").folder
    assert (converted.end_token, converted.config["is_causal"]) == (EndToken(END, stated=True), True)
    assert converted.prompts == available_models()["qwen3-0.6b"].prompts


WEB = "Given a web search query, retrieve relevant"
QUERY_PROMPTS = {
    "jina-code-0.5b": "Find the most relevant code snippet given the following query:\n",
    "qwen3-0.6b": f"Instruct: {WEB} passages that answer the query\nQuery:",
    "f2llm-v2-80m": "Instruct: Given a question, retrieve passages that can help answer the question.\n"
    "Query: ",
    "swerank-large": "Instruct: Given a github issue, identify the code that needs to be changed to fix the "
    "issue.\nQuery: ",
    "nomic-embed-code": "Represent this query for searching relevant code: ",
    "bge-code": f"<instruct>{WEB} code that can help answer the query.\n<query>",
    "qodo-1.5b": "",
}


@pytest.mark.parametrize("alias", QUERY_PROMPTS)
def test_prompts_are_put_before_the_text_to_the_character(
    monkeypatch: pytest.MonkeyPatch, alias: str
) -> None:
    query, document = QUERY_PROMPTS[alias], "Candidate code snippet:\n" if "jina" in alias else ""
    folder = read_folder(
        checkpoint_folder(QWEN2), model_id=alias, origin="alias", entry=available_models()[alias]
    )
    monkeypatch.setattr("mlx_jinabert.local.spec.resolve", lambda name, revision: folder)
    model = mlx_jinabert.load(alias, backend="onnx", dtype="float32", config_overrides={"is_causal": True})
    texts = ["retry", "f(x)"]
    for got, prompt in ((model.encode_query(texts), query), (model.encode_document(texts), document)):
        want = model.encode([prompt + text for text in texts], prompt="")
        assert_close(got, want, atol=1e-6, what=f"{alias} {prompt!r}")
    for name, prompt in available_models()[alias].prompts.items():
        want = model.encode(prompt + "x", prompt="")
        assert_close(model.encode("x", prompt_name=name), want, atol=0, what=name)


JINA = {
    "nl2code": ("Find the most relevant code snippet given the following query:", "Candidate code snippet:"),
    "qa": ("Find the most relevant answer given the following question:", "Candidate answer:"),
    "code2code": (
        "Find an equivalent code snippet given the following code snippet:",
        "Candidate code snippet:",
    ),
    "code2nl": ("Find the most relevant comment given the following code snippet:", "Candidate comment:"),
    "code2completion": (
        "Find the most relevant completion given the following start of code snippet:",
        "Candidate completion:",
    ),
}


@pytest.mark.parametrize("alias", ["jina-code-0.5b", "jina-code-1.5b"])
def test_jina_s_tasks(alias: str) -> None:
    prompts = available_models()[alias].prompts
    for task, (query, document) in JINA.items():
        assert (prompts[f"{task}_query"], prompts[f"{task}_document"]) == (f"{query}\n", f"{document}\n")
    assert len(prompts) == 2 * len(JINA) + 2


@pytest.mark.parametrize(
    ("alias", "trained", "refused", "named"),
    [
        ("jina-code-0.5b", (64, 128, 256, 512), 100, "64 or 128 or 256 or 512 or 896"),
        ("jina-code-1.5b", (128, 256, 512, 1024), 64, "128 or 256 or 512 or 1024 or 1536"),
        ("qwen3-4b", (32, 100, 2559), 31, "32 to 2560"),
        ("qodo-7b", (3584,), 512, "3584, as this model was not trained"),
    ],
)
def test_vectors_are_cut_where_the_model_was_trained_for_it(
    alias: str, trained: tuple[int, ...], refused: int, named: str
) -> None:
    entry = available_models()[alias]
    assert [check_dim(dim, entry.dim, {}, entry) for dim in trained] == list(trained)
    with pytest.raises(ValueError, match=named.replace(" or ", ".*")):
        check_dim(refused, entry.dim, {}, entry)


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "both ways"])
@pytest.mark.parametrize("backend", ["mlx", "onnx"])
@pytest.mark.parametrize("decoder", [QWEN2, GEMMA2], ids=["qwen2", "gemma2"])
def test_tiles_of_attention_change_nothing(
    decoder: Checkpoint, backend: str, causal: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = checkpoint_folder(decoder.but(config=(("is_causal", causal),)))
    ids = random_ids((1, 50, 61), 512)
    whole = embed(open_model(folder, backend), ids)
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path))  # ONNX: the size is built into the graph
    module = {
        "mlx": "mlx_jinabert.architectures.shared.mlx.layers",
        "onnx": "mlx_jinabert.architectures.shared.onnx.tiles",
    }[backend]
    for rows in (1, 7):
        monkeypatch.setattr(f"{module}._TILE_ELEMENTS", rows * 3 * 4 * 61)
        monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / str(rows)))
        assert_close(embed(open_model(folder, backend), ids), whole, atol=2e-6, what=f"tiles of {rows}")


def test_long_texts_never_have_all_their_scores_in_memory() -> None:
    mx = pytest.importorskip("mlx.core")
    length = 4096
    model = open_model(checkpoint_folder(QWEN2.but(heads=1, kv_heads=1, hidden=8, layers=1)), "mlx")
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlx_jinabert.architectures.shared.mlx.layers._TILE_ELEMENTS", 1 << 20)
        embed(model, random_ids([length], 512))
    assert mx.get_peak_memory() - before < 4 * length * length / 2
