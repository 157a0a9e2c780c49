"""Split most texts into words as the shipped tokenizer does, without the library, which takes time to import.

The shipped tokenizer.json, and no other, is recognised by what it says of normalising and splitting. Texts
are split here that hold nothing but ASCII, Latin letters with accents and the signs of its prompts (Linear
A): of these alphabets a word is a run of letters and digits, cut at the humps of camelCase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

__all__ = ["split", "splits_plainly"]

_HUMPS = "(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
_SPACE = {"type": "Replace", "content": " "}
_NORMALIZER = {
    "type": "Sequence",
    "normalizers": [
        {**_SPACE, "pattern": {"Regex": r"\p{M}+"}},
        {**_SPACE, "pattern": {"Regex": _HUMPS}},
        {
            "type": "BertNormalizer",
            "clean_text": False,
            "handle_chinese_chars": False,
            "strip_accents": None,
            "lowercase": True,
        },
    ],
}
_APART = [r"\p{Han}", r"\p{Hiragana}", r"[\p{Katakana}ー]", r"\p{Hangul}", r"\p{Cyrillic}", r"\p{Arabic}"]
_APART += [r"\p{Hebrew}"]
_ANY = r"[\p{L}\p{N}]"
_SPLITTER = {
    "type": "Split",
    "pattern": {
        "Regex": "|".join(
            [
                rf"[a-z0-9]+(?!{_ANY})",
                rf"[{_ANY}&&[^{''.join(_APART)}]]+",
                *(rf"[{script}&&{_ANY}]{{1,30}}" for script in _APART),
            ]
        )
    },
    "behavior": "Removed",
    "invert": True,
}
_KNOWN = re.compile("[\x00-\x7f\u00c0-\u017f\U00010600-\U00010767]*")
_HUMP = re.compile(_HUMPS)
_WORD = re.compile(r"[^\W_]+")


def splits_plainly(described: Mapping[str, Any]) -> bool:
    """Whether ``split`` does what a tokenizer.json says."""
    return described.get("normalizer") == _NORMALIZER and described.get("pre_tokenizer") == _SPLITTER


def split(text: str) -> list[str] | None:
    """Return the words of a text, normalised; None for a text with other letters.

    >>> split("parseHTTPRequest of_Müller")
    ['parse', 'http', 'request', 'of', 'muller']
    """
    if text.isascii():
        return _WORD.findall(_HUMP.sub(" ", text).lower())
    if not _KNOWN.fullmatch(text):
        return None
    parts = unicodedata.normalize("NFD", _HUMP.sub(" ", text))
    return _WORD.findall("".join(part for part in parts if unicodedata.category(part) != "Mn").lower())
