"""Write the references from the code: ``python -m scripts.reference [--check]``.

docs/command-line.md comes from ``--help`` of every command, docs/python-api.md from the signatures and
docstrings of the exported names. ``--check`` changes nothing and exits 1 where they are out of date.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator

import click

from scripts.sources import ROOT

_COMMAND_LINE = """# Command line

Written by `python -m scripts.reference` from the commands' own help.

Exit codes are grep's: 0 for hits, 1 for none, 2 for an error; 130 after an interrupt (finished work is
kept). Data goes to stdout, progress and messages to stderr. With `--json` an error is an object too.
"""
_PYTHON = """# Python API

Written by `python -m scripts.reference` from the code. What is not listed here is internal.
"""
_PROGRAMS = {
    "codesearch": "codesearch.cli:cli",
    "mlx-jinabert": "mlx_jinabert.cli:main",
    "convert-weights": "conversion.cli:_command",
}
_LINE = 100
_PACKAGES = ("mlx_jinabert", "codesearch")


def main() -> int:
    documents = {"command-line.md": command_line(), "python-api.md": python_api()}
    stale = [name for name, text in documents.items() if _read(name) != text]
    if "--check" in sys.argv:
        if stale:
            print(f"out of date: {', '.join(stale)}; run python -m scripts.reference", file=sys.stderr)
        return int(bool(stale))
    for name in stale:
        (ROOT / "docs" / name).write_text(documents[name], encoding="utf-8")
    return 0


def _read(name: str) -> str:
    path = ROOT / "docs" / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def command_line() -> str:
    parts = [_COMMAND_LINE]
    for program, place in _PROGRAMS.items():
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        parts += _helps(command, click.Context(command, info_name=program), level=2)
    return "\n".join(parts)


def _helps(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    """The help of a command and of those below it."""
    context.max_content_width = context.terminal_width = 100
    yield f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                inner = click.Context(below, info_name=name, parent=context)
                yield from _helps(below, inner, level + 1)


def python_api() -> str:
    parts = [_PYTHON]
    for package in _PACKAGES:
        module = importlib.import_module(package)
        parts.append(f"## {package}\n\n{_docstring(module)}\n")
        for name in sorted(getattr(module, "_HOMES", module.__all__)):
            value = getattr(module, name)
            parts += _class(name, value) if inspect.isclass(value) else [_entry("###", name, value)]
    return "\n".join(parts)


def _class(name: str, kind: type) -> Iterator[str]:
    if issubclass(kind, Exception):
        yield f"### {name}({', '.join(base.__name__ for base in kind.__bases__)})\n\n{_docstring(kind)}\n"
        return
    yield f"### {name}\n\n{_docstring(kind)}\n"
    for attribute, value in sorted(inspect.getmembers(kind)):
        if not attribute.startswith("_") and inspect.getdoc(value) and _is_ours(value):
            yield _entry("####", f"{name}.{attribute}", value)


def _is_ours(value: object) -> bool:
    function = value.fget if isinstance(value, property) else value
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] in _PACKAGES


def _entry(mark: str, name: str, value: object) -> str:
    shown = f"{name}: {_annotation(value.fget)}" if isinstance(value, property) else _signature(name, value)
    return f"{mark} {name}\n\n```python\n{shown}\n```\n\n{_docstring(value)}\n"


def _annotation(function: object) -> str:
    return str(inspect.signature(function).return_annotation) if callable(function) else "Any"


def _signature(name: str, value: object) -> str:
    """The call as Python shows it, one parameter a line where it is long."""
    if not callable(value):
        return name
    signature = inspect.signature(value)
    parameters = [
        parameter.replace(annotation=_Plain(parameter.annotation))
        if parameter.annotation is not parameter.empty
        else parameter
        for key, parameter in signature.parameters.items()
        if key != "self"
    ]
    plain = signature.replace(parameters=parameters, return_annotation=_Plain(signature.return_annotation))
    if len(f"{name}{plain}") <= _LINE:
        return f"{name}{plain}"
    result = str(plain).rpartition(")")[2]
    listed = [str(parameter) for parameter in parameters]
    first = next((at for at, one in enumerate(parameters) if one.kind is one.KEYWORD_ONLY), None)
    if first is not None and not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        listed.insert(first, "*")
    return "\n".join([f"{name}(", *(f"    {one}," for one in listed), f"){result}"])


class _Plain:
    """An annotation that is shown without the quotes of a string."""

    def __init__(self, annotation: object) -> None:
        self.text = str(annotation)

    def __repr__(self) -> str:
        return self.text


def _docstring(value: object) -> str:
    text = inspect.getdoc(value) or ""
    return f"```text\n{text}\n```" if text else ""


if __name__ == "__main__":
    sys.exit(main())
