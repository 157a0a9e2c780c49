"""Remote models whose service fails, is slow, or answers wrongly; and keys, which nothing may show."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

import mlx_jinabert
from mlx_jinabert.errors import NonFinite, RemoteError
from mlx_jinabert.remote.answers import retry_after
from mlx_jinabert.remote.http import Policy
from mlx_jinabert.remote.opening import load_remote
from tests.support.closeness import assert_close
from tests.support.embedding_server import (
    PROTOCOLS,
    QUICK,
    TEXTS,
    EmbeddingServer,
    Fault,
    local,
    opened,
    running_server,
    running_without_keys,
)

KEY = "sk-very-secret-0123456789"

each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    yield from running_without_keys(monkeypatch)


@each_protocol
@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, '{"error": "overloaded"}', {"Retry-After": "0"}),
        Fault(500, "<html>oops</html>"),
        Fault(503),
        Fault(0),
    ],
    ids=["429", "500", "503", "dropped"],
)
def test_a_passing_fault_is_outlived(server: EmbeddingServer, protocol: str, fault: Fault) -> None:
    model = opened(server, protocol)
    server.faults = [fault, fault]
    assert_close(model.encode(TEXTS[:2]), local(TEXTS[:2]), atol=1e-6, what="after two faults")
    assert len(server.posts()) == 3


def test_a_service_says_how_long_to_wait(server: EmbeddingServer) -> None:
    model = opened(server, "tei")
    server.faults = [Fault(429, headers={"Retry-After": "1"})]
    model.encode("x")
    first, second = server.posts()
    assert second.at - first.at >= 1
    server.faults = [Fault(503, headers={"Retry-After": "3600"})]
    with pytest.raises(RemoteError, match="asks to wait 3600 seconds"):
        model.encode("x")


def test_both_forms_of_retry_after_are_read() -> None:
    assert retry_after("7") == 7
    assert 50 < retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [retry_after(value) for value in (None, "soon", "nan", "")] == [None] * 4


@each_protocol
def test_patience_has_an_end(server: EmbeddingServer, protocol: str) -> None:
    model = opened(server, protocol)
    server.faults = [Fault(503, '{"message": "still loading"}')] * 9
    with pytest.raises(RemoteError, match=r"503: still loading \(tried 3 times\)"):
        model.encode("x")
    assert len(server.posts()) == 3


@pytest.mark.parametrize("status", [404, 424, 501])
def test_what_would_fail_again_is_not_tried_again(server: EmbeddingServer, status: int) -> None:
    model = opened(server, "openai")
    server.faults = [Fault(status, '{"error": {"message": "no such thing"}}')]
    with pytest.raises(RemoteError, match=f"{status}: no such thing"):
        model.encode(TEXTS)
    assert len(server.posts()) == 1


@each_protocol
def test_a_batch_that_is_too_large_is_halved(server: EmbeddingServer, protocol: str) -> None:
    model = opened(server, protocol)
    server.rows = 1
    assert_close(model.encode(TEXTS), local(TEXTS), atol=1e-6, what="one by one")


def test_a_text_that_is_refused_is_named(server: EmbeddingServer) -> None:
    model = opened(server, "openai")
    server.faults = [Fault(400, '{"error": {"message": "too long"}}')] * 3
    with pytest.raises(RemoteError, match=r"text 0 \(15 characters\).*400: too long"):
        model.encode(TEXTS[:4])


def test_a_silent_server_is_given_up(server: EmbeddingServer) -> None:
    model = opened(server, "tei", policy=Policy(timeout=0.1, attempts=2, first_wait=0.01))
    server.delay = threading.Event()
    with pytest.raises(RemoteError, match=r"no answer within 0\.1 seconds \(tried 2 times\)"):
        model.encode("x")


def test_nobody_there(server: EmbeddingServer) -> None:
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:1: /info cannot be reached: ConnectionRefused"):
        load_remote("tei+http://127.0.0.1:1", policy=QUICK)


def _first(change: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    """Change the first vector of OpenAI's form."""
    return lambda answer: (
        answer | {"data": [answer["data"][0] | change(answer["data"][0]), *answer["data"][1:]]}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a | {"data": a["data"][:-1]}, "2 vectors for 3 texts"),
        (lambda a: a | {"data": a["data"] + a["data"][:1]}, "4 vectors for 3 texts"),
        (_first(lambda row: {"index": 1}), "numbered"),
        (_first(lambda row: {"embedding": row["embedding"][:5]}), r"components \[5, 64\]|of \[5, 64\]"),
        (_first(lambda row: {"embedding": "not base64!"}), "not a list of numbers"),
        (_first(lambda row: {"embedding": ["a"] * 64}), "not a list of numbers"),
        (_first(lambda row: {"embedding": [[0.0] * 64]}), "2 axes"),
        (
            lambda a: a | {"data": [r | {"embedding": r["embedding"][:32]} for r in a["data"]]},
            "32 components, expected 64",
        ),
        (lambda a: {"error": "200 and yet"}, "data"),
        (lambda a: [], "data"),
    ],
)
def test_a_wrong_answer_is_refused(server: EmbeddingServer, change: Callable[[Any], Any], said: str) -> None:
    model = opened(server, "openai")
    server.change = change
    with pytest.raises(RemoteError, match=said):
        model.encode(TEXTS[:3])


