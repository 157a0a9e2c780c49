"""The recipe of the shipped model: the library loads what it trains, and a cut run goes on unchanged."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import mlx_jinabert
from tests.support.closeness import assert_close

torch = pytest.importorskip("torch")

from training import export  # noqa: E402
from training.data.augment import joined, without_shared  # noqa: E402
from training.data.batches import Batches  # noqa: E402
from training.data.encoded import Pairs, encode  # noqa: E402
from training.data.examples import PAD, Examples, Rows, Side, siblings  # noqa: E402
from training.data.mining import mine  # noqa: E402
from training.model import grow, tokenizer  # noqa: E402
from training.model.losses import contrastive, matryoshka, relational  # noqa: E402
from training.model.student import JinaBertStudent, Shape  # noqa: E402
from training.run import Data, Run  # noqa: E402
from training.settings import Settings  # noqa: E402

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
    """Two pairs of each chunk, one after the other; every text is another one."""
    rng = np.random.default_rng(0)
    built = Tokenizer.from_file(str(path))
    lines = [" ".join(rng.choice(WORDS[:6], rng.integers(2, 9))) for _ in range(2 * count)]
    kind, language, repository, file = (rng.integers(0, n, count).astype(np.int32) for n in (2, 1, 2, 9))
    numbers = np.arange(count, dtype=np.int32)
    return Pairs(
        queries=encode(built, lines[:count], 16),
        texts=encode(built, lines[count:], 16),
        text=numbers,
        kind=kind,
        language=language,
        repository=repository[numbers // 2],
        file=file[numbers // 2],
        chunk=numbers // 2,
    )


def data_of(pairs: Pairs) -> Data:
    teacher = np.random.default_rng(1).standard_normal((len(pairs), 7)).astype(np.float16)
    return Data(pairs, KINDS, teacher, np.arange(len(pairs)))


def examples_of(pairs: Pairs) -> Examples:
    return Examples(pairs, {1}, torch.device("cpu"))


def everything(side: Side, count: int) -> Rows:
    return side.rows(torch.arange(count), 99)


def test_what_is_written_is_what_was_trained(tmp_path: Path, words: Path) -> None:
    student = shaken(student_of(1))
    student.output_scale.data.fill_(1.0)
    export.write_folder(student, words, tmp_path / "model")
    texts = ["get user by id", "parse the HTTP requests", "openFile", "close " * 40]
    model = mlx_jinabert.load(str(tmp_path / "model"), backend="onnx", dtype="float32")
    side = encode(Tokenizer.from_file(str(words)), texts, 512)
    rows = Side(side, torch.device("cpu")).rows(torch.arange(len(texts)), 512)
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(student(rows.ids, rows.mask), dim=-1)
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
    rows = everything(examples_of(pairs_of(words, 8)).texts, 8)
    lengths = rows.mask.sum(1)
    with torch.no_grad():
        as_bag = bag.bag(rows.ids[rows.mask], lengths.cumsum(0) - lengths)
        as_layers = grown(rows.ids, rows.mask)
    assert_close(as_layers.numpy(), as_bag.numpy(), atol=1e-5, what="identity")


@pytest.mark.parametrize("layers", [0, 2])
def test_a_run_that_was_cut_ends_as_if_it_had_not_been(tmp_path: Path, words: Path, layers: int) -> None:
    settings = Settings(steps=6, batch=16, rate=0.01, layers=layers, block=4, warm_up=2, mine_at=(0.3,))
    data = data_of(pairs_of(words, 64))
    torch.set_num_threads(1)  # of so little work most would be waiting for each other
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


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("HTTPServer::bind_all(x)", "http server :: bind all x"),
        ("(a, b) => a % b", "a b => a % b"),
        ("if (!foo && bar != baz) { i++; }", "if ! foo && bar != baz i ++"),
        ("x ** 2 << 3", "x ** 2 << 3"),
        ("<<", "<<"),
        ("// ----- section =====", "section"),
        ("/** text\n * more\n */", "text more"),
        ("ls --all ../x", "ls all x"),
        ("https://a.b/c", "https a b c"),
        ("List<String> a = b;", "list string a b"),
        ("ファイルを開くopenFile", "ファイル を 開 く open file"),
        ("获取用户getUser", "获取用户 get user"),
        ("Возвращает список", "возвращает список"),
    ],
)
def test_what_is_read_of_code(code: str, words: str) -> None:
    counted = tokenizer.count_words([code])
    assert counted == Counter(words.split())


def test_pieces_of_other_scripts_join_the_vocabulary() -> None:
    pieces = tokenizer.foreign_pieces({"用户": 90, "用户名": 50, "密码": 40, "user": 900, "=>": 9}, 40)
    assert "用户" in pieces
    assert not any(piece.removeprefix("##").isascii() for piece in pieces)


def test_identifiers_are_read_as_their_words(words: Path) -> None:
    built = Tokenizer.from_file(str(words))
    said = built.encode("getUserById(HTTPRequest), read_files;").tokens
    assert said == ["<s>", "get", "user", "by", "id", "http", "request", "read", "file", "##s", "</s>"]


def test_frequent_words_of_code_join_the_vocabulary() -> None:
    base = ["[UNK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"), "file"]
    counts = {"async": 900, "file": 500, "rare": 1}
    chosen = tokenizer.choose_vocabulary(base, counts, size=62 + len(tokenizer.OPERATORS))
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
    rows = torch.arange(40)
    right = examples_of(pairs).right(rows, rows)
    for i, j in np.ndindex(40, 40):
        about_file = pairs.file[i] == pairs.file[j] and pairs.kind[i] == 1
        assert right[i, j] == (pairs.chunk[i] == pairs.chunk[j] or about_file)


def test_rows_are_cut_and_padded(words: Path) -> None:
    side = pairs_of(words, 9).texts
    rows = Side(side, torch.device("cpu")).rows(torch.tensor([4, 0, 4]), 5)
    for n, which in enumerate((4, 0, 4)):
        whole = side.ids[side.starts[which] : side.starts[which + 1]][:5].tolist()
        assert rows.ids[n][rows.mask[n]].tolist() == whole
        assert set(rows.ids[n][~rows.mask[n]].tolist()) <= {PAD}


def test_a_sibling_is_the_next_pair_of_the_chunk() -> None:
    assert siblings(np.array([7, 3, 7, 7, 5])).tolist() == [2, 1, 3, 0, 4]


def test_joined_questions_stand_one_behind_the_other() -> None:
    first = Rows(
        torch.tensor([[0, 9, 2, PAD], [0, 9, 8, 2]]), torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]).bool()
    )
    second = Rows(
        torch.tensor([[0, 7, 6, 2], [0, 7, 2, PAD]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]).bool()
    )
    both = joined(first, second, torch.tensor([True, False]), 5)
    assert both.ids[0][both.mask[0]].tolist() == [0, 9, 2, 7, 6]
    assert both.ids[1][both.mask[1]].tolist() == [0, 9, 8, 2]


def test_shared_words_go_where_enough_is_left() -> None:
    ids = torch.tensor([[0, 10, 11, 12, 13, 2], [0, 10, 11, 12, 13, 2], [0, 10, 11, 12, 13, 2]])
    rows = Rows(ids, torch.ones_like(ids).bool())
    others = torch.tensor([[0, 11, 2, PAD], [0, 11, 2, PAD], [10, 11, 12, 13]])
    bare = without_shared(rows, Rows(others, others != PAD), torch.tensor([True, False, True]))
    assert [bare.ids[n][bare.mask[n]].tolist() for n in range(3)] == [
        [0, 10, 12, 13, 2],
        [0, 10, 11, 12, 13, 2],
        [0, 10, 11, 12, 13, 2],
    ]


def test_hard_negatives_are_near_wrong_and_of_the_same_repository(words: Path) -> None:
    pairs = pairs_of(words, 60)
    examples = examples_of(pairs)
    dice = torch.Generator().manual_seed(3)
    texts = torch.nn.functional.normalize(torch.randn(60, 8, generator=dice), dim=-1)
    queries = torch.nn.functional.normalize(texts + 0.4 * torch.randn(60, 8, generator=dice), dim=-1)
    found = mine(pairs, examples, queries, texts, 3)
    scores = queries @ texts.T
    right = examples.right(torch.arange(60), torch.arange(60))
    of_text = pairs.repository
    for n in range(60):
        allowed = [
            j
            for j in range(60)
            if of_text[j] == of_text[n] and not right[n, j] and 0 < scores[n, j] <= 0.95 * scores[n, n]
        ]
        best = sorted(allowed, key=lambda j: -float(scores[n, j]))[:3]
        assert found[n].tolist() == best + [n] * (3 - len(best))


def test_a_student_grows_from_a_shipped_model(tmp_path: Path, words: Path) -> None:
    student = shaken(student_of(6))
    student.output_scale.data.fill_(1.0)
    export.write_folder(student, words, tmp_path / "model")
    vocabulary = [*tokenizer.SPECIAL_TOKENS, "=>", "user", "userid", "\u7528\u6237"]
    counts = np.array([0, 0, 0, 0, 0, 900, 50, 50, 0])
    other = grow.grown(tmp_path / "model", vocabulary, counts)
    table, old = other.embeddings.word_embeddings.weight, student.embeddings.word_embeddings.weight
    reach = (table[:, :-1].norm(dim=1) / table.norm(dim=1)).tolist()
    assert reach[5] < 0.01
    assert reach[7] < 0.1
    assert reach[8] == pytest.approx(1.0)
    assert torch.equal(table[6], old[len(tokenizer.SPECIAL_TOKENS) + WORDS.index("user")])
    assert bool(torch.isfinite(table).all())
    layer = other.encoder.layer[1].mlp.down_layer.weight
    assert torch.equal(layer, student.encoder.layer[1].mlp.down_layer.weight)


def test_only_new_words_are_learnt_before_the_layers(tmp_path: Path, words: Path) -> None:
    student = shaken(student_of(6))
    vocabulary = [*tokenizer.SPECIAL_TOKENS, *WORDS, "\u7528\u6237"]
    export.write_folder(student, words, tmp_path / "model")
    learnt = ~grow.known_to(tmp_path / "model", vocabulary)
    assert learnt.nonzero().flatten().tolist() == [len(vocabulary) - 1]
    grown = grow.grown(tmp_path / "model", vocabulary, np.ones(len(vocabulary)))
    bag = grow.of_words(grown, learnt)
    before = {name: value.clone() for name, value in bag.state_dict().items()}
    ids = torch.tensor([0, 6, len(vocabulary) - 1, 2])
    optimizer = torch.optim.Adam(bag.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        bag.bag(ids, torch.tensor([0, 2])).square().sum().backward()
        optimizer.step()
    after = bag.state_dict()
    table = "embeddings.word_embeddings.weight"
    assert all(torch.equal(after[name], before[name]) for name in before if name != table)
    changed = (after[table] != before[table]).any(dim=1)
    assert changed.tolist() == learnt.tolist()


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
