"""The embedder's contract, on the shipped model and on all-MiniLM-L6-v2."""

from __future__ import annotations

import gc
import logging
import os
import re
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mlx_jinabert
from mlx_jinabert import Embedder, TooLong
from mlx_jinabert.local.backend import choose_dtype
from mlx_jinabert.text.tokenizer import TokenBatch
from mlx_jinabert.vectors.precision import as_precision
from tests.support.closeness import assert_close
from tests.support.folders import copy_of
from tests.support.running import minilm
from tests.support.waiting import PATIENCE, wait_for

TEXTS = ["def add(a, b): return a + b", "", "where are retries decided", "x" * 40, "🚀 世界", "a b c " * 30]


@cache
def _load(name: str | Path, **options: object) -> Embedder:
    return mlx_jinabert.load(name, **options)


@pytest.fixture(scope="module")
def model() -> Embedder:
    return _load("embedded", dtype="float32")


def test_a_list_gives_unit_rows_in_input_order(model: Embedder) -> None:
    vectors = model.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 256)
    assert vectors.dtype == np.float32
    assert_close(np.linalg.norm(vectors, axis=1), np.ones(len(TEXTS)), atol=1e-6, what="norm")
    assert_close(vectors, np.stack([model.encode(text) for text in TEXTS]), atol=2e-6, what="one by one")


def test_a_string_gives_one_vector_and_nothing_gives_no_rows(model: Embedder) -> None:
    assert model.encode("x").shape == (256,)
    assert model.encode([]).shape == (0, 256)
    assert model.encode([]).dtype == np.float32


def test_any_iterable_of_strings_will_do(model: Embedder) -> None:
    want = model.encode(["a", "b"])
    for texts in (("a", "b"), iter(["a", "b"]), np.array(["a", "b"])):
        assert_close(model.encode(texts), want, atol=0, what=type(texts).__name__)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", None], "text 1 must be a str, not NoneType"),
        (["a", ["b"]], "text 1 must be a str, not list"),
        (b"bytes", "texts must be a str or a list of str, not bytes"),
        ({"a": "b"}, "not dict"),
        (7, "not int"),
    ],
)
def test_what_is_no_text_is_a_type_error(model: Embedder, texts: object, message: str) -> None:
    for method in (model.encode, model.encode_query, model.encode_document, model.count_tokens):
        with pytest.raises(TypeError, match=message):
            method(texts)


def test_without_normalising_only_the_length_differs(model: Embedder) -> None:
    raw = model.encode(TEXTS, normalize_embeddings=False)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.abs(lengths - 1).min() > 0.1
    assert_close(raw / lengths, model.encode(TEXTS), atol=1e-6, what="direction")


def test_many_texts_in_small_batches_keep_their_order(model: Embedder) -> None:
    texts = [f"text {'a ' * (i % 23)}{i}" for i in range(120)]
    want = model.encode(texts, max_batch_tokens=32)
    assert_close(model.encode(texts[::-1])[::-1], want, atol=2e-6, what="reversed")


def test_windows_do_not_change_positions(model: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    want = model.encode(TEXTS)
    monkeypatch.setattr("mlx_jinabert.local.embedder.WINDOW", 2)
    assert_close(model.encode(TEXTS), want, atol=2e-6, what="in windows of two")
    with pytest.raises(TooLong) as caught:
        model.encode([*TEXTS, "x" + " x" * 599], truncation="error")
    assert caught.value.texts == (len(TEXTS),)


def test_texts_over_the_limit_are_reported_once(model: Embedder, caplog: pytest.LogCaptureFixture) -> None:
    long = "x" + " x" * 599
    with caplog.at_level(logging.WARNING, "mlx_jinabert"):
        cut = model.encode([long, "short", long])
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 3 texts were cut to the limit of 512 tokens (the longest has 602)"
    ]
    caplog.clear()
    assert_close(model.encode([long, "short", long], truncation="silent"), cut, atol=0, what="silent")
    told: list[Sequence[int]] = []
    assert_close(model.encode([long, "short", long], truncation=told.append), cut, atol=0, what="a function")
    model.encode(["short", "x" + " x" * 510], truncation=told.append)
    model.encode(["short", "x" + " x" * 509], truncation=told.append)
    assert told == [[0, 2], [1]]
    assert not caplog.records


def test_an_error_names_the_texts_that_are_too_long(model: Embedder) -> None:
    with pytest.raises(TooLong, match="text 1 has 602") as caught:
        model.encode(["short", "x" + " x" * 599], truncation="error")
    assert (caught.value.texts, caught.value.lengths, caught.value.max_length) == ((1,), (602,), 512)


def test_counting_has_special_tokens_but_neither_prompt_nor_limit(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "find: "}, "default_prompt_name": "query"}
    model = mlx_jinabert.load(copy_of("embedded", tmp_path, config_sentence_transformers=prompts))
    assert model.count_tokens(["", "x", "x" + " x" * 999]) == [2, 3, 1002]
    assert model.count_tokens("x") == [3]