def test_an_answer_that_is_no_json_is_shown(server: EmbeddingServer) -> None:
    model = opened(server, "tei")
    server.faults = [Fault(200, "<html>log in</html>")]
    with pytest.raises(RemoteError, match=r"/embed answered .* not JSON: '<html>log in"):
        model.encode("x")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, 1e300])
def test_a_vector_that_is_not_finite_names_its_text(server: EmbeddingServer, value: float | None) -> None:
    model = opened(server, "tei")
    server.change = lambda rows: [
        [value, *row[1:]] if n == 1 and len(rows) == 2 else row for n, row in enumerate(rows)
    ]
    with pytest.raises(NonFinite) as caught:
        model.encode(TEXTS[:6])
    assert caught.value.text == 5


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_order_comes_from_the_index(server: EmbeddingServer, encoding: str) -> None:
    model = opened(server, {"float": "openai", "base64": "voyage"}[encoding])
    server.change = lambda answer: answer | {"data": answer["data"][::-1]}
    assert_close(model.encode(TEXTS), local(TEXTS), atol=1e-6, what="reversed")
    assert server.posts()[-1].body["encoding_format"] == encoding


@pytest.mark.parametrize(
    ("protocol", "variable"), [(protocol, f"{protocol.upper()}_API_KEY") for protocol in PROTOCOLS]
)
def test_a_key_is_sent_and_never_shown(
    server: EmbeddingServer,
    protocol: str,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(variable, f"{KEY}\n")
    caplog.set_level(logging.DEBUG)
    model = opened(server, protocol)
    echo = f'{{"error": {{"message": "Incorrect key: {KEY}"}}}}'
    shown = [
        repr(model),
        repr(vars(model)),
        repr(model._service),
        repr(model._service._client),
        model.model_id,
    ]
    for status in (400, 401, 403, 404, 500, 200):
        server.faults = [Fault(status, echo if status != 200 else f"<p>{KEY}</p>")] * 3
        with pytest.raises(RemoteError) as caught:
            model.encode("x")
        error: BaseException | None = caught.value
        while error is not None:
            shown += [repr(error), str(error)]
            error = error.__cause__
    assert {request.authorization for request in server.requests} == {f"Bearer {KEY}"}
    assert KEY not in "".join(shown) + caplog.text
    assert f"valid key in ${variable}" in "".join(shown)


def test_a_key_that_is_none_is_refused_unseen(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEI_API_KEY", "sk-secret\nX-Injected: 1")
    with pytest.raises(RemoteError, match=r"\$TEI_API_KEY holds") as caught:
        load_remote(server.name("tei"), policy=QUICK)
    assert "secret" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("name", ["voyage:voyage-code-3", "openai:text-embedding-3-small"])
def test_a_public_service_without_a_key_is_not_asked(server: EmbeddingServer, name: str) -> None:
    with pytest.raises(RemoteError, match=r"set \$(VOYAGE|OPENAI)_API_KEY"):
        mlx_jinabert.load(name)


def test_redirects_are_not_followed(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEI_API_KEY", KEY)
    model = opened(server, "tei")
    with running_server() as other:
        for status in (301, 302, 307, 308):
            server.faults = [Fault(status, headers={"Location": f"http://{other.host}/embed"})]
            with pytest.raises(RemoteError, match="redirects"):
                model.encode("x")
        assert other.requests == []


def test_a_proxy_is_not_asked_for_this_machine(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert_close(opened(server, "tei").encode(TEXTS), local(TEXTS), atol=1e-6, what="past the proxy")
