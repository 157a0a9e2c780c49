"""A retrieval task of MTEB's whose data are here: four questions, four functions."""

from __future__ import annotations

from datasets import Dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

__all__ = ["LocalCodeRetrieval"]

PAIRS = {
    "read a text file": "def read(path):\n    with open(path) as file:\n        return file.read()",
    "add up all prices": "def total(prices):\n    return sum(price for price in prices)",
    "send an email": "def send_email(message, server):\n    smtplib.SMTP(server).send_message(message)",
    "sort users by name": "def sort_users(users):\n    return sorted(users, key=lambda user: user.name)",
}


class LocalCodeRetrieval(AbsTaskRetrieval):
    metadata = TaskMetadata(
        name="LocalCodeRetrieval",
        description="questions and functions",
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
        dataset={"path": "none", "revision": "1"},
        date=None,
        domains=None,
        license=None,
        annotations_creators=None,
        dialect=None,
        sample_creation=None,
        bibtex_citation=None,
        task_subtypes=None,
        reference=None,
    )

    def load_data(self, num_proc: int | None = None, **options: object) -> None:
        queries = [{"id": f"q{n}", "text": text} for n, text in enumerate(PAIRS)]
        corpus = [{"id": f"d{n}", "text": text, "title": ""} for n, text in enumerate(PAIRS.values())]
        data = {
            "corpus": Dataset.from_list(corpus),
            "queries": Dataset.from_list(queries),
            "relevant_docs": {f"q{n}": {f"d{n}": 1} for n in range(len(PAIRS))},
            "top_ranked": None,
        }
        self.dataset = {"default": {"test": data}}
        self.data_loaded = True
