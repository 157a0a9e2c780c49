"""A tokenizer that reads Latin text alone -> one that has pieces of other scripts too.

Latin text keeps its tokens to the last id: new tokens come after the old ones, and where words begin and
end changes for letters of other scripts alone. Their runs are words of their own, so that ``使用Redis`` is
two, and Japanese falls apart into its parts of speech. Accents, and with them the dots of kana, have been
dropped when a word is looked up, Korean syllables taken apart into letters.

Chinese and Japanese know no blanks, and where a run begins says little: a piece has one vector, wherever it
stands (``owners``), though a WordPiece vocabulary has to name it twice.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

__all__ = ["ROOM", "count_runs", "extended", "owners", "pieces", "reader", "used"]

ROOM: Mapping[str, int] = {
    "han": 5_200,
    "hiragana": 500,
    "katakana": 1_000,
    "hangul": 1_600,
    "cyrillic": 3_200,
    "arabic": 900,
    "hebrew": 500,
    "greek": 500,
}
"""Script -> pieces that are learnt at most; those of the first three count twice in the vocabulary."""
_CLASSES = {
    "han": r"\p{Han}",
    "hiragana": r"\p{Hiragana}",
    "katakana": r"[\p{Katakana}ー]",
    "hangul": r"\p{Hangul}",
    "cyrillic": r"\p{Cyrillic}",
    "arabic": r"\p{Arabic}",
    "hebrew": r"\p{Hebrew}",
    "greek": r"\p{Greek}",
}
_WITHOUT_BLANKS = ("han", "hiragana", "katakana")
_LONGEST_RUN = 30
"""Letters of a run, in a tokenizer that takes words of 32 at most."""
_LEAST_GREEK = (3, len("##") + 2)
"""Letters where a word begins, and within: single Greek ones stand for quantities amid Latin ones (``10μs``),
and stay as unknown as they were."""
_CASE_BORDER = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"


def reader(tokenizer: Path) -> Tokenizer:
    """Return the tokenizer of a shipped model with words that end where the script changes."""
    read = Tokenizer.from_file(str(tokenizer))
    read.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"\p{M}+"), " "),
            normalizers.Replace(Regex(_CASE_BORDER), " "),
            normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, lowercase=True),
        ]
    )
    # Greek is no border: with "μs" and "Δx" it is part of Latin text.
    apart = [letters for script, letters in _CLASSES.items() if script != "greek"]
    runs = "|".join(rf"[{letters}&&[\p{{L}}\p{{N}}]]{{1,{_LONGEST_RUN}}}" for letters in apart)
    word = rf"[a-z0-9]+(?![\p{{L}}\p{{N}}])|[[\p{{L}}\p{{N}}]&&[^{''.join(apart)}]]+|{runs}"
    read.pre_tokenizer = pre_tokenizers.Split(Regex(word), behavior="removed", invert=True)
    return read


def count_runs(tokenizer: Tokenizer, texts: Iterable[str]) -> dict[str, Counter[str]]:
    """Return of each script how often each of its words stands in ``texts``, as the tokenizer cuts them."""
    words: Counter[str] = Counter()
    for text in texts:
        if not text.isascii():
            normal = tokenizer.normalizer.normalize_str(text)
            words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    found: dict[str, Counter[str]] = {script: Counter() for script in _CLASSES}
    for word, count in words.items():
        scripts = {_script(letter) for letter in word}
        if len(scripts) == 1 and (script := scripts.pop()) in found:
            found[script][word] = count
    return found


def _script(letter: str) -> str:
    """The script of a letter, by its name in Unicode."""
    named = unicodedata.name(letter, "").partition(" ")[0].partition("-")[0].lower()
    return "han" if named == "cjk" else named


def pieces(runs: Mapping[str, Mapping[str, int]], room: Mapping[str, int] = ROOM) -> list[str]:
    """Return WordPiece tokens for the words of each script: byte-pair merges of its letters."""
    tokens: list[str] = []
    for script, words in runs.items():
        joined = script in _WITHOUT_BLANKS
        learnt = _merged(words, room[script], prefix="" if joined else "##")
        if script == "greek":
            learnt = [each for each in learnt if len(each) >= _LEAST_GREEK[each.startswith("##")]]
        tokens += [each for token in learnt for each in ((token, f"##{token}") if joined else (token,))]
    return tokens


def extended(tokenizer: Tokenizer, tokens: Sequence[str]) -> Tokenizer:
    """Return the tokenizer with these tokens after its own."""
    described = json.loads(tokenizer.to_str())
    vocabulary = described["model"]["vocab"]
    for token in tokens:
        vocabulary.setdefault(token, len(vocabulary))
    return Tokenizer.from_str(json.dumps(described))


def used(tokenizer: Tokenizer, texts: Iterable[str], tokens: Sequence[str], least: int) -> list[str]:
    """Return those of the added tokens that stand ``least`` times in ``texts``."""
    counts: Counter[int] = Counter()
    for encoding in tokenizer.encode_batch_fast([text for text in texts if not text.isascii()]):
        counts.update(encoding.ids)
    known = tokenizer.get_vocab()
    return [each for each in tokens if counts[known[each]] >= least]


def owners(tokens: Sequence[str]) -> list[int]:
    """Return of each token the place of the one whose vector it has: its own, or that without the prefix."""
    tied = pre_tokenizers.Split(Regex(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+"), "removed", invert=True)
    place: dict[str, int] = {}
    found = []
    for at, token in enumerate(tokens):
        bare = token.removeprefix("##")
        found.append(place.setdefault(bare if tied.pre_tokenize_str(bare) else token, at))
    return found


def _merged(words: Mapping[str, int], size: int, prefix: str) -> list[str]:
    """Return letters and merges, in the order in which they were learnt."""
    probe = Tokenizer(models.BPE())
    probe.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        limit_alphabet=size * 3 // 5,
        min_frequency=4,
        show_progress=False,
        continuing_subword_prefix=prefix,
        max_token_length=12,
    )
    lines = (" ".join([word] * min(count, 1_000)) for word, count in sorted(words.items()))
    probe.train_from_iterator(lines, trainer)
    vocabulary = probe.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)
