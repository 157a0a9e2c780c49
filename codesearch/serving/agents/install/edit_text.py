"""A section of a Markdown file between two marks, which are invisible comments."""

from __future__ import annotations

import re

__all__ = ["get", "put", "take"]

_BEGIN, _END = "<!-- codesearch: begin -->", "<!-- codesearch: end -->"
_SECTION = re.compile(rf"(\r?\n)*{re.escape(_BEGIN)}(?P<body>.*?){re.escape(_END)}(\r?\n)?", re.DOTALL)


def get(text: str) -> str | None:
    """The section, without its marks; None where there is none."""
    match = _SECTION.search(text)
    return match["body"].replace("\r\n", "\n").strip("\n") if match else None


def put(text: str, body: str) -> str:
    """The text with the section: in its place, or at the end."""
    if get(text) == body.strip("\n"):
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    section = newline.join([_BEGIN, *body.strip("\n").split("\n"), _END])
    match = _SECTION.search(text)
    if match:
        start = text.index(_BEGIN, match.start())
        return text[:start] + section + text[text.index(_END, start) + len(_END) :]
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    return text + gap + section + newline


def take(text: str) -> str:
    """The text without the section, and without the blank lines that set it apart."""
    match = _SECTION.search(text)
    if match is None:
        return text
    before, after = text[: match.start()], text[match.end() :]
    newline = "\r\n" if "\r\n" in text else "\n"
    if not before:
        return after.lstrip("\r\n")
    return before + newline + (newline + after.lstrip("\r\n") if after.strip() else "")
