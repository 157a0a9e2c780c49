"""``embed-corpus``: many repositories into one engine, in this process or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codesearch.rendering.terminal import write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.distributed.corpus.run import Corpus, CorpusStats
    from codesearch.records import Progress

__all__ = ["embed_corpus"]


@click.command("embed-corpus", short_help="Embed many repositories into a search engine.")
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option(
    "--from",
    "listed",
    type=click.File("r", encoding="utf-8"),
    help="Read more repositories from this file, one per line.",
)
@options.store
@options.model
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Use a Ray cluster: auto, ray://host:10001, or local for processes on this machine.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Number of shards to embed at a time. [default: the cluster's cores]",
)
@options.json_flag
def embed_corpus(
    repositories: tuple[str, ...],
    *,
    listed: Iterable[str] | None,
    store: str | None,
    model: str | None,
    ray: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Chunk, embed and upload each REPOSITORY: a folder, or an address such as https://host/owner/repo.

    Files are grouped into shards by the hash of their content. A shard is stored once even if it is done
    twice, a stopped run continues with the shards that are left, and a lost worker costs one shard. Chunks
    that no longer exist are deleted; other roots in the store are left alone. Workers on other machines need
    the same folders.
    """
    from codesearch.distributed.corpus.run import Corpus, Local
    from codesearch.distributed.corpus.run import embed_corpus as run
    from codesearch.index.remote import root_name
    from codesearch.models.embedder import Model
    from codesearch.shell.progress import Display

    lines = [line.strip() for line in listed or () if line.strip() and not line.startswith("#")]
    named = [*repositories, *lines]
    if not named:
        raise click.UsageError("name a repository, or a file of them (--from FILE)")
    if store is None:
        raise click.UsageError("say where to: --store qdrant://host:6333/collection")
    if workers is not None and ray is None:
        raise click.UsageError("--workers is of --ray; without it, this process does all")
    folders = [_folder(name) for name in named]
    roots = [(root_name(folder), folder) for folder in folders]
    corpus = Corpus(roots, model or Model.default().name, store)
    with Display(f"embedding {len(roots):,} repositories") as display:
        stats = run(corpus, Local(), display) if ray is None else _by_ray(corpus, ray, workers, display)
    _report(stats, as_json)


def _by_ray(corpus: Corpus, address: str, workers: int | None, progress: Progress) -> CorpusStats:
    from codesearch.distributed.corpus.ray_workers import RayWorkers
    from codesearch.distributed.corpus.run import embed_corpus as run

    with RayWorkers(None if address == "local" else address, workers) as cluster:
        return run(corpus, cluster, progress)


def _folder(name: str) -> Path:
    from codesearch import caller
    from codesearch.errors import BadQuery
    from codesearch.files.repositories.addresses import is_address
    from codesearch.files.repositories.clones import checkout
    from codesearch.storage.folders.locations import clones_path

    if is_address(name):
        return checkout(name, clones_path())
    folder = caller.path(name).resolve()
    if not folder.is_dir():
        raise BadQuery(f"{name} is no folder")
    return folder


def _report(stats: CorpusStats, as_json: bool) -> None:
    from codesearch.rendering.render import dump

    if as_json:
        write(dump(stats))
        return
    write(
        f"shards   {stats.shards:,} ({stats.done_before:,} done before)\n"
        f"chunks   {stats.chunks:,} ({stats.embedded:,} texts embedded)\n"
        f"deleted  {stats.deleted:,} chunks\n"
    )
