"""``models`` and ``doctor``: what this installation can do."""

from __future__ import annotations

import click

from codesearch.shell.commands import options
from codesearch.shell.terminal import one_line, write

__all__ = ["doctor", "models"]


@click.command()
@options.json_flag
def models(*, as_json: bool) -> None:
    """List the embedding models that --model knows by name.

    --model also takes a Hub id (owner/name), a model folder, or a service. With a service, and never
    otherwise, the texts of the files leave this machine:

    \b
    tei+http://host:8080           text-embeddings-inference     key: $TEI_API_KEY, if any
    openai:text-embedding-3-small  api.openai.com                key: $OPENAI_API_KEY
    openai+https://host/v1#model   any OpenAI-compatible server  key: $OPENAI_API_KEY, if any
    voyage:voyage-code-3           api.voyageai.com              key: $VOYAGE_API_KEY
    """
    from codesearch.embedding import known_models
    from codesearch.shell.render import dump

    found = known_models()
    if as_json:
        write(dump(found))
        return
    width = max(len(model.name) for model in found)
    for model in found:
        about = "  ".join(one_line(part) for part in (model.source, model.licence) if part)
        write(f"{model.name:<{width}}  {about}\n")


@click.command()
@click.option(
    "--model", metavar="NAME", help="The model to check. [default: $CODESEARCH_MODEL, else 'embedded']"
)
@options.json_flag
@click.pass_context
def doctor(ctx: click.Context, *, model: str | None, as_json: bool) -> None:
    """Check this installation: model, backend, device, full text, graph, grammars, folders.

    Exits with 2 if something that a search needs does not work.
    """
    from codesearch.shell.doctor import examine
    from codesearch.shell.render import dump

    findings = examine(model)
    if as_json:
        write(dump(findings))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            write(f"{finding.level:<4}  {finding.what:<{width}}  {one_line(finding.found)}\n")
    ctx.exit(2 if any(finding.level == "FAIL" for finding in findings) else 0)
