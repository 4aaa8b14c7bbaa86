"""A package whose bytes are not those that the lock file names is not installed."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.scorecard.commands import ROOT

PACKAGE = "aiosqlite"


def block(lock: str, package: str = PACKAGE) -> str:
    """The lines of one package."""
    found = re.search(rf"^{package}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert found is not None, package
    return "\n".join(line for line in found[0].splitlines() if "#" not in line) + "\n"


def flip(lines: str) -> str:
    """Another first digit in every hash."""
    return re.sub(r"(sha256:)(.)", lambda m: m[1] + ("0" if m[2] != "0" else "1"), lines)


def install(lines: str) -> subprocess.CompletedProcess[str]:
    """With pip, into a folder that goes away again."""
    with tempfile.TemporaryDirectory(prefix="twodeck-flipped-") as folder:
        lock = Path(folder) / "lock.txt"
        lock.write_text(lines, "utf-8")
        options = ("--no-deps", "--no-cache-dir", "--require-hashes", "--target", str(Path(folder) / "site"))
        return subprocess.run(
            [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *options, "-r", str(lock)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def faults() -> list[str]:
    """The true hash has to install, a flipped one must not."""
    true = block((ROOT / "requirements.lock").read_text("utf-8"))
    good, bad = install(true), install(flip(true))
    found = [] if good.returncode == 0 else [f"{PACKAGE} cannot be installed: {good.stderr.strip()[-300:]}"]
    if bad.returncode == 0 or "DO NOT MATCH THE HASHES" not in bad.stderr:
        found.append(f"{PACKAGE} with a flipped hash was not refused for it: {bad.stderr.strip()[-300:]}")
    return found
