"""Words looked up in a table are what the tokenizers library makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Reader

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.text import reader, tokenizer
from mlx_jinabert.text.plain_split import split, splits_plainly
from mlx_jinabert.text.reader import TokenizerFile, read_tokenizer
from mlx_jinabert.text.table_reader import TableReader
from mlx_jinabert.text.tokenizer import Tokenizer
from mlx_jinabert.text.word_table import WordTable
from mlx_jinabert.text.words import WordTokenizer
from tests.support.checkpoint_tokenizers import byte_level_bpe, word_piece

SHIPPED = EMBEDDED / "tokenizer.json"
WHOLE = Reader.from_file(str(SHIPPED))
CODE = Path(__file__).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of its own; the folder of its tables."""
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "cache"))
    reader._KEPT.clear()
    yield tmp_path / "cache" / "words"
    reader._KEPT.clear()


def described(**changes: Any) -> dict[str, Any]:
    """The shipped tokenizer.json with other parts."""
    found = json.loads(SHIPPED.read_text(encoding="utf-8"))
    model = {key: changes.pop(key) for key in list(changes) if key in found["model"]}
    return {**found, **changes, "model": {**found["model"], **model}}


def small(**changes: Any) -> dict[str, Any]:
    """The same with few words, so that words fall into pieces."""
    vocabulary = described()["model"]["vocab"]
    return described(vocab=dict(list(vocabulary.items())[:1_500]), **changes)


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "shipped": described,
    "few words": small,
    "BERT": lambda: json.loads(word_piece().to_str()),
    "no special tokens around": lambda: small(post_processor=None),
    "another mark": lambda: small(continuing_subword_prefix="", max_input_chars_per_word=9),
    "split at spaces": lambda: small(normalizer={"type": "NFKC"}, pre_tokenizer={"type": "WhitespaceSplit"}),
    "cuts and pads": lambda: small(
        truncation={"max_length": 3, "stride": 0, "strategy": "LongestFirst", "direction": "Right"},
        padding={"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None}
        | {"pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>"},
    ),
}


def both(kind: str) -> tuple[TableReader, Reader, list[str]]:
    """The table of a tokenizer as it is read back, the library's tokenizer, and its words."""
    content = json.dumps(KINDS[kind]()).encode()
    TokenizerFile(Path("tokenizer.json"), content)
    again = TokenizerFile(Path("tokenizer.json"), content)
    assert again.table is not None
    assert not again.is_read
    table, whole = again.table, again.reader
    return table, whole, sorted(whole.get_vocab(with_added_tokens=False))


@pytest.mark.parametrize("kind", KINDS)
def test_texts_and_words_are_those_of_the_library(kind: str) -> None:
    table, whole, vocabulary = both(kind)
    piece = st.one_of(
        st.sampled_from(vocabulary),
        st.sampled_from(vocabulary).map(str.capitalize),
        st.sampled_from(vocabulary).map(str.upper),
        st.text(max_size=8),
        st.sampled_from(
            ["camelCase", "HTTPServer2", "x" * 40, "\0", "a\0", "é", "e\u0301", "İ", "ß", "日本語", "_"]
        ),
    )
    texts = st.lists(piece, max_size=8).flatmap(
        lambda parts: st.sampled_from(["".join(parts), " ".join(parts)])
    )

    @settings(max_examples=150, deadline=None)
    @given(st.lists(texts, min_size=1, max_size=4))
    def check(some: list[str]) -> None:
        added = any(token in text for text in some for token in table.described["model"]["vocab"])
        clean = [tokenizer.without_surrogates(text) for text in some]
        for framed in (True, False):
            wanted = [one.ids for one in whole.encode_batch_fast(clean, add_special_tokens=framed)]
            assert table.ids(clean, framed=framed) == (None if added else wanted)
        assert table.ids_of_words(clean) in (None, wanted)
        assert added or table.ids_of_words(clean) is not None

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_real_text_is_that_of_the_library(kind: str) -> None:
    table, whole, vocabulary = both(kind)
    lines = [line for line in CODE.splitlines() if "<" not in line and "[" not in line]
    assert table.ids(lines, framed=True) == [one.ids for one in whole.encode_batch_fast(lines)]
    spellings = (str.lower, str.capitalize, str.upper, lambda word: word[:-2] + word[-2:].capitalize())
    words = [spelt(word) for word in vocabulary[::7] for spelt in spellings]
    words = [word for word in words if not word.startswith(("<", "["))]
    wanted = [one.ids for one in whole.encode_batch_fast(words, add_special_tokens=False)]
    assert table.ids_of_words(words) == wanted
    assert [table.token_id(token) for token in [*vocabulary, "no such word"]] == [
        whole.token_to_id(token) for token in [*vocabulary, "no such word"]
    ]


def test_every_letter_that_is_split_without_the_library_is_split_as_it_does() -> None:
    letters = [
        chr(code) for code in (*range(0x3000), *range(0x10600, 0x10780)) if split(chr(code)) is not None
    ]
    assert len(letters) > 128 + 64 + 300
    contexts = ("{}", "a{}", "{}A", "aB{}Cd", "9{}9", "A{}b", "_{} {}x")
    for text in (context.replace("{}", letter) for letter in letters for context in contexts):
        normal = WHOLE.normalizer.normalize_str(text)
        assert split(text) == [word for word, _ in WHOLE.pre_tokenizer.pre_tokenize_str(normal)], repr(text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(max_codepoint=0x17F)))
def test_texts_that_are_split_without_the_library_are_split_as_it_does(text: str) -> None:
    normal = WHOLE.normalizer.normalize_str(text)
    assert split(text) in (None, [word for word, _ in WHOLE.pre_tokenizer.pre_tokenize_str(normal)])


