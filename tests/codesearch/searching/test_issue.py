"""Long questions: taken apart, weighed by rarity, and not cut; and the files that they name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch import open_index
from codesearch.searching.question.issue import Frame, Issue, term_weights
from codesearch.searching.question.query import LONG, Query
from codesearch.searching.signals.mentions import named_files
from tests.support.closeness import WordHashEmbedder

REPORT = """Quantile drops attributes with `keep_attrs`
<!-- please search for duplicates before you write -->
The result of ``quantile`` loses its units.

```python
import lib
lib.frame.quantile(0.9, keep_attrs=True)
```

    indented = code()

Traceback (most recent call last):
  File "/site-packages/lib/core/frame.py", line 12, in quantile
    return self.reduce()
  File "/site-packages/lib/core/reduce.py", line 7, in reduce
    raise ValueError
ValueError: no units left

See https://forge.test/o/lib/blob/main/lib/core/attrs.py#L12 and lib.core.options.

numpy: 1.16.1
OS: Linux
"""


def test_an_issue_is_taken_apart() -> None:
    issue = Issue.of(REPORT)
    assert issue.title == "Quantile drops attributes with `keep_attrs`"
    assert "loses its units" in issue.prose
    assert "duplicates" not in issue.prose
    assert "lib.frame.quantile" in issue.code
    assert "indented" in issue.code
    assert issue.inline == ("keep_attrs", "quantile")
    assert issue.messages == ("ValueError: no units left",)
    assert issue.frames == (
        Frame("/site-packages/lib/core/frame.py", "quantile"),
        Frame("/site-packages/lib/core/reduce.py", "reduce"),
    )
    assert "lib/core/attrs.py" in issue.paths
    assert "lib.core.options" in issue.dotted


def test_the_environment_is_no_part_of_the_question() -> None:
    assert "numpy" not in term_weights(Issue.of(REPORT))


def test_what_the_title_says_counts_more() -> None:
    weights = term_weights(Issue.of(REPORT))
    assert weights["attribute"] > weights["lose"] > weights["import"]


def test_files_are_named_by_path_module_and_frame() -> None:
    paths = [
        "lib/core/frame.py",
        "lib/core/reduce.py",
        "lib/core/attrs.py",
        "lib/core/options.py",
        "lib/other.py",
    ]
    found = named_files(paths, Query(REPORT))
    assert found["lib/core/attrs.py"] == found["lib/core/reduce.py"] == 1
    assert found["lib/core/reduce.py"] > found["lib/core/frame.py"] > found["lib/core/options.py"] > 0
    assert "lib/other.py" not in found


def test_the_longest_ending_of_a_path_decides() -> None:
    assert named_files(["a/util/inspect.py", "util/inspect.py"], Query("see x/a/util/inspect.py")) == {
        "a/util/inspect.py": 1.0
    }


@pytest.mark.parametrize("query", ["Client.send", "where does self.send go", "retry requests"])
def test_a_short_question_names_no_file_by_accident(query: str) -> None:
    assert named_files(["src/send.py", "src/client.py"], Query(query)) == {}


@given(st.text(max_size=400))
def test_any_text_can_be_taken_apart(text: str) -> None:
    weights = term_weights(Issue.of(text))
    assert all(weight > 0 for weight in weights.values())


def test_a_long_question_is_not_cut(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("CODESEARCH_HOME", str(tmp_path / "home"))
    root = tmp_path / "tree"
    root.mkdir()
    for number in range(12):  # all hold what the report goes on about
        words = " ".join(f"common{i}" for i in range(80))
        (root / f"noise{number}.py").write_text(f"def noise{number}():\n    '{words}'\n")
    (root / "answer.py").write_text("def zebra_crossing(stripes):\n    return stripes\n")
    report = (
        "It breaks\n\n" + " ".join(f"common{i}" for i in range(80)) + "\n\nThe zebra crossing has no stripes."
    )
    assert len(Query(report).all_terms) > LONG
    with open_index(root, WordHashEmbedder()) as index:
        index.refresh()
        assert index.search(report, mode="lexical")[0].path == "answer.py"


_FOREIGN = "".join(
    f'  File "/opt/venv/lib/python3.11/site-packages/web/part{n}.py", line {n}, in __call__\n'
    "    await self.app(scope, receive, send)\n    ^^^^^^^^^^^^^^^^\n"
    for n in range(20)
)


@pytest.mark.parametrize("before", ["", "2026-01-02 12:00:01 ERROR "])
@pytest.mark.parametrize("end", ["", "\n", "\n\nThe above exception was handled.\n"])
def test_a_bare_traceback_asks_for_its_last_message(before: str, end: str) -> None:
    text = f"{before}Traceback (most recent call last):\n{_FOREIGN}ValueError: pallet exceeds load limit{end}"
    issue = Issue.of(text)
    assert issue.title == "ValueError: pallet exceeds load limit"
    assert "receive" not in f"{issue.prose} {issue.code}"
    assert len(issue.frames) == 20
    weights = term_weights(issue)
    assert min(weights["pallet"], weights["limit"]) > weights.get("receive", 0.0)


def test_of_chained_exceptions_the_last_one_is_the_title() -> None:
    first = f"Traceback (most recent call last):\n{_FOREIGN}KeyError: 'rack'\n"
    between = "\nDuring handling of the above exception, another exception occurred:\n\n"
    last = f"Traceback (most recent call last):\n{_FOREIGN}LookupError: no such rack"
    assert Issue.of(first + between + last).title == "LookupError: no such rack"


def test_a_report_with_a_title_keeps_it() -> None:
    assert (
        Issue.of(f"Racks overflow\n\nTraceback (most recent call last):\n{_FOREIGN}ValueError: x").title
        == "Racks overflow"
    )
