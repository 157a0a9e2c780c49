"""Remote models against real HTTP servers: vectors equal to local ones, limits, identity, names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_jinabert
from mlx_jinabert.errors import JinabertError, RemoteError
from mlx_jinabert.loading.embedding import fingerprint_of
from mlx_jinabert.remote.sending import plan
from tests.support.closeness import assert_close
from tests.support.embedding_server import (
    PROTOCOLS,
    TEXTS,
    VOYAGE_PROMPTS,
    EmbeddingServer,
    local,
    opened,
    running_server,
    running_without_keys,
)

each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    yield from running_without_keys(monkeypatch)


@each_protocol
def test_vectors_are_those_of_the_model_that_is_served(server: EmbeddingServer, protocol: str) -> None:
    model = opened(server, protocol)
    assert_close(model.encode(TEXTS), local(TEXTS), atol=1e-6, what=protocol)
    assert_close(model.encode(TEXTS[0]), local(TEXTS[:1])[0], atol=1e-6, what="one text")
    assert model.encode([]).shape == (0, 64)
    assert (
        model.encode(TEXTS[:2], precision="ubinary").tolist() == np.packbits(local(TEXTS[:2]) > 0, 1).tolist()
    )
    assert (model.backend, model.device, model.dim) == ("remote", server.host, 64)
    assert mlx_jinabert.load(model.model_id).fingerprint == model.fingerprint


def test_what_tei_says_about_itself(server: EmbeddingServer) -> None:
    model = opened(server, "tei")
    assert (model.max_length, model.dtype) == (256, "float16")
    assert model.encode(TEXTS, normalize_embeddings=False).shape == (len(TEXTS), 64)
    assert server.posts()[-1].body["normalize"] is False
    server.info["model_type"] = {"Reranker": {"id2label": {}}}
    with pytest.raises(RemoteError, match=r"serves a reranker"):
        opened(server, "tei")
    server.info.clear()
    with pytest.raises(RemoteError, match="model_id"):
        opened(server, "tei")


def test_requests_keep_to_the_limits_of_the_service(server: EmbeddingServer) -> None:
    model = opened(server, "tei")
    texts = [f"text number {n}" for n in range(19)]
    assert_close(model.encode(texts), local(texts), atol=1e-6, what="many requests")
    assert sorted(len(request.texts) for request in server.posts()) == [3, 4, 4, 4, 4]


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(1, 7), st.integers(1, 200))
def test_a_plan_holds_every_text_once_within_its_limits(texts: list[str], rows: int, size: int) -> None:
    batches = plan(texts, rows, size)
    assert [position for batch in batches for position in batch] == list(range(len(texts)))
    for batch in batches:
        assert 1 <= len(batch) <= rows
        assert len(batch) == 1 or len(json.dumps([texts[n] for n in batch])) <= size + 2


@each_protocol
def test_a_width_is_asked_for(server: EmbeddingServer, protocol: str) -> None:
    model = opened(server, protocol, truncate_dim=16)
    assert model.dim == 16
    assert_close(model.encode(TEXTS), local(TEXTS, dim=16), atol=1e-6, what="16 components")
    assert_close(model.encode(TEXTS, truncate_dim=8), local(TEXTS, dim=8), atol=1e-6, what="8 components")
    assert model.fingerprint != opened(server, protocol).fingerprint
    with pytest.raises(ValueError, match="truncate_dim"):
        model.encode(TEXTS, truncate_dim=0)


def test_voyage_is_told_the_role_and_puts_its_own_prompts(server: EmbeddingServer) -> None:
    model = opened(server, "voyage")
    for role, method in (
        ("query", model.encode_query),
        ("document", model.encode_document),
        (None, model.encode),
    ):
        assert_close(method(TEXTS), local(TEXTS, VOYAGE_PROMPTS[role]), atol=1e-6, what=str(role))
    assert {request.body["input_type"] for request in server.posts()} == {"query", "document", None}
    model.encode_query(TEXTS, prompt="mine: ")
    assert server.posts()[-1].body["input_type"] is None


@pytest.mark.parametrize("protocol", ["tei", "openai"])
def test_a_served_model_of_the_catalogue_gets_its_prompts(server: EmbeddingServer, protocol: str) -> None:
    server.info["model_id"] = "BAAI/bge-small-en-v1.5"
    server.change = lambda answer: (
        answer if isinstance(answer, list) else answer | {"model": "bge-small-en-v1.5"}
    )
    model, prompt = opened(server, protocol), "Represent this sentence for searching relevant passages: "
    assert model.prompts == {"query": prompt}
    assert_close(model.encode_query(TEXTS), local(TEXTS, prompt), atol=1e-6, what="query")
    assert_close(model.encode_document(TEXTS), local(TEXTS), atol=1e-6, what="document")
    assert_close(model.encode(TEXTS, prompt="p"), local(TEXTS, "p"), atol=1e-6, what="own prompt")
    with pytest.raises(ValueError, match="prompts: query"):
        model.encode(TEXTS, prompt_name="passage")


@each_protocol
def test_the_fingerprint_is_that_of_the_model_and_not_of_the_host(
    server: EmbeddingServer, protocol: str
) -> None:
    known = fingerprint_of(server.name(protocol))
    with running_server() as other:
        assert fingerprint_of(other.name(protocol)) == known
        assert other.name(protocol) != server.name(protocol)


def test_the_protocol_counts_as_services_differ_in_what_they_put_before_a_text(
    server: EmbeddingServer,
) -> None:
    server.info |= {"model_id": "word-hash", "model_sha": None, "model_type": None}
    assert fingerprint_of(server.name("tei")) != fingerprint_of(server.name("openai"))


def test_another_model_has_another_fingerprint(server: EmbeddingServer) -> None:
    found = {fingerprint_of(server.name("tei"))}
    for key, value in (
        ("model_sha", "b" * 40),
        ("model_id", "other/model"),
        ("model_type", {"embedding": {"pooling": "cls"}}),
    ):
        server.info[key] = value
        found.add(fingerprint_of(server.name("tei")))
    assert len(found) == 4


def test_a_host_counts_where_the_model_is_not_named(server: EmbeddingServer) -> None:
    with running_server() as other:
        for each in (server, other):
            each.info |= {"model_id": "/data", "model_sha": None}
            each.says_model = False
        for protocol in ("tei", "openai"):
            assert fingerprint_of(server.name(protocol)) != fingerprint_of(other.name(protocol))


def test_a_known_model_is_identified_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOYAGE_API_KEY", "sk-none")
    monkeypatch.setattr(
        "urllib.request.OpenerDirector.open", lambda *_, **__: pytest.fail("a request was made")
    )
    model = mlx_jinabert.load("voyage:voyage-code-3", truncate_dim=256)
    assert (model.dim, model.max_length, model.device) == (256, 32_000, "api.voyageai.com")
    assert fingerprint_of("voyage:voyage-code-3") != model.fingerprint


@pytest.mark.parametrize(
    "option",
    [
        {"backend": "onnx"},
        {"dtype": "int8"},
        {"max_length": 9},
        {"revision": "main"},
        {"config_overrides": {"a": 1}},
    ],
)
def test_options_of_a_local_model_are_refused(server: EmbeddingServer, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        mlx_jinabert.load(server.name("tei"), **option)
    assert server.requests == []


def test_options_of_a_call_are_checked(server: EmbeddingServer) -> None:
    model = opened(server, "tei")
    for option in ({"precision": "float64"}, {"truncation": "maybe"}):
        with pytest.raises(ValueError, match=next(iter(option))):
            model.encode("x", **option)
    with pytest.raises(TypeError, match="text 1"):
        model.encode(["a", 3])
    model.encode("x", truncation="error")
    assert server.posts()[-1].body["truncate"] is False


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tei+http://me:pass@host", "credentials"),
        ("openai+https://host/v1?api-key=pass#m", "query part"),
        ("openai+https://host/v1", "#MODEL"),
        ("voyage:", "#MODEL"),
        ("tei+http://host#pass", "leave out"),
        ("tei:host", "no host"),
        ("tei+http://", "usable URL"),
        ("tei+http://host:99999", "usable URL"),
        ("tei+http://ho st", "usable URL"),
    ],
)
def test_a_name_that_leads_nowhere(name: str, said: str) -> None:
    with pytest.raises(JinabertError, match=said) as caught:
        mlx_jinabert.load(name)
    assert "pass" not in str(caught.value) or "#pass" in name


def test_no_other_name_leads_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection was made"))
    assert mlx_jinabert.load("embedded").encode("x").shape == (256,)
    for name in ("openai", "tei", "voyage", "openai/clip", "C:\\models\\tei", "./tei+http://host"):
        with pytest.raises(JinabertError):
            mlx_jinabert.load(name)
