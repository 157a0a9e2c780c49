"""A hint for an agent about to use grep: once per session, and never blocking.

Run by the client before such a tool; what it prints is added to the model's context. Imports little, as it
delays the tool.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from codesearch.storage.folders.home import index_home

__all__ = ["advise"]

_FOLDER = "advised"
_KEPT = 200
"""Sessions that are remembered."""


def advise() -> int:
    """Read what the client says on stdin, print the hint if this session has not had it; always 0."""
    try:
        said = json.loads(sys.stdin.buffer.read(1 << 20))
        if _is_new(str(said.get("session_id", ""))):
            from codesearch.serving.agents.install.texts import ADVICE

            event = str(said.get("hook_event_name") or "PreToolUse")
            sys.stdout.write(json.dumps(_output(event, ADVICE)) + "\n")
    except (OSError, ValueError, AttributeError):
        pass  # a hint is not worth an error
    return 0


def _output(event: str, advice: str) -> dict[str, object]:
    return {
        "hookSpecificOutput": {"hookEventName": event, "additionalContext": advice},
        "suppressOutput": True,
    }


def _is_new(session: str) -> bool:
    from hashlib import blake2b

    folder = index_home() / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = folder / blake2b(session.encode(), digest_size=8).hexdigest()
    if mark.exists():
        return False
    mark.touch()
    for old in sorted(folder.iterdir(), key=_age)[_KEPT:]:
        old.unlink(missing_ok=True)
    return True


def _age(path: Path) -> float:
    return -path.stat().st_mtime
