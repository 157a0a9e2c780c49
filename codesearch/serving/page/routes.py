"""The routes of the page: static files out of the package, and its questions under ``/api``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from codesearch.errors import BadQuery, CodesearchError
from codesearch.serving.http.app import Extra, Resident
from codesearch.serving.page.api import Api

__all__ = ["CONTENT_SECURITY_POLICY", "extra"]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_QUERY_CHARACTERS = 20_000

Question = Callable[[dict[str, str]], Any]


def extra(resident: Resident, folders: Sequence[str]) -> Extra:
    """The page over these folders; without any there is none."""
    if not folders:
        return Extra([])
    api = Api(resident.pool, resident.keeper, folders)
    questions: dict[str, tuple[Question, str]] = {
        "search": (api.search, "q root language glob folder kind"),
        "file": (api.file, "root path"),
        "similar": (api.similar, "root path line"),
        "symbols": (api.symbols, "q root"),
        "map": (lambda asked: found.about() if (found := api.map(asked)) else {"ready": False}, "root"),
        "roots": (lambda _: api.roots(), ""),
    }
    routes: list[BaseRoute] = [Route("/", _static), Route("/static/{name}", _static)]
    routes.append(Route("/favicon.ico", _icon))
    for name, (ask, takes) in questions.items():
        routes.append(Route(f"/api/{name}", partial(_answer, resident, _of_known(ask, takes.split()))))
    routes.append(Route("/api/points", partial(_points, resident, api)))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        try:
            yield
        finally:
            api.close()

    return Extra(routes, lifespan)


def _of_known(ask: Question, takes: Sequence[str]) -> Question:
    """Ask with known parameters alone: one that is silently ignored looks like an answer to it."""

    def checked(asked: dict[str, str]) -> Any:
        for given in asked:
            if given not in takes:
                known = ", ".join(takes) or "none"
                raise BadQuery(f"unknown parameter {given[:100]!r}; there are: {known}")
        return ask(asked)

    return checked


async def _icon(_: Request) -> Response:
    """Answer browsers that ask for the icon at its old place, whatever the page names."""
    return _file("icon.svg")


async def _static(request: Request) -> Response:
    return _file(request.path_params.get("name", "index.html"))


def _file(name: str) -> Response:
    source = files("codesearch.serving.page") / "static" / name
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or not name.replace(".", "").replace("-", "").isalnum() or not source.is_file():
        return JSONResponse({"error": f"there is no file {name[:80]}", "kind": "NotFound"}, 404)
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "content-type": kind}
    return Response(source.read_bytes(), headers=headers)


async def _answer(resident: Resident, ask: Question, request: Request) -> Response:
    return await _asked(resident, request, lambda asked: JSONResponse(ask(asked)))


async def _points(resident: Resident, api: Api, request: Request) -> Response:
    def answer(asked: dict[str, str]) -> Response:
        found = api.map(asked)
        return Response(found.points if found else b"", media_type="application/octet-stream")

    return await _asked(resident, request, answer)


async def _asked(
    resident: Resident, request: Request, answer: Callable[[dict[str, str]], Response]
) -> Response:
    if len(request.url.query) > _QUERY_CHARACTERS:
        return _refused(f"the question has more than {_QUERY_CHARACTERS:,} characters", "BadQuery", 414)
    with resident.activity.request():
        try:
            return await run_in_threadpool(answer, dict(request.query_params))
        except CodesearchError as error:
            return _refused(str(error), type(error).__name__, 400)
        except Exception as error:
            logging.getLogger(__name__).exception("the page's question failed")
            return _refused(f"{type(error).__name__}: {error}", "InternalError", 500)


def _refused(why: str, kind: str, status: int) -> Response:
    return JSONResponse({"error": why, "kind": kind}, status)
