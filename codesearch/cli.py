"""Arguments in, text and JSON out: the command line, its errors and its exit codes.

Exit codes are grep's: 0 hits, 1 none, 2 error; 130 when interrupted. Data goes to stdout, messages and
progress to stderr. With ``--json`` or ``--jsonl`` an error is ``{"error", "kind"}`` on stdout, whatever
went wrong, an unknown option too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from codesearch.errors import CodesearchError
from codesearch.rendering.terminal import ClosedPipe, OutputError, prepare_streams, say, write
from codesearch.shell.exit_codes import ERROR, INTERRUPTED

if TYPE_CHECKING:
    from codesearch.serving.http.app import Extra, Resident

__all__ = ["cli", "main"]

_COMMANDS = {
    "search": "codesearch.shell.commands.search:search",
    "similar": "codesearch.shell.commands.search:similar",
    "callers": "codesearch.shell.commands.callers:callers",
    "index": "codesearch.shell.commands.index:index",
    "index export": "codesearch.shell.commands.portable:export",
    "index import": "codesearch.shell.commands.portable:import_",
    "status": "codesearch.shell.commands.index:status",
    "list": "codesearch.shell.commands.manage:list_",
    "clear": "codesearch.shell.commands.manage:clear",
    "bench": "codesearch.shell.commands.bench:bench",
    "embed-corpus": "codesearch.shell.commands.corpus:embed_corpus",
    "plan": "codesearch.shell.commands.plan:plan",
    "tune": "codesearch.shell.commands.tune:tune",
    "models": "codesearch.shell.commands.about:models",
    "doctor": "codesearch.shell.commands.about:doctor",
    "help": "codesearch.shell.commands.about:help_",
    "serve": "codesearch.shell.commands.serve:serve",
    "stats": "codesearch.shell.commands.stats:stats",
    "mcp": "codesearch.shell.commands.agents:mcp",
    "agents": "codesearch.shell.commands.agents:agents",
}
_QUESTIONS = frozenset({"search", "similar", "callers"})


class SearchByDefault(click.Group):
    """A group whose bare form is ``search``: options may stand anywhere, before the query too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the subcommand among the arguments and put it first."""
        if not args and not ctx.resilient_parsing:
            write(ctx.get_help() + "\n")
            ctx.exit(ERROR)
        if args and args[0] not in ("--help", "-h", "--version"):
            args = self.named_first(ctx, args)
        return super().parse_args(ctx, args)

    def named_first(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return the arguments with the subcommand first, also where it stands elsewhere or is left out."""
        at = self._first_positional(ctx, args)
        if at is None or args[at] not in _COMMANDS:
            return ["search", *args]
        name, rest = args[at], [*args[:at], *args[at + 1 :]]
        below = self._first_positional(ctx, rest) if name == "index" else None
        if below is not None and f"{name} {rest[below]}" in _COMMANDS:
            name = f"{name} {rest.pop(below)}"
        return [name, *rest]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first encounter, not of the alphabet."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand's file when it is asked for."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def _first_positional(self, ctx: click.Context, args: Sequence[str]) -> int | None:
        """Position of the first argument that is neither an option nor an option's value.

        ``--`` ends it: what follows is never a subcommand.
        """
        search = self.get_command(ctx, "search")
        assert search is not None
        takes_value = {
            name
            for option in search.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        skip = False
        for at, arg in enumerate(args):
            if skip:
                skip = False
            elif arg == "--":
                return None
            elif arg.startswith("-") and arg != "-":
                skip = arg in takes_value
            else:
                return at
        return None


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        write(f"codesearch {version('mlx-jinabert')}\n")
        ctx.exit()


@click.group(
    cls=SearchByDefault,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Search code on this machine with a question, a name or a message.

    \b
    codesearch QUERY [PATH...]     search; the first search of a repository indexes it
    codesearch search index        search for a word that is also the name of a command
    codesearch help [COMMAND]      show this help, or that of a command

    Exit codes: 0 hits, 1 no hits, 2 error, 130 interrupted (finished work is kept).
    $CODESEARCH_HOME moves the indexes, $CODESEARCH_MODEL sets the default model, $NO_COLOR turns colours off.

    Shell completion: eval "$(_CODESEARCH_COMPLETE=bash_source codesearch)", or zsh_source, fish_source.
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    args = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    code = _run(args)
    if sys.stdout is None and not {"-h", "--help"}.isdisjoint(args):  # click prints help to nobody
        say("error: standard output is closed; nothing could be printed")
        code = ERROR
    _flush_or_drop()
    sys.exit(code)


class InProcess:
    """The command line as the resident process runs it for its clients."""

    def profits(self, args: Sequence[str]) -> bool:
        """Whether it is a question: only those gain from open indexes."""
        with click.Context(cli) as ctx:
            return cli.named_first(ctx, list(args))[0] in _QUESTIONS

    def run(self, args: list[str]) -> int:
        """Run a command and print what it prints; the exit code."""
        return _run(args)

    def extras(self, resident: Resident, folders: Sequence[str]) -> list[Extra]:
        """Return the other routes of the resident process; ``folders`` may be searched over HTTP."""
        from codesearch.serving.agents import routes as agents
        from codesearch.serving.page import routes as page

        return [agents.extra(resident, folders), page.extra(resident, folders)]


def _run(args: list[str]) -> int:
    try:
        code = cli.main(args=args, prog_name="codesearch", standalone_mode=False, obj=InProcess())
    except ClosedPipe:
        return 0
    except (click.Abort, KeyboardInterrupt):
        say("interrupted; what was done is kept")
        return INTERRUPTED
    except Exception as error:
        return _fail(error, args)
    return code if isinstance(code, int) else 0


def _fail(error: Exception, args: Sequence[str]) -> int:
    """Say what is wrong, in the form that was asked for. Always 2."""
    message, kind = _described(error)
    if os.environ.get("CODESEARCH_DEBUG"):
        import traceback

        traceback.print_exception(error)
    try:
        if _wants_json(args) and not isinstance(error, OutputError):
            from codesearch.rendering.render import error_json

            write(error_json(message, kind))
        else:
            say(f"error: {message}")
    except ClosedPipe:
        pass
    except OutputError:
        say(f"error: {message}")
    return ERROR


def _described(error: Exception) -> tuple[str, str]:
    """A message for a person and a kind for a program."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return _missing_command(error.ctx), "UsageError"
    if isinstance(error, click.ClickException):
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"; see: {error.ctx.command_path} --help"
        return error.format_message().rstrip(".") + hint, "UsageError"
    if isinstance(error, CodesearchError):
        return str(error), type(error).__name__
    if isinstance(error, FileNotFoundError) and not error.filename and _has_no_folder():
        return "the current folder is gone; change to one that exists and ask again", type(error).__name__
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return what, type(error).__name__
    report = "this is a bug; CODESEARCH_DEBUG=1 shows where it comes from"
    return f"{type(error).__name__}: {error} ({report})", type(error).__name__


def _missing_command(group: click.Context) -> str:
    commands = group.command.commands if isinstance(group.command, click.Group) else {}
    known = ", ".join(sorted(name for name, command in commands.items() if not command.hidden))
    return f"Missing command, one of {known}; see: {group.command_path} --help"


def _has_no_folder() -> bool:
    """Whether the folder that this process stands in was removed."""
    try:
        return not Path.cwd().exists()
    except OSError:
        return True


def _wants_json(args: Sequence[str]) -> bool:
    before_end = args[: args.index("--")] if "--" in args else args
    return "--json" in before_end or "--jsonl" in before_end


def _flush_or_drop() -> None:
    """A reader that left early must not become an error at the interpreter's exit."""
    try:
        write("")
    except (ClosedPipe, OutputError):
        return
