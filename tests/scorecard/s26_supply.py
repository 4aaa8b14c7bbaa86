"""S26: what Twodeck is made of is known good.

The audit asks pip-audit about every lock file, after it found the holes of a version known to have many; it fails
where anything was skipped or the advisories cannot be reached. The auditor itself is held against advisories of
our own on a local server. Floors: `tests/supply/floors.toml`, libraries inside wheels by asking them. Licences: no
GPL or AGPL. Hashes: pip installs a package with its hash and refuses it with a flipped one. The bill of materials
is held to CycloneDX's own schema.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.scorecard.commands import ROOT, tests_pass
from tests.scorecard.row import Measured, Row
from tests.supply import advisories, audit, bom, flipped, floors, licences, parts


def measure() -> Measured:
    subprocess.run(("make", "--silent", ".venv/audit/.installed"), cwd=ROOT, check=True)
    packages = licences.installed(parts.default_install())
    found = {
        "audit": audit.audit(),
        "auditor with advisories of our own": advisories.faults(),
        "floors": floors.faults(floors.installed(), floors.floors()),
        "licences": licences.faults(packages)
        + licences.without_notice(packages, (ROOT / "NOTICES.md").read_text("utf-8")),
        "hashes": flipped.faults(),
        "bill of materials": _bill(),
    }
    words = [f"{name}: {'ok' if not faults else '; '.join(faults)}" for name, faults in found.items()]
    counts = f"{len(parts.packages())} packages, {len(parts.bundled())} libraries inside them"
    return Measured("; ".join([counts, *words]), not any(found.values()))


def _bill() -> list[str]:
    """What CycloneDX's schema says against it."""
    folder = next((ROOT / ".venv/audit/lib").glob("python*/site-packages/cyclonedx/schema/_res"))
    names = {"spdx": "spdx.SNAPSHOT", "jsf": "jsf-0.82.SNAPSHOT"}

    def fetch(uri: str) -> Any:
        return _read(folder / f"{names['jsf' if 'jsf' in uri else 'spdx']}.schema.json")

    schema = _read(folder / "bom-1.6.SNAPSHOT.schema.json")
    checker = jsonschema_rs.validator_for(schema, retriever=fetch)
    return [error.message[:200] for error in checker.iter_errors(bom.bill())]


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def broken() -> Measured:
    """A blind audit, parts below their floor, GPL packages and missing notices are found by the tests."""
    found = tests_pass("tests/supply/test_supply.py", "-k", "found or fails or flipped")
    return Measured(found.text, not found.kept)


ROW = Row(
    26,
    "dependencies are known good",
    "hash lock, audit with canary and 0 skipped, 0 below their floor, no GPL; each broken variant fails",
    "tests/supply/test_supply.py",
    measure,
    broken,
)
