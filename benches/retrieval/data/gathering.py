"""Every repository once for each model: what the refit, the ablation and the document share.

A model's indexes are kept in a folder of its own below ``--homes``, so that a second run embeds nothing.
"""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from benches.retrieval.ablation import COLUMNS
from benches.retrieval.data.annotations import Query, load_repositories
from benches.retrieval.features import Features, gathered
from benches.retrieval.running import MODES, QuestionScore, prepared


@dataclass(slots=True)
class Measurement:
    """All queries in order, and of each: its repository's language, and the features of each series."""

    queries: list[Query] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    series: dict[str, list[Features]] = field(default_factory=dict)
    """By "hybrid, MODEL" and "lexical"."""
    plain_columns: dict[str, list[float]] = field(default_factory=dict)
    """By model: NDCG@10 with the columns of the text index weighed alike."""
    scored: dict[str, list[QuestionScore]] = field(default_factory=dict)
    """By model, in every mode; filled if asked for."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that measures takes."""
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--homes", type=Path, required=True, help="keeps the indexes, a folder a model")
    parser.add_argument("--model", action="append", required=True, help="repeat for several")


def measured(
    annotations: Path, checkouts: Path, homes: Path, models: list[str], *, score: bool = False
) -> Measurement:
    """Index what is not indexed yet, ask every query, keep what the weights are multiplied with."""
    data = Measurement()
    for model in models:
        os.environ["CODESEARCH_HOME"] = str(homes / slug(model))
        for repository in load_repositories(annotations, checkouts, None):
            with prepared(repository, model) as bench:
                if model == models[0]:
                    data.queries += repository.queries
                    data.languages += [repository.language] * len(repository.queries)
                    data.series.setdefault("lexical", []).extend(gathered(bench, "lexical"))
                data.series.setdefault(f"hybrid, {model}", []).extend(gathered(bench))
                data.plain_columns.setdefault(model, []).extend(bench.ndcg(COLUMNS[1]))
                if score:
                    rows = [row for mode in MODES for row in bench.score(mode)]
                    data.scored.setdefault(model, []).extend(rows)
            print(f"{model}: {repository.name}", flush=True)
    return data


def slug(model: str) -> str:
    """A model's name or path as the name of a folder."""
    return re.sub(r"[^\w.]+", "-", model).strip("-")
