"""Word vectors: MaxSim of a table of tokens against PyTorch's embeddings, and what is refused."""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.local import word_vectors
from mlx_jinabert.local.word_vectors import WordVectors
from tests.support.checkpoints import Checkpoint, write
from tests.support.running import require

QUERIES = ["how is a file downloaded", "getUserById", "naïve 世界 x_1", "the the the retry"]
TEXTS = [
    "def fetch_url(url): return requests.get(url)",
    "class User { int id; User getById(int id) {} }",
    "世界 naïve",
    "HTTPServerError42",
    "retry",
]


@cache
def vectors() -> WordVectors:
    return WordVectors.load()


def reference(query: str, text: str) -> float:
    """Word by word, through PyTorch's BertEmbeddings in float64, one cosine at a time."""
    require("torch", "transformers")
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig
    from transformers.models.bert.modeling_bert import BertEmbeddings

    weights = load_file(EMBEDDED / "model.safetensors")
    table = weights["embeddings.word_embeddings.weight"]
    config = BertConfig(
        vocab_size=len(table), hidden_size=table.shape[1], layer_norm_eps=1e-12, hidden_dropout_prob=0.0
    )
    embeddings = BertEmbeddings(config).double().eval()
    kept = {
        name.removeprefix("embeddings."): weight.double()
        for name, weight in weights.items()
        if name.startswith("embeddings.")
    }
    missing, unexpected = embeddings.load_state_dict(kept, strict=False)
    assert (missing, unexpected) == (["position_embeddings.weight"], [])
    torch.nn.init.zeros_(embeddings.position_embeddings.weight)  # ALiBi stands in the layers
    tokenizer = Tokenizer.from_file(str(EMBEDDED / "tokenizer.json"))
    unknown = tokenizer.token_to_id("<unk>")

    def rows(words: str) -> list[torch.Tensor]:
        ids = [
            token
            for word in re.findall(r"[^\W_]+", words)
            for token in tokenizer.encode(word, add_special_tokens=False).ids
            if token != unknown
        ]
        with torch.no_grad():
            return [embeddings(input_ids=torch.tensor([[token]]))[0, 0] for token in ids]

    asked, held = rows(query), rows(text)
    best = [max(float(torch.cosine_similarity(one, other, dim=0)) for other in held) for one in asked]
    return sum(best) / len(best)


@pytest.mark.parametrize("query", QUERIES)
def test_agrees_with_pytorch(query: str) -> None:
    expected = [reference(query, text) for text in TEXTS]
    # float16 rows: half a thousandth of the largest number of each
    np.testing.assert_allclose(vectors().likeness(query, TEXTS), expected, atol=5e-4)


def test_other_words_for_it_are_more_like_it_than_any_words() -> None:
    removed, sent = vectors().likeness("delete", ["remove, erase", "transmit"])
    assert removed > sent + 0.3


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_any_text_has_a_likeness(query: str, texts: list[str]) -> None:
    found = vectors().likeness(query, [*texts, query])
    assert found.shape == (len(texts) + 1,)
    assert np.isfinite(found).all()
    assert (found <= 1.001).all()
    itself = found[-1]
    assert itself == pytest.approx(1.0, abs=1e-3) or itself == 0.0  # of no known word
    alone = [vectors().likeness(query, [text])[0] for text in texts]
    np.testing.assert_allclose(found[:-1], alone, atol=1e-6)


@given(st.text(st.characters(codec="ascii")) | st.text())
def test_words_are_runs_of_letters_and_digits(text: str) -> None:
    assert word_vectors._words(text) == re.findall(r"[^\W_]+", text)


def test_every_finite_float16_is_widened_exactly() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    wide = word_vectors._widened(halves)
    assert wide.dtype == np.float32
    np.testing.assert_array_equal(wide.view(np.uint32), halves.astype(np.float32).view(np.uint32))


def test_a_tokenizer_that_fails_leaves_no_word_without_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = WordVectors.load()

    def fails(words: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shared._tokenizer, "known", fails)
        with pytest.raises(KeyboardInterrupt):
            shared.likeness(QUERIES[0], TEXTS)
    again, expected = (one.likeness(QUERIES[0], TEXTS) for one in (shared, vectors()))
    np.testing.assert_array_equal(again, expected)


def test_nothing_is_like_no_words() -> None:
    assert vectors().likeness("", ["word"]).tolist() == [0.0]
    assert vectors().likeness("word", ["", "(...)", "word"]).tolist() == pytest.approx(
        [0.0, 0.0, 1.0], abs=1e-3
    )
    assert vectors().likeness("word", []).shape == (0,)


def test_order_and_repetition_of_words_in_a_text_say_nothing() -> None:
    first, second = vectors().likeness("open a socket", ["socket open", "open open; open(socket)"])
    assert first == pytest.approx(second)


@pytest.mark.parametrize("bound", ["_KEPT", "_CHARACTERS"])
def test_what_was_kept_gives_what_is_new_does(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [WordVectors.load().likeness(query, TEXTS) for query in QUERIES]
    large = WordVectors.load()
    monkeypatch.setattr(word_vectors, bound, 3)
    small = WordVectors.load()
    for _ in range(3):
        for query, scores in zip(QUERIES, expected, strict=True):
            np.testing.assert_array_equal(small.likeness(query, TEXTS), scores)
            assert len(small._lexicon.number) <= 40  # those of one call, however many have been asked
            assert len(small._lexicon.texts) <= len(TEXTS) + 1
            monkeypatch.undo()
            np.testing.assert_array_equal(large.likeness(query, TEXTS), scores)
            monkeypatch.setattr(word_vectors, bound, 3)


def test_rows_stay_where_they_are_as_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [vectors().likeness(query, TEXTS) for query in QUERIES]
    monkeypatch.setattr(word_vectors, "_FEW_ROWS", 1)
    monkeypatch.setattr(word_vectors, "_AT_ONCE", 2)
    small = WordVectors.load()
    for _ in range(2):
        for query, scores in zip(QUERIES, expected, strict=True):
            np.testing.assert_array_equal(small.likeness(query, TEXTS), scores)
    assert len(small._rows) <= 2 * small._count


def test_products_of_any_number_of_rows_at_a_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [vectors().likeness(query, TEXTS) for query in QUERIES]
    for most in (1, 10_000, 1 << 30):
        monkeypatch.setattr(word_vectors, "_ONE_THREAD", most)
        found = [vectors().likeness(query, TEXTS) for query in QUERIES]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_threads_get_what_one_gets() -> None:
    shared, expected = WordVectors.load(), [vectors().likeness(query, TEXTS) for query in QUERIES]
    found: list[np.ndarray | None] = [None] * 8

    def ask(at: int) -> None:
        found[at] = shared.likeness(QUERIES[at % len(QUERIES)], TEXTS)

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, scores in enumerate(found):
        assert scores is not None
        np.testing.assert_array_equal(scores, expected[at % len(QUERIES)])


def test_a_checkpoint_without_such_embeddings_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, Checkpoint("modernbert", heads=4, hidden=64, layers=1, max_position=64))
    with pytest.raises(UnsupportedConfig, match=r"modernbert.*a tensor embeddings\.") as caught:
        WordVectors.load(tmp_path)
    assert str(tmp_path) in str(caught.value)
