"""Versions, licences, hashes, the audit: each holds for what is installed, and goes red for what is broken."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scorecard.commands import ROOT
from tests.supply import audit, bom, flipped, floors, licences, parts

LOCK = (ROOT / "requirements.lock").read_text("utf-8")


@pytest.fixture(scope="module")
def installed() -> dict[str, dict[str, str]]:
    return floors.installed()


@pytest.fixture(scope="module")
def packages() -> list[licences.Package]:
    return licences.installed(parts.default_install())


def test_what_is_installed_is_what_is_locked() -> None:
    assert parts.packages() == parts.default_install()


def test_every_locked_file_has_its_hash_and_no_registry_is_named() -> None:
    for name in audit.LOCKS:
        lock = (ROOT / name).read_text("utf-8")
        assert all(parts.hashes(lock).values()), name
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock), name


def test_nothing_is_below_its_floor(installed: dict[str, dict[str, str]]) -> None:
    assert floors.faults(installed, floors.floors()) == []


@pytest.mark.parametrize(
    ("section", "name", "version"),
    [
        ("packages", "aiohttp", "3.14.3"),
        ("bundled", "libsndfile", "1.2.1"),
        ("bundled", "LAME in lameenc", "3.100"),
        ("bundled", "libwebp in pillow", "None"),
        ("interpreter", "SQLite", "3.34.1"),
        ("bundled", "libnew in pillow", "1.0"),
    ],
)
def test_a_part_below_its_floor_or_without_one_is_found(
    installed: dict[str, dict[str, str]], section: str, name: str, version: str
) -> None:
    older = {**installed, section: {**installed[section], name: version}}
    assert any(name in fault for fault in floors.faults(older, floors.floors()))


def test_a_hole_that_nothing_holds_is_found(installed: dict[str, dict[str, str]]) -> None:
    wanted = floors.floors()
    sound = {**wanted["bundled"]["libsndfile"], "held": "tests/gone.py"}
    weaker = {**wanted, "bundled": {**wanted["bundled"], "libsndfile": sound}}
    assert ["nothing holds it" in fault for fault in floors.faults(installed, weaker)] == [True]


def test_no_gpl_is_in_the_default_install(packages: list[licences.Package]) -> None:
    assert licences.faults(packages) == []
    assert licences.without_notice(packages, (ROOT / "NOTICES.md").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("licence", "inside"),
    [("GPL-3.0-or-later", ()), ("AGPL-3.0", ()), ("", ()), ("MIT", ("GPL-2.0-only",)), ("MIT AND GPL-2.0", ())],
)
def test_a_package_that_may_not_come_in_is_found(
    packages: list[licences.Package], licence: str, inside: tuple[str, ...]
) -> None:
    worse = [*packages[1:], replace(packages[0], licence=licence, inside=inside)]
    assert [fault.startswith(packages[0].name) for fault in licences.faults(worse)] == [True]


def test_another_version_without_a_new_notice_is_found(packages: list[licences.Package]) -> None:
    page = (ROOT / "NOTICES.md").read_text("utf-8").replace("soxr 1", "soxr 0")
    assert licences.without_notice(packages, page) == ["soxr"]


def test_the_bill_has_every_package_with_its_hashes_and_what_is_inside() -> None:
    bill = bom.bill()
    components = {part["name"]: part for part in bill["components"]}
    assert {name: part["version"] for name, part in components.items()} == parts.default_install()
    assert all(part["properties"] and part["licenses"] for part in components.values())
    inside = {library["name"]: library["version"] for library in components["soundfile"]["components"]}
    assert inside["libsndfile"] == parts.bundled()["libsndfile"]
    assert {"LAME", "mpg123"} <= set(inside)
    known = {"twodeck", *(part["bom-ref"] for part in bill["components"])}
    assert {ref for entry in bill["dependencies"] for ref in (entry["ref"], *entry["dependsOn"])} <= known


def test_a_flipped_hash_is_another_one() -> None:
    lines = flipped.block(LOCK)
    assert lines.startswith(f"{flipped.PACKAGE}==")
    assert not set(re.findall("[0-9a-f]{64}", lines)) & set(re.findall("[0-9a-f]{64}", flipped.flip(lines)))


def auditor(folder: Path, canary: Any, rest: Any, code: int = 0) -> tuple[str, ...]:
    """A program in pip-audit's place: it answers `canary` for a file of one line, `rest` for others."""
    script = folder / "auditor.py"
    script.write_text(
        "import sys\n"
        "text = open(sys.argv[-1], encoding='utf-8').read()\n"
        f"first = text.strip() == {audit.CANARY!r}\n"
        f"print({json.dumps(canary)!r} if first else {json.dumps(rest)!r})\n"
        "print('No known vulnerabilities found', file=sys.stderr)\n"
        f"sys.exit(1 if first else {code})\n",
        "utf-8",
    )
    return sys.executable, str(script)


