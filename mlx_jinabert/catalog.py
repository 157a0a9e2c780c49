"""The models that are known by a short name, read from ``catalog.toml`` when the first one is asked for.

The shipped model has a file of its own: to load it, three dozen others need not be read.

A revision is the commit of the Hub repository that the facts about the model were read at; it is what
an alias or a catalogued Hub id downloads unless the caller names another one. Some commits of the
Jina code repository held a different model, so nothing here follows a branch whose commit is known.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CatalogEntry", "Pooling", "available_models", "find", "hint", "read_catalog"]

Pooling = str
"""How token vectors become one: "mean", "cls" (first token), "last" (last token), "pma" (by attention, with
layers of its own), or "tokens": not at all."""

_SHIPPED, _OTHERS = (Path(__file__).with_name(name) for name in ("shipped.toml", "catalog.toml"))


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """The facts about a model that is not on this machine yet."""

    alias: str
    hub_id: str
    """Repository on the Hugging Face Hub; "" for the shipped model."""
    parameters: int
    dim: int
    context: int
    """Longest text in tokens."""
    licence: str
    commercial_use: bool
    pooling: Pooling
    """"unstated" where the checkpoint's own files alone say which."""
    note: str
    revision: str | None = None
    """Commit, 40 hexadecimal digits; None follows the repository's main branch."""
    matryoshka_dims: tuple[int, ...] = ()
    """Shorter vectors that the model was trained for; empty where it was not."""
    any_prefix: bool = False
    """True where every prefix of the vector may be used, at a loss that ``note`` states."""
    shortest_prefix: int = 1
    """With ``any_prefix``: the shortest vector that its authors speak of."""
    weights_sha256: str | None = None
    """Hash of model.safetensors at the revision, where it is known: a local copy is recognised by it."""
    task: Literal["embedding", "reranker", "late-interaction"] = "embedding"
    """"embedding" gives vectors (``load``), "reranker" scores of pairs (``load_reranker``) and
    "late-interaction" a vector per token (``load_late_interaction``)."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Used where the checkpoint itself names no prompt of that name; prepended as they are.

    "query" and "document" are what ``encode_query`` and ``encode_document`` take.
    """
    settings: Mapping[str, object] = field(default_factory=dict)
    """Keys of config.json that the checkpoint leaves out and whose values are known. ``append_token``:
    the token that has to close every text (true for the tokenizer's own ``eos_token``)."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Keys that decide about the vectors and that nobody states, with what is known of them: where the
    checkpoint does not have them either, the caller has to, by ``config_overrides``."""


@cache
def available_models() -> Mapping[str, CatalogEntry]:
    """Alias -> what is known of the model; nothing is downloaded."""
    return MappingProxyType({**_shipped(), **read_catalog(_OTHERS)})


@cache
def _shipped() -> Mapping[str, CatalogEntry]:
    return read_catalog(_SHIPPED)


def find(name: str) -> CatalogEntry | None:
    """The entry with this alias, Hub id or repository name, whatever the case."""
    wanted = name.casefold()
    if wanted in _shipped():
        return _shipped()[wanted]
    for entry in available_models().values():
        names = (entry.alias, entry.hub_id, entry.hub_id.rpartition("/")[2])
        if wanted in (known.casefold() for known in names if known):
            return entry
    return None


_LEAST_TYPED, _ALIKE = 2, 0.6
"""Letters of a name that are enough to look for it in others, and how alike others have to be, of 1."""


def hint(name: str) -> str:
    """Return which aliases look like ``name``, and where all of them are listed."""
    import difflib  # late: only a name that nobody knows needs it

    names = {
        known.casefold(): entry.alias
        for entry in available_models().values()
        for known in (entry.alias, entry.hub_id.rpartition("/")[2], entry.hub_id)
        if known
    }
    wanted = name.casefold()
    held = [known for known in names if len(wanted) >= _LEAST_TYPED and wanted in known]
    close = difflib.get_close_matches(wanted, held or list(names), n=3, cutoff=0.0 if held else _ALIKE)
    meant = " or ".join(dict.fromkeys(names[match] for match in close))
    return (f"did you mean {meant}? " if meant else "") + "`codesearch models` lists the known names"


def read_catalog(path: Path) -> Mapping[str, CatalogEntry]:
    """Read and check a catalogue. ValueError names the file, the model, the key and what was expected."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if found.keys() - {"prompts", "model"}:
        raise ValueError(f"{path}: expected [prompts.NAME] and [[model]], found {', '.join(found)}")
    prompts = found.get("prompts", {})
    entries: dict[str, CatalogEntry] = {}
    for number, row in enumerate(found.get("model", []), 1):
        entry = _entry(f"{path}: model {row.get('alias', number)!r}", row, prompts)
        if entry.alias in entries:
            raise ValueError(f"{path}: model {entry.alias!r} is there twice")
        entries[entry.alias] = entry
    return MappingProxyType(entries)


def _entry(where: str, row: Mapping[str, Any], prompts: Mapping[str, Any]) -> CatalogEntry:
    known = {entry.name: entry for entry in fields(CatalogEntry)}
    if row.keys() - known.keys():
        raise ValueError(f"{where}: unknown key {', '.join(sorted(row.keys() - known.keys()))}")
    required = {name for name, entry in known.items() if entry.default is entry.default_factory is MISSING}
    if required - row.keys():
        raise ValueError(f"{where}: no {', '.join(sorted(required - row.keys()))}")
    values = dict(row)
    named = values.get("prompts")
    if isinstance(named, str):
        if named not in prompts:
            raise ValueError(
                f"{where}: prompts are {named!r}, expected a table or one of {', '.join(prompts)}"
            )
        values["prompts"] = prompts[named]
    for problem in _problems(values):
        raise ValueError(f"{where}: {problem}")
    if "matryoshka_dims" in values:
        values["matryoshka_dims"] = tuple(values["matryoshka_dims"])
    return CatalogEntry(**values)


_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("parameters", "dim", "context", "shortest_prefix"), int),
    **dict.fromkeys(("commercial_use", "any_prefix"), bool),
    **dict.fromkeys(("prompts", "settings", "unknown"), dict),
    "matryoshka_dims": list,
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "pooling": ("mean", "cls", "last", "tokens", "pma", "unstated"),
    "task": ("embedding", "reranker", "late-interaction"),
}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        wanted = _TYPES.get(key, str)
        if type(value) is wanted:
            yield from (f"{key} is {value!r}, expected {expected}" for expected in _expected(key, value))
        else:
            yield f"{key} is {value!r}, expected {wanted.__name__}"


def _expected(key: str, value: Any) -> Iterator[str]:
    """Descriptions of what the value of a key, whose type is right, should have been and is not."""
    if type(value) is int and value < 1:
        yield "a positive number"
    if key in _CHOICES and value not in _CHOICES[key]:
        yield " or ".join(_CHOICES[key])
    if key == "matryoshka_dims" and any(type(dim) is not int or dim < 1 for dim in value):
        yield "a list of positive int"
    if key in ("prompts", "unknown") and any(type(text) is not str for text in value.values()):
        yield "a table of texts"
