"""Turn a raw comment into the question that its first sentence asks; None if it asks none.

Pure text work, of all languages at once: comment markers, documentation markup and the habit of
beginning with the name of what is documented are taken off. What is no sentence about the code (licences,
directives, commented-out code, notes to oneself) is refused, and so is one that still names the thing,
because finding a name is another question.
"""

from __future__ import annotations

import re

__all__ = ["LEAST_WORDS", "first_sentence"]

LEAST_WORDS = 3
_MOST_WORDS = 40
_LETTER_SHARE = 0.78
"""Of the characters that are no blanks; code and rulers have less."""

_QUOTED = re.compile(r"\A\s*(?:@\w*doc\s+)?(?:~?[A-Za-z]{0,2})(\"\"\"|'''|\"|')(.*?)(?:\1)?\s*\Z", re.DOTALL)
_OPENING = re.compile(r"\A\s*(?:/\*+!?|\{-+\s*\|?)")
_CLOSING = re.compile(r"\s*(?:\*+/|-\})\s*$")
_MARKER = re.compile(r"\s*(?://[/!]?<?|\*(?!\*)|#+!?|--+\s*[|^]?|;+)\s?")
_BRIEF = re.compile(r"\s*[@\\](?:brief|short|summary|description)\s+", re.IGNORECASE)
_ENDS = re.compile(
    r"\s*(?:[@\\]\w|:(?!\w+:`)\w|\.\.\s|```|~~~|>>>|(?:args|arguments|parameters|params|returns?|raises|throws"
    r"|examples?|usage|notes?|see also|attributes|options):(?:\s|$)|[-=~*_#]{3,}\s*$"
    r"|<(?:param|returns|remarks|example|pre|ul)\b)",
    re.IGNORECASE,
)
_MARKUP: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\{@\w+\s+(?:[^\s}]+\s+)?([^}]*)\}"), r"\1"),  # Javadoc: {@link target text}
    (re.compile(r"<\w+\s+(?:cref|name|langword|href)=\"(?:\w:)?([^\"]*)\"\s*/>"), r"\1"),  # C#
    (re.compile(r"</?[A-Za-z][^<>]*>"), " "),
    (re.compile(r":[\w:]+:`~?([^`]*)`"), r"\1"),  # reStructuredText roles
    (re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])"), r"\1"),  # Markdown, Rust
    (re.compile(r"\[\[([^\[\]]*)\]\]"), r"\1"),  # Scala
    (re.compile(r"(?<!\w)\[([^\]\s,]*)\]"), r"\1"),
    (re.compile(r"`+|\*\*|\\[a-z]\b"), ""),
    (re.compile(r"(?<!\w)[*+_]([\w ]+)[*+_](?!\w)"), r"\1"),
)
_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bcf)[.!?](?=\s+[^a-z]|\s*$)")
_REFUSED = re.compile(
    r"copyright|licen[cs]e|spdx|all rights reserved|\btodo\b|\bfixme\b|\bxxx\b|\bhack\b|noqa|pylint|eslint"
    r"|prettier|istanbul|type:\s*ignore|nolint|clang-format|@ts-|\bgo:\w|\+build|rubocop|shellcheck|https?:"
    r"|inherit\s?doc|auto-?generated|do not edit|^\s*(?:deprecated|region|endregion|see)\b|::\s*$",
    re.IGNORECASE,
)
_CODE = re.compile(r"[;{}]|\)\s*$|=>|->|\w\s*\(\)|\s:?=\s|==|&&|\|\||\s\|\s")
_VERB = re.compile(r"(?:will|can|must|may|should|\w+[^s\W]s|is|has)\b")
_WORD = re.compile(r"[^\W\d_]{2,}")


def first_sentence(comment: str, name: str) -> str | None:
    """The first sentence of a comment on ``name``, as a question; None where there is none to ask."""
    whole = _sentence(_plain(_paragraph(comment)))
    if whole.endswith(":"):  # what it says comes in a list or an example
        return None
    text = _without_name(whole.strip(" .:,-"), name)
    words = _WORD.findall(text)
    if not LEAST_WORDS <= len(words) <= _MOST_WORDS or _REFUSED.search(text) or _CODE.search(text):
        return None
    solid = [character for character in text if not character.isspace()]
    if sum(character.isalpha() for character in solid) < _LETTER_SHARE * len(solid):
        return None
    return None if _looks_coined(name) and re.search(rf"\b{re.escape(name)}\b", text) else text


def _paragraph(comment: str) -> str:
    """The first paragraph without markers, up to the first tag, heading or example."""
    kept: list[str] = []
    docstring = _QUOTED.match(comment)
    for raw in (docstring[2] if docstring else _OPENING.sub("", comment)).splitlines():
        line = raw if docstring else _MARKER.sub("", _CLOSING.sub("", raw), count=1)
        line = _BRIEF.sub("", line, count=1).strip()
        if _ENDS.match(line) or (kept and not _plain(line)):
            break
        kept += [line] if _plain(line) else []
    return " ".join(kept)


def _plain(text: str) -> str:
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def _sentence(text: str) -> str:
    end = _SENTENCE_END.search(text)
    return text[: end.start()] if end else text


def _without_name(text: str, name: str) -> str:
    """``Foo returns ...``, the convention of Go, and ``loadAll(): reads ...`` -> what follows the name.

    A name that is a plain word is left where it is the verb: ``Delete a record``.
    """
    head = rf"(?:(?:the|a|an)\s+)?(?:[\w:.]*[:.])?{re.escape(name)}(?:\s*\([^)]*\))?"
    rest = re.match(rf"{head}\s*(?:[-:,]+|\s)\s*(.+)", text, re.DOTALL)
    if rest is None or not (_looks_coined(name) or _VERB.match(rest[1])):
        return text
    return rest[1]


def _looks_coined(name: str) -> bool:
    """Whether a name cannot be taken for a word of the language: ``getUser``, ``LOG_DIR``, ``Utf8``."""
    return bool(re.search(r"[a-z][A-Z]|[A-Z]{2}|_|\d", name))
