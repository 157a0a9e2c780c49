"""Plan which files change, and how, before any is touched."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass
from codesearch.serving.agents.install import edit_json, edit_text, edit_toml, texts
from codesearch.serving.agents.install.clients import CLIENTS, NAME, Client, Place
from codesearch.serving.agents.install.files import Backups, read_text, write_bytes
from codesearch.serving.agents.install.jsonc import BadJson

_ADVISE = ("agents", "advise")
_HOOKS = ("hooks", "PreToolUse")
_OWN_FOLDERS = frozenset({"agents", "skills", NAME})

__all__ = ["Edit", "Scope", "apply", "installed", "to_install", "to_remove"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where: "project" or "user", with the folders that both mean."""

    name: str
    project: Path
    home: Path

    @property
    def folder(self) -> Path:
        """Folders that the paths of a ``Place`` are relative to."""
        return self.project if self.name == "project" else self.home


@dataclass(frozen=True, slots=True)
class Edit:
    """A file before and after; None where there is none."""

    path: Path
    before: str | None
    after: str | None

    def diff(self) -> str:
        """As a unified diff."""
        old, new = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        names = [str(self.path) if text is not None else "/dev/null" for text in (self.before, self.after)]
        lines = difflib.unified_diff(old, new, names[0], names[1])
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def to_install(clients: Iterable[Client], scope: Scope, command: Sequence[str]) -> list[Edit]:
    """The edits that set these clients up; none for what is as it should be.

    CodesearchError for a file that cannot be read or edited; nothing has been written then.
    """
    draft = _Draft()
    for client, place in _places(clients, scope):
        arguments = [argument.replace("{project}", str(scope.project)) for argument in place.arguments]
        entry = dict(client.entry([*command, "mcp", *arguments]))
        draft.change(_config(scope, place), partial(_put, client, entry))
        if place.instructions:
            draft.change(scope.folder / place.instructions, partial(_put_section, texts.SECTION))
        if place.hooks:
            hook = _hook(command)
            draft.change(scope.folder / place.hooks, partial(_add_hook, hook))
        for path, text in _whole_files(place):
            draft.change(scope.folder / path, partial(_replaced, text))
    return draft.edits()


def to_remove(clients: Iterable[Client], scope: Scope) -> list[Edit]:
    """The edits that take out what ``to_install`` puts in, and nothing else."""
    leaving = list(clients)
    draft = _Draft()
    for client, place in _places(leaving, scope):
        draft.change(_config(scope, place), partial(_take, client))
        if place.instructions and not _needed_by_others(place, leaving, scope):
            draft.change(scope.folder / place.instructions, edit_text.take)
        if place.hooks:
            draft.change(scope.folder / place.hooks, _drop_hook)
        for path, text in _whole_files(place):
            draft.change(scope.folder / path, partial(_without, text))
    return draft.edits(restoring=Backups.read())


def installed(client: Client, scope: Scope) -> bool:
    """Whether its configuration names our server."""
    place = client.place(scope.name)
    if place is None:
        return False
    path = _config(scope, place)
    text = read_text(path)
    return text is not None and _in_words(path, lambda: _get(client, text)) is not None


def apply(edits: Iterable[Edit], *, removing: bool) -> None:
    """Write them, each file at once."""
    backups = Backups.read()
    for edit in edits:
        real = edit.path.resolve()
        if removing:
            backups.forget(real)
        if edit.after is None:
            edit.path.unlink(missing_ok=True)
            _remove_empty_folders(edit.path)
            continue
        before = None if edit.before is None else edit.before.encode()
        if not removing:
            backups.remember(real, before, edit.after.encode())
        write_bytes(edit.path, edit.after.encode())


