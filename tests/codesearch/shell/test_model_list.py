"""``codesearch models``: for a person, for a pipe, for a program."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from codesearch.models.names import known_models
from codesearch.rendering.model_list import columns, fields
from mlx_jinabert.catalog import available_models

EMBEDDING = {alias: entry for alias, entry in available_models().items() if entry.task == "embedding"}


def run(*options: str) -> str:
    command = [sys.executable, "-m", "codesearch", "models", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("width", [80, 200])
def test_columns_are_aligned_and_fit(width: int) -> None:
    header, *lines = columns(known_models(), width).split("\n\n")[0].splitlines()
    assert [line.split()[0].rstrip("!") for line in lines] == list(EMBEDDING)
    at = header.index("LICENCE")
    for line, entry in zip(lines, EMBEDDING.values(), strict=True):
        assert line[at:].startswith(entry.licence + ("" if entry.commercial_use else "*"))
        assert line[at - 2 : at] == "  "
        assert line.split()[0].endswith("!") == bool(entry.unknown)
        assert width < 120 or len(line) <= width


def test_a_pipe_gets_every_field_of_a_line_a_model() -> None:
    assert run() == fields(known_models())
    lines = [line.split("\t") for line in run().splitlines()]
    assert {len(line) for line in lines} == {8}
    assert [line[0] for line in lines] == list(EMBEDDING)
    assert [line[6] == "yes" for line in lines] == [entry.commercial_use for entry in EMBEDDING.values()]
    assert [int(line[3].split(",")[0]) for line in lines] == [entry.dim for entry in EMBEDDING.values()]


def test_json_has_what_the_catalogue_has() -> None:
    for found, entry in zip(json.loads(run("--json")), EMBEDDING.values(), strict=True):
        assert found["name"] == entry.alias
        assert (found["dim"], found["context"], found["parameters"]) == (
            entry.dim,
            entry.context,
            entry.parameters,
        )
        assert (found["licence"], found["commercial_use"]) == (entry.licence, entry.commercial_use)
        assert (found["use"], found["to_state"]) == (entry.note, list(entry.unknown))
