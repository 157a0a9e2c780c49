"""Every example of docs/adapters.md, run as it stands against the real package, and what it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.running import require

SECTIONS = re.split(r"^## ", (ROOT / "docs/adapters.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
EXAMPLES = [
    (section.partition("\n")[0], number, code)
    for section in SECTIONS
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", section, re.DOTALL))
]
NEEDS = {
    "LangChain": "langchain_core",
    "LlamaIndex": "llama_index.core",
    "Haystack": "haystack",
    "llm": "llm",
    "Chroma": "chromadb",
    "LanceDB": "lancedb",
}
PRINTS = {
    ("LangChain", 0): r"def read\(path\)",
    ("LangChain", 1): r"reading\.py 1\n",
    ("LlamaIndex", 0): r"def read\(path\)",
    ("LlamaIndex", 1): r"reading\.py \d",
    ("Haystack", 0): r"def read\(path\)",
    ("llm", 0): r"256\n",
    ("Chroma", 0): r"\[\['def read\(path\)",
    ("LanceDB", 0): r"def read\(path\)",
    ("sentence-transformers and MTEB", 0): r"\[\[0\.\d+ +-?0\.\d+\]\]",
    ("hhg (hygrep)", 0): r"onnx int8 on cpu \[0\.\d+\]",
}


def test_every_example_is_known() -> None:
    assert {(section, number) for section, number, _ in EXAMPLES} == set(PRINTS)


@pytest.mark.parametrize(("section", "number", "code"), EXAMPLES, ids=[f"{s} {n}" for s, n, _ in EXAMPLES])
def test_example(
    section: str, number: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if section in NEEDS:
        require(NEEDS[section])
    (tmp_path / "reading.py").write_text("def cut(text, limit):\n    return text[:limit]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "llm"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(
            compile(code, f"docs/adapters.md, {section}", "exec", dont_inherit=True),
            {"__name__": "__example__"},
        )
    assert re.search(PRINTS[section, number], printed.getvalue()), printed.getvalue()
