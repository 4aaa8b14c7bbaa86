"""Commands in the words of one language, as a Discord client shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.playground.world import Json

FIRST = "en-US"


def worded(command: Json, locale: str) -> Json:
    """A command, option or choice with `shown` for its name; names and values that are sent stay as they are."""
    told: Json = dict(command)
    told["shown"] = _in(command, "name", locale)
    if "description" in command:
        told["description"] = _in(command, "description", locale)
    for parts in ("options", "choices"):
        if parts in command:
            told[parts] = [worded(part, locale) for part in command[parts] or ()]
    return told


def languages(commands: Iterable[Json]) -> list[str]:
    """Every language that the commands have words in."""
    return [FIRST, *sorted({name for one in commands for name in one.get("name_localizations") or ()} - {FIRST})]


def _in(command: Json, what: str, locale: str) -> Any:
    localized: Json = command.get(f"{what}_localizations") or {}
    return localized.get(locale) or command.get(what)
