"""The tokenizer of the shipped model: code read as the words that people would search it with.

Identifiers are cut where their case changes, and what is no word falls out, but for operators: of those,
several characters in a row (``=>``, ``&&``, ``::``) and single ones between two blanks (``a % b``) stay.
Words are looked up in MiniLM's uncased WordPiece vocabulary (all-MiniLM-L6-v2, Apache-2.0), which brings the
word vectors of a model that has read ordinary English, extended by the frequent words of code that it
would cut to pieces (``async``, ``config``, ``mutex``), and by pieces of Chinese, Japanese and Cyrillic
text. Compared with byte-level BPE: four tenths fewer tokens for a chunk, and ``getUserById`` shares its
tokens with "get the user by its id".

Everything is inside tokenizer.json, so that the library needs no code for it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

__all__ = [
    "OPERATORS",
    "SPECIAL_TOKENS",
    "build",
    "choose_vocabulary",
    "count_words",
    "foreign_pieces",
    "word_splitter",
]

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""Ids 0 to 4, as in the JinaBERT code checkpoints."""
_SEVERAL_TEXT = """
    => -> <- :: := == != === !== <= >= <=> && || ++ += -= *= /= %= |= &= ^= ||= &&= ??= <<= >>= **=
    ** << >> >>> ?? ?. ?: !! =~ !~ ~> |> <| .. ... ..= ..< <> ++= >>= <$> <*>
"""
_SEVERAL = _SEVERAL_TEXT.split()
_SINGLE = "+-*/%<>&|^!~?=@"
OPERATORS = (*dict.fromkeys([*_SEVERAL, "--", *_SINGLE]),)
"""Tokens of their own."""
_CASE_BORDER = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
_EASTERN = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_WORD = (
    r"[a-z0-9]+|\p{Han}{1,12}|\p{Hiragana}{1,12}|[\p{Katakana}ー]{1,20}"
    rf"|[[\p{{L}}\p{{N}}\p{{M}}]&&[^{_EASTERN}a-z0-9]]+"
)
"""Scripts are borders of words: Japanese falls apart into its parts of speech by them."""
_SIGN = r"[-+*/%<>=!&|^~?@:.$#\\]"
_LONGEST_WORD = 32


def _operator() -> str:
    several = "|".join(re.escape(each) for each in sorted(_SEVERAL, key=len, reverse=True))
    single = "[" + re.escape("".join(each for each in _SINGLE if each not in "=@")) + "]"
    between = rf"(?:(?<=[^\s*/#-] )|\A){single}(?= [^\s*/-]|\z)"
    negation = r"(?<![\w!)\]])[!~](?=[\w(])|\A[=@](?=\z)|(?<=\n)@(?=\w)"
    decrement = r"(?<=[\w)\]])--(?![\w-])"
    return rf"(?={_SIGN})(?<!{_SIGN})(?:(?:{several})(?!{_SIGN})|{between}|{negation}|{decrement})"


def word_splitter(tokenizer: Tokenizer) -> None:
    """Give ``tokenizer`` its normaliser and splitter: ``HTTPServer::bind_all`` -> http server :: bind all."""
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_CASE_BORDER), " "),
            normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, lowercase=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(f"{_WORD}|{_operator()}"), behavior="removed", invert=True
    )


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word (after splitting) stands in ``texts``."""
    words: Counter[str] = Counter()
    probe = Tokenizer(models.WordPiece({"<unk>": 0}, unk_token="<unk>"))
    word_splitter(probe)
    for text in texts:
        normal = probe.normalizer.normalize_str(text)
        words.update(word for word, _ in probe.pre_tokenizer.pre_tokenize_str(normal))
    return words


def foreign_pieces(words: Mapping[str, int], size: int) -> list[str]:
    """Up to ``size`` WordPiece tokens for the words that are no ASCII, most useful first."""
    foreign = {word: count for word, count in words.items() if not word.isascii() and word not in OPERATORS}
    probe = Tokenizer(models.WordPiece(unk_token="<unk>"))
    probe.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, limit_alphabet=size // 3, min_frequency=4, show_progress=False
    )
    lines = (word for word, count in sorted(foreign.items()) for _ in range(min(count, 300)))
    probe.train_from_iterator(lines, trainer)
    vocabulary = probe.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def choose_vocabulary(
    base: Sequence[str], words: Mapping[str, int], *, size: int, foreign: int = 0, least_count: int = 20
) -> list[str]:
    """Tokens by id: special ones, operators, single characters, foreign pieces, then words by their use.

    ``base``: the teacher's WordPiece tokens. A piece of ``base`` is worth the words that it is a part of;
    all of them compete with the whole words of the corpus that ``base`` lacks. ``size``: how many in all,
    ``foreign`` of them for other scripts than Latin.
    """
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(base)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    known = set(base)
    uses: Counter[str] = Counter()
    frequent = [w for w in words if words[w] >= least_count and w not in known and _is_word(w)]
    new = sorted(frequent, key=lambda w: (-words[w], w))
    for word, count in words.items():
        if len(word) <= _LONGEST_WORD and word.isascii() and word not in OPERATORS:
            for piece in tokenizer.encode(word, add_special_tokens=False).tokens:
                uses[piece] += count
    letters = [t for t in base if len(t.removeprefix("##")) == 1 and t.isascii() and t not in OPERATORS]
    rest = [t for t in base if not t.startswith("[") and t not in set(letters)]
    plain = [t for t in rest if t.removeprefix("##").isascii() and t.removeprefix("##").isalnum()]
    ranked = sorted(plain, key=lambda t: (-uses[t], t))
    others = foreign_pieces(words, foreign) if foreign else []
    fixed = [*SPECIAL_TOKENS, *OPERATORS, *letters, *(t for t in others if t not in known)]
    room = size - len(fixed)
    share = min(len(new), room * 2 // 5)
    chosen = ranked[: room - share] + new[:share]
    return list(dict.fromkeys([*fixed, *chosen]))


def build(vocabulary: Sequence[str], path: Path) -> None:
    """Write tokenizer.json: ``<s> text </s>``, no truncation, no padding (the library does both)."""
    ids = {token: n for n, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="<unk>", max_input_chars_per_word=_LONGEST_WORD))
    word_splitter(tokenizer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False), encoding="utf-8")


def _is_word(word: str) -> bool:
    return word.isascii() and 1 < len(word) <= 20 and sum(c.isdigit() for c in word) <= 1
