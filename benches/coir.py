"""CoIR and other retrieval tasks of MTEB over our embedders.

    python -m benches.coir [--model NAME] [--benchmark CoIR] [--task NAME ...]     # with network, needs mteb
    python -m benches.coir --data DIR [--model NAME] [--out FILE]                  # local data, needs nothing

``--data`` is a folder in the format of CoIR and BEIR: ``corpus.jsonl`` ({"_id", "title", "text"}),
``queries.jsonl`` ({"_id", "text"}) and ``qrels/test.tsv`` (query-id, corpus-id, score, with a heading). Every
document is compared with every query. NDCG@10 has the graded gain that trec_eval has (the score itself).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import mlx_jinabert
from benches import program, records

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Task:
    """Documents and queries by id, and which documents answer a query, how well."""

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the queries that have an answer."""

    queries: int
    documents: int
    ndcg_at_10: float
    mrr_at_10: float
    recall_at_10: float


def read_task(folder: Path) -> Task:
    """Read a folder in CoIR's format. ValueError names a line that is not."""
    corpus, queries = (_read_texts(folder / f"{name}.jsonl") for name in ("corpus", "queries"))
    relevant: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            query, document, score = row["query-id"], row["corpus-id"], int(row["score"])
            if query not in queries or document not in corpus:
                raise ValueError(f"{folder}: the pair {query}, {document} is of no query or no document")
            if score > 0:
                relevant.setdefault(query, {})[document] = score
    return Task(corpus, queries, relevant)


def _read_texts(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            item = json.loads(line)
            found[str(item["_id"])] = f"{item.get('title') or ''}\n{item['text']}".strip()
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number} is no text with an _id: {error!r}") from None
    return found


def run(task: Task, model: mlx_jinabert.Embedder) -> Scores:
    """Embed everything, rank, and score."""
    names, asked = list(task.corpus), [query for query in task.queries if query in task.relevant]
    documents = model.encode_document([task.corpus[name] for name in names], truncation="silent")
    queries = model.encode_query([task.queries[query] for query in asked], truncation="silent")
    found = [ranked(names, documents @ vector) for vector in queries]
    scored = [score(task.relevant[query], hits) for query, hits in zip(asked, found, strict=True)]
    return Scores(len(asked), len(names), *np.mean(scored, axis=0).tolist())


def ranked(names: Sequence[str], scores: np.ndarray) -> list[str]:
    """The best ``DEPTH`` documents, equal ones by name."""
    best = sorted(range(len(names)), key=lambda at: (-scores[at], names[at]))[:DEPTH]
    return [names[at] for at in best]


def score(relevant: Mapping[str, int], hits: Sequence[str]) -> tuple[float, float, float]:
    """(NDCG, reciprocal rank, recall) of the hits of one query."""
    gains = [relevant.get(hit, 0) for hit in hits]
    ideal = sorted(relevant.values(), reverse=True)[:DEPTH]
    first = next((1 / rank for rank, gain in enumerate(gains, 1) if gain), 0.0)
    return _dcg(gains) / _dcg(ideal), first, sum(gain > 0 for gain in gains) / len(relevant)


def _dcg(gains: Sequence[int]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, 1)))


def run_public(benchmark: str, tasks: Sequence[str], model: str) -> None:
    """Download tasks and evaluate them with mteb, which prints and keeps its own results."""
    import mteb

    from mlx_jinabert.adapters.sentence_transformers import SentenceTransformer

    chosen = mteb.get_tasks(tasks=list(tasks)) if tasks else mteb.get_benchmark(benchmark).tasks
    for found in mteb.evaluate(SentenceTransformer(model), tasks=chosen).task_results:
        print(f"{found.task_name}\t{100 * found.get_score():.2f}")


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--data", type=Path, help="a folder in CoIR's format")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--benchmark", default="CoIR")
    parser.add_argument("--task", nargs="+", default=[])
    options = parser.parse_args()
    if options.data is None:
        run_public(options.benchmark, options.task, options.model)
        return
    scores = run(read_task(options.data), mlx_jinabert.load(options.model))
    print(f"{options.data.name}: {options.model} on {records.machine_line()}")
    heads = ["queries", "documents", "NDCG@10", "MRR@10", "recall@10"]
    cells = [f"{value:.4f}" if isinstance(value, float) else value for value in asdict(scores).values()]
    print(records.table(heads, [cells]))
    records.write(options.out, "coir", {"data": options.data.name, "model": options.model}, [asdict(scores)])


if __name__ == "__main__":
    main()