class _Draft:
    """Texts of files as they are changed one edit after the other."""

    def __init__(self) -> None:
        self._before: dict[Path, str | None] = {}
        self._after: dict[Path, str] = {}

    def change(self, path: Path, edit: Callable[[str], str]) -> None:
        if path not in self._before:
            self._before[path] = read_text(path)
            self._after[path] = self._before[path] or ""
        self._after[path] = _in_words(path, lambda: edit(self._after[path]))

    def edits(self, restoring: Backups | None = None) -> list[Edit]:
        found = []
        for path, before in self._before.items():
            after: str | None = self._after[path]
            if after == (before or ""):
                continue
            if restoring is not None:
                after = _restored(restoring, path, before, self._after[path])
            found.append(Edit(path, before, after))
        return found


def _restored(backups: Backups, path: Path, before: str | None, after: str) -> str | None:
    """The content before our edit, if nobody has touched the file since; no file where nothing is left."""
    known, original = backups.original(path.resolve(), None if before is None else before.encode())
    if known:
        return None if original is None else original.decode()
    return after if after.strip() not in ("", "{}") else None


def _in_words(path: Path, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (BadJson, edit_toml.BadToml) as error:
        raise CodesearchError(f"{path}: {error}; nothing was written") from error


def _places(clients: Iterable[Client], scope: Scope) -> list[tuple[Client, Place]]:
    return [(client, place) for client in clients if (place := client.place(scope.name)) is not None]


def _config(scope: Scope, place: Place) -> Path:
    paths = [scope.folder / path for path in place.config]
    return next((path for path in paths if path.exists()), paths[0])


def _whole_files(place: Place) -> list[tuple[str, str]]:
    pairs = [(place.subagent, texts.SUBAGENT), (place.skill, texts.SKILL)]
    return [(path, text) for path, text in pairs if path]


def _needed_by_others(place: Place, leaving: Sequence[Client], scope: Scope) -> bool:
    return any(
        other.place(scope.name) is not None
        and other.place(scope.name).instructions == place.instructions  # type: ignore[union-attr]
        and installed(other, scope)
        for other in CLIENTS
        if other not in leaving
    )


def _remove_empty_folders(path: Path) -> None:
    """The folders that were made for a file and hold nothing else; never the project or the home folder."""
    for folder in path.parents:
        if not (folder.name.startswith(".") or folder.name in _OWN_FOLDERS):
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _is_toml(client: Client) -> bool:
    return client.name == "codex"


def _get(client: Client, text: str) -> Any:
    return edit_toml.get(text, client.key) if _is_toml(client) else edit_json.get(text, client.key)


def _put(client: Client, entry: dict[str, Any], text: str) -> str:
    if _is_toml(client):
        return edit_toml.put(text, client.key, entry)
    return edit_json.put(text, client.key, entry)


def _take(client: Client, text: str) -> str:
    return edit_toml.take(text, client.key) if _is_toml(client) else edit_json.take(text, client.key)


def _put_section(body: str, text: str) -> str:
    return edit_text.put(text, body)


def _replaced(by: str, _: str) -> str:
    return by


def _without(ours: str, text: str) -> str:
    """Nothing where the file is as we wrote it; what somebody has changed is theirs."""
    return "" if text == ours else text


def _hook(command: Sequence[str]) -> dict[str, Any]:
    line = shlex.join([*command, *_ADVISE])
    return {"matcher": "Grep|Glob", "hooks": [{"type": "command", "command": line}]}


def _add_hook(hook: dict[str, Any], text: str) -> str:
    without = (
        text if edit_json.get(text, _HOOKS) and hook in edit_json.get(text, _HOOKS) else _drop_hook(text)
    )
    return edit_json.add(without, _HOOKS, hook)


def _drop_hook(text: str) -> str:
    return edit_json.drop(text, _HOOKS, _is_our_hook)


def _is_our_hook(entry: Any) -> bool:
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    commands = [hook.get("command") for hook in hooks or () if isinstance(hook, dict)]
    return bool(commands) and all(
        isinstance(command, str) and NAME in command and command.endswith(shlex.join(_ADVISE))
        for command in commands
    )
