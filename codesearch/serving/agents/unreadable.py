"""Handle lines from a client that are no valid message: repair half a surrogate pair, answer the rest.

The SDK passes over what it cannot read, and a client that waits for the answer to it waits for ever.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any

from mcp import types
from mcp.shared.message import SessionMessage

__all__ = ["Readable", "mended_or_answered"]

_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600
_EXPECTED = (
    'expected a JSON-RPC 2.0 message a line: {"jsonrpc": "2.0", "id": 1, "method": ..., "params": {...}}'
)


class Readable:
    """The messages of a stream; what is none is answered on ``outgoing`` and left out."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    @property
    def last_context(self) -> Any:
        """The variables of whoever sent the last message, which the SDK asks for."""
        return getattr(self._incoming, "last_context", None)

    async def receive(self) -> SessionMessage:
        """Return the next message. ``anyio.EndOfStream`` at the end."""
        while True:
            if (message := await self._read(await self._incoming.receive())) is not None:
                return message

    async def aclose(self) -> None:
        """Close the stream."""
        await self._incoming.aclose()

    def __aiter__(self) -> Readable:
        return self

    async def __anext__(self) -> SessionMessage:
        while True:
            if (message := await self._read(await anext(self._incoming))) is not None:
                return message

    async def __aenter__(self) -> Readable:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _read(self, item: SessionMessage | Exception) -> SessionMessage | None:
        if not isinstance(item, Exception):
            return item
        found = mended_or_answered(item)
        if isinstance(found, types.JSONRPCError):
            await self._outgoing.send(SessionMessage(found))
            return None
        return found


def mended_or_answered(error: Exception) -> SessionMessage | types.JSONRPCError | None:
    """Return the message that a line was meant to be, or the answer to it. None for a blank line.

    Programs that cut a text in the middle of a character beyond U+FFFF write one half of it (``\\ud83d``),
    which is no Unicode: it becomes a question mark, and the rest is read.
    """
    problems = _problems(error)
    if not problems or problems[0]["type"] != "json_invalid":
        whole = next(
            (p["input"] for p in problems if isinstance(p["input"], dict) and "id" in p["input"]), {}
        )
        return _answer(whole.get("id"), _INVALID_REQUEST, f"not a message of the protocol; {_EXPECTED}")
    line = str(problems[0]["input"])
    if not line.strip():
        return None
    try:
        mended = json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "replace")
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(mended, by_name=False))
    except (ValueError, RecursionError) as again:
        if (found := _problems(again)) and found[0]["type"] != "json_invalid":
            return mended_or_answered(again)
        return _answer(None, _PARSE_ERROR, f"not JSON: {problems[0]['msg']}; {_EXPECTED}")


def _problems(error: Exception) -> list[dict[str, Any]]:
    """Return what the SDK's models (pydantic's) find wrong, with the input of each."""
    told = getattr(error, "errors", None)
    return list(told()) if callable(told) else []


def _answer(identity: Any, code: int, message: str) -> types.JSONRPCError:
    known = identity if isinstance(identity, str | int) and not isinstance(identity, bool) else None
    return types.JSONRPCError(jsonrpc="2.0", id=known, error=types.ErrorData(code=code, message=message))