def test_prompts_go_in_front_of_the_text(tmp_path: Path) -> None:
    prompts = {"query": "find: ", "passage": "code: ", "other": "other: "}
    record = {"prompts": prompts, "default_prompt_name": "other"}
    model = mlx_jinabert.load(copy_of("embedded", tmp_path, config_sentence_transformers=record))
    plain = {name: model.encode(f"{text}x", prompt="") for name, text in prompts.items()}
    assert model.prompts == prompts
    assert_close(model.encode("x"), plain["other"], atol=0, what="default")
    assert_close(model.encode_query("x"), plain["query"], atol=0, what="query")
    assert_close(model.encode_document(["x"])[0], plain["passage"], atol=0, what="document")
    assert_close(model.encode("x", prompt_name="query"), plain["query"], atol=0, what="by name")
    assert_close(model.encode_query("x", prompt="code: "), plain["passage"], atol=0, what="given")


def test_prompts_that_cannot_be_meant_are_errors(model: Embedder) -> None:
    with pytest.raises(ValueError, match="prompt or prompt_name, not both"):
        model.encode("x", prompt="a", prompt_name="b")
    with pytest.raises(ValueError, match="unknown prompt_name 'passage'; this model's prompts: query"):
        model.encode("x", prompt_name="passage")


def test_the_shipped_model_allows_every_prefix(model: Embedder) -> None:
    whole = model.encode(TEXTS)[:, :64]
    want = whole / np.linalg.norm(whole, axis=1, keepdims=True)
    assert_close(model.encode(TEXTS, truncate_dim=64), want, atol=1e-6, what="per call")
    short = mlx_jinabert.load("embedded", dtype="float32", truncate_dim=64)
    assert short.dim == 64
    assert_close(short.encode(TEXTS), want, atol=1e-6, what="for the model")
    assert short.encode([]).shape == (0, 64)


def test_a_model_that_was_not_trained_for_it_is_not_cut() -> None:
    with pytest.raises(ValueError, match="384, as this model was not trained for shorter vectors"):
        mlx_jinabert.load(minilm(), truncate_dim=128)
    with pytest.raises(ValueError, match="truncate_dim"):
        _load(minilm()).encode("x", truncate_dim=128)
    assert _load(minilm()).encode("x", truncate_dim=384).shape == (384,)


def test_precisions(model: Embedder) -> None:
    """What ``precision.py`` makes of the vectors."""
    vectors = model.encode(TEXTS)
    for precision in ("int8", "uint8", "binary", "ubinary"):
        found = model.encode(TEXTS, precision=precision)
        assert found.dtype == as_precision(vectors, precision).dtype
        assert (found == as_precision(vectors, precision)).all()
    with pytest.raises(ValueError, match=r"precision.*unit length"):
        model.encode("x", precision="int8", normalize_embeddings=False)
    with pytest.raises(ValueError, match="100 bits are no whole bytes"):
        model.encode("x", precision="binary", truncate_dim=100)


@pytest.mark.parametrize("option", [{"precision": "float64"}, {"truncation": "cut"}])
def test_options_that_do_not_exist_are_named(model: Embedder, option: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(option))}.*{next(iter(option.values()))}"):
        model.encode("x", **option)


def test_the_length_limit_can_be_set_up_to_the_positions() -> None:
    assert mlx_jinabert.load("embedded", max_length=16).count_tokens("x" + " x" * 39) == [42]
    assert_close(
        mlx_jinabert.load("embedded", max_length=16).encode("x " * 40, truncation="silent"),
        _load("embedded").encode("x " * 13 + "x"),
        atol=2e-6,
        what="cut at 16",
    )
    with pytest.raises(ValueError, match=r"max_length.*1 to 512 tokens"):
        mlx_jinabert.load(minilm(), max_length=513)


