"""benches.coir on local data in CoIR's format."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import mlx_jinabert
from benches.coir import main, read_task, run, score

CORPUS = {
    "read": "def read_lines(path):\n    with open(path) as f:\n        return f.readlines()",
    "sort": "def quick_sort(items):\n    pivot = items[0]\n    return sorted(items)",
    "http": "class HttpClient:\n    def get(self, url):\n        return self.session.request('GET', url)",
    "sum": "def total(numbers):\n    return sum(numbers)",
}
QUERIES = {"q1": "read all lines of a file", "q2": "send an HTTP GET request", "q3": "nobody judged this"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, texts in (("corpus", CORPUS), ("queries", QUERIES)):
        lines = [json.dumps({"_id": key, "title": "", "text": text}) for key, text in texts.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "qrels").mkdir()
    judged = "query-id\tcorpus-id\tscore\nq1\tread\t1\nq2\thttp\t1\nq2\tsum\t0\n"
    (tmp_path / "qrels" / "test.tsv").write_text(judged, encoding="utf-8")
    return tmp_path


def test_a_task_is_run(data: Path) -> None:
    found = run(read_task(data), mlx_jinabert.load("embedded"))
    assert (found.queries, found.documents, found.recall_at_10) == (2, 4, 1.0)
    assert found.ndcg_at_10 > 0.9


def test_the_command_prints_and_records(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = data / "record.json"
    monkeypatch.setattr("sys.argv", ["benches.coir", "--data", str(data), "--out", str(out)])
    main()
    assert "NDCG@10" in capsys.readouterr().out
    [row] = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert row["queries"] == 2


def test_scores_by_hand() -> None:
    ndcg, first, recall = score({"a": 2, "b": 1, "c": 1}, ["x", "a", "b"])
    ideal = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg == pytest.approx((2 / math.log2(3) + 1 / math.log2(4)) / ideal)
    assert (first, recall) == (0.5, pytest.approx(2 / 3))
    assert score({"a": 1}, []) == (0, 0, 0)


def test_data_that_does_not_fit_is_told(data: Path) -> None:
    with (data / "qrels" / "test.tsv").open("a", encoding="utf-8") as out:
        out.write("q9\tread\t1\n")
    with pytest.raises(ValueError, match="q9, read is of no query"):
        read_task(data)
    (data / "corpus.jsonl").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"corpus\.jsonl:1"):
        read_task(data)
