"""Half of S28: the image runs hardened.

Every step of the Dockerfile is carried out in a root of its own, and the bot is run there as compose.yaml says
(`tests/container/build.py`): ten assertions of the container about itself, one of which only a container engine can
give; a mashup of an mp3 and an m4a; SIGTERM. Broken: the same with root's rights on a root that can be written to.
"""

from __future__ import annotations

import re

from tests.scorecard.commands import run
from tests.scorecard.row import Measured

_TOLD = re.compile(r"^(assertions: .*|the bot connected .*|an mp3 .*|SIGTERM: .*|FAILED: .*)$", re.MULTILINE)


def measure() -> Measured:
    return _trial()


def broken() -> Measured:
    return _trial("--keep-root-writable", "--keep-privileges")


def _trial(*options: str) -> Measured:
    code, out = run("tests.container.build", *options)
    told = "; ".join(_TOLD.findall(out)) or f"exit code {code}"
    return Measured(told, code == 0 and "assertions: " in out)
