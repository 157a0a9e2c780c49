"""Notebooks: cells with their numbers, the kernel's language, the lines of the file, and no picture."""

# ruff: noqa: E501
from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.files.content.notebook import read_notebook


def cell(kind: str, source: str, picture: int = 0) -> dict[str, Any]:
    png = {"output_type": "display_data", "data": {"image/png": base64.b64encode(bytes(picture)).decode()}}
    return {
        "cell_type": kind,
        "metadata": {},
        "outputs": [png] if picture else [],
        "source": source.splitlines(True),
    }


def notebook(*cells: dict[str, Any], indent: int | None = 1, **metadata: Any) -> bytes:
    content = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=indent).encode()


def test_cells_are_numbered_prose_is_comment_and_pictures_are_gone() -> None:
    data = notebook(
        cell("markdown", "# Drift\nof the sensors"),
        cell("code", "%matplotlib inline\ndef drift(x):\n    return x\n", 50_000),
        cell("code", ""),
        cell("code", "%%bash\nls\n"),
    )
    found = read_notebook(data)
    assert found is not None
    assert found.language == "python"
    assert found.data.decode() == (
        "# %% cell 1 [markdown]\n# # Drift\n# of the sensors\n"
        "# %% cell 2\n# %matplotlib inline\ndef drift(x):\n    return x\n"
        "# %% cell 4\n# %%bash\n# ls\n"
    )


def test_lines_are_those_of_the_file() -> None:
    data = notebook(cell("markdown", "a\nb"), cell("code", "x = 1\ny = 2\n", 10), cell("code", "z = 3\n"))
    found = read_notebook(data)
    assert found is not None
    written = data.decode().split("\n")
    for line, at in zip(found.data.decode().splitlines(), found.lines, strict=True):
        expected = '"source": [' if "%% cell" in line else json.dumps(line.removeprefix("# "))[1:-1]
        assert expected in written[at - 1]


def test_a_notebook_in_one_line_has_one_line() -> None:
    found = read_notebook(notebook(cell("code", "x = 1\ny = 2\n"), indent=None))
    assert found is not None
    assert found.lines == (1, 1, 1)


@pytest.mark.parametrize(
    ("metadata", "language", "mark"),
    [
        ({"kernelspec": {"name": "python3"}}, "python", "#"),
        ({"language_info": {"name": "R"}}, "r", "#"),
        ({"kernelspec": {"language": "julia"}}, "julia", "#"),
        ({"language_info": {"name": "C++17"}}, "cpp", "//"),
        ({"kernelspec": {"name": "deno", "language": "typescript"}}, "typescript", "//"),
        ({"language_info": {"name": "haskell"}}, "haskell", "--"),
        ({"language_info": {"name": "brainfuck"}}, None, "#"),
        ({}, "python", "#"),
    ],
)
def test_the_kernel_says_the_language(metadata: dict[str, Any], language: str | None, mark: str) -> None:
    found = read_notebook(notebook(cell("code", "x\n"), **metadata))
    assert found is not None
    assert (found.language, found.data.decode()) == (language, f"{mark} %% cell 1\nx\n")


def test_version_3_is_read() -> None:
    data = json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}], "nbformat": 3})
    found = read_notebook(data.encode())
    assert found is not None
    assert found.data == b"# %% cell 1\nx = 1\n"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["cells", "source", "worksheets", "metadata", "kernelspec", "language_info", "name"]), inner)))  # fmt: skip
def test_any_json_is_a_notebook_or_none(content: Any) -> None:
    found = read_notebook(json.dumps(content).encode())
    assert found is None or len(found.lines) == found.data.decode().count("\n")


def test_what_is_no_json_is_no_notebook() -> None:
    assert read_notebook(b"{") is None
    assert read_notebook(b"[" * 100_000) is None
