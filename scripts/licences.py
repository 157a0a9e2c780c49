"""List the licences of what the product installs, and fail for one that does not go with Apache-2.0.

    python -m scripts.licences

The packages are those that ``mlx-jinabert`` requires here, and what they require in turn.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

ALLOWED = re.compile(
    r"\b(Apache|MIT|BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|Unlicense|Zlib|0BSD|CNRI)",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"\b(A?GPL|GNU General Public|GNU Affero|SSPL|BUSL|Commons Clause|Proprietary)", re.IGNORECASE
)
KNOWN = {
    "hnswlib": "Apache-2.0",  # says so in its repository, not in its metadata
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def required(name: str) -> dict[str, Distribution]:
    """Return the distributions that ``name`` requires here without extras, itself left out."""
    found: dict[str, Distribution] = {}
    left = [name]
    while left:
        current = distribution(left.pop())
        for line in current.requires or ():
            if "extra ==" in line:
                continue
            wanted = _NAME.match(line)
            if wanted is None or _normal(wanted[0]) in found:
                continue
            try:
                found[_normal(wanted[0])] = distribution(wanted[0])
            except PackageNotFoundError:
                continue  # of another platform
            left.append(wanted[0])
    return found


def licence_of(package: Distribution) -> str:
    """Return what the metadata say: the expression, else classifiers, else the field."""
    data = package.metadata
    if expression := data.get("License-Expression"):
        return str(expression)
    classifiers = [line for line in data.get_all("Classifier") or () if line.startswith("License ::")]
    if classifiers:
        return ", ".join(line.rpartition(" :: ")[2] for line in classifiers)
    stated = str(data.get("License") or "").strip().partition("\n")[0]
    return stated or KNOWN.get(_normal(str(data["Name"])), "")


def problem_with(licence: str) -> str | None:
    """Return what is wrong with a licence; None for nothing."""
    alternatives = re.split(r"\bOR\b", licence)
    if not any(ALLOWED.search(one) and not REFUSED.search(one) for one in alternatives):
        return "not on the list" if licence else "not stated"
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    failed = 0
    for name, package in sorted(required("mlx-jinabert").items()):
        licence = licence_of(package)
        problem = problem_with(licence)
        failed += problem is not None
        print(f"{name} {package.version}: {licence or '?'}{f'  <- {problem}' if problem else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