def test_threads_share_a_model(model: Embedder) -> None:
    want = model.encode(TEXTS)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(model.encode(TEXTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for vectors in found:
        assert_close(vectors, want, atol=0, what="in a thread")


@pytest.mark.parametrize(
    ("dtype", "backend", "name", "want"),
    [
        ("auto", "onnx", "embedded", "int8"),
        ("auto", "onnx", "minilm folder", "float32"),
        ("float32", "onnx", "embedded", "float32"),
        ("auto", "mlx", "embedded", "auto"),
    ],
)
def test_what_auto_computes_in(dtype: str, backend: str, name: str, want: str) -> None:
    folder = _load("embedded" if name == "embedded" else minilm()).folder
    assert choose_dtype(dtype, backend, folder) == want


def test_the_model_says_what_it_is() -> None:
    model = _load(minilm(), backend="onnx")
    assert (model.backend, model.device, model.dtype) == ("onnx", "cpu", "float32")
    assert (model.dim, model.max_length, model.model_id) == (384, 256, str(minilm().resolve()))
    assert dict(model.prompts) == {}


def test_a_bar_is_drawn_on_stderr_when_asked_for(
    model: Embedder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich draws bars on terminals alone
    model.encode(TEXTS)
    assert capfd.readouterr() == ("", "")
    model.encode(TEXTS, show_progress_bar=True)
    out, bar = capfd.readouterr()
    assert out == ""
    assert "embedding" in bar
    assert f"{len(TEXTS)}/{len(TEXTS)}" in bar


def _script(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("backend", "said"), [("onnx", "same\n"), ("mlx", "BackendUnavailable\n")])
def test_after_a_fork_the_child_embeds_or_says_why_not(backend: str, said: str) -> None:
    pytest.importorskip({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    done = _script(f"""
        import os, sys, warnings
        import mlx_jinabert
        warnings.simplefilter("ignore")
        model = mlx_jinabert.load("embedded", backend={backend!r})
        want = model.encode(["x"])
        child = os.fork()
        if child:
            status = os.waitpid(child, 0)[1]
            assert (model.encode(["x"]) == want).all()
            sys.exit(status)
        try:
            said = "same" if abs(model.encode(["x"]) - want).max() < 1e-6 else "other"
        except mlx_jinabert.BackendUnavailable as error:
            said = type(error).__name__
        print(said, flush=True)
        os._exit(0)  # as multiprocessing does
    """)
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


def test_a_model_in_use_does_not_keep_the_interpreter_from_exiting() -> None:
    done = _script("""
        import atexit, threading
        def late():
            try:
                model.encode("x")
            except mlx_jinabert.BackendUnavailable as error:
                print("late:", "before the interpreter exits" in str(error))
        atexit.register(late)
        import mlx_jinabert
        model = mlx_jinabert.load("embedded")
        threading.Thread(target=lambda: [model.encode("x") for _ in range(99)], daemon=True).start()
    """)
    assert (done.stdout, done.returncode) == ("late: True\n", 0)


def test_a_model_that_is_not_needed_any_more_goes_and_leaves_its_thread_to_the_next() -> None:
    def running() -> int:
        return sum(thread.name == "mlx-jinabert" for thread in threading.enumerate())

    before = running()
    for _ in range(3):
        model = mlx_jinabert.load("embedded")
        model.encode("x")
        backend = weakref.ref(model._owner._backend)
        del model
        gc.collect()
        wait_for(lambda: backend() is None)  # noqa: B023
    assert running() <= before + 1


@pytest.mark.parametrize(("backend", "module"), [("onnx", "onnxruntime"), ("mlx", "mlx.core")])
def test_a_program_that_lets_go_of_its_model_ends_in_peace(backend: str, module: str) -> None:
    """The model is garbage in its own thread, at the moment when the interpreter exits."""
    pytest.importorskip(module)
    for _ in range(3):
        done = _script(f"""
            import mlx_jinabert
            def embed():
                mlx_jinabert.load("embedded", backend={backend!r})
            embed()
        """)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_lets_go_of_a_model_and_opens_another() -> None:
    done = _script("""
        import os, sys, warnings
        import mlx_jinabert
        warnings.simplefilter("ignore")
        model = mlx_jinabert.load("embedded", backend="onnx")
        child = os.fork()
        if child:
            sys.exit(os.waitpid(child, 0)[1])
        del model
        print(mlx_jinabert.load("embedded", backend="onnx").encode(["x"]).shape, flush=True)
        os._exit(0)
    """)
    assert (done.stdout, done.returncode) == ("(1, 256)\n", 0)


def test_brief_batches_are_computed_where_they_are_asked_for() -> None:
    pytest.importorskip("onnxruntime")
    model = mlx_jinabert.load("embedded", backend="onnx")
    words = sorted(set(re.findall(r"[a-z]{4,}", Path(__file__).read_text("utf-8"))))
    long, brief = " ".join(words[:300]), [f"retry {number} times" for number in range(30)]
    want = {text: vector for text in (long, *brief) for vector in (model.encode(text),)}
    computed: dict[str, set[str]] = {}
    backend, embed = model._owner._backend, type(model._owner._backend).embed

    def watched(batch: TokenBatch) -> NDArray[np.float32]:
        kind = "brief" if batch.ids.size <= backend.brief_tokens else "long"
        computed.setdefault(kind, set()).add(threading.current_thread().name)
        return embed(backend, batch)

    backend.embed = watched
    with ThreadPoolExecutor(4, thread_name_prefix="asking") as pool:
        for text, found in zip(brief * 9, pool.map(model.encode, brief * 9), strict=True):
            np.testing.assert_array_equal(found, want[text])
        model.encode([long] * 4)
    daemon = threading.Thread(target=model.encode, args=("x",), name="daemon", daemon=True)
    daemon.start()
    daemon.join()
    assert {name.split("_")[0] for name in computed["brief"]} == {"asking", "mlx-jinabert"}
    assert computed["long"] == {"mlx-jinabert"}
