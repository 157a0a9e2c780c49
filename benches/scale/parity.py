"""The hits of an engine beside those of the index itself, on annotated questions.

    python -m benches.scale.parity --checkouts DIR --annotations DIR [--only NAME ...] [--out FILE]

Each repository is indexed, uploaded into Qdrant Edge (the server's engine: int8 codes, HNSW, rescoring, BM25
by sparse vectors) and into the client's local mode (no quantisation), and every question is asked of all
three. NDCG@10 is that of ``benches.retrieval``; overlap@10 is the share of the index's ten best chunks that
the engine's ten hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from benches import program, records
from benches.retrieval import metrics
from benches.retrieval.data.annotations import Repository, load_repositories
from benches.retrieval.running import CachedQueries
from codesearch import Hit, open_index
from codesearch.distributed.engines.address import open_engine
from codesearch.distributed.engines.store import EngineStore
from codesearch.models.embedder import Model
from codesearch.searching.request import SearchRequest
from codesearch.searching.search import Searcher

ROOT, ENGINES = "bench", {"edge": "qdrant+edge://{}/edge", "local": "qdrant+file://{}/local/code"}


def measure(repository: Repository, model: Model, engines: Sequence[str]) -> list[dict[str, object]]:
    """One row a question."""
    embedder = CachedQueries(model.load())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        index = stack.enter_context(open_index(repository.root, model=embedder, here=True))
        index.refresh()
        searchers = {}
        for name in engines:
            url = ENGINES[name]
            engine = open_engine(url.format(folder))
            index.upload(engine, ROOT)
            engine.close()  # builds the graph
            opened = stack.enter_context(closing(open_engine(url.format(folder))))
            searchers[name] = Searcher(EngineStore(opened, [ROOT]), lambda: embedder)
        rows: list[dict[str, object]] = []
        for query in repository.queries:
            own = index.search(query.text, limit=metrics.DEPTH)
            row: dict[str, object] = {
                "repository": repository.name,
                "index": metrics.ndcg(query.targets, own),
            }
            for name, searcher in searchers.items():
                hits = searcher.search(SearchRequest(query.text, metrics.DEPTH, "hybrid"))
                row[name] = metrics.ndcg(query.targets, hits)
                row[f"{name}_overlap"] = overlap(own, hits)
            rows.append(row)
        return rows


def overlap(own: list[Hit], other: list[Hit]) -> float:
    """Share of the own hits that the other list holds, by place."""
    places = [{(hit.path, hit.start_line) for hit in hits} for hits in (own, other)]
    return len(places[0] & places[1]) / max(len(places[0]), 1)


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--engine", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    options = parser.parse_args()
    model, rows = Model(options.model), list[dict[str, object]]()
    for repository in load_repositories(options.annotations, options.checkouts, options.only):
        rows += measure(repository, model, options.engine)
        print(repository.name, len(rows), flush=True)
    keys = ("index", *options.engine, *(f"{name}_overlap" for name in options.engine))
    means = {key: float(np.mean([float(str(row[key])) for row in rows])) for key in keys}
    print(records.table(list(keys), [[f"{means[key]:.4f}" for key in keys]]))
    records.write(options.out, "scale-parity", {"questions": len(rows), "model": options.model}, [means])


if __name__ == "__main__":
    main()
