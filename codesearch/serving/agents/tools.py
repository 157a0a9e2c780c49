"""Call a tool by name, in this process or in the resident one, which keeps models and indexes open."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from codesearch.errors import BadQuery, CodesearchError
from codesearch.searching.question.pattern import parse_pattern
from codesearch.serving.agents.allowed import AllowedFolders
from codesearch.serving.agents.answers import Answers, Progress
from codesearch.serving.agents.arguments import TOOLS, read_search, read_similar
from codesearch.serving.agents.wording import Wording, worded
from codesearch.serving.resident import client
from codesearch.storage.receipts import record

__all__ = ["Here", "Resident", "ToolFailed", "Tools"]

_MEMORY_BYTES = 1 << 30


class ToolFailed(CodesearchError):
    """A call that the resident process refuses; the message says why."""


def _start() -> None:
    with contextlib.suppress(client.Unreachable, OSError):
        client.started()


class Tools(Protocol):
    """Who does what the tools say. Any thread may call."""

    def call(
        self, name: str, arguments: Mapping[str, Any], folders: Sequence[str], progress: Progress
    ) -> Wording:
        """The answer. CodesearchError, with advice, for what cannot be asked."""


class Here:
    """In this process."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    @classmethod
    def alone(cls) -> Here:
        """With indexes of its own, for a process that is no server."""
        from codesearch.serving.resident.keeper import Keeper
        from codesearch.serving.resident.pool import IndexPool

        pool = IndexPool(_MEMORY_BYTES)
        return cls(Answers(pool, Keeper(pool, watching=False)))

    def call(
        self, name: str, arguments: Mapping[str, Any], folders: Sequence[str], progress: Progress
    ) -> Wording:
        """As ``Tools.call``."""
        started, allowed = time.monotonic(), AllowedFolders.of(folders)
        here, pattern = allowed.folders[0], None
        if name == "search":
            search = read_search(arguments)
            found, budget = self._answers.search(search, allowed, progress), search.max_tokens
            pattern = parse_pattern(search.regex)
        elif name == "similar":
            similar = read_similar(arguments)
            found, budget = self._answers.similar(similar, allowed, progress), similar.max_tokens
        else:
            raise BadQuery(f"no tool {name[:100]!r}; there are: {', '.join(tool.name for tool in TOOLS)}")
        answer = worded(found, here, budget, pattern)
        record(f"agent ({name})", found.root, started, found.hits, len(answer.text.encode()))
        return answer


class Resident:
    """In the resident process, started where none runs; ``fallback`` for whatever keeps it from answering."""

    def __init__(self, fallback: Callable[[], Tools]) -> None:
        self._make = fallback
        self._here: Tools | None = None
        if client.allowed():  # a session begins long before its first question
            threading.Thread(target=_start, daemon=True).start()

    def call(
        self, name: str, arguments: Mapping[str, Any], folders: Sequence[str], progress: Progress
    ) -> Wording:
        """As ``Tools.call``."""
        found = self._ask({"tool": name, "arguments": arguments, "folders": list(folders)}, progress)
        if found is not None:
            return found
        self._here = self._here or self._make()
        return self._here.call(name, arguments, folders, progress)

    def _ask(self, body: Mapping[str, Any], progress: Progress) -> Wording | None:
        if not client.allowed():
            return None
        try:
            address = client.started()
            frames = client.ask(address, "/v1/tool", body) if address else iter(())
            for frame in frames:
                if "progress" in frame:
                    progress(*frame["progress"])
                elif "error" in frame:
                    raise ToolFailed(frame["error"])
                elif "text" in frame:
                    return Wording(frame["text"], frame["structured"])
        except (client.Unreachable, ValueError, OSError) as error:
            logging.getLogger(__name__).warning("%s; answering without it", error)
        return None
