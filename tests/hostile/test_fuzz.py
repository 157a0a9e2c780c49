"""Inputs drawn at random, surface by surface: our own errors or a right answer, whatever comes in.

``make fuzz FUZZ_EXAMPLES=10000`` draws more of them. What once failed is kept in ``corpus/`` and tried first.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import string
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from codesearch import CodesearchError, open_index
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.files.ignoring.ignore import parse_ignore
from codesearch.index.index import Index
from codesearch.records import SourceFile
from mlx_jinabert.checkpoint.folder import EMBEDDED, read_folder
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import JinabertError
from mlx_jinabert.loading.embedding import fingerprint_of
from mlx_jinabert.text.tokenizer import Tokenizer
from tests.support.closeness import WordHashEmbedder
from tests.support.folders import copy_of
from tests.support.language_samples import SAMPLES

Test = TypeVar("Test", bound=Callable[..., Any])


def fuzz(test: Test) -> Test:
    """Draw FUZZ_EXAMPLES inputs (a few dozen by default)."""
    return settings(
        max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
        database=DirectoryBasedExampleDatabase(Path(__file__).parent / "corpus"),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )(test)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, -1, 2**31 - 1, 2**31, 2**63]),
    st.floats(),
    st.text(max_size=20),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def mutated(draw: Any, sample: bytes) -> bytes:
    """A text with stretches cut out, repeated, moved and replaced."""
    data = bytearray(sample)
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 40)))
        piece = bytes(data[start:stop])
        new = draw(st.one_of(st.just(b""), st.just(piece * 3), st.binary(max_size=12), st.just(b"\0\xff\r")))
        data[start:stop] = new
    return bytes(data * draw(st.sampled_from([1, 1, 1, 20])))


# -- chunker


@pytest.fixture(scope="module")
def pool() -> Iterator[ChunkPool]:
    with ChunkPool(workers=1) as opened:
        yield opened


@fuzz
@given(data=st.data(), language=st.sampled_from(sorted(SAMPLES)))
def test_chunks_tile_whatever_a_file_holds(pool: ChunkPool, data: st.DataObject, language: str) -> None:
    content = data.draw(mutated(SAMPLES[language][0].encode()))
    (each,) = pool.chunk_many([(SourceFile("x", len(content), 0, language), content)])
    assert [chunk.start_byte for chunk in each.chunks[1:]] == [chunk.end_byte for chunk in each.chunks[:-1]]
    assert not content or (each.chunks[0].start_byte, each.chunks[-1].end_byte) == (0, len(content))


# -- model folders


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of("embedded", tmp_path_factory.mktemp("model"))


@fuzz
@given(data=st.data())
def test_any_configuration_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    original = json.loads((EMBEDDED / "config.json").read_text())
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(original)), JSON, min_size=1, max_size=3))
    (folder / "config.json").write_text(json.dumps(original | changes))
    with contextlib.suppress(JinabertError):
        fingerprint_of(folder)


_FILES = [
    "config.json",
    "tokenizer_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "mlx_jinabert.json",
]


@fuzz
@given(data=st.data(), name=st.sampled_from(_FILES))
def test_any_json_file_is_read_or_refused(folder: Path, data: st.DataObject, name: str) -> None:
    known = json.loads((EMBEDDED / name).read_text()) if (EMBEDDED / name).exists() else {}
    keys = st.sampled_from(sorted(known)) if isinstance(known, dict) and known else st.text(max_size=10)
    content = data.draw(
        st.one_of(JSON, st.dictionaries(keys, JSON, max_size=3).map(lambda new: known | new))
        if isinstance(known, dict)
        else JSON
    )
    try:
        (folder / name).write_text(json.dumps(content))
        with contextlib.suppress(JinabertError):
            read_folder(folder, model_id="x", origin="folder")
            fingerprint_of(folder)
    finally:
        shutil.copytree(EMBEDDED, folder, dirs_exist_ok=True)
        (folder / "mlx_jinabert.json").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def small_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.checkpoints import Checkpoint, write

    return write(tmp_path_factory.mktemp("tokenizer") / "model", Checkpoint()) / "tokenizer.json"


@fuzz
@given(data=st.data())
def test_any_tokenizer_is_read_or_refused(small_tokenizer: Path, data: st.DataObject) -> None:
    described = json.loads(small_tokenizer.read_text())
    part = data.draw(st.sampled_from(sorted(described)))
    path = small_tokenizer.with_name("drawn.json")
    path.write_text(json.dumps(described | {part: data.draw(JSON)}))
    with contextlib.suppress(JinabertError):
        Tokenizer(path, 64, table_rows=512).encode(["def f(x): return x"])


@fuzz
@given(data=st.data())
def test_any_header_of_weights_is_read_or_refused(tmp_path_factory: Any, data: st.DataObject) -> None:
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    change = data.draw(st.dictionaries(st.sampled_from(sorted(entry)), JSON, max_size=2))
    header = json.dumps({"a": entry | change, **data.draw(st.just({}) | st.just({"b": change}))}).encode()
    header = data.draw(st.one_of(st.just(header), mutated(header)))
    length = data.draw(st.one_of(st.just(len(header)), st.integers(0, 2**64 - 1)))
    path = tmp_path_factory.getbasetemp() / "drawn.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header + bytes(data.draw(st.integers(0, 32))))
    with contextlib.suppress(JinabertError), Weights([path]) as weights:
        for name in weights.names():
            weights.read(name).sum()


# -- ignore rules, held against git

_PIECES = [
    "a",
    "b",
    "ab",
    "A",
    "*",
    "**",
    "?",
    "/",
    "/",
    "[ab]",
    "[!a]",
    "[a-c]",
    "[",
    "]",
    "\\",
    "\\*",
    "!",
    "#",
    " ",
    ".",
]
PATTERNS = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=9).map("".join)
PATHS = st.lists(st.text("abA. []", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.mark.parametrize(("few", "often"), [(0, 100), (256, 100), (256, 1)])
@fuzz
@given(
    lines=st.lists(PATTERNS, min_size=1, max_size=8),
    paths=st.lists(PATHS, min_size=1, max_size=12, unique=True),
)
def test_rules_decide_as_git_does(
    repository: Path, few: int, often: int, lines: list[str], paths: list[str]
) -> None:
    """Whether patterns are looked up, asked one by one, or all of them in one expression first."""
    paths = [path for path in paths if _is_plain(path)]
    (repository / ".gitignore").write_text("\n".join(lines) + "\n")
    with patch("codesearch.files.ignoring.rules._FEW", few):
        rules = parse_ignore("\n".join(lines).encode())
    with patch("codesearch.files.ignoring.rules._OFTEN", often):
        for path, by_git in zip(paths, _ignored(repository, paths), strict=True):
            assert _decided(rules, path) is by_git, (lines, path)


def _is_plain(path: str) -> bool:
    return all(part.strip(". ") and part.strip() == part for part in path.split("/"))


def _ignored(root: Path, paths: list[str]) -> list[bool]:
    if not paths:
        return []
    command = ["git", "-c", "core.ignorecase=false", "check-ignore", "--no-index", "-z", "--stdin"]
    given_ = "\0".join(paths).encode()
    done = subprocess.run(command, cwd=root, input=given_, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    ignored = set(done.stdout.decode().split("\0"))
    return [path in ignored for path in paths]


def _decided(rules: Any, path: str) -> bool:
    """As the walk does it: from the outermost folder inwards; nothing below an ignored one comes back."""
    parts = path.encode().split(b"/")
    for depth in range(1, len(parts) + 1):
        verdict = rules and rules.decide(b"/".join(parts[:depth]), parts[depth - 1], depth < len(parts))
        if verdict:
            return True
    return False


# -- questions


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    tree = tmp_path_factory.mktemp("tree")
    for number, language in enumerate(sorted(SAMPLES)):
        (tree / f"{language}{number}.py").write_text(SAMPLES[language][0])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CODESEARCH_HOME", str(tmp_path_factory.mktemp("home")))
        with open_index(tree, WordHashEmbedder()) as opened:
            opened.refresh()
            yield opened


ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.text(string.punctuation + " ab", max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Lu"]), max_size=10),
    st.sampled_from(['"', "NEAR(", "a AND", "NOT", "* * *", "a:b", "^", "{", "\0", "(?R)", "x" * 10_000]),
)


@fuzz
@given(
    query=ANY_TEXT,
    mode=st.sampled_from(["hybrid", "lexical", "semantic"]),
    globs=st.lists(ANY_TEXT, max_size=2),
    pattern=st.none() | ANY_TEXT,
    limit=st.integers(-2, 10**7),
)
def test_any_question_is_answered_or_refused(
    index: Index, query: str, mode: Any, globs: list[str], pattern: str | None, limit: int
) -> None:
    with contextlib.suppress(CodesearchError):
        hits = index.search(query, mode=mode, globs=globs, pattern=pattern, limit=limit)
        assert len(hits) <= limit
        assert [hit.score for hit in hits] == sorted(
            (hit.score for hit in hits), reverse=True
        ) or not query.strip()


def test_the_drawing_is_wide_enough() -> None:
    """The differential test draws paths that some rule decides on, both ways."""
    drawn = random.Random(3)
    verdicts = set()
    for _ in range(300):
        line = "".join(drawn.choice(_PIECES) for _ in range(drawn.randint(1, 5)))
        path = "/".join(drawn.choice(["a", "b", "ab"]) for _ in range(drawn.randint(1, 3)))
        verdicts.add(_decided(parse_ignore(line.encode()), path))
    assert verdicts == {True, False}
