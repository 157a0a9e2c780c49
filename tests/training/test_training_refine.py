"""A model taught further: what is written was trained, words stay, near pairs meet, a cut run goes on."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

import mlx_jinabert
from mlx_jinabert.loading.embedding import load_local
from tests.support.closeness import assert_close

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from training.data.encoded import Pairs, encode  # noqa: E402
from training.foreign.words import TABLE  # noqa: E402
from training.refine.bank import Bank  # noqa: E402
from training.refine.drawing import NearBlocks, left_out  # noqa: E402
from training.refine.lessons import Lessons, Pace  # noqa: E402
from training.refine.prompted import LETTERS, Prompted  # noqa: E402
from training.refine.writing import write_folder  # noqa: E402

SHIPPED = Path(mlx_jinabert.__file__).parent / "embedded"
VERBS = ("open", "close", "read", "write", "delete", "copy", "move", "parse")
THINGS = ("file", "socket", "user", "token", "image", "table", "page", "queue")
WIDTH = 256


def texts_of(repository: int) -> list[tuple[str, str]]:
    """Questions with functions that no model takes for their answers before it has learnt to."""
    other = dict(zip(THINGS, (*THINGS[1:], THINGS[0]), strict=True))
    return [
        (f"{verb} a {thing}", f"def {verb}_{other[thing]}(self, n={repository}):\n    return self.{verb}(n)")
        for verb, thing in itertools.product(VERBS, THINGS)
    ]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [text for repository in range(3) for _, text in texts_of(repository)]


@pytest.fixture(scope="module")
def pairs(texts: list[str]) -> Pairs:
    """Three repositories of 64 pairs; every second pair is of the second kind."""
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    count = len(texts)
    each = np.arange(count, dtype=np.int32)
    questions = [question for repository in range(3) for question, _ in texts_of(repository)]
    return Pairs(
        queries=encode(tokenizer, questions, 16),
        texts=encode(tokenizer, texts, 64),
        text=each,
        kind=each % 2,
        language=np.zeros(count, np.int32),
        repository=each // 64,
        file=each,
        chunk=each,
    )


def moved(model: Prompted) -> Prompted:
    """Every trained number changed, then rounded to what a folder keeps."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in (model.rows, *model.layers.parameters()):
            parameter.add_(torch.randn_like(parameter) * 0.02)
            parameter.copy_(parameter.half().float())
    return model