HOLES: dict[str, Any] = {
    "dependencies": [{"name": "aiohttp", "version": "3.13.2", "vulns": [{"id": "CVE-2025-69223"}]}]
}
CLEAN: list[dict[str, Any]] = [
    {"name": name, "version": version, "vulns": []} for name, version in parts.locked(LOCK).items()
]
MINE = ("requirements.lock",)


def test_an_audit_that_finds_the_canary_and_looks_up_all_passes(tmp_path: Path) -> None:
    assert audit.audit(auditor(tmp_path, HOLES, {"dependencies": CLEAN}), MINE) == []


@pytest.mark.parametrize(
    ("canary", "rest", "code", "why"),
    [
        ({"dependencies": []}, {"dependencies": CLEAN}, 0, "proves nothing"),
        ("no json", {"dependencies": CLEAN}, 0, "proves nothing"),
        (HOLES, {"dependencies": CLEAN[1:]}, 0, "1 packages were not looked up"),
        (HOLES, {"dependencies": [*CLEAN[1:], {"name": CLEAN[0]["name"], "skip_reason": "404"}]}, 0, "was skipped"),
        (HOLES, {"dependencies": []}, 0, "were not looked up"),
        (HOLES, {"dependencies": [*CLEAN, *HOLES["dependencies"]]}, 1, "CVE-2025-69223"),
        (HOLES, {"dependencies": CLEAN}, 1, "ended with 1"),
    ],
    ids=["blind", "no answer", "one missing", "one skipped", "all missing", "a hole", "failed without a reason"],
)
def test_an_audit_that_cannot_be_believed_fails(
    tmp_path: Path, canary: Any, rest: Any, code: int, why: str
) -> None:
    found = audit.audit(auditor(tmp_path, canary, rest, code), MINE)
    assert why in " ".join(found)


def workflow_faults(name: str, text: str) -> list[str]:
    """What a workflow does that it should not."""
    flow = yaml.safe_load(text)
    used = re.findall(r"uses:\s*(\S+)(.*)", text)
    found = [f"{name}: {action} is not pinned" for action, _ in used if not re.search(r"@[0-9a-f]{40}$", action)]
    found += [f"{name}: {action} does not say which release that is" for action, said in used if " # v" not in said]
    if flow.get("permissions") != {"contents": "read"}:
        found.append(f"{name}: it may do more than read")
    found += [
        f"{name}: {job} may run for ever" for job, does in flow["jobs"].items() if not does.get("timeout-minutes")
    ]
    return found + [f"{name}: it uses a secret"] * ("secrets." in text)


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_may_only_read(path: Path) -> None:
    text = path.read_text("utf-8")
    assert workflow_faults(path.name, text) == []
    assert "is not pinned" in workflow_faults(path.name, re.sub(r"@[0-9a-f]{40}", "@v5", text))[0]
    assert "more than read" in " ".join(
        workflow_faults(path.name, text.replace("contents: read", "contents: write"))
    )


def test_every_python_that_is_promised_is_tried() -> None:
    flow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    promised = [line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line]
    assert flow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