@pytest.mark.parametrize(
    "changes", [{"normalizer": {"type": "NFKC"}}, {"pre_tokenizer": {"type": "WhitespaceSplit"}}], ids=str
)
def test_only_the_shipped_way_to_split_is_known(changes: dict[str, Any]) -> None:
    assert splits_plainly(described())
    assert not splits_plainly(described(**changes))
    assert not splits_plainly(json.loads(word_piece().to_str()))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: json.loads(byte_level_bpe().to_str()), id="no WordPiece"),
        pytest.param(lambda: small(pre_tokenizer=None), id="nothing splits"),
        pytest.param(lambda: small(normalizer=None), id="nothing normalises"),
        pytest.param(lambda: small(unk_token="retry"), id="unknown is no added token"),
        pytest.param(lambda: small(max_input_chars_per_word=10**9), id="endless words"),
        pytest.param(
            lambda: small(added_tokens=[{**one, "normalized": True} for one in small()["added_tokens"]]),
            id="added tokens in normalised text",
        ),
    ],
)
def test_other_tokenizers_are_read_whole(content: Callable[[], dict[str, Any]], cache: Path) -> None:
    file = TokenizerFile(Path("tokenizer.json"), json.dumps(content()).encode())
    assert file.table is None
    assert file.is_read
    assert not list(cache.glob("*"))


def test_words_that_no_row_can_hold_make_no_table() -> None:
    assert WordTable.of({"a\0": 0}) is None
    assert WordTable.of({"a" * 129: 0}) is None
    assert WordTable.of({}) is None


def test_pieces_are_the_longest_that_the_table_holds() -> None:
    table = WordTable.of({"a": 0, "##": 1, "##b": 2, "abcd": 3, "##e": 4})
    assert table is not None
    assert table.find([b"a", b"abc", b"abcd", b"abcde", b"a\0", b""]).tolist() == [0, -1, 3, -1, -1, -1]
    words = ["abcd", "abcde", "abb", "abcdx", "a", "", "ax", "x", "##b"]
    assert table.pieces(words, "##") == [[3], [3, 4], [0, 2, 2], [], [0], [], [], [], [2]]
    assert table.pieces([], "##") == []


@pytest.fixture
def path() -> Path:
    read_tokenizer(SHIPPED)  # makes the table
    reader._KEPT.clear()
    return SHIPPED


def test_a_question_does_not_read_the_vocabulary(path: Path) -> None:
    model, words = Tokenizer(path, 512), WordTokenizer(path, 1 << 20)
    found, known = model.encode(["how is a request retried"]), words.known(["Retry", "requestId"])
    assert not model._file.is_read
    assert model.token_id("</s>") == 2
    assert model.pad_id == 1
    assert model._file.reader is words._file.reader  # reads it
    again = Tokenizer(path, 512).encode(["how is a request retried"])
    assert [ids.tolist() for ids in found.ids] == [ids.tolist() for ids in again.ids]
    assert found.lengths == again.lengths
    whole = [
        one.ids for one in model._reader.encode_batch_fast(["Retry", "requestId"], add_special_tokens=False)
    ]
    assert known[0].tolist() == list(chain.from_iterable(whole))
    assert known[1].tolist() == list(map(len, whole))


def test_a_plain_question_does_not_import_the_library(path: Path) -> None:
    code = f"""if True:
        import sys
        from pathlib import Path
        from mlx_jinabert.text.tokenizer import Tokenizer
        from mlx_jinabert.text.words import WordTokenizer
        model, words = Tokenizer(Path({str(path)!r}), 512), WordTokenizer(Path({str(path)!r}), 1 << 20)
        model.encode(["how is a request retried, M\\xfcller?"]), words.known(["Retry", "requestId"])
        print("tokenizers" in sys.modules)
        model.encode(["\\u65e5\\u672c"])
        print("tokenizers" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("text", ["a word " * 600, "what is <s> for", "", "half \ud800 a character"])
def test_any_text_has_the_same_ids_either_way(path: Path, text: str) -> None:
    few = Tokenizer(path, 64).encode([text, "b"])
    whole = Tokenizer(path, 64)
    assert whole._reader
    many = whole.encode([text, "b"])
    assert [ids.tolist() for ids in few.ids] == [ids.tolist() for ids in many.ids]
    assert few.lengths == many.lengths


def test_many_texts_with_other_letters_are_read_by_the_library(path: Path) -> None:
    model = Tokenizer(path, 512)
    while not model._file.is_read:
        left = model._few
        model.encode(["a text of söme words"] * 100)
        assert model._few < left or model._file.is_read
    assert left < 2_000


@pytest.mark.parametrize("at", [0, 5, 100, -1, -100_000, -1_000_000])
def test_a_damaged_table_is_made_again(path: Path, cache: Path, at: int) -> None:
    (stored,) = cache.iterdir()
    content = bytearray(stored.read_bytes())
    content[at] ^= 1
    stored.write_bytes(content)
    assert read_tokenizer(path).is_read
    content[at] ^= 1
    assert stored.read_bytes() == content
    for cut in (content[:-1], content[:4], b""):
        stored.write_bytes(cut)
        assert TokenizerFile(path, path.read_bytes()).is_read


def test_another_content_has_another_table(path: Path, cache: Path) -> None:
    TokenizerFile(path, path.read_bytes() + b" ")
    assert len(list(cache.iterdir())) == 2


def test_without_a_cache_the_file_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        assert TokenizerFile(SHIPPED, SHIPPED.read_bytes()).is_read