@pytest.fixture(scope="module")
def unprompted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model before it had a prompt."""
    folder = tmp_path_factory.mktemp("unprompted") / "model"
    shutil.copytree(SHIPPED, folder)
    described = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    words = described["model"]["vocab"]
    for letter in LETTERS:
        words.pop(letter, None)
    (folder / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    state = load_file(folder / "model.safetensors")
    state[TABLE] = state[TABLE][: len(words)].contiguous()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def ids_of(questions: list[str]) -> list[NDArray[np.int64]]:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    return [np.array(each.ids) for each in tokenizer.encode_batch(questions)]


def test_the_library_asks_and_reads_as_the_trained_model(tmp_path: Path, unprompted: Path) -> None:
    model = moved(Prompted(unprompted, tokens=3))
    write_folder(unprompted, model, tmp_path / "out")
    embedder = load_local(tmp_path / "out", backend="onnx", dtype="float32")
    said = ["open a file", "where is the token read before a socket is closed?", "x"]
    with torch.no_grad():
        asked, read = model.asked(ids_of(said)).numpy(), model.read(ids_of(said)).numpy()
    # The layers were computed in bfloat16 here.
    assert_close(embedder.encode_query(said), asked, atol=0.01, what="questions")
    assert_close(embedder.encode_document(said), read, atol=0.01, what="texts")
    assert (asked * read).sum(1).max() < 0.999


def test_words_and_their_tokens_stay(tmp_path: Path, unprompted: Path) -> None:
    write_folder(unprompted, moved(Prompted(unprompted, tokens=2)), tmp_path / "out")
    before, after = (
        load_file(folder / "model.safetensors")[TABLE] for folder in (unprompted, tmp_path / "out")
    )
    assert torch.equal(after[: len(before)], before)
    assert len(after) == len(before) + 2
    assert json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))["vocab_size"] == len(after)
    said = [*Path(mlx_jinabert.__file__).parent.glob("*.py"), Path(__file__)]
    read = [path.read_text("utf-8") for path in said]
    old, new = (
        Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in (unprompted, tmp_path / "out")
    )
    assert [each.ids for each in old.encode_batch(read)] == [each.ids for each in new.encode_batch(read)]


def test_a_prompt_that_is_there_goes_on(tmp_path: Path, unprompted: Path) -> None:
    first = moved(Prompted(unprompted, tokens=3))
    write_folder(unprompted, first, tmp_path / "first")
    second = Prompted(tmp_path / "first", tokens=2)
    assert torch.equal(second.rows, first.rows)
    moved(second)
    write_folder(tmp_path / "first", second, tmp_path / "second")
    files = ("tokenizer.json", "config.json", "config_sentence_transformers.json")
    for name in files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    embedder = load_local(tmp_path / "second", backend="onnx", dtype="float32")
    with torch.no_grad():
        asked = second.asked(ids_of(["open a file"])).numpy()
    assert_close(embedder.encode_query(["open a file"]), asked, atol=0.01, what="a question")


def test_blocks_are_of_one_repository_and_half_of_them_near(pairs: Pairs) -> None:
    dice = np.random.default_rng(0)
    vectors = dice.normal(size=(len(pairs.texts), WIDTH)).astype(np.float16)
    blocks = NearBlocks(pairs, {0: 1.0, 1: 0.0}, count=4, block=16, without=[1])
    drawn = [block for step in range(20) for block in blocks.at(step, vectors)]
    assert {len(block) for block in drawn} == {16}
    assert all(len(set(pairs.repository[block])) == 1 for block in drawn)
    assert {int(pairs.repository[block[0]]) for block in drawn} == {0, 2}
    assert {int(kind) for block in drawn for kind in pairs.kind[block]} == {0}
    again = [block for step in range(20) for block in blocks.at(step, vectors)]
    assert all((a == b).all() for a, b in zip(drawn, again, strict=True))


def test_the_second_half_of_a_block_is_near_to_its_first_pair(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.refine.drawing._NEAR", 12)
    dice = np.random.default_rng(0)
    vectors = dice.normal(size=(len(pairs.texts), WIDTH)).astype(np.float16)
    blocks = NearBlocks(pairs, {0: 1.0, 1: 1.0}, count=1, block=16)
    for step in range(10):
        (block,) = blocks.at(step, vectors)
        rows = np.flatnonzero(pairs.repository == pairs.repository[block[0]])
        nearness = vectors[rows].astype(np.float32) @ vectors[block[0]].astype(np.float32)
        nearest = set(rows[np.argsort(-nearness)[:12]].tolist())
        assert set(block[8:].tolist()) <= nearest
        assert len(set(block[8:].tolist())) == 8
        assert not set(block[:8].tolist()) <= nearest


def test_repositories_that_are_left_out_are_large_and_the_same_in_every_run(pairs: Pairs) -> None:
    repository = np.repeat(np.arange(8), [301, 300, 500, 900, 10, 400, 301, 301]).astype(np.int32)
    many = Pairs(**{name: getattr(pairs, name) for name in Pairs.__slots__} | {"repository": repository})
    chosen = left_out(many, 3)
    assert len(chosen) == 3
    assert set(chosen.tolist()) <= {0, 2, 3, 5, 6, 7}
    assert chosen.tolist() == left_out(many, 3).tolist()


def test_the_bank_is_computed_once_and_takes_what_steps_compute(
    tmp_path: Path, texts: list[str], pairs: Pairs
) -> None:
    bank = Bank(tmp_path / "bank", SHIPPED, texts, pairs, seed=1)
    wanted = load_local(SHIPPED, backend="onnx", dtype="int8").encode_document(texts)
    assert_close(bank.vectors, wanted, atol=1e-3, what="bank")
    (part,) = (tmp_path / "bank").iterdir()
    np.save(part, np.full((len(texts), WIDTH), 0.5, np.float16))
    kept = Bank(tmp_path / "bank", SHIPPED, texts, pairs, seed=1)
    assert (kept.vectors == 0.5).all()
    kept.put(np.array([3, 5]), np.zeros((2, WIDTH), np.float32))
    assert np.flatnonzero((kept.vectors == 0).all(1)).tolist() == [3, 5]


def test_a_pool_is_of_one_repository_and_holds_the_texts_of_its_step(
    tmp_path: Path, texts: list[str], pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.refine.bank._ASKED", 10)
    bank = Bank(tmp_path / "bank", SHIPPED, texts, pairs, seed=1)
    own = pairs.text[[70, 64, 70]]
    pool = bank.pool(1, own, step=0)
    assert {64, 70} <= set(pool.tolist())
    assert (np.diff(pool) > 0).all()
    assert set(pairs.repository[pool]) == {1}
    assert 10 <= len(pool) <= 12
    assert pool.tolist() != bank.pool(1, own, step=1).tolist()


def test_lessons_bring_questions_to_their_texts_and_go_on_where_they_were_cut(
    tmp_path: Path, unprompted: Path, texts: list[str], pairs: Pairs
) -> None:
    model = Prompted(unprompted, tokens=2)
    bank = Bank(tmp_path / "bank", SHIPPED, texts, pairs, seed=1)
    blocks = NearBlocks(pairs, {0: 1.0, 1: 1.0}, count=1, block=16)
    words = model.student.embeddings.word_embeddings.weight.detach().clone()
    pace = Pace(steps=24)
    Lessons(tmp_path, model, pairs, loose=(), blocks=blocks, bank=bank, pace=pace).go(every=8)
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in curve] == [8, 16, 24]
    assert curve[-1]["among_all"] < 0.8 * curve[0]["among_all"]
    assert curve[-1]["among_pairs"] < 0.8 * curve[0]["among_pairs"]
    assert torch.equal(model.student.embeddings.word_embeddings.weight, words)

    taken_up = Prompted(unprompted, tokens=2)
    longer = Pace(steps=26)
    lessons = Lessons(tmp_path, taken_up, pairs, loose=(), blocks=blocks, bank=bank, pace=longer)
    assert torch.equal(taken_up.rows, model.rows)
    for name, tensor in model.layers.state_dict().items():
        assert torch.equal(taken_up.layers.state_dict()[name], tensor), name
    lessons.go(every=8)
    last = (tmp_path / "curve.jsonl").read_text("utf-8").splitlines()[-1]
    assert json.loads(last)["step"] == 26
    assert not torch.equal(taken_up.rows, model.rows)
