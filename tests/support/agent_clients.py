"""What installing writes for each client: the golden files, and the program that makes them anew."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from codesearch.serving.agents.install.clients import CLIENTS, Client
from codesearch.serving.agents.install.plan import Scope, to_install
from tests.support.paths import ROOT

__all__ = ["COMMAND", "GOLDEN", "written"]

GOLDEN = ROOT / "tests" / "codesearch" / "serving" / "agents" / "golden"
COMMAND = ["/opt/tools/bin/codesearch"]


def written(client: Client) -> dict[str, str]:
    """Every file that both scopes write, by its path below a project and a home folder."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        found = {}
        for name in ("project", "user"):
            scope = Scope(name, base / "project", base / "home")
            for edit in to_install([client], scope, COMMAND):
                path = edit.path.relative_to(base).as_posix()
                found[path] = (edit.after or "").replace(str(base / "project"), "/home/me/project")
        return found


def main() -> None:
    """Write them."""
    GOLDEN.mkdir(exist_ok=True)
    for client in CLIENTS:
        text = json.dumps(written(client), indent=2) + "\n"
        (GOLDEN / f"{client.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
