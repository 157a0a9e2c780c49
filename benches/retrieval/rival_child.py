"""Runs in an environment that holds semble and nothing of ours: questions in, hits out, a JSON line each.

A line of stdin is ``{"root", "queries", "limits"}``; the line that answers it holds the seconds of the index
and, for each query and limit, the hits (path, start_line, end_line, text) and the seconds of the search.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from semble import SembleIndex  # type: ignore[import-not-found]


def _search(index: Any, query: str, limit: int) -> dict[str, object]:
    start = time.perf_counter()
    results = index.search(query, top_k=limit)
    seconds = time.perf_counter() - start
    chunks = [result.chunk for result in results]
    return {
        "seconds": seconds,
        "hits": [[c.file_path, c.start_line, c.end_line, c.content] for c in chunks],
    }


def _answer(job: dict[str, Any]) -> dict[str, object]:
    start = time.perf_counter()
    index = SembleIndex.from_path(job["root"])
    seconds = time.perf_counter() - start
    index.search("warm up", top_k=1)
    answers = [[_search(index, query, limit) for limit in job["limits"]] for query in job["queries"]]
    return {"seconds": seconds, "answers": answers}


if __name__ == "__main__":
    answers_to = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=answers_to, flush=True)
