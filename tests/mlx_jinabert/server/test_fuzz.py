"""Whatever is sent, nothing is answered with 500, and answers are what /openapi.json says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlx_jinabert.server.api.openapi import document
from mlx_jinabert.server.api.table import ENDPOINTS
from tests.support.serving import Answer, Served

PUBLISHED = document(ENDPOINTS)
OPERATIONS = [(path, method) for path, methods in PUBLISHED["paths"].items() for method in methods]
POSTS = [path for path, method in OPERATIONS if method == "post"]
SOME = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def by_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of the document allows: the few keywords that it uses."""
    if "$ref" in schema:
        return by_schema(PUBLISHED["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of([by_schema(each) for each in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema["type"] == "object":
        needed = schema.get("required", [])
        fields = {name: by_schema(each) for name, each in schema["properties"].items()}
        optional = {name: each for name, each in fields.items() if name not in needed}
        return st.fixed_dictionaries({name: fields[name] for name in needed}, optional=optional)
    if schema["type"] == "array":
        return st.lists(by_schema(schema["items"]), max_size=5)
    return {
        "string": st.text(max_size=40),
        "integer": st.integers(schema.get("minimum", -10), 40_000),
        "boolean": st.booleans(),
        "null": st.none(),
    }[schema["type"]]


def check_as_published(path: str, method: str, answer: Answer) -> None:
    """Its status is documented, and its body is what the document says for it."""
    described = PUBLISHED["paths"][path][method]["responses"]
    assert str(answer.status) in described, (answer.status, answer.content)
    assert answer.status < 500, answer.content
    (media_type, content), *_ = described[str(answer.status)]["content"].items()
    assert answer.headers["content-type"].startswith(media_type)
    if media_type == "application/json":
        jsonschema.validate(answer.json, content["schema"] | {"components": PUBLISHED["components"]})


def body_schema(path: str) -> dict[str, Any]:
    reference = PUBLISHED["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema: dict[str, Any] = PUBLISHED["components"]["schemas"][reference["$ref"].rpartition("/")[2]]
    return schema


def test_the_document_is_the_published_one(server: Served) -> None:
    assert server.get("/openapi.json").json == PUBLISHED
    assert len(POSTS) == 7


@pytest.mark.parametrize("path", [path for path, method in OPERATIONS if method == "get"])
@SOME
@given(name=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1))
def test_what_is_read(server: Served, path: str, name: str) -> None:
    check_as_published(path, "get", server.get(path.replace("{model}", name)))


@pytest.mark.parametrize("path", POSTS)
@SOME
@given(data=st.data())
def test_bodies_by_the_schema(server: Served, path: str, data: st.DataObject) -> None:
    body = data.draw(by_schema(body_schema(path)))
    check_as_published(path, "post", server.post(path, body))


@pytest.mark.parametrize("path", POSTS)
@SOME
@given(data=st.data())
def test_good_bodies_with_anything_in_some_fields(server: Served, path: str, data: st.DataObject) -> None:
    fields = body_schema(path)["properties"]
    good = {"input": "a", "inputs": "a", "query": "a", "texts": ["a"], "documents": ["a"]}
    body: dict[str, Any] = {name: value for name, value in good.items() if name in fields}
    for name in data.draw(st.lists(st.sampled_from([*fields, "other"]), min_size=1, max_size=3)):
        body[name] = data.draw(anything)
    check_as_published(path, "post", server.post(path, body))


@pytest.mark.parametrize("path", POSTS)
@SOME
@given(
    content=st.binary(max_size=200),
    header=st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"])),
)
def test_any_bytes_and_headers(server: Served, path: str, content: bytes, header: str) -> None:
    answer = server.post(path, content, {"X-Request-Id": header, "Authorization": header})
    check_as_published(path, "post", answer)
    assert answer.status >= 400
