"""`python -m tests.supply audit | floors | licences | bom | flipped`: each ends with 1 when something is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from tests.scorecard.commands import ROOT
from tests.supply import audit, bom, flipped, floors, licences, parts


def _audit() -> list[str]:
    return audit.audit()


def _floors() -> list[str]:
    for part, floor in floors.table().items():
        sys.stdout.write(f"{part}: {floor}\n")
    return floors.faults(floors.installed(), floors.floors())


def _licences() -> list[str]:
    packages = licences.installed(parts.default_install())
    for part, licence in licences.report(packages).items():
        sys.stdout.write(f"{part}: {licence}\n")
    for (name, licence), why in licences.ACCEPTED.items():
        sys.stdout.write(f"accepted: {name} bundles {licence} ({why})\n")
    silent = licences.without_notice(packages, (ROOT / "NOTICES.md").read_text("utf-8"))
    return licences.faults(packages) + [f"{name} is not in NOTICES.md" for name in silent]


def _bom() -> list[str]:
    sys.stdout.write(json.dumps(bom.bill(), indent=2) + "\n")
    return []


COMMANDS: dict[str, Callable[[], list[str]]] = {
    "audit": _audit,
    "floors": _floors,
    "licences": _licences,
    "bom": _bom,
    "flipped": flipped.faults,
}


def main(arguments: Sequence[str]) -> int:
    if not arguments or set(arguments) - set(COMMANDS):
        sys.stderr.write(f"Choose from: {', '.join(COMMANDS)}\n")
        return 2
    faults = [fault for name in arguments for fault in COMMANDS[name]()]
    sys.stderr.write("".join(f"FAILED: {fault}\n" for fault in faults))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
