"""What agents and terminals wait for: first answers, warm answers, one process for all of them.

    python -m benches.agents.transcript [--files 5000] [--semble PROGRAM]

Everything goes through real processes: the SDK's client over stdio and HTTP, the command line as a program.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from codesearch.serving.resident.address import Address
from tests.support.mcp_clients import over_http, over_stdio
from tests.support.trees import write_tree

QUESTIONS = [
    f"{verb} a {noun}" for verb in ("parse", "close", "merge", "retry") for noun in ("header", "page")
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument(
        "--semble", metavar="PROGRAM", help="semble, by its path; SEMBLE_MODEL_NAME says its model"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        os.environ.update(CODESEARCH_HOME=str(base / "home"), CODESEARCH_DAEMON="1", CI="")
        os.environ.setdefault("MLX_JINABERT_CACHE", str(base / "models"))
        try:
            sessions(write_tree(base / "large", options.files, functions=2), options.repeat)
            together([write_tree(base / f"tree{number}", 150, seed=number) for number in range(3)])
            commands(base / "tree0", options)
        finally:
            run(["serve", "--stop"], base)


def run(args: list[str], cwd: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    """The wall time of a command as a whole process, and what it left."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "codesearch", *args], cwd=cwd, capture_output=True, text=True, check=False
    )
    return time.perf_counter() - started, done


def sessions(tree: Path, repeat: int) -> None:
    """One session over each transport: the tools, a cold question, warm ones, similar, errors."""
    print(f"\n## A session on {sum(1 for _ in tree.rglob('*.py')):,} files\n")
    over_stdio(partial(session, "stdio", repeat), tree)
    run(["serve", "--stop"], tree)
    shutil.rmtree(Path(os.environ["CODESEARCH_HOME"]) / "indexes")
    serving = [sys.executable, "-m", "codesearch", "serve", "--port", "0"]
    process = subprocess.Popen(serving, cwd=tree, stderr=subprocess.DEVNULL)
    while (address := Address.read()) is None or address.pid != process.pid:
        time.sleep(0.05)
    port = json.loads(run(["serve", "--status", "--json"], tree)[1].stdout)["port"]
    over_http(partial(session, "HTTP", repeat), port, address.secret)
    process.terminate()
    process.wait()


async def session(name: str, repeat: int, client: Any) -> None:
    listed = (await client.list_tools()).tools
    schema = json.dumps([t.model_dump(by_alias=True, exclude_none=True, mode="json") for t in listed])
    print(f"{name}: {', '.join(t.name for t in listed)}; {len(schema)} characters, {len(schema) // 4} tokens")

    async def timed(tool: str, arguments: dict[str, Any]) -> tuple[float, str]:
        started = time.perf_counter()
        answer = await client.call_tool(tool, arguments)
        return time.perf_counter() - started, answer.content[0].text

    seconds, text = await timed("search", {"query": "parse a header"})
    print(f"{name}: cold, {seconds:.2f} s: {text.splitlines()[0]}")
    started = time.perf_counter()
    while "100 % embedded, up to date" not in text and time.perf_counter() - started < 900:
        time.sleep(1)
        seconds, text = await timed("search", {"query": "parse a header"})
    print(f"{name}: whole after {time.perf_counter() - started:.0f} s more: {text.splitlines()[0]}")
    warm = [(await timed("search", {"query": QUESTIONS[n % len(QUESTIONS)]}))[0] for n in range(repeat)]
    print(f"{name}: warm search {in_words(warm)}")
    place = {"path": "package0/module000.py", "line": 5}
    print(f"{name}: similar {in_words([(await timed('similar', place))[0] for _ in range(repeat // 2)])}")
    for wrong in ({"query": "x", "lang": "py"}, {"query": "x", "path": "/etc"}):
        print(f"{name}: {wrong} -> {(await timed('search', wrong))[1]}")


def together(roots: list[Path]) -> None:
    """Four sessions and eight commands at once: one process, one model, how much memory."""
    print("\n## Four sessions and eight commands at once, three roots\n")

    async def use(client: Any) -> int:
        found = [await client.call_tool("search", {"query": question}) for question in QUESTIONS]
        return sum(not answer.is_error for answer in found)

    with ThreadPoolExecutor(12) as threads:
        by_session = [threads.submit(over_stdio, use, roots[n % 3]) for n in range(4)]
        by_command = [threads.submit(run, [QUESTIONS[n]], roots[n % 3]) for n in range(8)]
        print(f"sessions: {[f.result() for f in by_session]} of {len(QUESTIONS)} answered")
        print(f"commands: exit codes {[f.result()[1].returncode for f in by_command]}")
    address = Address.read()
    assert address is not None
    home = os.environ["CODESEARCH_HOME"]
    servers = [p.pid for p in psutil.process_iter() if is_server(p, home)]
    memory = psutil.Process(address.pid).memory_info().rss / 2**20
    print(f"resident processes: {len(servers)}; memory {memory:.0f} MiB")
    print(run(["serve", "--status"], roots[0])[1].stdout)


def is_server(process: psutil.Process, home: str) -> bool:
    try:
        return "serve" in process.cmdline() and process.environ().get("CODESEARCH_HOME") == home
    except psutil.Error:
        return False


def commands(tree: Path, options: argparse.Namespace) -> None:
    """The command as a whole process: with the resident one, without, and a rival's, in turn."""
    print("\n## A command as a whole process\n")
    kinds = {
        "resident": [],
        "--no-daemon": ["--no-daemon"],
        "words alone, --no-daemon": ["--no-daemon", "--mode", "lexical"],
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    run(["warm up"], tree)
    time.sleep(2)
    for number in range(options.repeat):
        for kind, more in kinds.items():
            seconds, done = run([QUESTIONS[number % len(QUESTIONS)], *more], tree)
            assert done.returncode == 0, done.stderr
            times[kind].append(seconds)
        if options.semble:
            started = time.perf_counter()
            question = QUESTIONS[number % len(QUESTIONS)]
            command = [options.semble, "search", question, str(tree)]
            subprocess.run(command, capture_output=True, check=True)
            times.setdefault("semble", []).append(time.perf_counter() - started)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.setdefault("python -c pass", []).append(time.perf_counter() - started)
    for kind, values in times.items():
        print(f"{kind}: {in_words(values)}")


def in_words(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"p50 {statistics.median(ordered) * 1000:.0f} ms, p95 {last * 1000:.0f} ms ({len(ordered)} times)"


if __name__ == "__main__":
    main()
