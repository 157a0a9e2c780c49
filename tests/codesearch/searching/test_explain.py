"""Explanations: what they say is what happened, and it adds up to the score, whatever is asked."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesearch.index.index import Index
from codesearch.index.opening import open_index
from codesearch.rendering.explanations import as_record, in_words
from codesearch.searching.explain import Explanation, Step
from codesearch.searching.request import MODES
from tests.support.closeness import WordHashEmbedder

RETRY = "def retry_request(call):\n    # Decide whether a request is retried.\n    return call()\n"
FILES = {
    "src/retry.py": RETRY,
    "src/client.py": "class Client:\n    def send(self, request):\n        return retry_request(request)\n",
    "tests/test_client.py": "def test_send():\n    assert Client().send(1)  # request is retried\n",
    "vendor/retry.py": RETRY,
    "docs/guide.md": "# Retries\n\nA request is retried.\n\n# Sending\n\nThe client sends a request.\n",
}
WORDS = ["retry", "retry_request", "Client.send", "request", "is", "decided", "test", "where", "zebra", "'''"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    root = tmp_path_factory.mktemp("tree")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESEARCH_HOME", str(tmp_path_factory.mktemp("home")))
        for path, text in FILES.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(text)
        opened = open_index(root, WordHashEmbedder())
        opened.refresh()
    return opened


class Longest:
    """A reranker that likes long texts."""

    def predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        return [float(len(text)) for _, text in pairs]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
    st.sampled_from(MODES),
    st.sampled_from([None, Longest()]),
)
def test_what_is_shown_gives_the_score(index: Index, query: str, mode: str, rerank: object) -> None:
    found = index.explain(query, limit=20, mode=mode, rerank=rerank)
    assert [explained.hit for explained in found] == index.search(query, limit=20, mode=mode, rerank=rerank)
    for explained in found:
        record = as_record(explained.explanation)
        score = record["fused"]
        for step in record["signals"]:
            score = score * step["times"] + step["add"]
        assert score == pytest.approx(explained.hit.score, abs=1e-6)
        assert record["score"] == pytest.approx(score, abs=1e-9)


def test_ranks_are_those_of_the_lists(index: Index) -> None:
    by_path = {e.hit.path: e.explanation for e in index.explain("request retried", limit=20)}
    alone = {mode: index.explain("request retried", limit=20, mode=mode) for mode in ("lexical", "semantic")}
    for mode, rank in (("lexical", "lexical_rank"), ("semantic", "semantic_rank")):
        for explained in alone[mode]:
            assert getattr(explained.explanation, rank) == getattr(by_path[explained.hit.path], rank)
    assert sorted(e.explanation.semantic_rank or 0 for e in alone["semantic"]) == [1, 2, 3, 4, 5]
    assert all(e.explanation.semantic_rank is None for e in alone["lexical"])


def test_each_signal_is_named_where_it_worked(index: Index) -> None:
    by_path = {e.hit.path: e.explanation for e in index.explain("retry_request", limit=20)}
    test, copy = by_path["tests/test_client.py"], by_path["vendor/retry.py"]
    assert {step.name: step.times for step in test.steps}["demotions"] == pytest.approx(0.3)
    assert {step.name: step.times for step in copy.steps}["duplicates"] == pytest.approx(0.3)
    assert {step.name: step.add for step in by_path["src/retry.py"].steps}["definitions"] > 0


def test_a_reranker_says_what_it_said(index: Index) -> None:
    found = index.explain("request", limit=3, rerank=Longest())
    assert [e.explanation.reranker for e in found] == sorted(
        (e.explanation.reranker or 0 for e in found), reverse=True
    )
    assert found[0].explanation.steps[-1].name == "rerank"


def test_in_words() -> None:
    steps = (
        Step("coherence", add=0.2),
        Step("path_words"),
        Step("demotions", times=0.25),
        Step("rerank", add=-0.05),
    )
    why = Explanation(1, None, 0.6, steps, reranker=-3.0)
    said = in_words(why)
    sum_ = "(0.600 + coherence 0.200) x demotions 0.250 - rerank 0.050 = 0.150"
    assert said == f"lexical 1, semantic -: {sum_}; reranker -3.000"
    assert in_words(Explanation(None, 2, 0.5)) == "lexical -, semantic 2: 0.500 = 0.500"


@given(
    st.floats(0, 2),
    st.lists(st.tuples(st.booleans(), st.floats(0.1, 2)), max_size=6),
)
def test_the_line_is_arithmetic_that_holds(fused: float, steps: list[tuple[bool, float]]) -> None:
    why = Explanation(
        1, 1, fused, tuple(Step("s", times=v) if times else Step("s", add=v) for times, v in steps)
    )
    left, right = in_words(why).removeprefix("lexical 1, semantic 1: ").split(" = ")
    expression = re.sub(r"s (?=\d)", "", left).replace("x", "*")
    # Numbers have three digits: each is off by half a thousandth at most, and factors of up to 2 double that.
    assert eval(expression) == pytest.approx(float(right), abs=0.1)
