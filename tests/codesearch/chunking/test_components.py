"""Vue, Svelte, Astro and HTML: each part in its own language, and all parts together are the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.chunking.chunk import chunk_file
from codesearch.chunking.components import COMPONENTS, parts

SCRIPT = "async function applyVoucher(code: string) {\n  return await api.post('/voucher', { code })\n}\n"
FILES = {
    "vue": f'<template>\n  <p>{{{{ x }}}}</p>\n</template>\n\n<script setup lang="ts">\n{SCRIPT}</script>\n\n'
    "<style scoped>\n.card { color: red }\n</style>\n",
    "svelte": f'<script lang="ts">\n{SCRIPT}</script>\n\n<p>x</p>\n',
    "astro": f"---\n{SCRIPT}---\n<p>x</p>\n",
    "html": f'<html><body>\n<p>x</p>\n<script type="text/typescript">\n{SCRIPT}</script></body></html>\n',
}


@pytest.mark.parametrize("language", sorted(COMPONENTS))
def test_a_function_in_a_script_is_a_chunk_with_its_name_and_its_lines(language: str) -> None:
    source = FILES[language]
    chunks = chunk_file(f"x.{language}", source.encode(), language)
    assert "".join(chunk.text for chunk in chunks) == source
    (chunk,) = [chunk for chunk in chunks if "applyVoucher" in chunk.definitions]
    assert (chunk.kind, chunk.symbol) == ("function", "applyVoucher")
    first = source[: source.index("async function")].count("\n") + 1
    assert chunk.start_line <= first <= chunk.end_line


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("<script>", "javascript"),
        ('<script lang="tsx">', "tsx"),
        ("<script type='module'>", "javascript"),
        ('<script type="application/ld+json">', "json"),
        ('<style lang="scss">', "scss"),
        ("<style>", "css"),
        ('<script type="text/x-template">', "html"),
    ],
)
def test_the_language_of_a_part_is_that_of_its_tag(tag: str, language: str) -> None:
    name = "style" if tag.startswith("<style") else "script"
    (part,) = parts(f"{tag}\nx\n</{name}>\n".encode(), "vue")
    assert part.language == language


@given(
    st.lists(
        st.sampled_from(["<script>", "</script>", "<style>", "</style>", "---\n", "a\n", "\n", "<p>", "\r\n"])
    )
)
def test_parts_tile_any_file(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    for language in COMPONENTS:
        found = parts(data, language)
        assert [part.start for part in found] == [0, *(part.end for part in found[:-1])]
        assert found[-1].end == len(data)
        chunks = chunk_file("x", data, language)
        assert "".join(chunk.text for chunk in chunks).encode() == data
