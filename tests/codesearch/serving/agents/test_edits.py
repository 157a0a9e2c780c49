"""Edits of other programs' files: everything else stays, to the byte where nobody has touched it since."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.serving.agents.install import edit_json, edit_text, edit_toml
from codesearch.serving.agents.install.jsonc import BadJson, parse

VALUE = {"command": "/bin/codesearch", "args": ["mcp", "é"]}
PATH = ("mcpServers", "codesearch")

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 10**6), st.text(max_size=6), st.floats(-1e6, 1e6)
)
keys = st.one_of(st.sampled_from(["mcpServers", "codesearch", "other", "a//b", "c,}"]), st.text(max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(keys, values, max_size=4)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """JSON as people leave it: comments, trailing commas, any blanks, either line end, a byte order mark."""
    remarks = ["", "", " ", "\n", "\n\t", "\n    ", " // a, } remark {\n", '/* "x": [ */', "\n  // x\n"]

    def gap() -> str:
        return draw(st.sampled_from(remarks))

    def render(value: Any) -> str:
        if isinstance(value, dict):
            members = [f"{gap()}{json.dumps(k)}{gap()}:{gap()}{render(v)}{gap()}" for k, v in value.items()]
        elif isinstance(value, list):
            members = [f"{gap()}{render(v)}{gap()}" for v in value]
        else:
            return json.dumps(value, ensure_ascii=draw(st.booleans()))
        comma = "," if members and draw(st.booleans()) else ""
        return ("{%s}" if isinstance(value, dict) else "[%s]") % (",".join(members) + comma + gap())

    text = gap() + render(draw(objects)) + gap()
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return ("\ufeff" if draw(st.booleans()) else "") + text


def remarks(text: str) -> list[str]:
    """The comments of a text, in order."""
    parts = re.findall(r'"(?:[^"\\\n]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', text, re.DOTALL)
    return [part for part in parts if part]


def nested(value: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


@given(texts())
def test_json_is_read_as_python_reads_it_without_comments(text: str) -> None:
    plain = re.sub(
        r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/',
        lambda m: m[1] or " ",
        text.lstrip("\ufeff"),
        flags=re.DOTALL,
    )
    plain = re.sub(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])', lambda m: m[1] or "", plain)
    assert parse(text).value == json.loads(plain)


@given(texts())
def test_put_into_json_changes_one_value_and_keeps_comments(text: str) -> None:
    before = parse(text).value
    if not isinstance(before.get("mcpServers", {}), dict):
        with pytest.raises(BadJson, match="mcpServers"):
            edit_json.put(text, PATH, VALUE)
        return
    replaced = nested(before, *PATH) is not None
    after = edit_json.put(text, PATH, VALUE)
    expected = {**before, "mcpServers": {**before.get("mcpServers", {}), "codesearch": VALUE}}
    assert parse(after).value == expected
    assert list(parse(after).value) == list(expected)
    if not replaced:
        assert remarks(after) == remarks(text)
    assert edit_json.put(after, PATH, VALUE) == after
    assert edit_json.get(after, PATH) == VALUE


@given(texts())
def test_taking_out_of_json_is_the_inverse(text: str) -> None:
    before = parse(text).value
    servers = before.get("mcpServers", {})
    if not isinstance(servers, dict) or "codesearch" in servers:
        return
    there_and_back = edit_json.take(edit_json.put(text, PATH, VALUE), PATH)
    assert remarks(there_and_back) == remarks(text)
    if servers:  # what was not empty is as it was, to the byte
        assert there_and_back == text
    without = {key: value for key, value in before.items() if key != "mcpServers" or value}
    assert parse(there_and_back).value in (before, without)  # empty, it goes if it holds no comment either


@pytest.mark.parametrize(
    "text",
    ["{", "{]", '{"a"}', '{"a": }', '{"a": 1 "b": 2}', "{} x", '{"a": 1,,}', "nul", "{a: 1}", "[" * 300],
)
def test_what_is_not_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(BadJson, match=r"line \d+, column \d+"):
        edit_json.put(text, PATH, VALUE)


TOML = [
    "",
    'model = "gpt"\n',
    "# mine\nmodel = \"gpt\" # why\n\n[mcp_servers.other]\ncommand = 'x'  # keep\nargs = [\n  'a', # one\n]\n"
    "\n[profiles.a]\nx = 1\n",
    "[mcp_servers]\n\n[mcp_servers.other]\ncommand = 'x'",
    "mcp_servers.other.command = 'x'\n[tools]\nweb = true\n",
    "[mcp_servers.other.env]\nA = '1'\n[[list]]\na = 1\n",
    "a = 1\r\n[b]\r\nc = 2\r\n",
    "mcp_servers = { other = { command = 'x' } }\n",
]


@pytest.mark.parametrize("text", TOML)
def test_toml_gets_a_table_and_loses_it_again(text: str) -> None:
    path = ("mcp_servers", "codesearch")
    before = tomllib.loads(text)
    after = edit_toml.put(text, path, VALUE)
    expected = {**before, "mcp_servers": {**before.get("mcp_servers", {}), "codesearch": VALUE}}
    assert tomllib.loads(after) == expected
    assert [line for line in text.splitlines() if "#" in line and line not in after] == []
    assert edit_toml.put(after, path, VALUE) == after
    back = tomllib.loads(edit_toml.take(after, path))
    assert {k: v for k, v in back.items() if v} == {k: v for k, v in before.items() if v}


def test_broken_toml_is_refused() -> None:
    with pytest.raises(edit_toml.BadToml):
        edit_toml.put("[a\n", ("mcp_servers", "codesearch"), VALUE)
    with pytest.raises(edit_toml.BadToml, match="mcp_servers"):
        edit_toml.put("mcp_servers = 3\n", ("mcp_servers", "codesearch"), VALUE)


lines = st.lists(st.sampled_from(["# Title", "", "text", "<!-- note -->", "```"]), max_size=6)


@given(lines, st.sampled_from(["\n", "\r\n"]), lines)
def test_a_section_comes_and_goes(before: list[str], newline: str, after: list[str]) -> None:
    text = "".join(line + newline for line in before)
    put = edit_text.put(text, "## Ours\n\nbody")
    assert put.startswith(text)
    assert edit_text.get(put) == "## Ours\n\nbody"
    assert edit_text.put(put, "## Ours\n\nbody") == put
    assert edit_text.get(edit_text.put(put, "other")) == "other"
    assert edit_text.take(put).rstrip() == text.rstrip()
    more = put + "".join(line + newline for line in after)
    assert edit_text.take(more).split() == [*text.split(), *"".join(line + newline for line in after).split()]
