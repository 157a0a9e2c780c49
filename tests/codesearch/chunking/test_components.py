"""Vue, Svelte, Astro and HTML: each part in its own language, and all parts together are the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.chunking.chunk import ChunkOptions, chunk_file
from codesearch.chunking.components import COMPONENTS, parts

SCRIPT = "async function applyVoucher(code: string) {\n  return await api.post('/voucher', { code })\n}\n"
FILES = {
    "vue": f'<template>\n  <p>{{{{ x }}}}</p>\n</template>\n\n<script setup lang="ts">\n{SCRIPT}</script>\n\n'
    "<style scoped>\n.card { color: red }\n</style>\n",
    "svelte": f'<script lang="ts">\n{SCRIPT}</script>\n\n<p>x</p>\n',
    "astro": f"---\n{SCRIPT}---\n<p>x</p>\n",
    "html": f'<html><body>\n<p>x</p>\n<script type="text/typescript">\n{SCRIPT}</script></body></html>\n',
}


@pytest.mark.parametrize("language", sorted(FILES))
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


POD = "=head1 NAME\n\nShop - sells\n\n=head2 price\n\n  sub no_code { 1 }\n\n=cut\n"


@pytest.mark.parametrize("end", ["", "\nsub after { 2 }\n"])
def test_sections_of_pod_in_perl_are_titled_and_define_nothing(end: str) -> None:
    source = f"package Shop;\n\n=head2 sell\n\nSells.\n\n=cut\n\nsub sell {{ 1 }}\n\n{POD}{end}"
    chunks = chunk_file("Shop.pm", source.encode(), "perl", ChunkOptions(target=40))
    assert "".join(chunk.text for chunk in chunks) == source
    assert [c.symbol for c in chunks if c.kind == "section"] == ["NAME", "price"]
    names = {name for chunk in chunks for name in chunk.definitions}
    assert "no_code" not in names
    assert {"Shop", "sell"} <= names


def test_a_macro_of_jinja_in_sql_is_a_symbol() -> None:
    source = "{% macro cents(column) %}\nround({{ column }} / 100)\n{% endmacro %}\n"
    (chunk,) = chunk_file("macros/cents.sql", source.encode(), "sql")
    assert (chunk.kind, chunk.symbol, chunk.language) == ("macro", "cents", "sql")


PIECES = (
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "---\n",
    "a\n",
    "\n",
    "<p>",
    "\r\n",
    "=head1 A\n",
    "=cut\n",
)


@given(st.lists(st.sampled_from(PIECES)))
def test_parts_tile_any_file(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    for language in COMPONENTS:
        found = parts(data, language)
        assert [part.start for part in found] == [0, *(part.end for part in found[:-1])]
        assert found[-1].end == len(data)
        chunks = chunk_file("x", data, language)
        assert "".join(chunk.text for chunk in chunks).encode() == data
