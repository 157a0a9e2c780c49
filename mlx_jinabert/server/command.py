"""``mlx-jinabert serve``: options in, settings out. Imports nothing that takes long before it runs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mlx_jinabert.catalog import find
from mlx_jinabert.server.settings import DEFAULT_MODEL, ModelSpec, Settings

__all__ = ["serve"]

F = TypeVar("F", bound=Callable[..., Any])

_KEYS = "MLX_JINABERT_API_KEYS"
_DEFAULTS = Settings()


class _Number(click.FloatRange):
    """A number in a range; NaN, which is in every range of click's, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


def _option(name: str, key: str, help_text: str, **options: Any) -> Callable[[F], F]:
    """An option of a setting, with the setting's default."""
    return click.option(
        name, key, default=getattr(_DEFAULTS, key), show_default=True, help=help_text, **options
    )


@click.command(short_help="Serve models over HTTP (OpenAI, TEI, Cohere, Jina).")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[NAME=]MODEL",
    help="A model that mlx_jinabert.load takes, and the NAME that requests use for it. Repeatable: the first "
    f"is loaded at start, the others on first use.  [default: {DEFAULT_MODEL}]",
)
@click.option(
    "--reranker",
    "rerankers",
    multiple=True,
    metavar="[NAME=]MODEL",
    help="A cross-encoder that mlx_jinabert.load_reranker takes. Repeatable.",
)
@_option("--host", "host", "Address to listen on.")
@_option("--port", "port", "Port to listen on.", type=click.IntRange(0, 65535))
@_option(
    "--backend", "backend", "Backend of all models.", type=click.Choice(["auto", "mlx", "onnx", "openvino"])
)
@_option("--dtype", "dtype", "Type that all models compute in.")
@click.option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File of API keys, one per line; ${_KEYS} may hold more, separated by commas. "
    "Without any, no key is needed.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Accept this name in the Host header besides the loopback's; '*' for any. Repeatable.",
)
@click.option(
    "--allowed-origin",
    "allowed_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Accept requests from web pages of this origin (https://tools.example); '*' for any. Repeatable.",
)
@_option(
    "--auto-truncate",
    "auto_truncate",
    "Truncate texts that are too long, unless the request says otherwise.",
    is_flag=True,
)
@_option(
    "--max-concurrent-requests",
    "max_concurrent_requests",
    "Requests served at once; more get status 429.",
    type=click.IntRange(1),
)
@_option("--max-client-batch-size", "max_texts", "Most texts in one request.", type=click.IntRange(1))
@_option("--payload-limit", "max_body_bytes", "Most bytes in a request's body.", type=click.IntRange(1))
@_option(
    "--max-queue-tokens",
    "max_queue_tokens",
    "Most tokens that may wait; beyond it, requests get status 429.",
    type=click.IntRange(1),
)
@click.option(
    "--max-batch-tokens",
    "window_tokens",
    type=click.IntRange(1),
    help="Most tokens in a batch.  [default: depends on the device]",
)
@_option(
    "--max-delay-ms",
    "max_delay_ms",
    "Longest time that a batch waits for other callers, if there were several.",
    type=_Number(0, 1000),
)
@_option("--tokenization-workers", "tokenization_workers", "Threads that tokenise.", type=click.IntRange(1))
@_option(
    "--cache-bytes", "cache_bytes", "Bytes of vectors to keep in memory; 0 for none.", type=click.IntRange(0)
)
@click.option(
    "--cache-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="SQLite file to keep vectors in as well.",
)
@_option("--cache-file-bytes", "cache_file_bytes", "Most bytes in that file.", type=click.IntRange(1))
@_option(
    "--unload-after",
    "unload_after",
    "Seconds after which an unused model is unloaded; 0 for never.",
    type=_Number(0),
)
@_option(
    "--drain-seconds",
    "drain_seconds",
    "Seconds that running requests may take to finish on shutdown.",
    type=click.IntRange(0),
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Level of the logs, which are JSON lines on stderr and hold no texts.",
)
def serve(
    models: Sequence[str],
    rerankers: Sequence[str],
    api_key_file: Path | None,
    log_level: str,
    **options: Any,
) -> None:
    """Serve embedding models and rerankers over HTTP, batching the texts of all requests together.

    Endpoints: OpenAI's /v1/embeddings and /v1/models; text-embeddings-inference's /embed, /rerank,
    /tokenize, /info; Cohere's and Jina's /v2/rerank and /v1/rerank; /health, /metrics, /openapi.json.
    Listens on the loopback address by default; put a proxy in front for TLS (docs/serving.md).
    """
    try:
        from mlx_jinabert.server.run import run
        from mlx_jinabert.server.web.access import read_keys
        from mlx_jinabert.server.web.logs import set_up_logs
    except ImportError as error:
        raise click.ClickException(f"pip install 'mlx-jinabert[server]' ({error})") from error
    lines = api_key_file.read_text(encoding="utf-8").splitlines() if api_key_file else []
    settings = Settings(
        models=_specs(models, rerankers), api_keys=read_keys(os.environ.get(_KEYS), lines), **options
    )
    set_up_logs(log_level)
    run(settings)


def _specs(models: Sequence[str], rerankers: Sequence[str]) -> Sequence[ModelSpec]:
    """The models in the order of the command line; UsageError for a name that is used twice."""
    named = [_spec(text, is_reranker=False) for text in models]
    named += [_spec(text, is_reranker=True) for text in rerankers]
    specs = named or list(_DEFAULTS.models)
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"two models are named {name!r}; name them apart: --model NAME=MODEL")
    return specs


def _spec(text: str, *, is_reranker: bool) -> ModelSpec:
    """ "jina-code" or "code=/models/jina-code"; a folder is named by its last part."""
    name, equals, source = text.partition("=")
    if not equals or "/" in name:
        source = text
        name = Path(text).expanduser().resolve().name if Path(text).expanduser().is_dir() else text
    entry = find(source)
    return ModelSpec(name, source, is_reranker or (entry is not None and entry.task == "reranker"))
