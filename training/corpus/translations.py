"""The localisation files of a project -> (text in another script than Latin, the same in English).

What a program says to its users is the language of its domain: messages, options, the names of its parts.
Read are formats that hold both texts (XLIFF, gettext) and those that give the texts of one language by key
(JSON, .properties, Android's strings.xml, .resx and .resw), beside the English file of the same keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

__all__ = ["translations"]

_LANGUAGE = r"(?:zh|ja|ru|ko|uk|bg|sr|be|mk|kk|el|ar|fa|ur|he|iw|hi|mr|ne|bn|ta|te|th|ka|hy)"
_CODE = re.compile(rf"(?i)(?<=[/._-]){_LANGUAGE}(?:[-_][a-z]{{1,8}})*(?=[/.])")
"""A language's code in a path: ``messages.zh-CN.json``, ``locale/ru/LC_MESSAGES``, ``values-ja/``."""
_ENGLISH = ("en", "en-US", "en_US", "en-us", "en-GB")
_FOREIGN = re.compile(
    r"[\u0370-\u03ff\u0400-\u04ff\u0530-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u10a0-\u10ff"
    r"\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]"
)
_NO_WORD = re.compile(
    r"<[^<>]*>|\{\{?[^{}]*\}?\}|%\([^()]*\)[a-z]|%(?:\d+\$)?[-#0.\d]*[a-zA-Z@]|\$t?\([^()]*\)|@:\S+"
    r"|\\[nrt]|\\u[0-9a-fA-F]{4}|https?://\S+|&[a-z#0-9]+;|\([&_]\w\)"
)
_LONGEST = 400
"""Characters of an English text; longer ones are licences and pages of help."""


def translations(tree: Path) -> Iterator[tuple[str, str]]:
    """Yield each pair of a work tree once, cleaned of placeholders and markup."""
    seen = set()
    for path in sorted(tree.rglob("*")):
        read = _READERS.get(path.suffix)
        if read is None or not path.is_file() or not _CODE.search(f"/{path.relative_to(tree)}"):
            continue
        for foreign, english in read(path, tree):
            pair = _cleaned(foreign), _cleaned(english)
            if _usable(*pair) and pair not in seen:
                seen.add(pair)
                yield pair


def _cleaned(text: str) -> str:
    return " ".join(_NO_WORD.sub(" ", text).replace("&", "").split())


def _usable(foreign: str, english: str) -> bool:
    """Whether one is mostly in another script and the other says something in English."""
    letters = len(_FOREIGN.findall(foreign))
    solid = sum(not character.isspace() for character in foreign)
    return (
        2 * letters >= max(solid, 2)
        and english.isascii()
        and 3 <= len(english) <= _LONGEST
        and re.search(r"[A-Za-z]{2}", english) is not None
    )


def _text(path: Path) -> str:
    return path.read_text("utf-8-sig", errors="replace")


def _xml(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(_text(path))
    except ElementTree.ParseError:
        return ElementTree.Element("nothing")


def _xliff(path: Path, tree: Path) -> Iterator[tuple[str, str]]:
    for unit in _xml(path).iter():
        parts = {child.tag.rpartition("}")[2]: child for child in unit}
        if {"source", "target"} <= parts.keys():
            if parts["target"].get("state", "").startswith(("new", "needs")):
                continue
            yield "".join(parts["target"].itertext()), "".join(parts["source"].itertext())


def _gettext(path: Path, tree: Path) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"\n\s*\n", _text(path)):
        if "#, fuzzy" in entry:
            continue
        found = {
            key: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', lines))
            for key, lines in re.findall(r'^(msgid|msgstr(?:\[0\])?) ((?:"[^\n]*"\s*)+)', entry, re.M)
        }
        said = found.get("msgstr") or found.get("msgstr[0]")
        if said and found.get("msgid"):
            yield said, found["msgid"]


def _by_key(table: Callable[[Path], Mapping[str, str]]) -> Callable[[Path, Path], Iterator[tuple[str, str]]]:
    def read(path: Path, tree: Path) -> Iterator[tuple[str, str]]:
        beside = _english(path, tree)
        if beside is not None:
            english = table(beside)
            for key, text in table(path).items():
                if key in english:
                    yield text, english[key]

    return read


def _english(path: Path, tree: Path) -> Path | None:
    """The file of the same keys in English: another code in its place, or none (``values/``)."""
    relative = f"/{path.relative_to(tree)}"
    for found in reversed(list(_CODE.finditer(relative))):
        before, after = relative[: found.start()], relative[found.end() :]
        if path.suffix == ".json" or before.endswith("/"):
            guesses = [before + code + after for code in _ENGLISH]
        else:
            guesses = []
        guesses.append(before.rstrip("._-") + after)
        for guess in guesses:
            if (other := tree / guess.lstrip("/")).is_file():
                return other
    return None


def _flat(value: Any, key: str = "") -> dict[str, str]:
    if isinstance(value, str):
        return {key: value}
    items = value.items() if isinstance(value, dict) else ()
    return {k: text for name, each in items for k, text in _flat(each, f"{key}/{name}").items()}


def _json(path: Path) -> dict[str, str]:
    try:
        return _flat(json.loads(_text(path)))
    except ValueError:
        return {}


def _properties(path: Path) -> dict[str, str]:
    text = re.sub(r"\\\r?\n\s*", "", _text(path))
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
    return dict(re.findall(r"^\s*([^#!\s=:][^=\n]*?)\s*=\s*(.*)$", text, re.M))


def _elements(path: Path) -> dict[str, str]:
    return {
        name: "".join(each.itertext())
        for each in _xml(path).iter()
        if each.tag in {"string", "data"} and (name := each.get("name"))
    }


_READERS: dict[str, Callable[[Path, Path], Iterator[tuple[str, str]]]] = {
    ".xlf": _xliff,
    ".po": _gettext,
    ".json": _by_key(_json),
    ".properties": _by_key(_properties),
    ".xml": _by_key(_elements),
    ".resw": _by_key(_elements),
    ".resx": _by_key(_elements),
}
