"""Who may ask: Host, Origin, key; and what nobody is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlx_jinabert.server.errors import ApiError
from mlx_jinabert.server.settings import Settings
from mlx_jinabert.server.web.access import Access, read_keys
from tests.support.serving import Served, served


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    settings = Settings(
        backend="onnx",
        api_keys=("first-key", "schlüssel"),
        allowed_hosts=("Embeddings.Internal",),
        allowed_origins=("https://tools.example",),
    )
    with served(settings) as running:
        yield running


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:99", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("embeddings.internal:80", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.nip.io", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_hosts(guarded: Served, host: str, status: int) -> None:
    assert guarded.get("/health", Host=host).status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://tools.example", 200),
        ("http://localhost:1", 200),
        ("https://tools.example.evil", 403),
        ("http://localhost:2", 403),
        ("null", 403),
    ],
)
def test_origins(guarded: Served, origin: str, status: int) -> None:
    assert guarded.get("/health", Host="localhost:1", Origin=origin).status == status


def test_a_page_of_an_allowed_origin_may_read_the_answer(guarded: Served) -> None:
    headers = {"Origin": "https://tools.example", "Access-Control-Request-Method": "POST"}
    preflight = guarded.ask("OPTIONS", "/embed", headers=headers)
    assert preflight.headers["access-control-allow-origin"] == "https://tools.example"
    assert preflight.status == 200


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer first-key", 200),
        ("bearer  first-key", 200),
        ("Bearer first-ke", 401),
        ("Bearer ", 401),
        ("Basic first-key", 401),
        ("", 401),
    ],
)
def test_keys(guarded: Served, authorization: str, status: int) -> None:
    answer = guarded.post("/embed", {"inputs": "a"}, {"Authorization": authorization})
    assert answer.status == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert guarded.post("/v1/embeddings", {}).json["error"]["code"] == "invalid_api_key"


def test_what_watches_a_server_needs_no_key(guarded: Served) -> None:
    assert guarded.get("/health").status == guarded.get("/metrics").status == 200
    assert guarded.get("/v1/models").status == guarded.get("/nowhere").status == 401


def test_any_host_and_origin_where_that_is_wanted() -> None:
    Access(Settings(allowed_hosts=("*",), allowed_origins=("*",))).check(
        "/embed", {"host": "a.example", "origin": "https://b.example"}
    )
    with pytest.raises(ApiError):
        Access(Settings(host="0.0.0.0")).check("/embed", {"host": "0.0.0.0"})


def test_keys_from_a_variable_and_a_file() -> None:
    assert read_keys("a, b,", ["c", "  ", "# no key", " d "]) == ("a", "b", "c", "d")
    assert read_keys(None, []) == ()
    assert "first" not in repr(Settings(api_keys=("first",)))


def test_request_ids(guarded: Served) -> None:
    assert guarded.get("/health", **{"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for bad in ("", "a b", "x" * 65, 'a"b'):
        given = guarded.get("/health", **{"X-Request-Id": bad}).headers["x-request-id"]
        assert given != bad
        assert given.isalnum()
