"""The recipe of the shipped model: the library loads what it trains, and a cut run goes on unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import mlx_jinabert
from tests.support.closeness import assert_close

torch = pytest.importorskip("torch")

from training import export, tokenizer  # noqa: E402
from training.batches import Batches, also_right  # noqa: E402
from training.encoded import Pairs, encode  # noqa: E402
from training.losses import contrastive, matryoshka, relational  # noqa: E402
from training.run import Data, Run  # noqa: E402
from training.settings import Settings  # noqa: E402
from training.student import JinaBertStudent, Shape  # noqa: E402

WORDS = ("the", "get", "user", "by", "id", "parse", "http", "request", "##s", "file", "open", "close", "read")
KINDS = ("doc", "topic")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "tokenizer.json"
    tokenizer.build([*tokenizer.SPECIAL_TOKENS, *WORDS], path)
    return path


def student_of(seed: int, layers: int = 2) -> JinaBertStudent:
    torch.manual_seed(seed)
    size = len(tokenizer.SPECIAL_TOKENS) + len(WORDS)
    return JinaBertStudent(Shape(size, width=32, layers=layers, heads=4, feed_forward=48))


def shaken(student: JinaBertStudent) -> JinaBertStudent:
    """Every parameter moved, then rounded to what a checkpoint keeps."""
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
            parameter.copy_(parameter.half().float())
    return student


def pairs_of(path: Path, count: int) -> Pairs:
    rng = np.random.default_rng(0)
    built = Tokenizer.from_file(str(path))
    lines = [" ".join(rng.choice(WORDS[:6], rng.integers(2, 9))) for _ in range(2 * count)]
    columns = (rng.integers(0, n, count).astype(np.int32) for n in (2, 1, 2, 9))
    kind, language, repository, file = columns
    hashes = np.arange(count) // 2
    return Pairs(
        encode(built, lines[:count], 16),
        encode(built, lines[count:], 16),
        kind,
        language,
        repository,
        file,
        hashes,
    )


def test_what_is_written_is_what_was_trained(tmp_path: Path, words: Path) -> None:
    student = shaken(student_of(1))
    student.output_scale.data.fill_(1.0)
    export.write_folder(student, words, tmp_path / "model")
    texts = ["get user by id", "parse the HTTP requests", "openFile", "close " * 40]
    model = mlx_jinabert.load(str(tmp_path / "model"), backend="onnx", dtype="float32")
    side = encode(Tokenizer.from_file(str(words)), texts, 512)
    ids, mask = side.padded(np.arange(len(texts)), 1, 512)
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(student(torch.from_numpy(ids), torch.from_numpy(mask)), dim=-1)
    assert_close(model.encode(texts), wanted.numpy(), atol=2e-5, what="exported student")


def test_the_output_scale_is_folded_into_the_last_norm() -> None:
    student = shaken(student_of(2))
    written = export.tensors(student)
    last = student.encoder.layer[-1].layer_norm_2
    for name, parameter in (("weight", last.weight), ("bias", last.bias)):
        got = written[f"encoder.layer.1.layer_norm_2.{name}"]
        assert torch.equal(got, (parameter * student.output_scale).half())
    assert "output_scale" not in written


def test_a_fresh_student_is_the_bag_of_words_it_grew_from(words: Path) -> None:
    bag, grown = student_of(3, layers=0), student_of(4)
    grown.load_state_dict(bag.state_dict(), strict=False)
    side = pairs_of(words, 8).texts
    flat, starts = side.flat(np.arange(8))
    ids, mask = side.padded(np.arange(8), 1, 99)
    with torch.no_grad():
        as_bag = bag.bag(torch.from_numpy(flat), torch.from_numpy(starts))
        as_layers = grown(torch.from_numpy(ids), torch.from_numpy(mask))
    assert_close(as_layers.numpy(), as_bag.numpy(), atol=1e-5, what="identity")


@pytest.mark.parametrize("layers", [0, 2])
def test_a_run_that_was_cut_ends_as_if_it_had_not_been(tmp_path: Path, words: Path, layers: int) -> None:
    pairs = pairs_of(words, 64)
    teacher = np.random.default_rng(1).standard_normal((64, 7)).astype(np.float16)
    settings = Settings(steps=6, batch=16, rate=0.01, layers=layers, block=4, warm_up=2)
    data = Data(pairs, KINDS, teacher)
    whole, first, second = (student_of(5, layers) for _ in range(3))
    Run(tmp_path / "whole", data, whole, settings).go(every=2)
    cut = Run(tmp_path / "cut", data, first, settings)
    cut.go(every=2, until=4)
    Run(tmp_path / "cut", data, second, settings).go(every=2)
    assert_close(
        second.embeddings.table().detach().numpy(),
        whole.embeddings.table().detach().numpy(),
        atol=1e-6,
        what="table",
    )
    curve = [json.loads(line)["step"] for line in (tmp_path / "cut" / "curve.jsonl").read_text().splitlines()]
    assert curve == [2, 4, 6]


def test_identifiers_are_read_as_their_words(words: Path) -> None:
    built = Tokenizer.from_file(str(words))
    said = built.encode("getUserById(HTTPRequest) -> read_files;").tokens
    assert said == ["<s>", "get", "user", "by", "id", "http", "request", "read", "file", "##s", "</s>"]


def test_frequent_words_of_code_join_the_vocabulary() -> None:
    base = ["[UNK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"), "file"]
    counts = {"async": 900, "file": 500, "rare": 1}
    chosen = tokenizer.choose_vocabulary(base, counts, size=62)
    assert chosen[:5] == list(tokenizer.SPECIAL_TOKENS)
    assert {"async", "file", "a", "##a"} <= set(chosen)
    assert "rare" not in chosen


def test_a_batch_is_made_of_blocks_of_one_repository_and_of_wanted_kinds(words: Path) -> None:
    pairs = pairs_of(words, 200)
    batches = Batches(pairs, 32, 8, {0: 1.0, 1: 0.0}, seed=3)
    rows = batches.at(7)
    assert len(rows) == 32
    assert set(pairs.kind[rows]) == {0}
    assert all(len(set(block)) == 1 for block in pairs.repository[rows].reshape(-1, 8))
    assert np.array_equal(rows, Batches(pairs, 32, 8, {0: 1.0, 1: 0.0}, seed=3).at(7))
    assert not np.array_equal(rows, batches.at(8))


def test_texts_that_answer_too_are_known(words: Path) -> None:
    pairs = pairs_of(words, 40)
    rows = np.arange(40)
    right = also_right(pairs, rows, frozenset({1}))
    for i, j in np.ndindex(40, 40):
        about_file = pairs.file[i] == pairs.file[j] and 1 in (pairs.kind[i], pairs.kind[j])
        same = pairs.text_hash[i] == pairs.text_hash[j]
        assert right[i, j] == (i != j and (same or about_file))


def test_losses_against_their_definitions() -> None:
    rng = torch.Generator().manual_seed(0)
    q, t = (torch.nn.functional.normalize(torch.randn(5, 8, generator=rng), dim=-1) for _ in range(2))
    other = torch.zeros(5, 5, dtype=torch.bool)
    other[0, 1] = True
    logits = (q @ t.T / 0.1).numpy().astype(np.float64)
    logits[0, 1] = -np.inf
    wanted = 0.0
    for table in (logits, logits.T):
        wanted += np.mean([np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(table)]) / 2
    assert float(contrastive(q, t, other, 0.1)) == pytest.approx(wanted, abs=1e-5)
    assert float(relational(q, q, 0.1)) == pytest.approx(0.0, abs=1e-6)
    assert float(relational(q, t, 0.1)) > 0.1


def test_every_prefix_counts() -> None:
    vectors = torch.randn(4, 256, generator=torch.Generator().manual_seed(0))
    lengths = []
    matryoshka(lambda v: lengths.append(v.shape[1]) or v.sum(), vectors)
    assert lengths == [256, 128, 64]
    assert float(matryoshka(lambda v: v.norm(dim=-1).mean(), vectors)) == pytest.approx(1.7, abs=1e-4)
