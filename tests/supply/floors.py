"""Whether every part is at least as new as `floors.toml` wants it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from tests.scorecard.commands import ROOT
from tests.supply import parts

Floors = Mapping[str, Mapping[str, Mapping[str, str]]]


def floors() -> Floors:
    return tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))


def installed() -> dict[str, dict[str, str]]:
    """Every version, by section of the file and name."""
    return {"packages": parts.packages(), "bundled": parts.bundled(), "interpreter": parts.interpreter()}


def faults(found: Mapping[str, Mapping[str, str]], wanted: Floors) -> list[str]:
    """What is too old, unknown, or open without anything that holds it."""
    return [*_below(found, wanted), *_without_a_line(found, wanted), *_not_held(wanted)]


def _below(found: Mapping[str, Mapping[str, str]], wanted: Floors) -> Iterator[str]:
    for section, entries in found.items():
        by_name = {parts.plain(name): entry["floor"] for name, entry in wanted[section].items()}
        for name, version in entries.items():
            floor = by_name.get(parts.plain(name))
            if floor is not None and not _reaches(version, floor):
                yield f"{name} {version or 'of unknown version'} is below {floor}"


def _reaches(version: str, floor: str) -> bool:
    try:
        return Version(version) >= Version(floor)
    except InvalidVersion:
        return False


def _without_a_line(found: Mapping[str, Mapping[str, str]], wanted: Floors) -> Iterator[str]:
    for section in ("bundled", "interpreter"):
        for name in set(found[section]) ^ set(wanted[section]):
            yield f"{name}: in {section} there is a floor or a version, but not both"
    for name in set(map(parts.plain, wanted["packages"])) - set(found["packages"]):
        yield f"{name} has a floor but is not installed by default"


def _not_held(wanted: Floors) -> Iterator[str]:
    for entries in wanted.values():
        for name, entry in entries.items():
            if "open" in entry and not (ROOT / entry.get("held", "nothing")).is_file():
                yield f"{name}: {entry['open']} is open, and nothing holds it"


def table() -> dict[str, Any]:
    """Every floor beside what is installed, for people."""
    wanted = floors()
    return {
        f"{name} {version}": next(
            (e["floor"] for n, e in wanted[section].items() if parts.plain(n) == parts.plain(name)), "no floor"
        )
        for section, entries in installed().items()
        for name, version in entries.items()
    }
