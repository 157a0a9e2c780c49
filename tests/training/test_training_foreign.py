"""Other scripts: what is read of localisation files, how text is cut, what is learnt and what stays."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

import mlx_jinabert

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from training.corpus.translations import translations  # noqa: E402
from training.foreign.examples import Asked, Examples  # noqa: E402
from training.foreign.learning import Teaching  # noqa: E402
from training.foreign.tokenizer import count_runs, extended, owners, pieces, reader  # noqa: E402
from training.foreign.words import TABLE, Words  # noqa: E402
from training.foreign.writing import write_folder  # noqa: E402

SHIPPED = Path(mlx_jinabert.__file__).parent / "embedded"
LATIN_TOKENS = 30_000
"""Of the shipped model: the tokens that it was first trained with."""


def latin_reader() -> Tokenizer:
    """The tokenizer before other scripts came to it, written out."""
    described = json.loads((SHIPPED / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = described["model"]["vocab"]
    described["model"]["vocab"] = {token: n for token, n in vocabulary.items() if n < LATIN_TOKENS}
    read = Tokenizer.from_str(json.dumps(described))
    read.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"), " "),
            normalizers.Replace(Regex(r"[^\p{L}\p{N}]+"), " "),
            normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=True, lowercase=True),
        ]
    )
    read.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return read


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as it was before, its layers the shipped ones."""
    folder = tmp_path_factory.mktemp("before") / "model"
    words = load_file(SHIPPED / "model.safetensors")[TABLE]
    write_folder(SHIPPED, latin_reader(), words[:0], folder)
    state = load_file(folder / "model.safetensors")
    state[TABLE] = state[TABLE][:LATIN_TOKENS].contiguous()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": LATIN_TOKENS}), encoding="utf-8")
    return folder


def test_every_character_of_other_text_keeps_its_tokens() -> None:
    """All of Unicode's first plane but the letters of the learnt scripts, within words and alone."""
    kept = [
        letter
        for letter in map(chr, range(0x10000))
        if unicodedata.category(letter) not in {"Cs", "Cn"}
        and (
            unicodedata.category(letter)[0] not in "LN"
            or letter.isascii()
            or "LATIN" in unicodedata.name(letter, "")
        )
    ]
    texts = [f"{c} a{c}b A{c}B fo{c}{c}o{c} Ba{c}9{c}Z" for c in kept]
    now = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    for text, old, new in zip(
        texts, latin_reader().encode_batch_fast(texts), now.encode_batch_fast(texts), strict=True
    ):
        assert old.ids == new.ids, repr(text)


def test_code_and_prose_in_latin_letters_keep_their_tokens() -> None:
    dice = random.Random(1)
    parts = [
        "getUserById",
        "HTTPServer",
        "résumé",
        "straße",
        "μs",
        "Δx",
        "café",
        "e\u0301a",
        "x²",
        "½",
        "ﬁ",
        "İ",
    ]
    parts += [*"_-+ \t\n(){}[]<>=.,;:!?/\\'\"`~@#$%^&*|0123456789abcXYZßøłñ", "fooBar2Baz", "::", "->"]
    texts = ["".join(dice.choices(parts, k=dice.randint(1, 60))) for _ in range(2_000)]
    files = (file.read_text("utf-8") for file in Path(mlx_jinabert.__file__).parent.rglob("*.py"))
    texts += [text for text in files if text.isascii()]
    now = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    for text, old, new in zip(
        texts, latin_reader().encode_batch_fast(texts), now.encode_batch_fast(texts), strict=True
    ):
        assert old.ids == new.ids, text


def test_words_end_where_the_script_does() -> None:
    read = reader(SHIPPED / "tokenizer.json")
    normal = read.normalizer.normalize_str("使用Redis缓存 ファイルを開く перезаписьFile2")
    assert [word for word, _ in read.pre_tokenizer.pre_tokenize_str(normal)] == [
        "使用", "redis", "缓存", "ファイル", "を", "開", "く", "перезапись", "file2",
    ]  # fmt: skip


def test_pieces_of_words_without_blanks_stand_anywhere_and_have_one_vector() -> None:
    read = reader(SHIPPED / "tokenizer.json")
    texts = ["删除用户", "用户删除", "删除文件", "文件用户", "用户文件"] * 2 + ["удаление"] * 10
    tokens = pieces(count_runs(read, texts))
    longer = extended(read, tokens)
    first, second = (longer.encode(text, add_special_tokens=False).tokens for text in texts[:2])
    assert [each.removeprefix("##") for each in first] == [each.removeprefix("##") for each in second[::-1]]
    owner = owners(tokens)
    assert owner[tokens.index("##用户")] == owner[tokens.index("用户")] == tokens.index("用户")
    assert sorted(set(owner)) == [n for n, token in enumerate(tokens) if owner[n] == n]
    assert owner[tokens.index("##е")] == tokens.index("##е")


