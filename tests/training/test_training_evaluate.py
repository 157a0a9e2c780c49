"""The evaluation's figures, against cases that are computed by hand or by an independent formula."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from codesearch.benchmark.metrics import bootstrap as plain_bootstrap
from codesearch.storage.lexical.tokens import tokenize
from tests.support.paths import ROOT
from training.corpus.records import Pair, Text
from training.corpus.shards import ShardWriter, line_of
from training.evaluate import code, documentation, heldout
from training.evaluate.bm25 import Bm25, terms
from training.evaluate.development import DevelopmentTask
from training.evaluate.figures import bootstrap, figures, mean
from training.evaluate.heldout import Function
from training.evaluate.models import Spec
from training.evaluate.ranking import PoolTask, ranks
from training.evaluate.records import Measured, Problem, Slice
from training.evaluate.vectors import VectorCache
from training.evaluate.words import share_a_word, stem

POOL = (
    "def read_file(path): pass",
    "def writeFile(path): pass",
    "class HttpServer: pass",
    "def sort(x): pass",
)


class Fixed:
    """A ranker that gives every question the same scores."""

    name = "fixed"

    def __init__(self, scores):
        self._scores = np.array(scores, np.float32)

    def over(self, texts):
        return self

    def scores(self, questions, role):
        return np.tile(self._scores, (len(questions), 1))


def test_bm25_is_the_formula():
    texts = [*POOL, "# path file file\nserver file"]
    question = "how is the http server file written to files"
    words = [tokenize(text) for text in texts]
    average = sum(map(len, words)) / len(words)
    for got, document in zip(Bm25().over(texts).scores([question], "query")[0], words, strict=True):
        want = 0.0
        for term in ("http", "server", "file", "written"):
            df = sum(term in each for each in words)
            tf = Counter(document)[term]
            idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
            want += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(document) / average))
        assert got == pytest.approx(want, rel=1e-6)


def test_function_words_count_only_where_there_are_no_others():
    assert terms("where is theFile read") == ["thefile", "file", "read"]
    assert terms("what is it") == ["what", "is", "it"]


@pytest.mark.parametrize(
    ("answers", "rank"),
    [((1,), 1), ((0,), 2), ((3,), 3), ((2,), 4), ((2, 0), 2)],
)
def test_ranks_count_what_is_better_and_what_is_equal_and_earlier(answers, rank):
    assert ranks(Fixed([0.5, 0.9, 0.1, 0.5]), Problem("x", ("q",), POOL, (answers,))) == [rank]


def test_code_that_is_asked_with_does_not_find_itself():
    assert ranks(Fixed([0.5, 0.9, 0.1, 0.5]), Problem("x", (POOL[1],), POOL, ((0,),), "document")) == [1]


def test_mrr_and_hits_of_a_pool_whose_answers_are_known():
    texts = tuple(f"def f{at}(): pass" for at in range(20))
    problem = Problem("x", ("a", "b", "c"), texts, ((0,), (3,), (12,)))
    rr, hit = PoolTask("pool", [problem], ()).measure(Fixed(range(20, 0, -1)))
    assert rr.values.tolist() == [1, 1 / 4, 1 / 13]
    assert hit.values.tolist() == [1, 1, 0]


def test_many_questions_are_asked_in_parts_and_keep_their_answers():
    texts = tuple(f"def name{at}(): pass" for at in range(600))
    problem = Problem("x", tuple(f"name{at}" for at in range(600)), texts, tuple((at,) for at in range(600)))
    assert ranks(Bm25(), problem)[::97] == [1] * 7


def test_a_mean_over_strata_weighs_each_the_same():
    values = np.array([1.0, 0.0, 0.0, 0.0, 0.5])
    assert mean(values, [np.array([0]), np.array([1, 2, 3, 4])]) == pytest.approx((1 + 0.125) / 2)


def test_bootstrap_of_one_stratum_is_the_plain_one():
    values = np.random.default_rng(3).normal(0.1, 1, 300)
    got, want = bootstrap(values, [np.arange(300)]), plain_bootstrap(values, 2_000)
    assert (got.mean, got.low, got.high) == pytest.approx((want.mean, want.low, want.high))


def test_bootstrap_draws_within_strata():
    values = np.repeat([0.0, 1.0], 50)
    assert bootstrap(values, [np.arange(50), np.arange(50, 100)]).low == 0.5


def test_figures_hold_the_paired_difference_to_the_model_under_test():
    rank = {"a": np.array([1.0, 0.5, 0.0]), "b": np.array([0.5, 0.0, 0.0])}
    measured = {name: (Measured("MRR", values),) for name, values in rank.items()}
    empty = Slice("nothing", (np.array([], int),))
    (found,) = figures("t", [Slice("two", (np.array([0, 1]),)), empty], measured, "a")
    assert (found.questions, found.means) == (2, {"a": 0.75, "b": 0.25})
    assert found.differences["b"].low == found.differences["b"].high == 0.5


def test_vectors_are_computed_once_and_a_killed_run_goes_on(tmp_path):
    asked: list[str] = []

    def encode(texts):
        if len(asked) + len(texts) > 600:
            raise KeyboardInterrupt
        asked.extend(texts)
        return np.array([[len(text), hash(text) % 97] for text in texts], np.float32)

    texts = [f"text {at}" for at in range(700)]
    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path, encode, 2).of(texts)
    assert len(asked) == 512
    asked = []
    again = VectorCache(tmp_path, encode, 2).of([*texts, texts[0]])
    assert asked == texts[512:]
    assert again[:, 0].tolist() == [len(text) for text in [*texts, texts[0]]]
    assert VectorCache(tmp_path, encode, 2).of([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("question", "answer", "shared"),
    [
        ("parses configuration", "# src/a.py\nlet config = 1;", True),
        ("the reader is closed", "fn theClose() {}", True),
        ("the length of a queue", "# queues/x.go\nfunc size() int {}", True),
        ("the number of items", "# queue.go\nfunc size() int { of the }", False),
    ],
)
def test_a_word_is_shared_whatever_its_ending_and_wherever_it_stands(question, answer, shared):
    assert share_a_word(question, answer) is shared


def test_stems_leave_three_letters():
    assert [stem(word) for word in ("thing", "used", "stopping", "parsers")] == [
        "thing",
        "used",
        "stop",
        "par",
    ]


def _function(name, question="", language="python"):
    text = f"# lib/{name}.py\n# {name}\ndef {name}(): return {name!r} * 2"
    return Function("o/r", f"lib/{name}.py", name, language, text, question)


def test_pools_take_documented_functions_first_and_name_who_is_left_out():
    documented = [_function(f"a{at}", f"Question {at}") for at in range(200)]
    few = [_function(f"g{at}", "Other", "go") for at in range(9)]
    others = [_function(f"b{at}") for at in range(500)]
    pools = documentation.make_pools([*documented, *few], others, 350)
    (pool,) = pools.pools.values()
    assert len(pool) == 350
    assert {each.text for each in documented} <= {each.text for each in pool}
    assert pools.left_out == ("go (9 documented of 9 functions)",)
    assert documentation.mixed_task(pools, 300).problems[0].texts == tuple(
        each.text for each in heldout.draw(pool, 300)
    )


def test_functions_documented_in_the_same_words_answer_alike():
    problem = documentation.pool_of("x", [_function("a", "Same"), _function("b"), _function("c", "same")])
    assert (problem.questions, problem.answers) == (("Same",), ((0, 2),))


def test_what_may_hold_an_answer_hides_nothing():
    answer = _function("wanted", "Question")
    body = answer.text.split("\n")[2]
    texts = ["def other(): pass", f"class C:\n  {body}", "def wanted(): pass"]
    names = ["other", "C", "wanted"]
    chunks = [
        Text(f"o/r:lib/wanted.py:{at}", "o/r", "python", "lib/wanted.py", "function", name, text)
        for at, (name, text) in enumerate(zip(names, texts, strict=True))
    ]
    assert [each.symbol for each in heldout.other_functions(chunks, [answer])] == ["other"]


def test_a_test_is_asked_for_what_it_tests():
    def chunk(path, name, body):
        text = f"# {path}\n# {name}\n{body}"
        return Text(f"o/r:{path}:0", "o/r", "python", path, "function", name, text)

    tested = chunk("lib/parse.py", "parse_header", "def parse_header(line): return line.split(':')")
    test = chunk("tests/test_parse.py", "test_parse_header", "def test_parse_header(): parse_header('a:b')")
    (problem,) = code.task([tested, test], [_function("other")], 10).problems
    assert (problem.questions, problem.role) == ((test.text,), "document")
    assert [problem.texts[at] for at in problem.answers[0]] == [tested.text]


def test_the_development_split_is_scored_on_the_product_s_chunks(tmp_path):
    root = tmp_path / "checkouts" / "small"
    root.mkdir(parents=True)
    for name in ("alpha", "beta", "gamma"):
        (root / f"{name}.py").write_text(f"def {name}():\n    return '{name} waves'\n")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "repos.json").write_text(json.dumps([{"name": "small", "language": "python"}]))
    asked = [{"query": "beta gamma gamma", "category": "semantic", "relevant": ["beta.py"]}]
    asked.append({"query": "zzz", "category": "symbol", "relevant": ["gamma.py", "nowhere.py"]})
    (tmp_path / "annotations" / "small.json").write_text(json.dumps(asked))
    task = DevelopmentTask(tmp_path, tmp_path / "checkouts")
    (ndcg,) = task.measure(Fixed([0.1, 0.2, 0.3]))
    assert ndcg.values == pytest.approx([1 / math.log2(3), 1 / (1 + 1 / math.log2(3))])
    assert [(part.name, part.size) for part in task.slices[1:]] == [
        ("no word shared with the answer", 1),
        ("semantic", 1),
        ("symbol", 1),
    ]


@pytest.mark.parametrize("text", ["name", "=folder", "name="])
def test_a_model_is_named_with_its_folder(text):
    assert Spec.parse("a=b@float32") == Spec("a", "b", "float32")
    with pytest.raises(ValueError, match="expected NAME=FOLDER"):
        Spec.parse(text)


def test_one_command_writes_both_reports(tmp_path):
    data, work = tmp_path / "data", tmp_path / "work"
    named = [_function(f"read_{at}_items", f"Reads {at} things") for at in range(310)]
    with ShardWriter(data, "heldout_texts"):
        pass
    with ShardWriter(data, "heldout_pairs") as shard:
        for each in named:
            shard.write(
                line_of(
                    Pair("", each.question, each.text, "doc", "python", each.repo, each.path, each.symbol)
                )
            )
    folder = ROOT / "mlx_jinabert" / "embedded"
    command = [sys.executable, "-m", "training.evaluate", f"--model=shipped={folder}"]
    command += ["--data", data, "--work", work, "--only", "documentation", "--no-prefixes"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder.parents[1])
    stored = json.loads((work / "results.json").read_text())
    assert stored["figures"][0]["questions"] == 310
    assert set(stored["figures"][0]["means"]) == {"BM25", "shipped"}
    assert stored["models"][0]["weights"]["model.safetensors"] in (work / "results.md").read_text()
