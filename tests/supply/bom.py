"""The bill of materials of the default install: CycloneDX 1.6 as JSON, with the libraries inside the wheels."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from tests.scorecard.commands import ROOT
from tests.supply import licences, parts


def bill() -> dict[str, Any]:
    """The same for the same lock file and interpreter."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    digests = {name: found for (name, _), found in parts.hashes(lock).items()}
    packages = licences.installed(parts.default_install())
    product = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {package.name for package in packages}
    libraries = parts.bundled()
    main = {
        "type": "application",
        "bom-ref": "twodeck",
        "name": "twodeck",
        "version": product["version"],
        "licenses": [{"license": {"id": product["license"]}}],
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": main},
        "components": [_component(package, digests[package.name], libraries) for package in packages],
        "dependencies": [
            {"ref": "twodeck", "dependsOn": sorted(map(_ref, _direct(product) & names))},
            *({"ref": _ref(name), "dependsOn": sorted(map(_ref, _needs(name) & names))} for name in sorted(names)),
        ],
    }


def _ref(name: str) -> str:
    return f"pkg:pypi/{name}@{metadata.version(name)}"


def _component(package: licences.Package, digests: list[str], libraries: Mapping[str, str]) -> dict[str, Any]:
    mine = [
        {"type": "library", "bom-ref": f"{_ref(package.name)}#{title}", "name": title, "version": version}
        for name, version in libraries.items()
        for title, _, owner in [name.partition(" in ")]
        if _carrier(title, owner) == package.name
    ]
    return {
        "type": "library",
        "bom-ref": _ref(package.name),
        "name": package.name,
        "version": package.version,
        "purl": _ref(package.name),
        "licenses": [{"expression": package.licence}] if " " in package.licence else [_one(package.licence)],
        "properties": [{"name": "sha256 of a file that may be installed", "value": digest} for digest in digests],
        **({"components": mine} if mine else {}),
    }


def _one(licence: str) -> dict[str, Any]:
    return {"license": {"name": licence} if licence == "BSD" else {"id": licence}}


def _carrier(title: str, owner: str) -> str:
    return "soundfile" if "libsndfile" in (title, owner) else owner


def _direct(product: Mapping[str, Any]) -> set[str]:
    return {parts.plain(Requirement(line).name) for line in product["dependencies"]}


def _needs(name: str) -> set[str]:
    wanted = map(Requirement, metadata.requires(name) or ())
    return {parts.plain(w.name) for w in wanted if w.marker is None or w.marker.evaluate({"extra": ""})}
