"""Fusion and signals, each against what it promises; and that the order is total and deterministic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesearch.files.languages import LANGUAGES
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.candidates import Candidates, best_first
from codesearch.searching.question.query import LONG, Name, Query, stem
from codesearch.searching.ranking.ranking import (
    HYBRID,
    LIKENED,
    SEMANTIC,
    WEIGHTS,
    further_places,
    fuse,
    rank,
)
from codesearch.searching.signals.path_roles import is_prose, roles_of
from codesearch.searching.signals.seeming_tests import seeming_tests
from codesearch.searching.signals.signals import definition_grade, initials, path_affinity
from codesearch.searching.signals.words import holding, rarity, shares_held
from codesearch.searching.stores.protocol import Match


def chunk(path: str = "src/a.py", symbol: str = "", text: str = "", **more: object) -> Chunk:
    text = text or f"# {path}"  # equal texts are copies
    made = Chunk(path, 0, 1, 1, 1, "python", "function", symbol, (), "", (symbol,) if symbol else (), text)
    return replace(made, **more)


def ranked(chunks: list[Chunk], query: str, scores: dict[int, float] | None = None) -> list[str]:
    return [c.path for c in placed(chunks, query, scores)]


def placed(chunks: list[Chunk], query: str, scores: dict[int, float] | None = None) -> list[Chunk]:
    """The chunks, best first; each starts at its score, or all at one half."""
    by_ref = {ref(at): (scores or {}).get(at, 0.5) for at in range(len(chunks))}
    found = rank({ref(at): c for at, c in enumerate(chunks)}, by_ref, Query(query), HYBRID)
    return [c.chunk for c in found]


def ref(id_: int, root: str = "/r") -> ChunkRef:
    return ChunkRef(root, id_)


PLAIN = replace(WEIGHTS, rrf_k=60, closeness=0.0)


def matches(ids: list[int]) -> list[Match]:
    """A semantic list, best first."""
    return [Match(ref(id_), 1 / position) for position, id_ in enumerate(ids, 1)]


def test_fusion_by_hand() -> None:
    got = fuse([ref(7), ref(8)], matches([8]), 0.5, PLAIN)
    assert got == pytest.approx({ref(7): 0.5, ref(8): 0.5 * 61 / 62 + 0.5})


def test_cosines_count_by_their_share_of_the_best() -> None:
    near = [Match(ref(1), 0.8), Match(ref(2), 0.4)]
    weights = replace(PLAIN, closeness=0.5)
    gain = {
        key.id: score - fuse([ref(3)], near, 0.5, PLAIN)[key]
        for key, score in fuse([ref(3)], near, 0.5, weights).items()
    }
    # What the semantic list does not hold is no nearer than the last that it holds.
    assert gain == pytest.approx({1: 0.5, 2: 0.25, 3: 0.25})


@given(st.lists(st.integers(0, 40), unique=True), st.lists(st.integers(0, 40), unique=True))
def test_fusion_keeps_the_order_of_a_list_that_stands_alone(lexical: list[int], semantic: list[int]) -> None:
    found = fuse([*map(ref, lexical)], matches(semantic), 0.5, PLAIN)
    scores = {key.id: score for key, score in found.items()}
    only = [i for i in lexical if i not in semantic]
    assert sorted(only, key=lambda i: -scores[i]) == only
    assert set(scores) == {*lexical, *semantic}
    assert all(0 < score <= 1 for score in scores.values())


@pytest.mark.parametrize(
    ("text", "is_name", "names"),
    [
        ("getUserById", True, [Name("getUserById")]),
        ("Foo::bar()", True, [Name("bar", ("Foo",))]),
        ("$this->send", True, [Name("send", ("this",))]),
        ("_private", True, [Name("_private")]),
        ("save!", True, [Name("save!")]),
        ("def read_all(path, *, lines=3):", True, [Name("read_all")]),
        ("class Session", True, [Name("Session")]),
        ("CREATE TABLE IF NOT EXISTS `users`", True, [Name("users")]),
        ("type checking", False, []),
        ("module loader: how are cycles handled", False, []),
        ("function call", False, []),
        ("how does ClientSession close?", False, [Name("ClientSession")]),
        ("what does use() mount", False, [Name("use")]),
        ("how .refine works", False, [Name("refine")]),
        ("is a Monad lawful", False, [Name("Monad", weak=True)]),
        ("How JSON is parsed", False, []),
    ],
)
def test_names_in_a_query(text: str, is_name: bool, names: list[Name]) -> None:
    query = Query(text)
    assert query.is_name is is_name
    assert list(query.names) == names


def test_inflected_words_meet() -> None:
    assert len({stem(word) for word in ("route", "routes", "router", "routing", "routed")}) == 1
    assert stem("validation") == stem("validator")
    assert stem("bus") == "bus"


def test_exact_case_beats_other_case_beats_use() -> None:
    exact, other, use = chunk("z.py", "Send"), chunk("b.py", "send"), chunk("a.py", "", "Send()")
    assert ranked([use, other, exact], "Send") == ["z.py", "b.py", "a.py"]


def test_scope_decides_between_definitions() -> None:
    client = chunk("b.py", "send", scope=("Client",))
    server = chunk("a.py", "send", scope=("Server",))
    assert ranked([server, client], "Client.send") == ["b.py", "a.py"]
    assert ranked([server, client], "Server::send") == ["a.py", "b.py"]


def test_the_head_of_a_definition_comes_before_its_continuation() -> None:
    head, rest = chunk("b.py", "Big"), chunk("a.py", "Big", definitions=())
    assert definition_grade(head, Name("Big")) > definition_grade(rest, Name("Big")) > 0


def test_a_definition_that_no_list_held_comes_first() -> None:
    assert ranked([chunk("a.py"), chunk("b.py", "Engine")], "Engine", {0: 1.0})[0] == "b.py"


def test_path_words_count_by_rarity() -> None:
    got = path_affinity(["app/http/redirect.py", "app/http/cookie.py"], ("http", "redirects"))
    assert got["app/http/redirect.py"] > 0.8
    assert got["app/http/cookie.py"] < 0.15  # every path says http
    assert path_affinity(["a.py"], ()) == {"a.py": 0.0}


def test_a_file_name_that_says_more_than_the_question_is_less_about_it() -> None:
    got = path_affinity(["render/json.go", "render/json_stream.go", "render/html.go"], ("json", "rendering"))
    assert got["render/json.go"] > got["render/json_stream.go"] > got["render/html.go"]


def test_a_file_that_every_folder_has_is_what_its_folder_is() -> None:
    got = path_affinity(["core/de/parser/mod.rs", "core/ser/mod.rs", "core/lib.rs"], ("parser",))
    assert got["core/de/parser/mod.rs"] == pytest.approx(1)
    assert got["core/ser/mod.rs"] == got["core/lib.rs"] == 0


@pytest.mark.parametrize(("word", "path"), [("utility", "utils.go"), ("auth", "authentication.py")])
def test_abbreviations_in_file_names(word: str, path: str) -> None:
    assert path_affinity([path, "other.go"], (word,)) == {path: pytest.approx(1), "other.go": 0}


def test_first_letters_of_neighbouring_words_in_a_file_name() -> None:
    paths, terms = ["client_ws.py", "client_db.py"], ("web", "socket", "client")
    got, plain = (path_affinity(paths, terms, abbreviated=on) for on in (True, False))
    assert got["client_ws.py"] > got["client_db.py"] == plain["client_db.py"] == plain["client_ws.py"]
    assert initials(terms)["sc"] == {"socket", "client"}
    assert "wc" not in initials(terms)  # no neighbours


def test_every_word_once_beats_one_of_them() -> None:
    both, one = chunk("b.py", text="retry_all of the Requests"), chunk("a.py", text="retry retry retry")
    assert ranked([one, both], "retry a request") == ["b.py", "a.py"]
    held = [holding(["requests"], stem) for stem in ("request", "backoff")]
    assert shares_held(held, [1.0, 1.0], 1).tolist() == [0.5]


def test_copies_of_a_text_come_after_other_answers() -> None:
    copies = [chunk(f"v{i}/a.py", text="def send(): ...") for i in range(3)]
    other = chunk("other.py", text="def sent(): ...")
    scores = {0: 1.0, 1: 0.99, 2: 0.98, 3: 0.6}
    assert ranked([*copies, other], "posting", scores) == ["v0/a.py", "other.py", "v1/a.py", "v2/a.py"]


def test_a_name_that_many_files_define_says_little() -> None:
    rack = [chunk(f"r{i}.py", "Rack") for i in range(30)]
    answer = chunk("lint.py", text="conformance of applications")
    scores = dict.fromkeys(range(30), 0.3) | {30: 1.0}
    assert ranked([*rack, answer], "Rack conformance", scores)[0] == "lint.py"
    assert ranked([rack[0], answer], "Rack conformance", {0: 0.5, 1: 0.5})[0] == "r0.py"


def test_the_home_of_a_name_comes_first_though_it_defines_more() -> None:
    home = chunk("z/SqlMapper.cs", "", definitions=("SqlMapper", "Query"))
    part = chunk("a/SqlMapper.Settings.cs", "SqlMapper")
    elsewhere = chunk("a/Other.cs", "SqlMapper")
    assert ranked([elsewhere, part, home], "SqlMapper") == [
        "z/SqlMapper.cs",
        "a/SqlMapper.Settings.cs",
        "a/Other.cs",
    ]


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("tests/test_a.py", "test"),
        ("src/commonTest/kotlin/A.kt", "test"),
        ("pkg/tree_test.go", "test"),
        ("spec/models/user_spec.rb", "test"),
        ("spec/support/login.rb", "test"),
        ("src/cart.spec.ts", "test"),
        ("src/CartSpec.scala", "test"),
        ("tests/test_helpers.sh", "test"),
        ("examples/a.js", "example"),
        ("shop-example/src/main/java/Shop.java", "example"),
        ("sample-server/main.go", "example"),
        ("myapp/config/routes.rb", "example"),
        ("bin/multi_queue_bench", "example"),
        ("db/db_bench.cc", "example"),
        ("lib/legacy.py", "compat"),
        ("types/index.d.ts", "stub"),
        ("api/x_pb2.py", "generated"),
        ("pkg/__init__.py", "boilerplate"),
        ("README.md", "prose"),
        ("Changes", "prose"),
        ("CHANGES", "history"),
        ("docs/changelog.rst", "history"),
        ("Pro-Changes.md", "history"),
        ("CHANGES-3.0.md", "history"),
        ("changelog/0.8.3_2018-02-26/pull-1638", "history"),
        ("CHANGES/8823.bugfix", "history"),
        (".changeset/odd-cats.md", "history"),
        ("lib/Guide.pod", "prose"),
        ("man/filter.Rd", "prose"),
        ("guide/start.asciidoc", "prose"),
        ("scenes/level.tscn", "data"),
        ("art/tree.svg.import", "data"),
        ("App.xcodeproj/project.pbxproj", "data"),
        ("po/de.po", "data"),
    ],
)
def test_roles_of_paths(path: str, role: str) -> None:
    assert role in [found.name for found in roles_of(path)]


def test_a_file_in_a_language_of_prose_is_documentation() -> None:
    prose = {
        extension for language in LANGUAGES.values() if language.prose for extension in language.extensions
    }
    assert {"md", "rst", "pod", "texi"} <= prose
    assert [extension for extension in prose if not is_prose(f"src/a.{extension}")] == []


@pytest.mark.parametrize(
    "path",
    [
        "src/latest.py",
        "contest/a.py",
        "src/attest.rs",
        "TestClient.py",
        "a/spec.py",
        "tf/tensor_spec.py",
        "k8s/DeploymentSpec.java",
        "lib/test_helpers.sh",
        "api/spec/deployment.go",
        "core/RuleSuite.java",
        "AuditIT.java",
        "src/changes.py",
        "src/changelog/mod.rs",
        "web/History.tsx",
        "app/news/index.ts",
        "audio/sampler/voice.c",
        "src/bench.rs",
        "src/demographics/age.py",
    ],
)
def test_ordinary_paths_have_no_role(path: str) -> None:
    assert roles_of(path) == ()


def test_tests_come_last_unless_asked_for() -> None:
    chunks = [chunk("tests/test_pool.py"), chunk("zz.py")]
    assert ranked(chunks, "connection reuse") == ["zz.py", "tests/test_pool.py"]
    assert ranked(chunks, "tests of connection reuse")[0] == "tests/test_pool.py"


@pytest.mark.parametrize(
    ("beside", "is_product"),
    [
        ({"web/test/runner.py": "def run(suite): ..."}, True),
        ({"tests/test_urls.py": "def test_urls(): ..."}, True),
        ({"web/test/test_urls.py": "x = 1"}, False),
        ({"web/test/urls.py": "class Urls(unittest.TestCase): ..."}, False),
        ({"web/test/forms.py": "    def test_forms(self): ..."}, False),
    ],
)
def test_a_folder_called_test_is_product_code_where_it_holds_no_test(
    beside: dict[str, str], is_product: bool
) -> None:
    chunks = [chunk("web/test/client.py"), *(chunk(path, text=text) for path, text in beside.items())]
    assert ("web/test/client.py" in seeming_tests(chunks)) == is_product


def test_product_code_in_a_folder_called_test_is_not_put_behind() -> None:
    assert (
        ranked([chunk("web/test/client.py"), chunk("zz.py")], "connection reuse")[0] == "web/test/client.py"
    )


@pytest.mark.parametrize("path", ["tests/client.py", "app/src/test/java/Client.java", "lib/test/client.c"])
def test_where_a_folder_decides(path: str) -> None:
    assert seeming_tests([chunk(path)]) == frozenset()


def test_a_pasted_message_is_found_where_it_is_written() -> None:
    chunks = [chunk("a.py", text="format index"), chunk("b.py", text='"the index  Format\nis wrong"')]
    assert ranked(chunks, "index format is wrong")[0] == "b.py"


def test_a_message_of_no_more_words_than_a_message_must_have_is_found() -> None:
    chunks = [
        chunk("a.py", "limit", text="# load of a pallet, which exceeds a limit"),
        chunk("b.py", text="stop('pallet exceeds load limit')"),
    ]
    assert ranked(chunks, "pallet exceeds load limit", {0: 1.5, 1: 0.1})[0] == "b.py"


def test_a_word_that_every_candidate_holds_tells_little() -> None:
    row, store = rarity(1.0, 1, 3), rarity(1.0, 3, 3)
    assert row > 5 * store > 0
    held = [holding(["rows", "store"], stem) for stem in ("row", "store")]
    assert shares_held(held, [row, store], 2).tolist() == pytest.approx(
        [row / (row + store), store / (row + store)]
    )


def test_the_function_comes_before_the_imports_of_its_file() -> None:
    imports = chunk("store.py", text="import table  # opens and closes every table", start_byte=0)
    function = chunk(
        "store.py", "open_table", "def open_table(name):\n    return cache[name]\n" * 8, start_byte=90
    )
    assert [c.symbol for c in placed([imports, function], "where is a table opened")] == ["open_table", ""]


def test_one_file_does_not_fill_the_list() -> None:
    chunks = [chunk("a.py", start_byte=i, text=f"# {i}") for i in range(5)] + [chunk("b.py")]
    scores = {0: 0.9, **dict.fromkeys(range(1, 5), 0.5), 5: 0.6}
    assert ranked(chunks, "something", scores)[:2] == ["a.py", "b.py"]


def test_a_second_place_comes_when_it_is_good_in_itself() -> None:
    first, second = (chunk("a.py", start_byte=i, text=f"# {i}") for i in range(2))
    chunks = [first, second, chunk("b.py")]
    assert ranked(chunks, "something", {0: 1.0, 1: 0.95, 2: 0.3}) == ["a.py", "a.py", "b.py"]
    assert ranked(chunks, "something", {0: 1.0, 1: 0.35, 2: 0.3}) == ["a.py", "b.py", "a.py"]


@given(st.lists(st.floats(0, 2), min_size=2, max_size=8))
def test_further_places_never_rise(scores: list[float]) -> None:
    at_places = {ref(i): chunk(f"{i % 2}.py", start_byte=i) for i in range(len(scores))}
    candidates = Candidates(at_places)
    place = np.array([scores[one.id] for one in candidates.refs])
    further = further_places(candidates, Query("x"), WEIGHTS, {})(place, place)
    got = {one.id: score for one, score in zip(candidates.refs, further.tolist(), strict=True)}
    assert all(0 <= got[i] <= score for i, score in enumerate(scores))
    for file in range(min(2, len(scores))):
        assert max(got[i] for i in range(file, len(scores), 2)) == max(scores[file::2])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=12))
def test_the_best_of_each_file_leads_it_and_of_equal_ones_the_first(found: list[tuple[str, float]]) -> None:
    candidates = Candidates({ref(i): chunk(f"{file}.py", start_byte=i) for i, (file, _) in enumerate(found)})
    scores = np.array([found[one.id][1] for one in candidates.refs])
    first: dict[tuple[str, str], int] = {}
    for at in best_first(scores).tolist():
        first.setdefault(candidates.file_of[at], at)
    assert candidates.leading(scores).tolist() == sorted(first.values())


@given(st.lists(st.text("ab\n ", max_size=9), min_size=1, max_size=5), st.lists(st.text("ab", min_size=1)))
def test_a_text_holds_no_more_words_than_its_stems_let_it(texts: list[str], words: list[str]) -> None:
    candidates = Candidates({ref(i): chunk(f"{i}.c", text=text or " ") for i, text in enumerate(texts)})
    for part in ("a", "ab", "bb"):
        candidates.holding(part)
    most = candidates.held_at_most(words).tolist()
    held = [sum(word in text for word in words) for text in candidates.folded]
    assert all(a <= b for a, b in zip(held, most, strict=True))
    none = [at for at, text in enumerate(candidates.folded) if "a" not in text]
    assert not candidates.held_at_most(["ab", "bba"])[none].any()


def test_other_words_for_the_question_bring_a_place_up() -> None:
    chunks = {
        ref(0): chunk("a.py", text="usual words for it"),
        ref(1): chunk("b.py", text="other words for it"),
    }
    asked: list[tuple[str, list[str]]] = []

    def words(query: str, texts: Sequence[str], /) -> NDArray[np.float64]:
        asked.append((query, list(texts)))
        return np.array(["other" in text for text in texts], np.float64) * 7.0

    without = rank(chunks, {ref(0): 0.5, ref(1): 0.5}, Query("a question"), HYBRID)
    found = rank(chunks, {ref(0): 0.5, ref(1): 0.5}, Query("a question"), HYBRID, words=words)
    assert [c.ref.id for c in without] == [0, 1]
    assert [c.ref.id for c in found] == [1, 0]
    assert asked == [("a question", [c.embedded_text for c in chunks.values()])]
    scores = {c.ref.id: c.score for c in found}
    assert scores[1] - scores[0] >= WEIGHTS.likeness  # its file gains by coherence, too


def test_words_are_compared_of_the_first_candidates_alone() -> None:
    many = {ref(at): chunk(f"{at:03}.py", text=f"number {at}") for at in range(LIKENED + 20)}
    scores = {key: 1 - key.id / 100 for key in many}
    asked: list[str] = []

    def words(query: str, texts: Sequence[str], /) -> NDArray[np.float64]:
        asked.extend(texts)
        return np.zeros(len(texts))

    found = rank(many, scores, Query("a question"), HYBRID, words=words)
    assert asked == [many[ref(at)].embedded_text for at in range(LIKENED)]
    assert [c.ref.id for c in found] == sorted(ref.id for ref in many)  # equal words say nothing


@pytest.mark.parametrize(
    ("path", "query", "least"),
    [
        ("a.py", "a question", WEIGHTS.further_nearest),
        ("a.md", "a question", 0.0),
        ("a.py", " ".join(f"word{n}" for n in range(LONG)), 0.0),
    ],
)
def test_the_nearest_code_keeps_its_place_whatever_came_of_its_file(
    path: str, query: str, least: float
) -> None:
    chunks = [chunk(path, text=f"{at}", start_byte=at) for at in range(4)]
    candidates = Candidates({ref(at): one for at, one in enumerate(chunks)})
    place = np.array([1.0, 0.1, 0.1, 0.1])
    near = {ref(2): 1.0, ref(1): 0.9, ref(3): 0.8}  # best first
    further = further_places(candidates, Query(query), WEIGHTS, near)(place, place)
    plain = further_places(candidates, Query(query), WEIGHTS, {})(place, place)
    assert further.tolist() == pytest.approx([1.0, *(max(plain[at], least * 0.1) for at in (1, 2)), plain[3]])


def test_of_one_file_the_nearer_place_comes_first_and_no_file_gains_by_it() -> None:
    far, near, other = (
        chunk(path, text=text, start_byte=at)
        for at, (path, text) in enumerate([("a.py", "far"), ("a.py", "near"), ("b.py", "other")])
    )
    chunks = {ref(0): far, ref(1): near, ref(2): other}
    scores = {ref(0): 0.9, ref(1): 0.7, ref(2): 0.8}

    def words(query: str, texts: Sequence[str]) -> np.ndarray:
        return np.zeros(len(texts))

    def found(cosines: dict[ChunkRef, float], within: float = 0.5) -> list[tuple[str, float]]:
        weights = replace(WEIGHTS, closeness_within=within)
        got = rank(chunks, scores, Query("a question"), HYBRID, weights, words=words, near=cosines)
        return [(c.chunk.text, c.score) for c in got]

    plain = found({ref(0): 1.0, ref(1): 1.0, ref(2): 1.0})
    dealt = found({ref(0): 0.2, ref(1): 1.0, ref(2): 0.9})
    assert [text for text, _ in plain] == ["far", "other", "near"]
    assert [text for text, _ in dealt] == ["near", "other", "far"]
    assert [score for _, score in plain] == [score for _, score in dealt]
    assert found({ref(0): 0.2, ref(1): 1.0}, within=0.0) == plain


@given(st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_candidates(rng: random.Random) -> None:
    chunks = [
        chunk(f"{'test_' * (i % 3 == 0)}{i % 4}.py", symbol="AbC"[: i % 4], start_byte=i) for i in range(12)
    ]
    scores = [(i % 3) / 7 for i in range(12)]
    ids = list(range(12))
    rng.shuffle(ids)  # the order in which they were written

    def rank_with(ids: list[int]) -> list[tuple[Chunk, float]]:
        by_ref = {ref(ids[i]): chunks[i] for i in sorted(range(12), key=ids.__getitem__)}
        weighed = {ref(ids[i]): scores[i] for i in range(12)}
        return [(c.chunk, c.score) for c in rank(by_ref, weighed, Query("AbC"), HYBRID)]

    want = rank_with(list(range(12)))
    assert rank_with(ids) == want
    assert all(a >= b for (_, a), (_, b) in pairwise(want))


def test_signals_score_every_candidate_and_may_be_applied_again() -> None:
    candidates = Candidates({ref(i): chunk(f"{i}.py") for i in range(3)})
    scores = np.full(3, 0.1)
    for signal in (*HYBRID.place, *HYBRID.file, *SEMANTIC.file):
        step = signal(candidates, Query("x y"), WEIGHTS)
        found = step(scores)
        assert found.shape == (3,)
        assert step(scores).tolist() == found.tolist()
        assert scores.tolist() == [0.1] * 3
