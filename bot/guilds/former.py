"""The names under which a member is counted who asked to be forgotten: random, and leading nowhere (pure)."""

from __future__ import annotations

_PREFIX = "former-"


def former(chance: str) -> str:
    """A name made of something random; a new one for each guild."""
    return f"{_PREFIX}{chance}"


def is_former(member: str) -> bool:
    """Whether nobody knows any more who that was."""
    return member.startswith(_PREFIX)
