"""What holds a child in on this system: asked of the kernel, not tried out."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bot.cage import calls, files


@dataclass(frozen=True)
class Protection:
    """One of `limits`, `system-calls` and `files`; `by` is what does it, `lacking` what would be needed."""

    name: str
    holds: bool
    by: str = ""
    lacking: str = ""


def protections() -> tuple[Protection, ...]:
    """All three, in this order. A child does not run where one that holds here could not be put up."""
    landlock = files.version()
    return (
        Protection("limits", holds=True, by="rlimits")
        if sys.platform == "linux"
        else Protection("limits", holds=False, by="rlimits without memory", lacking="Linux"),
        Protection("system-calls", holds=True, by="seccomp")
        if calls.available()
        else Protection("system-calls", holds=False, lacking="Linux on x86-64 or aarch64 with seccomp filters"),
        Protection("files", holds=True, by=f"Landlock {landlock}")
        if landlock
        else Protection(
            "files", holds=False, lacking="Linux 5.13 or later with Landlock among its security modules"
        ),
    )
