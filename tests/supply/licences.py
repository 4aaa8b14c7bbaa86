"""The licence of everything in the default install: what is let in, what never is, and whose notices come along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

LET_IN = {
    "0BSD", "APACHE-2.0", "BSD", "BSD-2-CLAUSE", "BSD-3-CLAUSE", "CC0-1.0", "HPND", "MIT", "MIT-0", "MIT-CMU",
    "MPL-2.0", "PSF-2.0", "ZLIB",
    "LGPL-2.1-OR-LATER", "LGPL-3.0-OR-LATER",
}  # fmt: skip
NAMED_BY_HAND = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
ACCEPTED = {
    ("numpy", "GPL-3.0-or-later WITH GCC-exception-3.1"): "GCC's runtime libraries, which their exception frees"
}
"""What is GPL by name, and why it is let in nevertheless."""
_HEADING = re.compile(r"^\s*License:\s*([A-Za-z0-9.+-]+(?: (?:WITH|AND|OR) [A-Za-z0-9.+-]+)*)\s*$", re.MULTILINE)
_COPYLEFT = re.compile(r"(?<!L)(?:A?GPL)", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """Its own licence as an SPDX expression, and those that its licence files name of what it bundles."""

    name: str
    version: str
    licence: str
    inside: tuple[str, ...] = ()


def installed(names: Iterable[str]) -> list[Package]:
    return [_read(name) for name in sorted(names)]


def _read(name: str) -> Package:
    about = metadata.metadata(name)
    said = [
        str(line).splitlines()[0] for key in ("License-Expression", "License") for line in about.get_all(key) or ()
    ]
    lines = [str(line) for line in about.get_all("Classifier") or ()]
    classifiers = [line.rpartition(":: ")[2] for line in lines if line.startswith("License")]
    licence = said[0].strip() if said else " AND ".join(NAMED_BY_HAND.get(c, c) for c in classifiers)
    inside = sorted({found for text in _texts(name) for found in _HEADING.findall(text)})
    return Package(name, metadata.version(name), NAMED_BY_HAND.get(licence, licence), tuple(inside))


def _texts(name: str) -> list[str]:
    """The licence files that a wheel carries."""
    files = metadata.files(name) or []
    wanted = [Path(f.locate()) for f in files if re.search(r"LICEN[CS]E|COPYING|NOTICE", f.name, re.IGNORECASE)]
    return [path.read_text("utf-8", "replace") for path in wanted if path.is_file()]


def faults(packages: Iterable[Package]) -> list[str]:
    """What may not be in a default install, and whose licence nobody knows."""
    found: list[str] = []
    for package in packages:
        names = [word.strip("()") for word in re.split(r"\s+(?:AND|OR)\s+", package.licence)]
        unknown = [name for name in names if name.upper() not in LET_IN]
        if unknown:
            found.append(f"{package.name}: {', '.join(unknown) or 'no licence'} is not let in")
        for inside in package.inside:
            if _COPYLEFT.search(inside) and (package.name, inside) not in ACCEPTED:
                found.append(f"{package.name} bundles {inside}")
    return found


def without_notice(packages: Iterable[Package], notices: str) -> list[str]:
    """Packages under the LGPL or MPL that the page of notices does not name with their version."""
    weak = [p for p in packages if re.search("LGPL|MPL", p.licence) or p.name == "soundfile"]
    return [p.name for p in weak if f"| {p.name} {p.version} | " not in notices]


def report(packages: Iterable[Package]) -> Mapping[str, str]:
    return {f"{p.name} {p.version}": p.licence for p in packages}