FILES = {
    "Resources/xlf/Strings.ru.xlf": """<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2"><file><body>
        <trans-unit id="a"><source>Delete {0}</source>
        <target state="translated">Удалить {0}</target></trans-unit>
        <trans-unit id="b"><source>New</source><target state="new">Новый</target></trans-unit>
        </body></file></xliff>""",
    "locale/ja/LC_MESSAGES/django.po": 'msgid ""\nmsgstr "x"\n\nmsgid "Save %(name)s"\n'
    'msgstr "保存 %(name)s"\n\n#, fuzzy\nmsgid "Maybe"\nmsgstr "多分"\n',
    "locales/en.json": '{"file": {"open": "Open file", "only": "Only here"}}',
    "locales/zh-CN.json": '{"file": {"open": "打开文件", "other": "其他"}}',
    "web/Messages.properties": "title=User name\n# comment=no\n",
    "web/Messages_ko.properties": "title=\\uc0ac\\uc6a9\\uc790 \\\n  이름\n",
    "res/values/strings.xml": '<resources><string name="a">Send <b>mail</b></string></resources>',
    "res/values-he/strings.xml": '<resources><string name="a">שליחת דואר</string></resources>',
    "res/values-de/strings.xml": '<resources><string name="a">Senden</string></resources>',
    "broken/zh/x.xlf": "<xliff",
}


def test_every_format_of_localisation_gives_its_pairs(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert sorted(translations(tmp_path)) == [
        ("Удалить", "Delete"),
        ("שליחת דואר", "Send mail"),
        ("保存", "Save"),
        ("打开文件", "Open file"),
        ("사용자 이름", "User name"),
    ]


TRANSLATED = (("删除用户", "delete user"), ("打开文件", "open file"), ("网络错误", "network error")) * 8


def test_teaching_moves_new_words_alone(before: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    asked = [Asked(text, english, "r", True) for text, english in TRANSLATED]
    asked += [Asked(text, f"void {english.replace(' ', '_')}()", "r", False) for text, english in TRANSLATED]
    read = reader(before / "tokenizer.json")
    tokens = pieces(count_runs(read, [each.text for each in asked]))
    longer = extended(read, tokens)
    words = Words(before, tokens)
    words.begin(Examples.make(asked, longer, before))
    teaching = Teaching(words, Examples.make(asked, longer, before), batch=16)
    teaching.go(20, 0.3)
    write_folder(before, longer, words.rows(), tmp_path / "out")
    old, new = (load_file(folder / "model.safetensors") for folder in (before, tmp_path / "out"))
    assert torch.equal(new[TABLE][:LATIN_TOKENS], old[TABLE])
    assert all(torch.equal(new[name], old[name]) for name in old if name != TABLE)
    model = mlx_jinabert.load(str(tmp_path / "out"), dtype="float32")
    said, meant = (np.asarray(model.encode(list(texts))) for texts in zip(*TRANSLATED[:3], strict=True))
    assert (np.argmax(said @ meant.T, axis=1) == np.arange(3)).all()
    assert (np.diag(said @ meant.T) > 0.7).all()


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("删除用户", "delete the user"),
        ("读取配置文件", "read the configuration file"),
        ("ファイルを開く", "open a file"),
        ("удалить пользователя", "delete the user"),
        ("открыть файл", "open a file"),
        ("파일 열기", "open a file"),
    ],
)
def test_the_shipped_model_knows_common_words_of_other_scripts(question: str, wanted: str) -> None:
    texts = [
        "delete the user", "open a file", "read the configuration file", "send an email", "parse the date",
        "network connection failed", "sort the list", "draw a circle",
    ]  # fmt: skip
    model = mlx_jinabert.load("embedded")
    near = np.asarray(model.encode(texts)) @ np.asarray(model.encode([question]))[0]
    assert texts[int(np.argmax(near))] == wanted


def test_pieces_that_are_one_word_share_their_row_in_the_shipped_table() -> None:
    table = load_file(SHIPPED / "model.safetensors")[TABLE]
    vocabulary = Tokenizer.from_file(str(SHIPPED / "tokenizer.json")).get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)[LATIN_TOKENS:]
    assert len(tokens) > 5_000
    new = table[LATIN_TOKENS:]
    assert torch.equal(new, new[torch.tensor(owners(tokens))])
