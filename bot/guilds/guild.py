"""What a guild may choose, and what of it cannot be (pure)."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from bot.errors import Code, Refused
from bot.request import EngineName
from bot.texts import LOCALES

LISTED = 25
"""As many values as one of Discord's selects can hold."""

_SNOWFLAKE = re.compile(r"^\d{15,20}$")

RANGES: Mapping[str, tuple[int, int]] = {
    "member_units": (0, 10_000),
    "guild_units": (0, 1_000_000),
    "member_running": (1, 1000),
    "guild_running": (1, 10_000),
    "cooldown_seconds": (0, 86_400),
}
"""The least and the largest number that a field takes."""


class Period(StrEnum):
    """Calendar windows in the guild's time zone; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


Snowflake = Annotated[str, Field(pattern=_SNOWFLAKE.pattern)]
Snowflakes = Annotated[frozenset[Snowflake], Field(max_length=LISTED)]


class GuildSettings(BaseModel):
    """One guild's choices. None or empty: the operator's default, or no restriction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "UTC"
    """IANA name of the time zone in which windows begin."""
    locale: str | None = None
    """Language of public messages."""
    channels: Snowflakes = frozenset()
    """Where the bot may be used; empty: everywhere."""
    roles: Snowflakes = frozenset()
    """Who may ask; empty: everybody."""
    moderator_role: Snowflake | None = None
    """Who moderates, besides whoever may manage the guild."""
    contest_role: Snowflake | None = None
    """Who makes contests, besides moderators."""
    engines: frozenset[str] = frozenset()
    """Allowed engines; empty: all."""
    models: Annotated[frozenset[str], Field(max_length=LISTED)] = frozenset()
    """Allowed models; empty: all."""
    default_engine: str | None = None
    private: bool = False
    """Results for their member only, unless asked otherwise."""
    log_channel: Snowflake | None = None
    """Where changes are announced."""
    period: Period = Period.DAY
    """The window of the next two."""
    member_units: int | None = None
    guild_units: int | None = None
    member_running: int | None = None
    guild_running: int | None = None
    cooldown_seconds: int | None = None
    paused: bool = False
    """Nothing is taken from this guild."""

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError):
            raise ValueError("no such time zone") from None
        return value

    @field_validator(*RANGES)
    @classmethod
    def _within(cls, value: int | None, info: ValidationInfo) -> int | None:
        least, most = RANGES[info.field_name or ""]
        if value is not None and not least <= value <= most:
            raise ValueError("out of range")
        return value

    @field_serializer("channels", "roles", "engines", "models")
    def _sorted(self, values: frozenset[str]) -> list[str]:
        return sorted(values)


def shown(value: Any) -> Any:
    """A field's value as it is written down: sets in order, choices by their names."""
    return sorted(cast("frozenset[Any]", value)) if isinstance(value, frozenset) else value


def changed(settings: GuildSettings, changes: Mapping[str, Any]) -> GuildSettings:
    """These settings with `changes`. Raises `Refused` for a value that cannot be."""
    if "zone" in changes:
        changes = {**changes, "zone": zone_named(str(changes["zone"]))}
    _check_choices(changes)
    try:
        return GuildSettings.model_validate({**dict(settings), **changes})
    except ValidationError as error:
        raise _refused(error) from None


def differences(old: GuildSettings, new: GuildSettings) -> dict[str, tuple[Any, Any]]:
    """Old and new value of every field that is not the same."""
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in GuildSettings.model_fields}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def zone_named(typed: str) -> str:
    """The time zone that was typed, in whatever case. Raises `Refused`, with the name that is nearest."""
    wanted = typed.strip().replace(" ", "_").casefold()
    zones = _zones()
    if wanted in zones:
        return zones[wanted]
    raise Refused(Code.UNKNOWN_ZONE, value=typed.strip()[:60], suggestion=_nearest(wanted, zones))


def _nearest(wanted: str, zones: Mapping[str, str]) -> str:
    """By the whole name, or by the city that ends it."""
    cities = {name.rpartition("/")[2]: name for name in sorted(zones)}
    found = difflib.get_close_matches(wanted.rpartition("/")[2], cities, n=1, cutoff=0.6)
    whole = difflib.get_close_matches(wanted, zones, n=1, cutoff=0.6)
    return zones[cities[found[0]]] if found else zones[whole[0]] if whole else "Europe/Berlin"


@functools.cache
def _zones() -> Mapping[str, str]:
    """Every time zone by its name in small letters."""
    return {name.casefold(): name for name in available_timezones()}


def _check_choices(changes: Mapping[str, Any]) -> None:
    named = {"engines": changes.get("engines", ()), "default_engine": filter(None, [changes.get("default_engine")])}
    for field, engines in named.items():
        for value in sorted(set(engines) - set(EngineName)):
            raise Refused(Code.UNKNOWN_CHOICE, field=field, value=value, choices=", ".join(EngineName))
    if (locale := changes.get("locale")) not in (None, *LOCALES):
        raise Refused(Code.UNKNOWN_CHOICE, field="locale", value=str(locale), choices=", ".join(LOCALES))


def _refused(error: ValidationError) -> Refused:
    """The first thing that is wrong, as a refusal."""
    first = error.errors(include_url=False)[0]
    field, given = str(first["loc"][0]), str(first["input"])[:60]
    if field in RANGES:
        least, most = RANGES[field]
        return Refused(Code.NUMBER_OUT_OF_RANGE, field=field, value=given, least=least, most=most)
    if first["type"] == "too_long":
        return Refused(Code.TOO_MANY_CHOSEN, field=field, limit=LISTED)
    choices = ", ".join(Period) if field == "period" else "-"
    return Refused(Code.UNKNOWN_CHOICE, field=field, value=given, choices=choices)
