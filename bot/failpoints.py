"""Named points beside every effect that a crash can cut in two; nothing happens there until a test arms them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class _Points:
    """What is called with the name of each point that is reached; None outside of tests."""

    strike: Callable[[str], None] | None = None


def arm(strike: Callable[[str], None] | None) -> None:
    """Call `strike(name)` at every point from now on; it may raise, cancel the task or kill the process."""
    _Points.strike = strike


def reach(name: str) -> None:
    """One point."""
    if _Points.strike is not None:
        _Points.strike(name)


class around:  # noqa: N801 - read as a verb: `with around(...)`
    """The points `NAME:before` and `NAME:after` of one effect; the second only of one that came to its end."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        reach(f"{self._name}:before")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            reach(f"{self._name}:after")


def commit_name(unit: Callable[..., Any]) -> str:
    """How the commit of a unit of work is called: by the function that opens it."""
    return f"commit {unit.__module__}.{unit.__qualname__}".removesuffix(".<locals>.<lambda>")
