"""``convert-weights``: arguments in, a model folder out. Data on stdout, messages on stderr.

Exit 0: done. 1: ``--verify`` found other vectors, nothing was written. 2: an error. 130: interrupted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from conversion.convert import SETTINGS, Conversion, Request, convert
from conversion.errors import ConversionError
from conversion.triton.repository import GRAPH_BACKENDS
from conversion.verify import Agreement, VerificationFailed, verifier
from mlx_jinabert import __version__
from mlx_jinabert.cli_errors import one_line
from mlx_jinabert.errors import JinabertError

__all__ = ["main"]

_BITS = {"none": None, "int8": 8, "int6": 6, "int4": 4}

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""End the process as an exception does, so that the unfinished output is removed."""

_EXAMPLES = """
\b
Examples:
  convert-weights jina-code --quantize int8 --verify
      download the pinned revision, pack it to 8 bits for MLX, check its vectors
  convert-weights ./my-finetune --to onnx --out my-finetune-onnx
      a float32 graph for ONNX Runtime, without torch
  convert-weights BAAI/bge-small-en-v1.5 --dtype float16 --revision main
  convert-weights jina-code --to triton --quantize int8 --out models
      a model repository for Triton; then: codesearch --model triton+http://host:8000/...
  convert-weights jina-v4 --adapter code --quantize int8
      one task of a model whose tasks are adapters, as a model of its own

\b
SRC is an alias (see `codesearch models`), a Hub id (owner/name) or a model folder. The output is a folder
that mlx_jinabert.load("PATH") and codesearch --model PATH take; for triton, one that tritonserver takes.
"""


@click.command(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("src")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write. Default: SRC-TARGET-TYPE in the current folder.",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["mlx", "onnx", "triton"]),
    default="mlx",
    show_default=True,
    help="Runtime to convert for.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "bfloat16"]),
    help="Float type. Default: for mlx that of SRC (a half type beside packed layers), for onnx float32.",
)
@click.option(
    "--quantize",
    type=click.Choice(list(_BITS)),
    default="none",
    show_default=True,
    help="Pack the linear layers: 8, 6 or 4 bits for mlx (groups of 64 or 32), 8 or 4 for onnx.",
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help=f"Set what SRC does not state ({', '.join(SETTINGS)}), e.g. is_causal=false.",
)
@click.option(
    "--adapter",
    metavar="NAME|DIR",
    help="Merge a LoRA adapter: a folder saved by PEFT, or the name of a task that SRC has an adapter for.",
)
@click.option(
    "--revision", help="Branch, tag or commit of a Hub repository. Default: the pinned one, or main."
)
@click.option("--verify", is_flag=True, help="Embed the check texts and compare with published vectors.")
@click.option(
    "--verify-as",
    metavar="NAME",
    help="Verify as this catalogued model, if SRC is not recognised by name or weights.",
)
@click.option(
    "--triton-graph",
    type=click.Choice(GRAPH_BACKENDS),
    default="onnxruntime",
    show_default=True,
    help="Triton's backend for the graph; python where the server has no other.",
)
@click.option("--force", is_flag=True, help="Replace an output that convert-weights wrote before.")
@click.version_option(__version__, prog_name="convert-weights", message="%(prog)s %(version)s")
def _command(
    *,
    src: str,
    out: Path | None,
    target: str,
    dtype: str | None,
    quantize: str,
    settings: tuple[str, ...],
    adapter: str | None,
    revision: str | None,
    verify: bool,
    verify_as: str | None,
    triton_graph: str,
    force: bool,
) -> None:
    """Convert the weights of an embedding model for MLX or ONNX Runtime.

    Every tensor of SRC is either used or left out by name; anything else stops the conversion. No code from
    a checkpoint is run and no pickle is read. The output appears whole or not at all.
    """
    request = Request(
        source=src,
        target=target,
        out=out,
        dtype=dtype,
        bits=_BITS[quantize],
        settings=dict(_setting(given) for given in settings),
        adapter=adapter,
        revision=revision,
        force=force,
        triton_graph=triton_graph,
    )
    if target == "triton" and (verify or verify_as):
        raise ConversionError(
            "--verify: Triton's answers are not seen here; verify the same graph with --to onnx --verify"
        )
    if adapter and (verify or verify_as):
        raise ConversionError(
            "--verify: nothing is published for weights with an adapter in them; leave it out"
        )
    check = verifier(target, _show, _note, verify_as) if verify or verify_as else None
    _report(convert(request, check))


def _setting(given: str) -> tuple[str, object]:
    """``KEY=VALUE``: true and false are what they say, anything else is text."""
    key, equals, value = given.partition("=")
    if key not in SETTINGS or not equals:
        raise ConversionError(f"--set {given}: expected KEY=VALUE, where KEY is {' or '.join(SETTINGS)}")
    return key, {"true": True, "false": False}.get(value.lower(), value)


def _show(agreement: Agreement) -> None:
    verdict = (
        "" if agreement.bound is None else f"  {'ok' if agreement.holds else 'FAILED'} (>= {agreement.bound})"
    )
    click.echo(f"cosine {agreement.cosine:.6f}  {agreement.text!r} to {agreement.against}{verdict}")


def _note(message: str) -> None:
    click.echo(f"convert-weights: {message}", err=True)


def _report(done: Conversion) -> None:
    record = done.record
    dropped = ", ".join(record.dropped) or "none"
    kind = f"{record.target}, {record.dtype}"
    if record.quantization and record.quantization["group_size"]:
        bits, group = record.quantization["bits"], record.quantization["group_size"]
        kind += f", linear layers in {bits} bits by groups of {group}"
    if record.adapter is not None:
        changed, left_out = len(record.adapter.tensors), len(record.adapter.dropped)
        click.echo(
            f"adapter {record.adapter.name}: merged into {changed} matrices, {left_out} left out", err=True
        )
    sizes = f"{done.source_bytes / 1e6:.1f} MB -> {done.out_bytes / 1e6:.1f} MB"
    click.echo(f"tensors used: {len(record.tensors)}; left out on purpose: {dropped}", err=True)
    click.echo(f"{kind}: {sizes}", err=True)
    click.echo(done.out)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script; ``arguments`` default to those of the process."""
    if not (sys.argv[1:] if arguments is None else arguments):
        click.echo(_command.get_help(click.Context(_command, info_name="convert-weights")))
        sys.exit(2)
    handlers = {number: signal.signal(number, _on_signal) for number in _SIGNALS}
    try:
        _command(arguments, prog_name="convert-weights", standalone_mode=False)
    except VerificationFailed as error:
        _fail(f"error: the converted model is not sound and was not written: {error}", 1)
    except (ConversionError, JinabertError, OSError, click.ClickException) as error:
        _fail(f"error: {one_line(error)}", 2)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; nothing was written", 130)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _fail(message: str, code: int) -> None:
    _note(message)
    sys.exit(code)
