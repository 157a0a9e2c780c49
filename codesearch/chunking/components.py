"""Files that hold several languages (Vue, Svelte, Astro, HTML, Perl): where which of them begins and ends.

A part is the inside of ``<script>`` or ``<style>``, Astro's frontmatter, or the POD of a Perl file where it
has several titles; all that lies between is the file's host language. The tags belong to the part that they
enclose, so that no chunk is a bare tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from codesearch.quick_dataclass import dataclass

__all__ = ["COMPONENTS", "Part", "parts"]

COMPONENTS: Mapping[str, str] = MappingProxyType(
    {"astro": "html", "html": "html", "perl": "perl", "svelte": "html", "vue": "html"}
)
"""Languages whose files are cut into parts first, with the language of everything between the parts."""
_ELEMENT = re.compile(
    rb"^[ \t]*<(?P<tag>script|style)\b(?P<attributes>[^>]{0,2000})>(?P<inner>.*?)</(?P=tag)\s*>[ \t]*\n?",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_FRONTMATTER = re.compile(
    rb"\A\s*---[ \t]*\r?\n(?P<inner>.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_POD = re.compile(
    rb"^=(?:pod|head\d|over|begin|for|encoding)\b.*?(?:^=cut\b[^\n]*(?:\n|\Z)|\Z)", re.DOTALL | re.MULTILINE
)
_POD_TITLE = re.compile(rb"^=head\d", re.MULTILINE)
_LANG = re.compile(rb"""\b(?:lang|type)\s*=\s*["']?(?:text/|application/)?([\w+-]+)""", re.IGNORECASE)
_LANGUAGES = {
    "babel": "javascript",
    "css": "css",
    "ecmascript": "javascript",
    "javascript": "javascript",
    "js": "javascript",
    "json": "json",
    "jsx": "javascript",
    "ld+json": "json",
    "less": "less",
    "module": "javascript",
    "postcss": "css",
    "sass": "scss",
    "scss": "scss",
    "stylus": "scss",
    "ts": "typescript",
    "tsx": "tsx",
    "typescript": "typescript",
}
_DEFAULTS = {b"script": "javascript", b"style": "css"}


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes ``start:end`` of a file, of which ``inner_start:inner_end`` are written in ``language``."""

    start: int
    end: int
    inner_start: int
    inner_end: int
    language: str


def parts(data: bytes, language: str) -> list[Part]:
    """The parts of a component, which tile it; a single one where it holds its host language alone."""
    host = COMPONENTS[language]
    found: list[Part] = []
    at = 0
    for part in _embedded(data, language):
        if data[at : part.start].strip():
            found.append(Part(at, part.start, at, part.start, host))
            at = part.start
        found.append(Part(at, part.end, part.inner_start, part.inner_end, part.language))
        at = part.end
    if data[at:].strip() or not found:
        found.append(Part(at, len(data), at, len(data), host))
    elif at < len(data):
        last = found.pop()
        found.append(Part(last.start, len(data), last.inner_start, last.inner_end, last.language))
    return found


def _embedded(data: bytes, language: str) -> Iterator[Part]:
    """Yield the parts that are not in the host language and hold more than blanks, in order."""
    if language == "perl":
        for pod in _POD.finditer(data):
            if len(_POD_TITLE.findall(pod[0])) > 1:  # a single one documents the code that follows
                yield Part(*pod.span(), *pod.span(), "pod")
        return
    start = 0
    if language == "astro" and (front := _FRONTMATTER.match(data)) and front["inner"].strip():
        yield Part(0, front.end(), *front.span("inner"), "typescript")
        start = front.end()
    for element in _ELEMENT.finditer(data, start):
        known = _language(element["tag"].lower(), element["attributes"])
        if known is not None and element["inner"].strip():
            yield Part(*element.span(), *element.span("inner"), known)


def _language(tag: bytes, attributes: bytes) -> str | None:
    """The language of an element by its ``lang`` or ``type``; None for what is no code (a template)."""
    named = _LANG.search(attributes)
    return _LANGUAGES.get(named[1].decode().lower()) if named else _DEFAULTS[tag]
