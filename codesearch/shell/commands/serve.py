"""``serve``: run the resident process in the foreground, and query or stop the running one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass
from codesearch.rendering.terminal import say, write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.serving.resident.address import Address

__all__ = ["serve"]


@click.command(short_help="Keep indexes and models open for other commands.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Also listen on this port of 127.0.0.1, for browsers and HTTP; 0 picks a free one.",
)
@click.option(
    "--idle", metavar="SECONDS", type=options.Seconds(min=1), help="Exit after this long without a question."
)
@click.option(
    "--memory",
    metavar="MIB",
    default=1024,
    show_default=True,
    type=click.IntRange(min=64),
    help="Memory limit; above it, the least recently used indexes are closed.",
)
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="FOLDER",
    help="Folder that may be searched over HTTP; repeatable. [default: this one]",
)
@click.option(
    "--background", is_flag=True, hidden=True, help="As commands start it: end when idle, give way."
)
@click.option("--open", "opens", is_flag=True, help="Open the search page in the browser.")
@click.option("--status", "wants_status", is_flag=True, help="Show what the running process holds, and exit.")
@click.option("--stop", "wants_stop", is_flag=True, help="Stop the running process, and exit.")
@click.option(
    "--show-token",
    is_flag=True,
    help="Print the token that HTTP clients of the running process need, and exit.",
)
@options.json_flag
@click.pass_context
def serve(
    ctx: click.Context,
    *,
    port: int | None,
    idle: float | None,
    memory: int,
    roots: tuple[str, ...],
    background: bool,
    opens: bool,
    wants_status: bool,
    wants_stop: bool,
    show_token: bool,
    as_json: bool,
) -> None:
    """Run the process that keeps indexes and models open for fast answers in shells, editors and agents.

    Commands start it in the background by themselves and share it; it then exits after 15 minutes without a
    question. Started by hand it keeps running. CODESEARCH_DAEMON=0 or --no-daemon does without it.
    """
    if wants_status:
        _print_status(as_json)
    elif show_token:
        write(f"{_running().secret}\n")
    elif wants_stop:
        _tell(_running(), "/v1/stop")
    elif not (opens and _opened()):
        folders = () if background else roots or (".",)
        given = _Options(
            0 if opens and port is None else port, idle, memory << 20, folders, background, opens
        )
        _serve(ctx.obj, given)


@dataclass(frozen=True, slots=True)
class _Options:
    port: int | None
    idle: float | None
    memory: int
    folders: tuple[str, ...]
    background: bool
    opens: bool


def _serve(runner: Any, given: _Options) -> None:
    from codesearch.files.repositories.roots import canonical
    from codesearch.serving.http import run
    from codesearch.serving.resident.address import Address

    if not given.background and Address.read() is not None:
        _give_way()
    options = run.ServeOptions(
        port=given.port,
        idle_seconds=given.idle or (run.IDLE_SECONDS if given.background else None),
        memory_bytes=given.memory,
        wait_seconds=0.0 if given.background else 5.0,
    )
    folders = [str(canonical(Path(folder))) for folder in given.folders]

    def ready(address: Address, port: int | None) -> None:
        if not given.background:
            page = f" and http://127.0.0.1:{port}/" if port else ""
            say(f"serving at {address.where}{page}; Ctrl-C ends it")
        if given.opens and port:  # once it answers: this is called just before
            threading.Thread(target=_open_page, args=(address, port), daemon=True).start()

    try:
        run.serve(options, run.Parts(runner, lambda resident: runner.extras(resident, folders), ready))
    except run.AlreadyRunning:
        if not given.background:
            raise


def _opened() -> bool:
    """Open the page of the process that runs, if it has a port."""
    from codesearch.serving.resident.address import Address
    from codesearch.serving.resident.client import Unreachable

    address = Address.read()
    try:
        port = None if address is None else _tell(address, "/v1/status").get("port")
    except (Unreachable, CodesearchError):
        return False
    if address is None or port is None:
        return False
    _open_page(address, port)
    return True


def _open_page(address: Address, port: int) -> None:
    """Open a link that works once; print it where there is no browser."""
    import webbrowser

    link = f"http://127.0.0.1:{port}{_tell(address, '/v1/link')['path']}"
    if not webbrowser.open(link):
        say(f"no browser here; this link works once, within two minutes: {link}")


def _give_way() -> None:
    """Ask a process that runs in the background to leave its place to this one."""
    from codesearch.serving.resident.client import Unreachable

    try:
        _tell(_running(), "/v1/stop")
    except (Unreachable, CodesearchError):
        return


def _print_status(as_json: bool) -> None:
    from codesearch.rendering.render import dump

    found = _tell(_running(), "/v1/status")
    if as_json:
        write(dump(found))
        return
    from codesearch.rendering.report import human_bytes, seconds
    from codesearch.rendering.terminal import one_line

    memory = f"{human_bytes(found['memory_bytes'])} of {human_bytes(found['memory_limit_bytes'])}"
    write(
        f"process   {found['pid']}, version {found['version']}, up {seconds(found['up_seconds'])}\n"
        f"memory    {memory}\n"
        f"requests  {found['requests']:,}, the last one {seconds(found['idle_seconds'])} ago\n"
    )
    for entry in found["indexes"]:
        write(f"open      {one_line(entry['root'])}\n")
    for root in found["watched"]:
        write(f"watched   {one_line(root)}\n")


def _running() -> Address:
    from codesearch.serving.resident.address import Address

    address = Address.read()
    if address is None:
        raise CodesearchError("no resident process runs; to start one: codesearch serve")
    return address


def _tell(address: Address, path: str) -> dict[str, Any]:
    from codesearch.serving.resident.client import Unreachable, ask

    try:
        return next(ask(address, path, {}), {})
    except Unreachable as error:
        raise CodesearchError(str(error)) from error
    except ValueError as error:
        raise CodesearchError(f"the resident process refuses: {error}") from error
