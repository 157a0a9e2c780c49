"""Ask for advisories about every package of the development lock, by pip-audit. Needs the network.

    python -m scripts.audit

pip-audit finds nothing wrong with a package that it could not look up, so what was looked up is counted here.
Exits 0 where every package was and has no advisory, 1 for an advisory, 2 where not all could be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.support.paths import ROOT

LOCK = ROOT / "requirements" / "dev.lock"


def main() -> int:
    """Run it and say in a line what came of it."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json"]
    done = subprocess.run([*command, "-r", LOCK], capture_output=True, text=True, check=False)
    lines, status = report(done.stdout, done.stderr)
    print("\n".join(lines), file=sys.stderr if status else sys.stdout)
    return status


def report(output: str, errors: str) -> tuple[list[str], int]:
    """Return what is to be said of pip-audit's output, and the exit status."""
    try:
        found: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = errors.strip().rpartition("\n")[2] or "it said nothing"
        return [
            f"audit: not done: pip-audit could not ask for advisories ({last[:200]}); is there a network?"
        ], 2
    skipped = [package for package in found if "skip_reason" in package]
    if len(skipped) == len(found):
        reason = skipped[0]["skip_reason"] if skipped else "the lock is empty"
        return [f"audit: not done: no package could be looked up ({reason}); is PyPI reached?"], 2
    advisories = [
        f"{package['name']} {package['version']}: {advisory['id']}, "
        f"mended in {', '.join(advisory['fix_versions']) or 'no version'}"
        for package in found
        for advisory in package.get("vulns", ())
    ]
    counted = f"audit: {len(found) - len(skipped)} of {len(found)} packages, {len(advisories)} advisories"
    missed = [f"not looked up: {package['name']}: {package['skip_reason']}" for package in skipped]
    return [*advisories, *missed, counted], 1 if advisories else 2 if skipped else 0


if __name__ == "__main__":
    raise SystemExit(main())
